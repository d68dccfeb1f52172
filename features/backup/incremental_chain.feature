@backup
Feature: A chain of incremental backups
  An operator keeps one full backup and adds a small one after each stretch of work. Any of them may be needed one
  day: each must restore the drive as it was at that moment, and none may hold more than what had changed. What has
  changed is told by a dirty bitmap, which marks whole granules of the drive: the granularity is a matter of taste, and
  no choice of it may lose a byte.

  Background:
    Given the 64 MiB drive "drive0" holding:
      | pattern | at     | length  |
      | 0x41    | 0      | 512 B   |
      | 0xd5    | 1 MiB  | 32 KiB  |
      | 0xdc    | 32 MiB | 124 KiB |
    And each incremental backup is followed by a reference

  Rule: Each backup in a chain restores the drive as it was when that backup was taken
    @iotest-124 @<origin> @<command> @bug-B60
    Scenario Outline: Three incremental backups with <command> in granules of <granularity>, the first with nothing to copy
      Given backups are taken with <command>
      And a full backup of "drive0"
      And a bitmap "bitmap0" with a granularity of <granularity> on "drive0"
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at              | length  | note                    |
        | 0xab    | 0               | 512 B   | overwrites a whole area |
        | 0xfe    | 16 MiB          | 256 KiB | takes new space         |
        | 0x64    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at       | length  | note                    |
        | 0x9a    | 0        | 512 B   | overwrites a whole area |
        | 0x55    | 8 MiB    | 352 KiB | takes new space         |
        | 0x78    | 15.5 MiB | 1 MiB   | overlaps older data     |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 3 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed
      And each of them should equal its reference
      And the newest of them should equal its drive

      Examples: both commands, at each side of the cluster size of 64 KiB
        | case                             | command         | granularity | origin             |
        | the default                      | blockdev-backup | 64 KiB      | incremental_simple |
        | two granules to a copied cluster | blockdev-backup | 32 KiB      | small_granularity  |
        | two copied clusters to a granule | blockdev-backup | 128 KiB     | large_granularity  |
        | the default                      | drive-backup    | 64 KiB      | incremental_simple |
        | two granules to a copied cluster | drive-backup    | 32 KiB      | small_granularity  |
        | two copied clusters to a granule | drive-backup    | 128 KiB     | large_granularity  |
