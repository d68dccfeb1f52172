@restart
Feature: Drives that many machines have had, one after the other
  A server is restarted for a new kernel, moved, crashes, is repaired and restarted: over the months a drive is in many
  hands. Each machine finds what the last one has left, adds bitmaps, takes some away, resizes the drive, and leaves
  what it has to the next. Nothing of that may be lost, and nothing may come back that was taken away.

  Rule: Each machine finds just the bitmaps that the last one left, with all their bits, and goes on with them
    @bug-B19 @bug-B27 @bug-B33
    Scenario: Four machines add, remove, empty, merge, disable and enable bitmaps, and resize the drive
      Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap | granularity | recording | persistent |
        | fine   | 512 B       | yes       | yes        |
        | usual  | 64 KiB      | yes       | yes        |
        | idle   | 32 KiB      | no        | yes        |
        | huge   | 2 GiB       | yes       | yes        |
        | gone   | 64 KiB      | yes       | no         |
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And the bitmap "usual" of "drive0" has been disabled
      And the bitmap "idle" of "drive0" has been enabled
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | second | 4 KiB       | yes        |
        | brief  | 64 KiB      | yes        |
      And the guest has written to "drive0":
        | pattern | at    | length | note                |
        | 0x64    | 4 MiB | 1 KiB  | the rest at the end |
      And the bitmap "brief" of "drive0" has been removed
      And "drive0" has been resized to 6 MiB + 512 B
      And the machine has been shut down
      And the machine "tuesday" has started with the same drives
      And the guest has written to "drive0":
        | pattern | at    | length | note              |
        | 0x9a    | 6 MiB | 512 B  | up to the new end |
      And "fine" and "idle" of "drive0" has been merged into "usual"
      And the bitmap "fine" of "drive0" has been cleared
      And the bitmap "huge" of "drive0" has been removed
      And the machine has been shut down
      And the machine "wednesday" has started with the same drives
      And the bitmap "usual" of "drive0" has been enabled
      And "drive0" has been resized to 2 MiB + 512 B
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent | note                        |
        | brief  | 1 KiB       | yes        | a name that was used before |
      And the guest has written to "drive0":
        | pattern | at    | length | note                 |
        | 0x22    | 2 MiB | 512 B  | the end is there now |
      And the machine has been shut down
      When the machine "thursday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty   |
        | fine   | 512 B       | yes       | no   | yes        | 512 B   |
        | usual  | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | idle   | 32 KiB      | yes       | no   | yes        | 32 KiB  |
        | second | 4 KiB       | yes       | no   | yes        | 4 KiB   |
        | brief  | 1 KiB       | yes       | no   | yes        | 1 KiB   |
      And the bitmaps should still hold what had changed
      And the image of "drive0" should store its persistent bitmaps and no others

    @bug-B19
    Scenario: Bitmaps with no bit, with every bit, and with bits in one of several clusters
      Given the 5 MiB + 512 B drive "drive0" in a qcow2 image with clusters of 512 B
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | empty  | 512 B       | yes        |
        | full   | 512 B       | yes        |
        | last   | 512 B       | yes        |
        | first  | 4 KiB       | yes        |
      And the guest has written to "drive0":
        | request      | pattern | at | length        | note            |
        | write zeroes |         | 0  | 5 MiB + 512 B | the whole drive |
      And the bitmap "empty" of "drive0" has been cleared
      And the bitmap "last" of "drive0" has been cleared
      And the bitmap "first" of "drive0" has been cleared
      And the bitmap "empty" of "drive0" has been disabled
      And the bitmap "first" of "drive0" has been disabled
      And the guest has written to "drive0":
        | pattern | at    | length | note                             |
        | 0x64    | 5 MiB | 512 B  | the last bit of the last cluster |
      And the bitmap "first" of "drive0" has been enabled
      And the bitmap "last" of "drive0" has been disabled
      And the guest has written to "drive0":
        | pattern | at | length | note          |
        | 0x65    | 0  | 1 B    | the first bit |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And the machine has been shut down
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty         |
        | empty  | 512 B       | no        | no   | yes        | 0             |
        | full   | 512 B       | yes       | no   | yes        | 5 MiB + 512 B |
        | last   | 512 B       | no        | no   | yes        | 512 B         |
        | first  | 4 KiB       | yes       | no   | yes        | 4 KiB         |
      And the bitmaps should still hold what had changed

    Scenario Outline: The drive is of <size>, and its last bit has been set: <case>
      Given the <size> drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap  | granularity   | persistent |
        | bitmap0 | <granularity> | yes        |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xab    | <end> | 512 B  |
      And the machine has been shut down
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity   | recording | busy | persistent | dirty         |
        | bitmap0 | <granularity> | yes       | no   | yes        | <granularity> |
      And the bitmaps should still hold what had changed

      Examples: sizes that leave a part of a bit, a byte, a word or a cluster of the bitmap
        | case                            | size            | granularity | end             |
        | one bit, of which a part counts | 512 B           | 64 KiB      | 0               |
        | a byte and a bit                | 4 KiB + 512 B   | 512 B       | 4 KiB           |
        | a word and a bit                | 32 KiB + 512 B  | 512 B       | 32 KiB          |
        | a cluster of bits               | 256 MiB         | 512 B       | 256 MiB - 512 B |
        | a cluster of bits and one more  | 256 MiB + 512 B | 512 B       | 256 MiB         |

    Scenario: A hundred bitmaps, whose list takes several clusters, go through three machines
      Given the 4 MiB drive "drive0" in a qcow2 image with clusters of 512 B
      And 100 persistent bitmaps have been added to "drive0" in the transaction that starts a full backup
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And the bitmap "bitmap1" of "drive0" has been removed
      And the bitmap "bitmap50" of "drive0" has been removed
      And the bitmap "bitmap100" of "drive0" has been removed
      And the machine has been shut down
      And the machine "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at          | length |
        | 0x64    | 4 MiB - 1 B | 1 B    |
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap99" should restore it as it was then
      And the image of "drive0" should store its persistent bitmaps and no others

  Rule: A chain goes on through restarts and repairs, whatever kind of image the drive is in
    @bug-B09
    Scenario Outline: Increments before, between and after two restarts of a drive in <image>
      Given the 4 MiB + 1 KiB drive "drive0" in <image>, holding:
        | pattern | at            | length |
        | 0x41    | 0             | 65 KiB |
        | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent | granularity |
        | add     | bitmap0 | drive0 | yes        | 4 KiB       |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at    | length |
        | write        | 0x64    | 4 MiB | 1 KiB  |
        | write zeroes |         | 0     | 8 KiB  |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And an incremental backup of "drive0" with "bitmap0"
      And the machine has been shut down
      And the machine "tuesday" has started with the same drives
      And the guest has written to "drive0":
        | request | pattern | at            | length  |
        | write   | 0x9a    | 2 MiB - 1 KiB | 2 KiB   |
        | discard |         | 3 MiB         | 128 KiB |
      And the machine has been shut down
      And the machine "wednesday" has started with the same drives
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 3 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

      Examples: kinds of images
        | case                          | image                                            |
        | the default                   | a qcow2 image                                    |
        | bitmaps over several clusters | a qcow2 image with clusters of 512 B             |
        | entries for parts of clusters | a qcow2 image with extended L2 entries           |
        | data in another file          | a qcow2 image with its data in a file of its own |
        | data that others read, too    | a qcow2 image with its data in a raw image       |

    @bug-B16
    Scenario: Of two drives, only the one that was in use at the crash has to begin anew
      Given the 4 MiB drive "drive0" in a qcow2 image
      And the 4 MiB + 1 KiB drive "drive1" in a qcow2 image
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      And a full backup of "drive1", in one transaction with these requests:
        | request | bitmap  | drive  | persistent | granularity |
        | add     | bitmap1 | drive1 | yes        | 512 B       |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      And the guest has written to "drive1":
        | pattern | at    | length |
        | 0x64    | 4 MiB | 1 KiB  |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And "drive1" has been unplugged
      And the machine has been killed
      And the machine "tomorrow" has started with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      And the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap1 | 512 B       | yes       | no   | yes        | 1 KiB |
      And the next incremental backup of "drive1" with "bitmap1" should restore it as it was then
      When the bitmap "bitmap0" of "drive0" is removed
      And a bitmap "bitmap0" is added to "drive0"
      Then the bitmaps should still hold what had changed

    @bug-B16
    Scenario: A second crash and a second repair in one chain
      Given the 4 MiB drive "drive0" in a qcow2 image
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      And the machine has been shut down
      And the machine "sunday" has started with the same drives
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      And the machine has been killed
      And the machine "monday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      And the machine has been shut down
      And the machine "tuesday" has started with the same drives
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x22    | 2 MiB | 64 KiB |
      And the machine has been killed
      And the machine "wednesday" has started with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      Given the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x33    | 3 MiB | 1 KiB  |
      And the machine has been shut down
      And the machine "thursday" has started with the same drives
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

    Scenario: A crash comes before a new bitmap was ever stored
      Given the 4 MiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | stored | 64 KiB      | yes        |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new    | 64 KiB      | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the machine has been killed
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | inconsistent | dirty |
        | stored | 64 KiB      | no        | no   | yes        | yes          | 0     |
      And "drive0" should hold what the guest has written

    Scenario: A bitmap that a crash has spoilt stays spoilt, beside others, until it is removed
      Given the 4 MiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | spoilt | 64 KiB      | yes        |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | sound  | 32 KiB      | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the machine has been shut down
      When the machine "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | inconsistent | dirty  |
        | spoilt | 64 KiB      | no        | no   | yes        | yes          | 0      |
        | sound  | 32 KiB      | yes       | no   | yes        | no           | 64 KiB |
      And the bitmaps should still hold what had changed

  Rule: What is written to an image while no machine has it, is in the next increment
    Scenario: The image tools write to an image with three bitmaps
      Given the 4 MiB drive "drive0" in a qcow2 image
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      And these bitmaps on "drive0":
        | bitmap  | granularity | persistent | recording |
        | bitmap1 | 512 B       | yes        | yes       |
        | bitmap2 | 512 B       | yes        | no        |
      And the machine has been shut down
      And the image of "drive0" has been written to while no machine had it:
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
        | 0x64    | 4 MiB - 1 B  | 1 B    |
      And the machine "tomorrow" has started with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | yes       | no   | yes        | 1536 B  |
        | bitmap2 | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: Bitmaps can come and go while the guest writes, in whichever thread the drive lives
    @bug-B32
    Scenario: Persistent bitmaps of a drive in an iothread are added, removed, stored and found again
      Given the 4 MiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | old    | 64 KiB      | yes        |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And "drive0" lives in an iothread of its own
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new    | 512 B       | yes        |
        | brief  | 4 KiB       | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the bitmap "brief" of "drive0" has been removed
      And the bitmap "old" of "drive0" has been removed
      And the machine has been shut down
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty |
        | new    | 512 B       | yes       | no   | yes        | 1 KiB |
      And the bitmaps should still hold what had changed

    @bug-B34
    Scenario: Persistent bitmaps are added and removed while writes are on their way
      Given the 4 MiB drive "drive0" in a qcow2 image with clusters of 512 B
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | old0   | 512 B       | yes        |
        | old1   | 4 KiB       | yes        |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And these writes of the guest to "drive0" are on their way:
        | pattern | at    | length  |
        | 0xab    | 0     | 256 KiB |
        | 0x64    | 2 MiB | 512 KiB |
      When these requests are made as one transaction:
        | request | bitmap | drive  | persistent |
        | add     | new0   | drive0 | yes        |
        | remove  | old0   | drive0 |            |
        | add     | new1   | drive0 | yes        |
      Then QEMU should grant it
      When the guest writes to "drive0":
        | pattern | at    | length  |
        | 0x9a    | 3 MiB | 256 KiB |
      And the bitmap "old1" of "drive0" is removed
      Then the bitmaps should still hold what had changed
      And the image of "drive0" should store its persistent bitmaps and no others
