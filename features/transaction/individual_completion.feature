@transaction @blockdev-backup
Feature: Backups that start together and end each for itself
  A transaction fixes the moment of several backups. What becomes of them afterwards, the operator chooses: as long as
  nothing is said, each ends for itself, and those that succeed need not be taken again because another one met a bad
  disk. The bitmaps follow: only the one whose backup failed keeps its record.
  The storage of "drive1" fails its first read after a flush; the flush that ends the guest's writes makes that the
  backup's read.

  Background:
    Given the 4 MiB drive "drive0"
    And the 4 MiB + 1 KiB drive "drive1", whose storage fails the first read after a flush, holding:
      | pattern | at            | length |
      | 0x14    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a full backup of "drive1" with a new bitmap "bitmap1"

  Rule: With individual completion a backup that fails changes nothing for the others
    Scenario Outline: With <mode> completion, one backup of two fails and is taken again
      Given the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      And the guest has written to "drive1":
        | pattern | at          | length | note                               |
        | 0xba    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      When these requests are made as one transaction with <mode> completion:
        | request            | bitmap  | drive  |
        | incremental backup | bitmap0 | drive0 |
        | incremental backup | bitmap1 | drive1 |
      Then the backup of "drive1" should fail with "Input/output error"
      But the backup of "drive0" should succeed
      And QEMU should have reported these events and no others:
        | event               | drive  | action | operation | error              |
        | BLOCK_JOB_ERROR     | drive1 | report | read      |                    |
        | BLOCK_JOB_COMPLETED | drive1 |        |           | Input/output error |
        | BLOCK_JOB_COMPLETED | drive0 |        |           |                    |
      And the bitmaps should still hold what had changed
      When the backup of "drive1" is taken again
      Then the backup of "drive1" should succeed

      Examples: the mode named or not
        | case                  | mode       |
        | the default, left out | default    |
        | the default, by name  | individual |
