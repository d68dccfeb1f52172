@job @blockdev-backup
Feature: Backup jobs with a speed limit
  A backup at full speed can slow a guest down to a crawl, so the operator gives it a limit, tightens it in office hours
  and lifts it for the night. A job that goes faster than its limit annoys the guest's owner; a job that is not told that
  its limit was lifted still sleeps in the morning.
  With a limit of 1 B a second a job has to wait for hours after its first cluster.

  Background:
    Given the 4 MiB drive "drive0"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0xfe    | 1 MiB          | 64 KiB | a whole granule  |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |

  Rule: A job shows the speed limit that it was given last, or 0 if it has none
    Scenario Outline: A backup is started with <case>
      When a backup of "drive0" is started with:
        | option        | value       |
        | sync          | incremental |
        | bitmap        | bitmap0     |
        | auto-finalize | no          |
        | speed         | <speed>     |
      Then the backup of "drive0" should become pending
      And QEMU should show the backup of "drive0" as:
        | status  | offset  | len     | speed   |
        | pending | 192 KiB | 192 KiB | <shown> |
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed
      And QEMU should have reported these events and no others:
        | event               | drive  |
        | BLOCK_JOB_PENDING   |        |
        | BLOCK_JOB_COMPLETED | drive0 |

      Examples: limits at the start
        | case                    | speed       | shown       |
        | no limit                |             | 0           |
        | a limit of 0            | 0           | 0           |
        | a limit above its needs | 1 GiB       | 1 GiB       |
        | a limit above 32 bits   | 4 GiB + 1 B | 4 GiB + 1 B |

    Scenario: A running backup is given another limit, and none
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      When the speed of the backup of "drive0" is set to 2 B a second
      Then QEMU should show the backup of "drive0" as:
        | status  | speed | auto-finalize | auto-dismiss | io-status | ready |
        | running | 2 B   | yes           | yes          | ok        | no    |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed
      And it should hold only what had changed

  Rule: A job keeps to its speed limit, and goes on at once when the limit is lifted or raised
    Scenario: A backup with a limit of 1 B a second
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      When the guest writes to "drive0":
        | pattern | at    | length | note                       |
        | 0x9a    | 0     | 1 KiB  | what the job does not copy |
        | 0x9b    | 2 MiB | 1 KiB  | what the job does not copy |
      Then QEMU should show the backup of "drive0" as:
        | status  | offset | len     | speed | busy |
        | running | 64 KiB | 192 KiB | 1 B   | no   |
      And the backup of "drive0" should copy nothing while the guest reads 100 times
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed

    @bug-B82
    Scenario Outline: A backup that sleeps for its limit is given <case>
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      When the speed of the backup of "drive0" is set to <speed> a second
      Then the backup of "drive0" should succeed
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset  | len     | speed   |
        | created   |                     |         |         |         |
        | running   |                     |         |         |         |
        | waiting   |                     |         |         |         |
        | pending   | BLOCK_JOB_COMPLETED | 192 KiB | 192 KiB | <speed> |
        | concluded |                     |         |         |         |
        | null      |                     |         |         |         |

      Examples: limits that it does not reach
        | case                    | speed       |
        | no limit                | 0 B         |
        | a limit above its needs | 1 GiB       |
        | a limit above 32 bits   | 4 GiB + 1 B |
