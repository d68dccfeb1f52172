@restart
Feature: Chains over several restarts
  A chain of increments is older than the machine that takes the next one. Whatever kind of image the drive is in, and
  whatever thread it lives in, each increment holds what has changed since the last one, whoever has run the guest in
  the meantime, and be it that no machine ran at all when something was written.

  Rule: A chain goes on through restarts, whatever kind of image the drive is in
    @bug-B09
    Scenario Outline: Increments before and after restarts of a drive in <image>
      Given the 4 MiB + 1 KiB drive "drive0" in <image>, holding:
        | pattern | at            | length |
        | 0x41    | 0             | 65 KiB |
        | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent | granularity |
        | add     | bitmap0 | drive0 | yes        | 4 KiB       |
      And the guest has written to "drive0":
        | request      | pattern | at    | length |
        | write        | 0x64    | 4 MiB | 1 KiB  |
        | write zeroes |         | 0     | 8 KiB  |
      And the machine has been shut down, and "monday" has started with the same drives
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request | pattern | at            | length  |
        | write   | 0x9a    | 2 MiB - 1 KiB | 2 KiB   |
        | discard |         | 3 MiB         | 128 KiB |
      And the machine has been shut down, and "tuesday" has started with the same drives
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

      Examples: kinds of images
        | case                          | image                                            |
        | the default                   | a qcow2 image                                    |
        | bitmaps over several clusters | a qcow2 image with clusters of 512 B             |
        | entries for parts of clusters | a qcow2 image with extended L2 entries           |
        | data in another file          | a qcow2 image with its data in a file of its own |
        | data that others read, too    | a qcow2 image with its data in a raw image       |

  Rule: What is written to an image while no machine has it, is in the next increment
    Scenario: The image tools write to an image with three bitmaps
      Given the 4 MiB drive "drive0" in a qcow2 image
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent | granularity | recording |
        | add     | bitmap0 | drive0 | yes        | 64 KiB      | yes       |
        | add     | bitmap1 | drive0 | yes        | 512 B       | yes       |
        | add     | bitmap2 | drive0 | yes        | 512 B       | no        |
      And the machine has been shut down
      And the image of "drive0" has been written to while no machine had it:
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
        | 0x64    | 4 MiB - 1 B  | 1 B    |
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | yes       | no   | yes        | 1536 B  |
        | bitmap2 | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: Stored bitmaps can come and go while the guest writes, in whichever thread the drive lives
    @bug-B32
    Scenario: A drive in an iothread gets bitmaps and loses others
      Given the 4 MiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | old    | 64 KiB      | yes        |
      And the machine has been shut down, and "monday" has started with the same drives
      And "drive0" lives in an iothread of its own
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new    | 512 B       | yes        |
        | brief  | 4 KiB       | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And these requests have been granted, one after the other:
        | request | drive  | bitmap |
        | remove  | drive0 | brief  |
        | remove  | drive0 | old    |
      When the machine is shut down, and "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty |
        | new    | 512 B       | yes       | no   | yes        | 1 KiB |

    Scenario: Bitmaps are added and removed while writes are on their way
      Given the 4 MiB drive "drive0" in a qcow2 image with clusters of 512 B
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | old0   | 512 B       | yes        |
        | old1   | 4 KiB       | yes        |
      And the machine has been shut down, and "monday" has started with the same drives
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
      And the bitmaps should still hold what had changed
      When the guest writes to "drive0":
        | pattern | at    | length  |
        | 0x9a    | 3 MiB | 256 KiB |
      And the bitmap "old1" of "drive0" is removed
      Then the image of "drive0" should store its persistent bitmaps and no others
