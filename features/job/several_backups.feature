@job @blockdev-backup
Feature: Several backups of one drive at a time
  One backup goes to the disk next door every hour and another one to the vault every night, each with a bitmap of its
  own. Now and then both run at once. Neither may disturb the other: each restores the moment at which it began, each
  bitmap comes out in step with its own backup, whichever of the two ends first, and however it ends.

  Background:
    Given the 4 MiB drive "drive0"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a bitmap "bitmap1" with a granularity of 32 KiB on "drive0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0xfe    | 1 MiB          | 64 KiB | a whole granule  |
      | 0x64    | 2 MiB          | 64 KiB | a whole granule  |
      | 0x65    | 4 MiB - 64 KiB | 64 KiB | the last granule |

  Rule: Of two backups of one drive, neither changes what the other restores, or what is left in its bitmap
    Scenario Outline: The <one> of two backups is <act> before the other one ends
      Given a backup of "drive0" is kept running that was started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap0     |
        | job-id | older       |
      And the guest has written to "drive0":
        | pattern | at             | length | note                                              |
        | 0x11    | 1 MiB + 64 KiB | 1 KiB  | what only the younger one has to copy             |
        | 0x22    | 4 MiB - 1 KiB  | 1 KiB  | what the older one saves before it is overwritten |
      And a backup of "drive0" is kept running that was started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap1     |
        | job-id | younger     |
      And the guest has written to "drive0":
        | pattern | at             | length | note                                             |
        | 0x33    | 1 MiB + 63 KiB | 2 KiB  | what both, and what only one of them has to copy |
        | 0x44    | 3 MiB          | 1 B    | what neither has to copy                         |
      When the backup "<one>" is <act>
      Then the backup "<one>" should <become>
      When the backup "<other>" is let go
      Then the backup "<other>" should succeed
      And the guest should reach "drive0" directly

      Examples: both orders and both ends
        | case                       | one     | act                | become       | other   |
        | the order of their start   | older   | let go             | succeed      | younger |
        | the reverse order          | younger | let go             | succeed      | older   |
        | the younger one left alone | older   | cancelled          | be cancelled | younger |
        | the older one left alone   | younger | cancelled by force | be cancelled | older   |
