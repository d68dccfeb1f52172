@refusal
Feature: Names and speeds that a backup job must not have
  A job is found again by its name: two of one name, and the operator cancels the wrong one. A name stays taken until the
  job is gone from the list, and that may be long after its end. The speed of a job may be changed while it runs, but
  not to a number that means nothing.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |
    And the 4 MiB drive "drive1" holding:
      | pattern | at      | length  |
      | 0x14    | 512 KiB | 128 KiB |

  Rule: As long as a job is listed, no other job can get its name
    Scenario Outline: The name of a <state> job is given to another one before and after the job is <act>
      Given a backup of "drive0" is kept <state> that was started with:
        | option | value   |
        | sync   | full    |
        | job-id | nightly |
      When a backup of "drive1" is started with:
        | option | value   |
        | sync   | full    |
        | job-id | nightly |
      Then QEMU should refuse it as a GenericError that says "Job ID 'nightly' already in use"
      And nothing should have changed
      When the backup of "drive0" is <act>
      And a backup of "drive1" is started with:
        | option | value   |
        | sync   | full    |
        | job-id | nightly |
      Then the backup of "drive1" should succeed

      @blockdev-backup
      Examples: a job that has copied all
        | state   | act       |
        | pending | finalized |

      @blockdev-backup @known-defect.nodes-of-ended-backup
      Examples: a job that has ended
        | state     | act       |
        | concluded | dismissed |

  Rule: A negative speed is refused, and the job goes on
    @blockdev-backup
    Scenario: The speed of a running backup is set to a negative number, and then to 0
      Given a backup of "drive0" has been started with:
        | option        | value  |
        | sync          | full   |
        | speed         | 64 KiB |
        | auto-finalize | no     |
      When the speed of the backup of "drive0" is set to -1 B a second
      Then QEMU should refuse it as a GenericError that says "Parameter 'speed' expects a non-negative value"
      And nothing should have changed
      When the speed of the backup of "drive0" is set to 0 B a second
      And the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed

  Rule: A backup with an argument that is just within its limits is granted
    @blockdev-backup
    Scenario Outline: An argument at the edge of what is allowed: <option>, <case>
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      When a backup of "drive0" is started with:
        | option   | value       |
        | sync     | incremental |
        | bitmap   | bitmap0     |
        | <option> | <value>     |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed

      Examples: names and speeds
        | case                           | option           | value               |
        | not limited                    | speed            | 0                   |
        | the largest number             | speed            | 9223372036854775807 |
        | the shortest name              | job-id           | a                   |
        | all signs that a name may have | filter-node-name | over.drive0_a-1     |

      Examples: how the job works
        | case                  | option             | value      |
        | the fewest            | x-perf.max-workers | 1          |
        | the most              | x-perf.max-workers | 2147483647 |
        | not limited           | x-perf.max-chunk   | 0          |
        | one cluster at a time | x-perf.max-chunk   | 64 KiB     |
