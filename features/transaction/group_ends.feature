@transaction @blockdev-backup
Feature: How a group of backups comes to its end
  With grouped completion no backup of a transaction ends before the others: each waits with its work done, holding on
  to its bitmap, until all have got that far. If the operator has asked to see them finalized by hand, they wait for
  that, too, and are all finalized when one of them is.

  Background:
    Given the 4 MiB drive "drive0"
    And the 4 MiB + 1 KiB drive "drive1", whose storage fails the first read after a flush, holding:
      | pattern | at            | length |
      | 0x14    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a full backup of "drive1" with a new bitmap "bitmap1"

  Rule: No backup of a group ends before all have copied everything
    Scenario: One backup of a group has copied everything, and the other still copies
      Given the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      And these requests have been granted as one transaction with grouped completion:
        | request            | bitmap  | drive  | speed |
        | incremental backup | bitmap0 | drive0 |       |
        | full backup        | bitmap1 | drive1 | 1 B   |
      And the backup of "drive0" has become waiting
      When the guest writes to "drive0":
        | pattern | at             | length | note                                          |
        | 0xfe    | 1 MiB + 63 KiB | 66 KiB | what is in the backup already, and more of it |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | yes  | 128 KiB |
      When the speed of the backup of "drive1" is set to 0 B a second
      Then the backup of "drive0" should succeed
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 192 KiB |

    Scenario: One backup of a group is paused, and the other one waits
      Given the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      And an incremental backup of "drive0" with "bitmap0" is kept waiting
      And the backup of "drive1" has been paused
      When the speed of the backup of "drive1" is set to 0 B a second
      Then the backup of "drive1" should become paused
      And QEMU should show the backup of "drive0" as:
        | status  | offset  | len     |
        | waiting | 128 KiB | 128 KiB |
      When the backup of "drive1" is resumed
      Then the backups of "drive1" and "drive0" should succeed

    Scenario: One backup of a group stops at an error, and none ends
      Given each backup is taken with:
        | option          | value |
        | on-source-error | stop  |
      And the guest has written to "drive1":
        | pattern | at          | length | note                               |
        | 0xba    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      When incremental backups are started as one group:
        | drive  | bitmap  |
        | drive0 | bitmap0 |
        | drive1 | bitmap1 |
      Then the backup of "drive1" should stop
      But QEMU should have reported these events and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive1 | stop   | read      |
      When the backup of "drive1" is resumed
      Then the backups of "drive0" and "drive1" should succeed

  Rule: A group that waits to be finalized ends when any one of its backups is finalized
    Scenario Outline: A group of two, in which <asking> to be finalized
      Given the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      And these requests have been granted as one transaction with grouped completion:
        | request            | bitmap  | drive  | auto-finalize |
        | incremental backup | bitmap0 | drive0 | <of drive0>   |
        | full backup        | bitmap1 | drive1 | <of drive1>   |
      When the backup of "<finalized>" is finalized
      Then the backups of "drive0" and "drive1" should succeed
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset  | len     |
        | created   |                     |         |         |
        | running   |                     |         |         |
        | waiting   |                     |         |         |
        | pending   | <drive0 tells>      |         |         |
        |           | BLOCK_JOB_COMPLETED | 128 KiB | 128 KiB |
        | concluded |                     |         |         |
        | null      |                     |         |         |
      And the backup of "drive1" should have gone through these states:
        | state     | event               | offset         | len            |
        | created   |                     |                |                |
        | running   |                     |                |                |
        | waiting   |                     |                |                |
        | pending   | <drive1 tells>      |                |                |
        |           | BLOCK_JOB_COMPLETED | 4 MiB + 64 KiB | 4 MiB + 64 KiB |
        | concluded |                     |                |                |
        | null      |                     |                |                |

      Examples: auto-finalize of each, and which is finalized
        | case              | asking          | of drive0 | of drive1 | finalized | drive0 tells      | drive1 tells      |
        | the one that asks | the first asks  | no        | yes       | drive0    | BLOCK_JOB_PENDING |                   |
        | the other one     | the second asks | yes       | no        | drive0    |                   | BLOCK_JOB_PENDING |
        | one of them       | both ask        | no        | no        | drive1    | BLOCK_JOB_PENDING | BLOCK_JOB_PENDING |

    Scenario: One backup of a group stops at an error and is resumed, and the group is finalized
      Given the guest has written to "drive1":
        | pattern | at          | length | note                               |
        | 0xba    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      And these requests have been granted as one transaction with grouped completion:
        | request            | bitmap  | drive  | on-source-error | auto-finalize |
        | incremental backup | bitmap0 | drive0 |                 | no            |
        | incremental backup | bitmap1 | drive1 | stop            | no            |
      And the backup of "drive1" has stopped
      When the backup of "drive1" is resumed
      Then the backup of "drive0" should become pending
      And QEMU should have reported these events and no others:
        | event             | drive  | action | operation |
        | BLOCK_JOB_ERROR   | drive1 | stop   | read      |
        | BLOCK_JOB_PENDING | drive0 |        |           |
        | BLOCK_JOB_PENDING | drive1 |        |           |
      When the backup of "drive0" is finalized
      Then the backup of "drive1" should succeed

  Rule: The end of each backup of a group is remembered until it is dismissed, if the operator asks for that
    @known-defect.nodes-of-ended-backup
    Scenario: A group is to be dismissed by hand
      Given each backup is taken with:
        | option       | value |
        | auto-dismiss | no    |
      And the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      When incremental backups are started as one group:
        | drive  | bitmap  |
        | drive0 | bitmap0 |
        | drive1 | bitmap1 |
      Then the backup of "drive0" should become concluded
      And the backup of "drive1" should become concluded
      When the backup of "drive0" is dismissed
      And the backup of "drive1" is dismissed
      Then the backups of "drive0" and "drive1" should succeed
      And no job should be left
