@job
Feature: The filter of a backup
  While a backup runs it must see each write of the guest before that is done, to save what is about to be overwritten. So
  it puts a filter between the guest and the drive. An operator finds it there by the name that he has given it. It must be
  above all that the guest writes to, also when the drive changes below it; and it must be gone, with all that it held,
  as soon as the backup has done its work, however that has ended: a guest may not be slowed down by a backup of last week.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at    | length  |
      | 0x41    | 0     | 65 KiB  |
      | 0xd5    | 2 MiB | 512 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |

  Rule: The filter is between the guest and the drive until the backup is finalized, under the name that it was given
    @<command>
    Scenario Outline: During a <command> the guest reaches its drive <way>
      Given backups are taken with <command>
      When a backup of "drive0" is started with:
        | option           | value       |
        | sync             | incremental |
        | bitmap           | bitmap0     |
        | auto-finalize    | no          |
        | filter-node-name | <name>      |
      Then the backup of "drive0" should become pending
      And the guest should reach "drive0" <way>
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed
      And the guest should reach "drive0" directly

      Examples: both commands
        | command         | name        | way                             |
        | blockdev-backup | over-drive0 | through "over-drive0"           |
        | blockdev-backup |             | through a filter without a name |
        | drive-backup    | over-drive0 | through "over-drive0"           |
        | drive-backup    |             | through a filter without a name |

    @blockdev-backup @bug-B57 @known-defect.nodes-of-ended-backup
    Scenario: The guest writes while its concluded backup waits to be dismissed
      Given a backup of "drive0" is kept pending that was started with:
        | option           | value       |
        | sync             | incremental |
        | bitmap           | bitmap0     |
        | auto-dismiss     | no          |
        | filter-node-name | over-drive0 |
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should become concluded
      And the guest should reach "drive0" directly
      When the guest writes to "drive0":
        | request | pattern | at      | length | note                        |
        | write   | 0x11    | 101 KiB | 1 KiB  | what has been backed up     |
        | discard |         | 2 MiB   | 64 KiB | what has not been backed up |
      And the backup of "drive0" is dismissed
      Then the backup of "drive0" should succeed

  Rule: A flush of the guest reaches the storage of its drive through the filter
    @blockdev-backup
    Scenario: The guest flushes its writes during a backup, and the drive fails the next read
      Given the 4 MiB drive "drive1", whose storage fails the first read after a flush, holding:
        | pattern | at    | length   |
        | 0x5d    | 1 KiB | 4000 KiB |
      And a backup of "drive1" is kept running that was started with:
        | option          | value |
        | sync            | full  |
        | on-source-error | stop  |
      And the guest has written to "drive1":
        | pattern | at    | length | note                |
        | 0x11    | 3 MiB | 1 KiB  | followed by a flush |
      When the backup of "drive1" is let go
      Then the backup of "drive1" should stop with the io-status "failed"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive1 | stop   | read      |
      When the backup of "drive1" is resumed
      Then the backup of "drive1" should succeed

  Rule: A backup that is cancelled removes its filter
    @blockdev-backup
    Scenario Outline: The filter of a <state> backup that is <act>
      Given a backup of "drive0" is kept <state> that was started with:
        | option           | value       |
        | sync             | full        |
        | filter-node-name | over-drive0 |
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should be cancelled
      And the guest should reach "drive0" directly
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x11    | 3 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: ways to cancel it
        | state   | act                |
        | running | cancelled          |
        | paused  | cancelled by force |
        | pending | cancelled          |

  Rule: When one of several filters over a drive is removed, the others stay where they are
    @blockdev-backup
    Scenario Outline: The filter of the <first> of two backups is removed first
      Given a backup of "drive0" is kept running that was started with:
        | option           | value      |
        | sync             | full       |
        | job-id           | older      |
        | filter-node-name | over-older |
      And a backup of "drive0" is kept paused that was started with:
        | option           | value        |
        | sync             | full         |
        | job-id           | younger      |
        | filter-node-name | over-younger |
      When the backup "<first>" is let go
      Then the backup "<first>" should succeed
      And the guest should reach "drive0" through "<left>"
      When the guest writes to "drive0":
        | request      | pattern | at            | length  | note                               |
        | write        | 0x11    | 4 MiB - 1 KiB | 1 KiB   | what the other one has yet to copy |
        | write zeroes |         | 2 MiB + 1 KiB | 190 KiB | the same, in several granules      |
      And the backup "<other>" is let go
      Then the backup "<other>" should succeed
      And the guest should reach "drive0" directly

      Examples: both orders
        | first   | other   | left         |
        | older   | younger | over-younger |
        | younger | older   | over-older   |

    @blockdev-backup
    Scenario: A drive that has a filter already
      Given a throttle filter "throttle0" over "drive0"
      When a backup of "drive0" is started with:
        | option           | value       |
        | sync             | incremental |
        | bitmap           | bitmap0     |
        | auto-finalize    | no          |
        | filter-node-name | over-drive0 |
      Then the backup of "drive0" should become pending
      And the guest should reach "drive0" through "throttle0" and "over-drive0"
      When the guest writes to "drive0":
        | pattern | at            | length | note                    |
        | 0x11    | 4 MiB - 1 KiB | 1 KiB  | what has been backed up |
      And the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed
      And the guest should reach "drive0" through "throttle0"
