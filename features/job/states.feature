@job @blockdev-backup
Feature: The states that a backup job goes through
  A management program does not look over QEMU's shoulder: it hears each state that a job comes into, and acts upon it.
  A state that is told twice, too late or never leaves it waiting for ever, or lets it end a backup that is not done.
  Whether a job finalizes itself and whether it dismisses itself, the operator chooses when it starts.

  Background:
    Given the 4 MiB drive "drive0"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note                 |
      | 0xab    | 63 KiB         | 2 KiB  | over a granule's end |
      | 0xfe    | 1 MiB          | 64 KiB | takes new space      |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule     |

  Rule: A job reports each of its states once, and asks to be finalized only if it waits for that
    Scenario: A job that finalizes and dismisses itself
      When an incremental backup of "drive0" with "bitmap0" is started
      Then the backup of "drive0" should succeed
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset  | len     | speed |
        | created   |                     |         |         |       |
        | running   |                     |         |         |       |
        | waiting   |                     |         |         |       |
        | pending   | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB | 0     |
        | concluded |                     |         |         |       |
        | null      |                     |         |         |       |
      And no job should be left

  Rule: A job that must not finalize itself waits until it is finalized
    Scenario: The guest writes while a job waits to be finalized
      Given an incremental backup of "drive0" with "bitmap0" is kept pending
      When the guest writes to "drive0":
        | pattern | at    | length | note                       |
        | 0x9a    | 0     | 1 KiB  | what the job has copied    |
        | 0x9b    | 2 MiB | 1 KiB  | what the job does not copy |
      Then the backup of "drive0" should have gone through these states:
        | state   | event             |
        | created |                   |
        | running |                   |
        | waiting |                   |
        | pending | BLOCK_JOB_PENDING |
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset  | len     | note                 |
        | created   |                     |         |         |                      |
        | running   |                     |         |         |                      |
        | waiting   |                     |         |         |                      |
        | pending   | BLOCK_JOB_PENDING   |         |         | asks to be finalized |
        |           | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB | has been finalized   |
        | concluded |                     |         |         |                      |
        | null      |                     |         |         | dismissed by itself  |

  Rule: A job that must not dismiss itself stays until it is dismissed
    @known-defect.nodes-of-ended-backup
    Scenario: The guest writes while a job waits to be dismissed
      Given an incremental backup of "drive0" with "bitmap0" is kept concluded
      When the guest writes to "drive0":
        | pattern | at    | length | note                        |
        | 0x9a    | 0     | 1 KiB  | what the job has copied     |
        | 0x9b    | 2 MiB | 1 KiB  | what the job has not copied |
      Then the backup of "drive0" should have gone through these states:
        | state     | event               | offset  | len     |
        | created   |                     |         |         |
        | running   |                     |         |         |
        | waiting   |                     |         |         |
        | pending   | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB |
        | concluded |                     |         |         |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 128 KiB |
      When the backup of "drive0" is dismissed
      Then the backup of "drive0" should succeed
      And no job should be left

    @known-defect.nodes-of-ended-backup
    Scenario: A job that must neither finalize nor dismiss itself
      Given a backup of "drive0" is kept pending that was started with:
        | option       | value       |
        | sync         | incremental |
        | bitmap       | bitmap0     |
        | auto-dismiss | no          |
      When the backup of "drive0" is finalized by a block-job command
      Then the backup of "drive0" should become concluded
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset  | len     | note                        |
        | created   |                     |         |         |                             |
        | running   |                     |         |         |                             |
        | waiting   |                     |         |         |                             |
        | pending   | BLOCK_JOB_PENDING   |         |         | asks to be finalized        |
        |           | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB | has been finalized          |
        | concluded |                     |         |         | stays until it is dismissed |
      When the backup of "drive0" is dismissed by a block-job command
      Then the backup of "drive0" should succeed
      And no job should be left

  Rule: A job reports that it is paused, and that it runs again
    Scenario: A job that is paused and resumed
      Given an incremental backup of "drive0" with "bitmap0" is kept paused
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset  | len     |
        | created   |                     |         |         |
        | running   |                     |         |         |
        | paused    |                     |         |         |
        | running   |                     |         |         |
        | waiting   |                     |         |         |
        | pending   | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB |
        | concluded |                     |         |         |
        | null      |                     |         |         |

  Rule: A job that is given no name has that of its drive's device
    Scenario: A backup without a name for its job
      When a backup of "drive0" is started with:
        | option | value       | note                       |
        | job-id | left out    | the device's name is taken |
        | sync   | incremental |                            |
        | bitmap | bitmap0     |                            |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
