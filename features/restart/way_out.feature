@restart
Feature: The way out when a crash has ended a chain
  The host has crashed in the night, and the backup tool reports that its bitmap is missing or broken. Nobody wants to
  stop the guest again for that. The way out is the same each time: see which bitmaps are inconsistent, remove these,
  begin new chains with full backups of their drives alone, and go on with the other drives as if nothing had happened.

  Background:
    Given the 4 MiB drive "drive0", left by a crash with the bitmap "bitmap0"
    And the 4 MiB drive "drive1", in whose image these bitmaps are stored:
      | bitmap  | granularity |
      | bitmap0 | 64 KiB      |
    And a full backup of "drive1"
    And the guest has written to "drive1":
      | pattern | at           | length | note                       |
      | 0x64    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: Only the drive whose bitmap is inconsistent needs a full backup, and the guest goes on meanwhile
    @bug-B16
    Scenario: A crash is seen, its bitmap is removed, and the chains of both drives go on from one moment
      Given the bitmaps of "drive0" are:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      And the guest has written to "drive0":
        | pattern | at          | length | note                     |
        | 0xab    | 4 MiB - 1 B | 1 B    | while nothing records it |
      And the bitmap "bitmap0" of "drive0" has been removed
      When these requests are made as one transaction:
        | request            | drive  | bitmap  | persistent |
        | add                | drive0 | bitmap0 | yes        |
        | full backup        | drive0 |         |            |
        | incremental backup | drive1 | bitmap0 |            |
      Then the backups of "drive0" and "drive1" should succeed
      And each of them should restore its drive as it was at that moment
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 2 MiB | 65 KiB |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the next incremental backup of "drive1" with "bitmap0" should restore it as it was then

    @bug-B76
    Scenario Outline: What the crash has left is not in order before it is removed: <case>
      When this request is made:
        | request   | bitmap  | drive  | persistent   |
        | <request> | bitmap0 | drive0 | <persistent> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      When the bitmap "bitmap0" of "drive0" is removed
      Then "drive0" should have no bitmap
      And the next incremental backup of "drive1" with "bitmap0" should restore it as it was then

      Examples: what a tool tries that does not look
        | case                                | request | persistent | words                                               |
        | it is added as if it were not there | add     | yes        | Bitmap already exists: bitmap0                      |
        | it is emptied for a new chain       | clear   |            | Bitmap 'bitmap0' is inconsistent and cannot be used |

  Rule: After one crash a second one is no worse, and the way out is the same
    Scenario: The host crashes again before the next backup
      Given the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      And the machine has been shut down
      And the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0" with a new bitmap "bitmap0"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
