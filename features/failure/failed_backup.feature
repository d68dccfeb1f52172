@failure
Feature: An incremental backup that meets a bad disk
  A backup reads the whole change of a day from a disk that may be about to fail. Whatever happens to the backup, the
  record of what has changed must not be lost: the next backup, on top of the last good one, has to be complete.
  The storage of "drive0" fails its first read after a flush; the flush that ends the guest's writes makes that the
  backup's read.

  Background:
    Given the 64 MiB drive "drive0", whose storage fails the first read after a flush, holding:
      | pattern | at     | length  |
      | 0x41    | 0      | 512 B   |
      | 0xd5    | 1 MiB  | 32 KiB  |
      | 0xdc    | 32 MiB | 124 KiB |
    And each incremental backup is followed by a reference

  Rule: A backup that fails takes nothing out of what its bitmap has recorded
    @iotest-124 @incremental_failure @<command>
    Scenario Outline: After a failed <command> the next one holds what both would have held
      Given backups are taken with <command>
      And a full backup of "drive0"
      And a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at              | length  | note                    |
        | 0xab    | 0               | 512 B   | overwrites a whole area |
        | 0xfe    | 16 MiB          | 256 KiB | takes new space         |
        | 0x64    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup of "drive0" should fail with "Input/output error"
      And QEMU should have reported these events and no others:
        | event               | drive  | action | operation | error              |
        | BLOCK_JOB_ERROR     | drive0 | report | read      |                    |
        | BLOCK_JOB_COMPLETED | drive0 |        |           | Input/output error |
      When the guest writes to "drive0":
        | pattern | at       | length  | note                    |
        | 0x9a    | 0        | 512 B   | overwrites a whole area |
        | 0x55    | 8 MiB    | 352 KiB | takes new space         |
        | 0x78    | 15.5 MiB | 1 MiB   | overlaps older data     |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And it should equal its reference
      And it should equal its drive

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |

  Rule: A backup that stops at an error goes on when it is resumed, and restores every byte then
    @iotest-124 @incremental_pause @<command>
    Scenario Outline: A <command> waits at a read error until the operator resumes it
      Given backups are taken with <command>
      And a full backup of "drive0"
      And a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at              | length  | note                    |
        | 0xab    | 0               | 512 B   | overwrites a whole area |
        | 0xfe    | 16 MiB          | 256 KiB | takes new space         |
        | 0x64    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      And the bitmaps of "drive0" are:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | no         | 448 KiB |
      When a backup of "drive0" is started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-source-error | stop        |
      Then the backup of "drive0" should stop
      And QEMU should have reported these events and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | stop   | read      |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | yes  | no         | 448 KiB |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 64 KiB      | yes       | no   | no         | 0     |
      And it should restore its drive as it was at that moment
      And it should hold only what had changed
      And it should equal its reference
      And it should equal its drive

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |
