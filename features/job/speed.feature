@job @blockdev-backup
Feature: Backup jobs with a speed limit
  A backup at full speed can slow a guest down to a crawl, so the operator gives it a limit, tightens it in office hours
  and lifts it for the night. A limit that does not limit is a complaint from the guest's owner; a lifted one that nobody
  tells the job of is a backup that still sleeps in the morning.
  With a limit of 1 B a second a job has to wait for hours after its first cluster.

  Background:
    Given the 4 MiB drive "drive0"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0xfe    | 1 MiB          | 64 KiB | a whole granule  |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |

  Rule: A job shows the limit that it was given last, and none if it was given none
    Scenario Outline: A backup that is started with a limit
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
        | case                     | speed       | shown       |
        | no limit                 |             | 0           |
        | no limit either          | 0           | 0           |
        | more than it needs       | 1 GiB       | 1 GiB       |
        | 1 B, when cut to 32 bits | 4 GiB + 1 B | 4 GiB + 1 B |

    Scenario: A running backup is given another limit, and none
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      When the speed of the backup of "drive0" is set to 2 B a second
      Then QEMU should show the backup of "drive0" as:
        | status  | speed | auto-finalize | auto-dismiss | io-status | ready |
        | running | 2 B   | yes           | yes          | ok        | no    |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed
      And it should hold only what had changed

    Scenario: A paused backup is given a limit, which does not wake it up
      Given an incremental backup of "drive0" with "bitmap0" is kept paused
      When the speed of the backup of "drive0" is set to 1 GiB a second
      Then the backup of "drive0" should copy nothing while the guest reads 50 times
      And QEMU should show the backup of "drive0" as:
        | status | offset | len     | speed | paused |
        | paused | 64 KiB | 192 KiB | 1 GiB | yes    |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

  Rule: A limit limits, and a job whose limit is lifted goes on at once
    Scenario: A backup under the lowest limit there is
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      When the guest writes to "drive0":
        | pattern | at    | length | note                           |
        | 0x9a    | 0     | 1 KiB  | what the job does not care for |
        | 0x9b    | 2 MiB | 1 KiB  | what the job does not care for |
      Then QEMU should show the backup of "drive0" as:
        | status  | offset | len     | speed | busy |
        | running | 64 KiB | 192 KiB | 1 B   | no   |
      And the backup of "drive0" should copy nothing while the guest reads 100 times
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed

    @bug-B82
    Scenario Outline: A backup that would have slept for hours
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      When the speed of the backup of "drive0" is set to <speed> a second
      Then the backup of "drive0" should succeed
      And the life of the backup of "drive0" should have been:
        | state     | event               | offset  | len     | speed   |
        | created   |                     |         |         |         |
        | running   |                     |         |         |         |
        | waiting   |                     |         |         |         |
        | pending   | BLOCK_JOB_COMPLETED | 192 KiB | 192 KiB | <speed> |
        | concluded |                     |         |         |         |
        | null      |                     |         |         |         |

      Examples: limits under which it is done in no time
        | case                     | speed       |
        | no limit                 | 0 B         |
        | more than it needs       | 1 GiB       |
        | 1 B, when cut to 32 bits | 4 GiB + 1 B |
