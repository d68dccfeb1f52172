@transaction
Feature: Backups of several drives that stand or fall together
  The drives of one guest belong together: a database on one and its log on the other restore only from the same moment.
  With grouped completion the backups of one transaction share their fate: when one fails, the others are cancelled,
  and each bitmap keeps its record, so that the same group of backups can be taken again.
  The storage of "drive1" fails its first read after a flush; the flush that ends the guest's writes makes that the
  backup's read.

  Background:
    Given the 64 MiB drive "drive0" holding:
      | pattern | at     | length  |
      | 0x41    | 0      | 512 B   |
      | 0xd5    | 1 MiB  | 32 KiB  |
      | 0xdc    | 32 MiB | 124 KiB |
    And the 64 MiB drive "drive1", whose storage fails the first read after a flush, holding:
      | pattern | at     | length  |
      | 0x14    | 0      | 512 B   |
      | 0x5d    | 1 MiB  | 32 KiB  |
      | 0xcd    | 32 MiB | 124 KiB |
    And each incremental backup is followed by a reference

  Rule: When one backup of a group fails, the others are cancelled, and no bitmap loses its record
    @iotest-124 @transaction_failure @<command>
    Scenario Outline: With <command>, a read error on one drive of a group, then the same backups again
      Given backups are taken with <command>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And a full backup of "drive1" with a new bitmap "bitmap1"
      And the guest has written to "drive0":
        | pattern | at              | length  | note                    |
        | 0xab    | 0               | 512 B   | overwrites a whole area |
        | 0xfe    | 16 MiB          | 256 KiB | takes new space         |
        | 0x64    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      And the guest has written to "drive1":
        | pattern | at              | length  | note                    |
        | 0xba    | 0               | 512 B   | overwrites a whole area |
        | 0xef    | 16 MiB          | 256 KiB | takes new space         |
        | 0x46    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      When incremental backups are taken as one group:
        | drive  | bitmap  |
        | drive0 | bitmap0 |
        | drive1 | bitmap1 |
      Then the backup of "drive1" should fail with "Input/output error"
      And the backup of "drive0" should be cancelled
      And QEMU should have reported these events and no others:
        | event               | drive  | action | operation | error              |
        | BLOCK_JOB_ERROR     | drive1 | report | read      |                    |
        | BLOCK_JOB_COMPLETED | drive1 |        |           | Input/output error |
        | BLOCK_JOB_CANCELLED | drive0 |        |           |                    |
      And no job should be left
      But the bitmaps should still hold what had changed
      When the same group of backups is taken again
      Then both backups should succeed
      And QEMU should have reported these events and no others:
        | event               | drive  |
        | BLOCK_JOB_COMPLETED | drive0 |
        | BLOCK_JOB_COMPLETED | drive1 |
      And each of them should restore its drive as it was at that moment
      And each of them should equal its reference
      And each of them should equal its drive

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |

    @iotest-124 @transaction_failure_race @<command>
    Scenario Outline: With <command>, a read error on one drive while the other has nothing to copy
      Given backups are taken with <command>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And a full backup of "drive1" with a new bitmap "bitmap1"
      And the guest has written to "drive1":
        | pattern | at              | length  | note                    |
        | 0xba    | 0               | 512 B   | overwrites a whole area |
        | 0xef    | 16 MiB          | 256 KiB | takes new space         |
        | 0x46    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      When incremental backups are taken as one group:
        | drive  | bitmap  |
        | drive0 | bitmap0 |
        | drive1 | bitmap1 |
      Then the backup of "drive1" should fail with "Input/output error"
      And the backup of "drive0" should be cancelled
      And QEMU should have reported these events and no others:
        | event               | drive  | action | operation | error              |
        | BLOCK_JOB_ERROR     | drive1 | report | read      |                    |
        | BLOCK_JOB_COMPLETED | drive1 |        |           | Input/output error |
        | BLOCK_JOB_CANCELLED | drive0 |        |           |                    |
      And no job should be left
      But the bitmaps should still hold what had changed

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |
