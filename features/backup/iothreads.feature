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

  Rule: Drives in different iothreads can be backed up at one moment
    @blockdev-backup @bug-B50
    Scenario: A round of full backups and a round of increments, each one transaction
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

  Rule: A drive in an iothread can be backed up to a target that QEMU opens by itself
    @drive-backup
    Scenario Outline: QEMU opens the target of an increment, mode <mode>
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

      Examples: targets that are made, and that are there
        | case                    | mode           |
        | QEMU makes the image    | absolute-paths |
        | an operator has made it | existing       |

  Rule: The guest can write to a drive in an iothread while it is backed up
    @blockdev-backup
    Scenario: The guest overwrites what is copied and what is not
      Given a backup of "drive1" has been started with:
        | option | value  |
        | sync   | full   |
        | speed  | 64 KiB |
      And the guest has written to "drive1":
        | request | pattern | at              | length  | note                   |
        | write   | 0xab    | 1 KiB           | 1 KiB   | what is copied already |
        | write   | 0xfe    | 3000 KiB        | 65 KiB  | what is not            |
        | discard |         | 3 MiB + 256 KiB | 128 KiB | nor this               |
      When the speed of the backup of "drive1" is set to 0 B a second
      Then the backup of "drive1" should succeed
      And it should restore its drive as it was at that moment
      And the guest should reach "drive1" directly

  Rule: A round that cannot begin or cannot end well leaves all as it was, and nothing hangs
    @blockdev-backup @bug-B48
    Scenario: The last request of a round is wrong
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

    @blockdev-backup
    Scenario: A drive of a round fails
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And a full backup of "drive1" with a new bitmap "bitmap1"
      And the guest has written to "drive0":
        | pattern | at     | length | note             |
        | 0xba    | 63 KiB | 2 KiB  | arms the storage |
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
