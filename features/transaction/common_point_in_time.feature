@transaction
Feature: Bitmaps and backups that start at one point in time
  A chain has no gap only if its bitmap begins to record at the very moment of the full backup: a write between the two
  would be in neither. A transaction makes several requests at one moment, and grants all of them or none.

  Rule: Bitmaps cleared in the transaction that starts a full backup record just what that backup lacks
    @iotest-124 @incremental_transaction @<command>
    Scenario Outline: Two bitmaps of different age, cleared together with a full <command>
      Given the 64 MiB drive "drive0" holding:
        | pattern | at     | length  |
        | 0x41    | 0      | 512 B   |
        | 0xd5    | 1 MiB  | 32 KiB  |
        | 0xdc    | 32 MiB | 124 KiB |
      And each incremental backup is followed by a reference
      And backups are taken with <command>
      And a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at              | length  | note                    |
        | 0xab    | 0               | 512 B   | overwrites a whole area |
        | 0xfe    | 16 MiB          | 256 KiB | takes new space         |
        | 0x64    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      And a bitmap "bitmap1" on "drive0"
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  |
        | clear   | bitmap0 | drive0 |
        | clear   | bitmap1 | drive0 |
      And the guest has written to "drive0":
        | pattern | at       | length  | note                    |
        | 0x9a    | 0        | 512 B   | overwrites a whole area |
        | 0x55    | 8 MiB    | 352 KiB | takes new space         |
        | 0x78    | 15.5 MiB | 1 MiB   | overlaps older data     |
      And an incremental backup of "drive0" with "bitmap0"
      When an incremental backup of "drive0" is taken with "bitmap1"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should equal its drive
      And it should equal its reference
      And the backup with "bitmap1" should restore "drive0" as it was at that moment
      And it should equal its drive
      And it should equal its reference

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |
