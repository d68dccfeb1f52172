@job
Feature: The end of a backup job, shown until the job is dismissed
  The management program was away when the backup ended, and the event that told of it is gone. If it was started so, a
  job stays in the list until it is dismissed, with its end and, if it failed, with the reason, which is all that the
  operator will ever learn of it. Any other job is gone from the list as soon as it has ended.

  Background:
    Given the 4 MiB drive "drive0", whose storage fails the first read after a flush, holding:
      | pattern | at    | length |
      | 0x41    | 0     | 65 KiB |
      | 0xd5    | 2 MiB | 64 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a bitmap "bitmap1" on "drive0"

  Rule: A job that must not dismiss itself shows how it has ended until it is dismissed
    @blockdev-backup @known-defect.nodes-of-ended-backup
    Scenario: A concluded backup that has failed
      Given the guest has written to "drive0":
        | pattern | at      | length | note                        |
        | 0xab    | 100 KiB | 2 KiB  | the backup fails to read it |
      When a backup of "drive0" is started with:
        | option       | value       |
        | sync         | incremental |
        | bitmap       | bitmap0     |
        | auto-dismiss | no          |
      Then the backup of "drive0" should become concluded
      And QEMU should show the backup of "drive0" as:
        | status    | offset | len    | io-status | error              |
        | concluded | 0      | 64 KiB | ok        | Input/output error |
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | report | read      |
      When the backup of "drive0" is dismissed
      Then the backup of "drive0" should fail with "Input/output error"
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset | len    | error              |
        | created   |                     |        |        |                    |
        | running   |                     |        |        |                    |
        |           | BLOCK_JOB_ERROR     |        |        |                    |
        | aborting  | BLOCK_JOB_COMPLETED | 0      | 64 KiB | Input/output error |
        | concluded |                     |        |        |                    |
        | null      |                     |        |        |                    |

    @blockdev-backup @known-defect.nodes-of-ended-backup
    Scenario Outline: A concluded backup that was <act>
      Given a backup of "drive0" is kept pending that was started with:
        | option       | value       |
        | sync         | incremental |
        | bitmap       | bitmap1     |
        | auto-dismiss | no          |
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should become concluded
      And QEMU should show the backup of "drive0" as:
        | status    | auto-finalize | auto-dismiss | io-status | error   |
        | concluded | no            | no           | ok        | <error> |
      When the backup of "drive0" is dismissed
      Then the backup of "drive0" should <become>
      And no job should be left

      Examples: other ends of a backup
        | case                | act       | error              | become       |
        | no error            | finalized | none               | succeed      |
        | the operator's wish | cancelled | Operation canceled | be cancelled |

  Rule: A job that dismisses itself leaves the list as soon as it has ended, and its name is free
    @blockdev-backup
    Scenario: A backup that fails, and another one with the same name
      Given the guest has written to "drive0":
        | pattern | at      | length | note                        |
        | 0xab    | 100 KiB | 2 KiB  | the backup fails to read it |
      When a backup of "drive0" is started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap0     |
        | job-id | nightly     |
      Then the backup "nightly" should fail with "Input/output error"
      And no job should be left
      And QEMU should have reported these errors and no others:
        | event           | drive   | action | operation |
        | BLOCK_JOB_ERROR | nightly | report | read      |
      When a backup of "drive0" is started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap0     |
        | job-id | nightly     |
      Then the backup "nightly" should succeed
      And it should restore its drive as it was at that moment
