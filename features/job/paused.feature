@job @blockdev-backup
Feature: Backup jobs that are paused
  The guest needs its disk for an hour, so the operator pauses the backup and resumes it when the guest is done. A job
  that says that it is paused must not copy anything. And the pause must cost the backup nothing: it is of the moment at
  which it began, whatever the guest has done meanwhile.
  A job is kept running, here, by a limit of 1 B a second: after its first cluster it has to wait for hours.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at | length |
      | 0x41    | 0  | 4 MiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length  | note             |
      | 0xab    | 100 KiB        | 2 KiB   | within a granule |
      | 0xfe    | 1 MiB          | 129 KiB | three granules   |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB  | the last granule |

  Rule: A paused job copies nothing until it is resumed, and copies the rest then
    Scenario Outline: A paused backup copies nothing although its limit is lifted: <case>
      Given a backup of "drive0" is kept running that was started with:
        | option   | value      |
        | sync     | <sync>     |
        | bitmap   | <bitmap>   |
        | compress | <compress> |
      And the backup of "drive0" has been paused by a <command> command
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should become paused
      And the backup of "drive0" should copy nothing while the guest reads 50 times
      When the backup of "drive0" is resumed by a <other> command
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: what is left to copy
        | case                        | command | other | sync        | bitmap  | compress |
        | what had changed            | job     | job   | incremental | bitmap0 |          |
        | the whole drive             | job     | job   | full        |         | no       |
        | the whole drive, compressed | job     | job   | full        |         | yes      |
        | what the image itself holds | job     | job   | top         |         |          |

      Examples: both families of commands
        | case                                    | command   | other     | sync        | bitmap  | compress |
        | block-job commands                      | block-job | block-job | incremental | bitmap0 |          |
        | a job command, then a block-job command | job       | block-job | incremental | bitmap0 |          |
        | a block-job command, then a job command | block-job | job       | incremental | bitmap0 |          |

    Scenario: A paused backup is given another limit
      Given an incremental backup of "drive0" with "bitmap0" is kept paused
      When the speed of the backup of "drive0" is set to 1 GiB a second
      Then the backup of "drive0" should copy nothing while the guest reads 50 times
      And QEMU should show the backup of "drive0" as:
        | status | offset | len     | speed | paused |
        | paused | 64 KiB | 320 KiB | 1 GiB | yes    |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

    Scenario Outline: A backup is paused while its read of <case> is held up
      Given the 4 MiB drive "drive2", whose storage can be held up, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And the next read of "drive2" is to be held up
      And a backup of "drive2" has been started with:
        | option             | value      |
        | sync               | full       |
        | compress           | <compress> |
        | x-perf.max-workers | 1          |
      And a read of "drive2" is held up
      When the backup of "drive2" is paused
      Then QEMU should show the backup of "drive2" as:
        | status  | paused | note                          |
        | running | yes    | paused when that read is done |
      When the read of "drive2" goes on
      Then the backup of "drive2" should become paused
      And the backup of "drive2" should copy nothing while the guest reads 20 times

      Examples: how much it reads at a time
        | case        | compress |
        | up to 1 MiB | no       |
        | one cluster | yes      |

  Rule: What the guest overwrites during a pause is saved before, and recorded for the next backup
    Scenario: The guest writes before, in and behind what a paused job has yet to copy
      Given an incremental backup of "drive0" with "bitmap0" is kept paused
      When the guest writes to "drive0":
        | request      | pattern | at              | length | note                               |
        | write        | 0x11    | 0               | 512 B  | what the job does not copy         |
        | write        | 0x22    | 127 KiB         | 2 KiB  | over an edge of what it has copied |
        | write        | 0x33    | 1 MiB + 63 KiB  | 2 KiB  | over an edge, where it has to copy |
        | write zeroes |         | 1 MiB + 128 KiB | 512 B  | the last of three granules         |
        | write zeroes |         | 4 MiB - 64 KiB  | 64 KiB | the last granule                   |
        | write        | 0x44    | 4 MiB - 1 B     | 1 B    | the last byte, once more           |
      Then QEMU should show the backup of "drive0" as:
        | status | offset  | len     | paused | busy | note                 |
        | paused | 320 KiB | 320 KiB | yes    | no   | nothing left to copy |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | yes  | 320 KiB |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the bitmaps should still hold what had changed

    Scenario: An incremental backup after one that was paused
      Given an incremental backup of "drive0" with "bitmap0" is kept paused
      And the guest has written to "drive0":
        | pattern | at             | length | note                               |
        | 0x33    | 1 MiB + 63 KiB | 2 KiB  | over an edge, where it has to copy |
        | 0x55    | 3 MiB          | 1 B    | what the job does not copy         |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed
