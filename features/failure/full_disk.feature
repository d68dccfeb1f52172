@failure @blockdev-backup
Feature: Backups to a disk that is full
  Backups grow until their disk is full; that is the most common of all failures, and the most harmless: somebody makes
  room, and the work goes on. A backup must then go on where it stopped, or be taken again, and restore every byte; and
  QEMU has to say that space is what it lacks.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at    | length  |
      | 0x41    | 0     | 192 KiB |
      | 0xd5    | 3 MiB | 64 KiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at            | length | note                            |
      | 0xab    | 100 KiB       | 2 MiB  | more than the disk has room for |
      | 0xfe    | 4 MiB - 1 KiB | 1 KiB  | the end of the last granule     |
    And each backup goes to a disk with 1 MiB of free space

  Rule: When there is room again, a backup that met a full disk is resumed or taken again, and restores every byte
    Scenario Outline: The disk gets full during an incremental backup with the policy <policy>
      When a backup of "drive0" is started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-target-error | <policy>    |
      Then the backup of "drive0" should <become>
      And QEMU should have reported these errors and no others:
        | event           | drive  | action   | operation |
        | BLOCK_JOB_ERROR | drive0 | <action> | write     |
      When space is freed on that disk
      And the backup of "drive0" is <answer>
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed

      Examples: what the operator may have chosen
        | case                  | policy   | become                              | action | answer      |
        | the default           | left out | fail with "No space left on device" | report | taken again |
        | a wait for space only | enospc   | stop with the io-status "nospace"   | stop   | resumed     |
        | the same as enospc    | auto     | stop with the io-status "nospace"   | stop   | resumed     |
        | a wait at any error   | stop     | stop with the io-status "nospace"   | stop   | resumed     |

    Scenario: A backup that is resumed before there is room
      Given a backup of "drive0" has been started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-target-error | enospc      |
      And the backup of "drive0" has stopped with the io-status "nospace"
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should stop with the io-status "nospace"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | stop   | write     |
        | BLOCK_JOB_ERROR | drive0 | stop   | write     |
      When space is freed on that disk
      And the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed

    Scenario: A backup that ignores that its disk is full
      When a backup of "drive0" is started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-target-error | ignore      |
      Then QEMU should report this error again and again:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | ignore | write     |
      When space is freed on that disk
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed

    Scenario: A backup is cancelled while it waits for room
      Given a backup of "drive0" has been started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-target-error | stop        |
      And the backup of "drive0" has stopped with the io-status "nospace"
      When the backup of "drive0" is cancelled by force
      Then the backup of "drive0" should be cancelled
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | stop   | write     |
      When space is freed on that disk
      And the backup of "drive0" is taken again
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
