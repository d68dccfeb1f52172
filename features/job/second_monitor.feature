@job @blockdev-backup
Feature: A backup job outlives the program that started it
  Management programs are restarted and crash, and an operator looks on over a second connection. A job belongs to the
  machine and not to whoever has started it: when that one goes away, the job goes on, and another monitor can see how
  far it is, operate it, and learn how it has ended. All monitors are told the same.

  Background:
    Given the 4 MiB drive "drive0"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0xfe    | 1 MiB          | 64 KiB | a whole granule  |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |
    And a second monitor is listening

  Rule: A job goes on when the monitor that started it has gone away, and any other one can operate it
    Scenario Outline: A <state> backup whose monitor has gone away is <act> by another one
      Given an incremental backup of "drive0" with "bitmap0" is kept <state>
      When the first monitor goes away
      Then QEMU should show the backup of "drive0" as:
        | status  | offset   | len     | error |
        | <state> | <offset> | 192 KiB | none  |
      When the guest writes to "drive0":
        | pattern | at          | length | note          |
        | 0x33    | 4 MiB - 1 B | 1 B    | the last byte |
      And the backup of "drive0" is <act>
      Then the backup of "drive0" should <become>
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      And no job should be left

      Examples: what the second monitor does then
        | case                 | state   | offset  | act       | become       | dirty   |
        | only what is new     | running | 64 KiB  | let go    | succeed      | 64 KiB  |
        | only what is new     | paused  | 64 KiB  | let go    | succeed      | 64 KiB  |
        | only what is new     | pending | 192 KiB | let go    | succeed      | 64 KiB  |
        | all that had changed | running | 64 KiB  | cancelled | be cancelled | 192 KiB |

    Scenario: A job ends by itself after the monitor that started it has gone
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      And the speed of the backup of "drive0" has been set to 0 B a second
      When the first monitor goes away
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

  Rule: All monitors hear the same events of a job
    Scenario Outline: Two monitors listen to a <state> backup that is <act>
      Given an incremental backup of "drive0" with "bitmap0" is kept <state>
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should <become>
      And both monitors should have been told the same

      Examples: ways to an end
        | state   | act       | become       |
        | paused  | let go    | succeed      |
        | pending | let go    | succeed      |
        | running | cancelled | be cancelled |
