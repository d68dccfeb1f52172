@pull
Feature: Pulls of several drives, and over several days
  A guest has more than one drive, and a database on one keeps its log on another: what a client reads of both must be of one
  moment. And a chain of pulled backups lives longer than the machine: what the guest has written since the last pull is in
  the next one, whatever machine has the drives by then.

  Background:
    Given the 4 MiB + 512 B drive "drive0" holding:
      | pattern | at    | length  |
      | 0x11    | 0     | 1 MiB   |
      | 0x22    | 2 MiB | 200 KiB |
      | 0x33    | 4 MiB | 512 B   |
    And a bitmap "bitmap0" on "drive0"

  Rule: A chain of pulls goes on with the next machine
    Background:
      Given these bitmaps on "drive0":
        | bitmap   | granularity | persistent |
        | lasting0 | 4 KiB       | yes        |
      And these pulls have begun at one moment:
        | drive  | pull | bitmap   |
        | drive0 | full | lasting0 |
      And a client has copied what it needs of "drive0"

    Scenario: The machine is shut down between two pulls
      Given the pull of "drive0" has been cleaned up
      And the guest has written to "drive0":
        | pattern | at          | length |
        | 0xab    | 3 MiB - 1 B | 2 B    |
      And the machine has been shut down, and "second" has started with the same drives
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap   |
        | drive0 | incremental | lasting0 |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xcd    | 3 MiB | 1 MiB  |
      When a client copies what it needs of "drive0"
      Then what clients have copied of "drive0" should restore it as it was then

    Scenario: The machine is shut down while a client reads
      Given a client reads over and over from "drive0"
      And the guest has written to "drive0":
        | pattern | at          | length |
        | 0xab    | 3 MiB - 1 B | 2 B    |
      When the machine is shut down
      Then what clients have copied of "drive0" should restore it as it was then
      And "drive0" should hold what the guest has written

  Rule: Several drives are pulled as they were at one moment
    Background:
      Given the 2 MiB drive "drive1" holding:
        | pattern | at | length |
        | 0x44    | 0  | 2 MiB  |
      And a bitmap "bitmap1" with a granularity of 512 B on "drive1"
      And these pulls have begun at one moment:
        | drive  | pull | bitmap  |
        | drive0 | full | bitmap0 |
        | drive1 | full | bitmap1 |

    Scenario: Two drives are pulled whole
      Given a client has copied what it needs of "drive0"
      And the guest has written to "drive1":
        | pattern | at          | length |
        | 0xab    | 1 MiB - 1 B | 2 B    |
      When a client copies what it needs of "drive1"
      Then what clients have copied of "drive0" should restore it as it was then
      And what clients have copied of "drive1" should restore it as it was then

    Scenario: Of two drives, one is pulled whole and one in part
      Given a client has copied what it needs of "drive1"
      And the pull of "drive1" has been cleaned up
      And the pull of "drive0" has been cleaned up
      And the guest has written to "drive1":
        | pattern | at          | length |
        | 0xab    | 1 MiB - 1 B | 2 B    |
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap  |
        | drive1 | incremental | bitmap1 |
        | drive0 | full        | bitmap0 |
      And the guest has written to "drive1":
        | pattern | at | length |
        | 0x77    | 0  | 2 MiB  |
      And a client has copied what it needs of "drive0"
      When a client copies what it needs of "drive1"
      Then what clients have copied of "drive0" should restore it as it was then
      And what clients have copied of "drive1" should restore it as it was then
