@backup
Feature: Backups of drives that live in iothreads
  A busy drive gets a thread of its own, so that its requests need not wait for QEMU's main thread. A backup of such a
  drive, and its target with it, has to move into that thread; the request that starts it, the bitmaps and the end of
  the job belong to the main one. Where the two meet, QEMU has hung more than once, and with it the guest.

  Background:
    Given the 4 MiB drive "drive0", whose storage fails the first read after a flush, holding:
      | pattern | at      | length |
      | 0x41    | 0       | 65 KiB |
      | 0xd5    | 512 KiB | 3 MiB  |
    And the 4 MiB + 1 KiB drive "drive1" holding:
      | pattern | at            | length |
      | 0x14    | 4 MiB - 1 KiB | 2 KiB  |
      | 0x5d    | 64 KiB        | 3 MiB  |
    And "drive0" lives in an iothread of its own
    And "drive1" lives in an iothread of its own

  Rule: Backups of drives in different iothreads can begin at one moment, and succeed
    @blockdev-backup @bug-B50
    Scenario: Full backups of both drives in one transaction, and incremental backups of both as one group
      Given these bitmaps on "drive0":
        | bitmap  | persistent | granularity |
        | bitmap0 | yes        | 4 KiB       |
      And a bitmap "bitmap1" on "drive1"
      When these requests are made as one transaction:
        | request     | drive  |
        | full backup | drive0 |
        | full backup | drive1 |
      Then the backups of "drive0" and "drive1" should succeed
      When the guest writes to "drive1":
        | pattern | at     | length | note             |
        | 0xba    | 63 KiB | 2 KiB  | over an edge     |
        | 0xef    | 4 MiB  | 1 KiB  | the last granule |
      And incremental backups are taken as one group:
        | drive  | bitmap  |
        | drive0 | bitmap0 |
        | drive1 | bitmap1 |
      Then both backups should succeed

  Rule: A drive in an iothread can be backed up into an image that QEMU opens by itself
    @drive-backup
    Scenario Outline: QEMU opens the target of an incremental backup with mode <mode>
      Given backups are taken with drive-backup
      And a bitmap "bitmap0" on "drive1"
      And the guest has written to "drive1":
        | pattern | at     | length | note             |
        | 0xba    | 63 KiB | 2 KiB  | over an edge     |
        | 0xef    | 4 MiB  | 1 KiB  | the last granule |
      When a backup of "drive1" is started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap0     |
        | mode   | <mode>      |
      Then the backup of "drive1" should succeed
      And it should hold only what had changed

      Examples: modes
        | case                    | mode           |
        | QEMU makes the image    | absolute-paths |
        | an operator has made it | existing       |

  Rule: A backup of a drive in an iothread restores the drive as it was when the backup began, although the guest writes
    @blockdev-backup
    Scenario: The guest overwrites what is copied already, and what is not
      Given a backup of "drive1" has been started with:
        | option | value  |
        | sync   | full   |
        | speed  | 64 KiB |
      And the guest has written to "drive1":
        | request | pattern | at              | length  | note                   |
        | write   | 0xab    | 1 KiB           | 1 KiB   | what is copied already |
        | write   | 0xfe    | 3000 KiB        | 65 KiB  | what has yet to be     |
        | discard |         | 3 MiB + 256 KiB | 128 KiB | that, too              |
      When the speed of the backup of "drive1" is set to 0 B a second
      Then the backup of "drive1" should succeed
      And it should restore its drive as it was at that moment
      And the guest should reach "drive1" directly

  Rule: When one of two backups in iothreads cannot begin or fails, QEMU does not hang, and both succeed later
    @blockdev-backup @bug-B48 @bug-B77
    Scenario: The second of two backups names a bitmap that does not exist
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And a full backup of "drive1" with a new bitmap "bitmap1"
      When these requests are made as one transaction:
        | request            | drive  | bitmap  | note           |
        | incremental backup | drive0 | bitmap0 |                |
        | incremental backup | drive1 | absent  | no such bitmap |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'absent' could not be found"
      And nothing should have changed
      When incremental backups are taken as one group:
        | drive  | bitmap  |
        | drive0 | bitmap0 |
        | drive1 | bitmap1 |
      Then both backups should succeed

    @blockdev-backup @bug-B78
    Scenario: The drive of the first of two backups fails
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And a full backup of "drive1" with a new bitmap "bitmap1"
      And the guest has written to "drive0":
        | pattern | at     | length | note                    |
        | 0xba    | 63 KiB | 2 KiB  | lets the next read fail |
      When incremental backups are taken as one group:
        | drive  | bitmap  |
        | drive0 | bitmap0 |
        | drive1 | bitmap1 |
      Then the backup of "drive1" should be cancelled
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | report | read      |
      When the same group of backups is taken again
      Then both backups should succeed
