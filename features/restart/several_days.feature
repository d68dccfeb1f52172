@restart
Feature: Drives that many machines have had, one after the other
  A server is restarted for a new kernel, moved, repaired and restarted: over the months a drive is in many hands. Each
  machine finds what the last one has left, adds bitmaps, takes some away, resizes the drive, and leaves what it has to
  the next. Nothing of that may be lost, and nothing may come back that was taken away.

  Rule: Each machine finds just the bitmaps that the last one left, with all their bits, and goes on with them
    @bug-B19 @bug-B27 @bug-B33
    Scenario: Two machines add, remove, empty, merge, disable and enable bitmaps, and resize the drive
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
      And the machine has been shut down, and "monday" has started with the same drives
      And these requests have been granted, one after the other:
        | request | drive  | bitmap | granularity | persistent | size          |
        | disable | drive0 | usual  |             |            |               |
        | enable  | drive0 | idle   |             |            |               |
        | add     | drive0 | second | 4 KiB       | yes        |               |
        | add     | drive0 | brief  | 64 KiB      | yes        |               |
        | remove  | drive0 | brief  |             |            |               |
        | resize  | drive0 |        |             |            | 6 MiB + 512 B |
      And the guest has written to "drive0":
        | pattern | at    | length | note              |
        | 0x9a    | 6 MiB | 512 B  | up to the new end |
      And the machine has been shut down, and "tuesday" has started with the same drives
      And these requests have been granted, one after the other:
        | request | drive  | bitmap | from       | granularity | persistent |
        | merge   | drive0 | usual  | fine, idle |             |            |
        | clear   | drive0 | fine   |            |             |            |
        | remove  | drive0 | huge   |            |             |            |
        | add     | drive0 | brief  |            | 1 KiB       | yes        |
      When the machine is shut down, and "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty   |
        | fine   | 512 B       | yes       | no   | yes        | 0       |
        | usual  | 64 KiB      | no        | no   | yes        | 192 KiB |
        | idle   | 32 KiB      | yes       | no   | yes        | 32 KiB  |
        | second | 4 KiB       | yes       | no   | yes        | 4 KiB   |
        | brief  | 1 KiB       | yes       | no   | yes        | 0       |

    @bug-B19
    Scenario: Bitmaps with no bit, with every bit, and with bits in one of several clusters
      Given the 5 MiB + 512 B drive "drive0" in a qcow2 image with clusters of 512 B
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | full   | 512 B       | yes        |
      And the guest has written to "drive0":
        | request      | at | length        | note            |
        | write zeroes | 0  | 5 MiB + 512 B | the whole drive |
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent | recording |
        | empty  | 512 B       | yes        | no        |
        | last   | 512 B       | yes        | yes       |
      And the guest has written to "drive0":
        | pattern | at    | length | note                             |
        | 0x64    | 5 MiB | 512 B  | the last bit of the last cluster |
      And the bitmap "last" of "drive0" has been disabled
      And the machine has been shut down, and "monday" has started with the same drives
      When the machine is shut down, and "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty         |
        | full   | 512 B       | yes       | no   | yes        | 5 MiB + 512 B |
        | empty  | 512 B       | no        | no   | yes        | 0             |
        | last   | 512 B       | no        | no   | yes        | 512 B         |
      And the bitmaps should still hold what had changed

    Scenario Outline: The last bit of a drive of <size> has been set
      Given the <size> drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap  | granularity   | persistent |
        | bitmap0 | <granularity> | yes        |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xab    | <end> | 512 B  |
      When the machine is shut down, and "tomorrow" starts with the same drives
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

    Scenario: A hundred bitmaps, whose list takes several clusters, of which the first, the last and one between go
      Given the 4 MiB drive "drive0" in a qcow2 image with clusters of 512 B
      And 100 persistent bitmaps have been added to "drive0" in the transaction that starts a full backup
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the machine has been shut down, and "monday" has started with the same drives
      And these requests have been granted, one after the other:
        | request | drive  | bitmap    |
        | remove  | drive0 | bitmap1   |
        | remove  | drive0 | bitmap50  |
        | remove  | drive0 | bitmap100 |
      And the machine has been shut down, and "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at          | length |
        | 0x64    | 4 MiB - 1 B | 1 B    |
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap99" should restore it as it was then
