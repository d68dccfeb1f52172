@transaction @blockdev-backup
Feature: Groups of backups of which one is cancelled
  The backups of a group are of use only together. So the operator who cancels one of them cancels all, those that have
  done their work and only wait for it among them: each must end as cancelled, and each bitmap must keep its record for
  the next group.

  Background:
    Given the 4 MiB drive "drive0"
    And the 4 MiB + 1 KiB drive "drive1", whose storage fails the first read after a flush, holding:
      | pattern | at            | length |
      | 0x14    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a full backup of "drive1" with a new bitmap "bitmap1"

  Rule: When one backup of a group is cancelled, all of them are, and no bitmap loses its record
    Scenario Outline: A group of two, of which <whose> is cancelled
      Given the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      And these requests have been granted as one transaction with grouped completion:
        | request            | bitmap  | drive  | speed   | auto-finalize   |
        | incremental backup | bitmap0 | drive0 |         | <auto-finalize> |
        | full backup        | bitmap1 | drive1 | <speed> |                 |
      And the backup of "drive0" has become <state>
      When the backup of "<cancelled>" is cancelled
      Then the backup of "drive0" should be cancelled
      And the backup of "drive1" should be cancelled
      And no job should be left
      But the bitmaps should still hold what had changed

      Examples: what both are doing
        | case                  | whose                                     | speed | auto-finalize | state   | cancelled |
        | one copies, one waits | the one that still copies                 | 1 B   | yes           | waiting | drive1    |
        | one copies, one waits | the one that waits for the other          | 1 B   | yes           | waiting | drive0    |
        | both wait             | the one that asks to be finalized         |       | no            | pending | drive0    |
        | both wait             | the one that does not ask to be finalized |       | no            | pending | drive1    |

    Scenario: One backup of a group stops at an error and is cancelled
      Given the guest has written to "drive1":
        | pattern | at          | length | note                               |
        | 0xba    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      And these requests have been granted as one transaction with grouped completion:
        | request            | bitmap  | drive  | on-source-error | auto-finalize |
        | incremental backup | bitmap0 | drive0 |                 | no            |
        | incremental backup | bitmap1 | drive1 | stop            | no            |
      And the backup of "drive1" has stopped
      And the backup of "drive0" has become waiting
      When the backup of "drive1" is cancelled
      Then the backup of "drive0" should be cancelled
      And the backup of "drive1" should be cancelled
      And QEMU should have reported these events and no others:
        | event               | drive  | action | operation |
        | BLOCK_JOB_ERROR     | drive1 | stop   | read      |
        | BLOCK_JOB_CANCELLED | drive0 |        |           |
        | BLOCK_JOB_CANCELLED | drive1 |        |           |
