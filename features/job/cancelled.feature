@job @blockdev-backup
Feature: Backup jobs that are cancelled
  An operator who needs the line or the disk for something else cancels the backup, in whatever state it is. The backup
  must then come to its end, at once and in order: a job that is cancelled and stays keeps the drive and its bitmap, and
  one that reports success makes somebody trust in an image that holds half of the change.

  Background:
    Given the 4 MiB drive "drive0"
    And the 4 MiB drive "drive1"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0xfe    | 1 MiB          | 64 KiB | a whole granule  |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |

  Rule: A backup can be cancelled in any state: it ends as cancelled, and its bitmap keeps what it has recorded
    @bug-B37 @bug-B79
    Scenario Outline: A <state> backup is <act>
      Given an incremental backup of "drive0" with "bitmap0" is kept <state>
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should be cancelled
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset   | len     |
        | created   |                     |          |         |
        | running   |                     |          |         |
        | <paused>  |                     |          |         |
        | <resumed> |                     |          |         |
        | <waiting> |                     |          |         |
        | <pending> | <asks>              |          |         |
        | aborting  | BLOCK_JOB_CANCELLED | <offset> | 192 KiB |
        | concluded |                     |          |         |
        | null      |                     |          |         |
      And no job should be left
      But the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 192 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: all states, by a job command and by a block-job command
        | case           | state   | act                              | paused | resumed | waiting | pending | asks              | offset  |
        | a part copied  | running | cancelled                        |        |         |         |         |                   | 64 KiB  |
        | woken up       | paused  | cancelled                        | paused | running |         |         |                   | 64 KiB  |
        | one of a group | waiting | cancelled                        |        |         | waiting |         |                   | 192 KiB |
        | all copied     | pending | cancelled                        |        |         | waiting | pending | BLOCK_JOB_PENDING | 192 KiB |
        | a part copied  | running | cancelled by a block-job command |        |         |         |         |                   | 64 KiB  |
        | a part copied  | running | cancelled by force               |        |         |         |         |                   | 64 KiB  |
        | woken up       | paused  | cancelled by force               | paused | running |         |         |                   | 64 KiB  |
        | one of a group | waiting | cancelled by a block-job command |        |         | waiting |         |                   | 192 KiB |
        | all copied     | pending | cancelled by a block-job command |        |         | waiting | pending | BLOCK_JOB_PENDING | 192 KiB |
