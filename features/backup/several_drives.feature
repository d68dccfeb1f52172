@backup @blockdev-backup
Feature: Backups of several drives, and of one drive for several purposes
  A machine has many drives, and not each is in each round of backups: one is new, one is left out tonight, one is backed
  up by two products that know nothing of each other. Each chain must be whole by itself, whatever happens beside it.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at    | length  |
      | 0x41    | 0     | 65 KiB  |
      | 0xd5    | 2 MiB | 192 KiB |
    And the 4 MiB + 1 KiB drive "drive1" holding:
      | pattern | at            | length |
      | 0x14    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a full backup of "drive1" with a new bitmap "bitmap1"

  Rule: Each chain stays whole when a drive is left out of a round of backups, or is new in it
    Scenario: A drive is left out of one round
      Given the guest has written to "drive0":
        | pattern | at     | length | note         |
        | 0xab    | 63 KiB | 2 KiB  | over an edge |
      And the guest has written to "drive1":
        | pattern | at    | length | note             |
        | 0xba    | 4 MiB | 1 KiB  | the last granule |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive1":
        | pattern | at      | length | note                |
        | 0xef    | 127 KiB | 2 KiB  | in the second night |
      When these requests are made as one transaction:
        | request            | drive  | bitmap  |
        | incremental backup | drive0 | bitmap0 |
        | incremental backup | drive1 | bitmap1 |
      Then the backups of "drive0" and "drive1" should succeed
      And each of them should hold only what had changed

    Scenario: A new drive gets its full backup in a round of incremental backups
      Given the 1 MiB drive "drive2" holding:
        | pattern | at      | length  |
        | 0x77    | 100 KiB | 200 KiB |
      And the guest has written to "drive0":
        | pattern | at     | length | note         |
        | 0xab    | 63 KiB | 2 KiB  | over an edge |
      When these requests are made as one transaction:
        | request            | drive  | bitmap  |
        | incremental backup | drive0 | bitmap0 |
        | add                | drive2 | bitmap2 |
        | full backup        | drive2 |         |
      Then the backups of "drive0" and "drive2" should succeed
      When the guest writes to "drive2":
        | pattern | at            | length | note             |
        | 0x99    | 1 MiB - 1 KiB | 1 KiB  | the last granule |
      Then the next incremental backup of "drive2" with "bitmap2" should restore it as it was then

  Rule: Several chains of one drive do not disturb each other
    Scenario: Two products back up one drive in turn
      Given the guest has written to "drive0":
        | pattern | at     | length | note            |
        | 0xab    | 63 KiB | 2 KiB  | for both chains |
      And a full backup of "drive0" with a new bitmap "bitmap9"
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at    | length  | note            |
        | 0xfe    | 2 MiB | 130 KiB | over older data |
      And an incremental backup of "drive0" with "bitmap9"
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap9" should restore "drive0" as it was at that moment
      And the 2 backups with "bitmap0" should restore "drive0" as it was at that moment

    Scenario: Two incremental backups of one drive at one moment
      Given the guest has written to "drive0":
        | pattern | at     | length | note          |
        | 0xab    | 63 KiB | 2 KiB  | for one chain |
      And a full backup of "drive0" with a new bitmap "bitmap9"
      And the guest has written to "drive0":
        | pattern | at            | length  | note            |
        | 0xfe    | 2 MiB - 1 KiB | 130 KiB | for both chains |
      When incremental backups are taken as one group:
        | drive  | bitmap  |
        | drive0 | bitmap0 |
        | drive0 | bitmap9 |
      Then both backups should succeed
      And each of them should hold only what had changed
