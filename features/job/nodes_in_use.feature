@job @blockdev-backup
Feature: What a backup job has in use
  A running backup has the drive, its target and a filter between the guest and the drive in its hands. Whoever took one
  of them away, changed its size or wrote to the drive past the filter would ruin the backup, or bring QEMU down. And
  what the job had in use must be free as soon as it has done its work, not only when somebody dismisses it.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at    | length |
      | 0x41    | 0     | 65 KiB |
      | 0xd5    | 2 MiB | 64 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |

  Rule: A node that a job uses can be neither deleted nor resized
    Scenario Outline: The request "<request>" for the <part> of a <state> backup
      Given a backup of "drive0" is kept <state> that was started with:
        | option           | value       |
        | sync             | incremental |
        | bitmap           | bitmap0     |
        | filter-node-name | over-drive0 |
      When this request is made:
        | request   | drive  | node   | size   |
        | <request> | drive0 | <node> | <size> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: all states in which the job uses nodes
        | part   | node        | state   | request     | size  | words                                                                |
        | target | drive0-2    | running | delete node |       | Node 'drive0-2' is busy: block device is in use by block job: backup |
        | target | drive0-2    | paused  | delete node |       | Node 'drive0-2' is busy: block device is in use by block job: backup |
        | target | drive0-2    | pending | delete node |       | Node 'drive0-2' is busy: block device is in use by block job: backup |
        | target | drive0-2    | running | resize      | 8 MiB | Node 'drive0-2' is busy: block device is in use by block job: backup |
        | target | drive0-2    | paused  | resize      | 8 MiB | Node 'drive0-2' is busy: block device is in use by block job: backup |
        | target | drive0-2    | pending | resize      | 1 MiB | Node 'drive0-2' is busy: block device is in use by block job: backup |
        | drive  | drive0      | running | resize      | 8 MiB | Permission conflict on node 'drive0'                                 |
        | drive  | drive0      | paused  | resize      | 1 MiB | Permission conflict on node 'drive0'                                 |
        | drive  | drive0      | pending | resize      | 8 MiB | Permission conflict on node 'drive0'                                 |
        | filter | over-drive0 | running | delete node |       | Node over-drive0 is in use                                           |
        | filter | over-drive0 | pending | delete node |       | Node over-drive0 is in use                                           |

  Rule: Nothing else may get the permission to write to the drive of a backup, or to resize its drive or target
    Scenario Outline: Something asks for the permission to <permission> the <part> of a running backup
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      When this request is made:
        | request   | drive  | target |
        | <request> | drive0 | <node> |
      Then QEMU should refuse it as a GenericError that says "Permission conflict on node '<node>'"
      And nothing should have changed
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed

      Examples: what would ruin the backup
        | permission | part   | request     | node     |
        | write to   | drive  | add writer  | drive0   |
        | resize     | drive  | add resizer | drive0   |
        | resize     | target | add resizer | drive0-2 |

  Rule: The nodes that a job used are free as soon as it has concluded, although it is not dismissed yet
    @bug-B57 @known-defect.nodes-of-ended-backup
    Scenario: The filter of a concluded backup is deleted
      Given a backup of "drive0" is kept pending that was started with:
        | option           | value       |
        | sync             | incremental |
        | bitmap           | bitmap0     |
        | auto-dismiss     | no          |
        | filter-node-name | over-drive0 |
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should become concluded
      When this request is made:
        | request     | node        |
        | delete node | over-drive0 |
      Then QEMU should refuse it as a GenericError that says "Failed to find node with node-name='over-drive0'"

    @known-defect.nodes-of-ended-backup
    Scenario: The drive of a concluded backup is resized and backed up again
      Given an incremental backup of "drive0" with "bitmap0" is kept concluded
      When "drive0" is resized to 8 MiB
      Then QEMU should grant it
      When a full backup of "drive0" is started
      And the backup "drive0" is dismissed
      Then the backup of "drive0" should succeed
      And no job should be left

    @bug-B57 @known-defect.nodes-of-ended-backup
    Scenario: The target of a concluded backup is resized
      Given an incremental backup of "drive0" with "bitmap0" is kept concluded
      When this request is made:
        | request | drive  | node     | size  | note               |
        | resize  | drive0 | drive0-2 | 4 MiB | what it has by now |
      Then QEMU should grant it
      When the backup of "drive0" is dismissed
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

  Rule: A backup is refused as long as something else may write to its drive from below
    @bug-B49
    Scenario: Something may write to the file of a drive, and then is deleted
      Given the 4 MiB drive "drive1" in a raw image
      And a full backup of "drive1" with a new bitmap "bitmap1"
      And this request has been granted:
        | request    | drive  |
        | add writer | drive1 |
      When an incremental backup of "drive1" with "bitmap1" is started
      Then QEMU should refuse it as a GenericError that says "Permission conflict on node 'drive1-file'"
      And nothing should have changed
      When this request is made:
        | request     | node           |
        | delete node | user-of-drive1 |
      Then the next incremental backup of "drive1" with "bitmap1" should restore it as it was then
