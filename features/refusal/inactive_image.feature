@refusal
Feature: Images that another machine may be using
  A machine that moves to another host gives its images over at one moment, and from then on they are inactive here: to
  write to one would destroy what the other host makes of it. A backup neither may go into such an image nor may it be
  taken of one, since nobody could say of which moment it is. When the machine has its images back, all goes on.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at    | length |
      | 0x41    | 0     | 65 KiB |
      | 0xd5    | 2 MiB | 64 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note                 |
      | 0xab    | 63 KiB         | 2 KiB  | over a granule's end |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule     |

  Rule: A backup of an inactive drive is refused, and granted when the drive is active again
    @<command>
    Scenario Outline: A backup with sync <sync> and <command> while its drive is inactive
      Given backups are taken with <command>
      And this request has been granted:
        | request    | drive  |
        | deactivate | drive0 |
      When a backup of "drive0" is started with:
        | option           | value       |
        | sync             | <sync>      |
        | bitmap           | <bitmap>    |
        | filter-node-name | over-drive0 |
      Then QEMU should refuse it as a GenericError that says "Inactive 'drive0' can't be a file child"
      And nothing should have changed
      When this request is made:
        | request  | drive  |
        | activate | drive0 |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: both commands
        | case             | command         | sync        | bitmap  |
        | what has changed | blockdev-backup | incremental | bitmap0 |
        | all              | blockdev-backup | full        |         |
        | what has changed | drive-backup    | incremental | bitmap0 |

  Rule: An inactive drive cannot be resized
    @bug-B112
    Scenario Outline: An inactive drive is to be <case>
      Given this request has been granted:
        | request    | drive  |
        | deactivate | drive0 |
      When "drive0" is resized to <size>
      Then QEMU should refuse it as a GenericError that says "Permission 'resize' unavailable on inactive node"
      And nothing should have changed
      When this request is made:
        | request  | drive  |
        | activate | drive0 |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: larger and smaller
        | case         | size  |
        | made larger  | 8 MiB |
        | made smaller | 1 MiB |

  Rule: A backup into an inactive image is refused
    @blockdev-backup
    Scenario: The target of an incremental backup is inactive
      Given each target is opened with:
        | option | value |
        | active | no    |
      When a backup of "drive0" is started with:
        | option           | value       |
        | sync             | incremental |
        | bitmap           | bitmap0     |
        | filter-node-name | over-drive0 |
      Then QEMU should refuse it as a GenericError that says "Inactive 'drive0-2' can't be a target child"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x99    | 3 MiB | 1 KiB  |
      Then the bitmaps should still hold what had changed

  Rule: The drive, the target and the filter of a running backup cannot be deactivated
    @blockdev-backup
    Scenario Outline: The <part> of a running backup is to be deactivated
      Given a backup of "drive0" is kept running that was started with:
        | option           | value       |
        | sync             | incremental |
        | bitmap           | bitmap0     |
        | filter-node-name | over-drive0 |
      When this request is made:
        | request    | drive  | node   |
        | deactivate | drive0 | <node> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed

      Examples: all that it has in use
        | part   | node        | words                                              |
        | drive  | drive0      | Node has active parent node                        |
        | target | drive0-2    | Node has active parent node                        |
        | filter | over-drive0 | Failed to inactivate node: Operation not permitted |
