@job @blockdev-backup
Feature: The life of a backup job, as it tells it
  A management program does not look over QEMU's shoulder: it hears each state that a job comes into, and acts upon it.
  A state that is told twice, too late or never leaves it waiting for ever, or lets it end a backup that is not done.
  Whether a job ends by itself and whether it is forgotten by itself, the operator chooses when it starts.

  Background:
    Given the 4 MiB drive "drive0"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note                 |
      | 0xab    | 63 KiB         | 2 KiB  | over a granule's end |
      | 0xfe    | 1 MiB          | 64 KiB | takes new space      |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule     |

  Rule: A job tells of each state once, and asks for no word that it does not wait for
    Scenario: A job that ends and is forgotten by itself
      When an incremental backup of "drive0" with "bitmap0" is started
      Then the backup of "drive0" should succeed
      And the life of the backup of "drive0" should have been:
        | state     | event               | offset  | len     | speed |
        | created   |                     |         |         |       |
        | running   |                     |         |         |       |
        | waiting   |                     |         |         |       |
        | pending   | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB | 0     |
        | concluded |                     |         |         |       |
        | null      |                     |         |         |       |
      And no job should be left

  Rule: A job that must not end by itself waits until it is finalized
    Scenario: The guest goes on while a job waits to be finalized
      Given an incremental backup of "drive0" with "bitmap0" is kept pending
      When the guest writes to "drive0":
        | pattern | at    | length | note                           |
        | 0x9a    | 0     | 1 KiB  | what the job has copied        |
        | 0x9b    | 2 MiB | 1 KiB  | what the job does not care for |
      Then the life of the backup of "drive0" should have been:
        | state   | event             |
        | created |                   |
        | running |                   |
        | waiting |                   |
        | pending | BLOCK_JOB_PENDING |
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed
      And the life of the backup of "drive0" should have been:
        | state     | event               | offset  | len     | note                |
        | created   |                     |         |         |                     |
        | running   |                     |         |         |                     |
        | waiting   |                     |         |         |                     |
        | pending   | BLOCK_JOB_PENDING   |         |         | it asks             |
        |           | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB | and has been told   |
        | concluded |                     |         |         |                     |
        | null      |                     |         |         | forgotten by itself |

  Rule: A job that must not be forgotten by itself stays until it is dismissed
    @known-defect.nodes-of-ended-backup
    Scenario: The guest goes on while a job waits to be dismissed
      Given an incremental backup of "drive0" with "bitmap0" is kept concluded
      When the guest writes to "drive0":
        | pattern | at    | length | note                          |
        | 0x9a    | 0     | 1 KiB  | what the job has copied       |
        | 0x9b    | 2 MiB | 1 KiB  | what the job did not care for |
      Then the life of the backup of "drive0" should have been:
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
    Scenario: A job that does nothing by itself
      Given a backup of "drive0" is kept pending that was started with:
        | option       | value       |
        | sync         | incremental |
        | bitmap       | bitmap0     |
        | auto-dismiss | no          |
      When the backup of "drive0" is finalized by a block-job command
      Then the backup of "drive0" should become concluded
      And the life of the backup of "drive0" should have been:
        | state     | event               | offset  | len     | note         |
        | created   |                     |         |         |              |
        | running   |                     |         |         |              |
        | waiting   |                     |         |         |              |
        | pending   | BLOCK_JOB_PENDING   |         |         | it asks once |
        |           | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB | it is told   |
        | concluded |                     |         |         | it stays     |
      When the backup of "drive0" is dismissed by a block-job command
      Then the backup of "drive0" should succeed
      And no job should be left

  Rule: A job tells when it rests and when it goes on
    Scenario: A job that is paused and resumed
      Given an incremental backup of "drive0" with "bitmap0" is kept paused
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      And the life of the backup of "drive0" should have been:
        | state     | event               | offset  | len     |
        | created   |                     |         |         |
        | running   |                     |         |         |
        | paused    |                     |         |         |
        | running   |                     |         |         |
        | waiting   |                     |         |         |
        | pending   | BLOCK_JOB_COMPLETED | 256 KiB | 256 KiB |
        | concluded |                     |         |         |
        | null      |                     |         |         |

  Rule: A job that nobody has named is called like the device of its drive
    Scenario: A backup without a name for its job
      When a backup of "drive0" is started with:
        | option | value       | note                               |
        | job-id | left out    | its name is that of the device now |
        | sync   | incremental |                                    |
        | bitmap | bitmap0     |                                    |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
