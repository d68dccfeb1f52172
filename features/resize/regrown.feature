@resize
Feature: Backups of a drive that was smaller for a while
  A drive that has shrunk and grown again reads as zeros where it had been cut off, but the backup before it still holds
  what stood there. An incremental backup on top of that one has to hide it: restored, the drive would else show data
  that the guest had lost.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at | length |
      | 0x11    | 0  | 4 MiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And "drive0" has been resized to 1 MiB

  Rule: No backup of a drive that has grown again restores what was cut off from the drive
    Scenario: A backup is taken while the drive is smaller, and another one when it has grown again
      Given an incremental backup of "drive0" with "bitmap0"
      And "drive0" has been resized to 4 MiB
      And the guest has written to "drive0":
        | pattern | at          | length | note                  |
        | 0xab    | 4 MiB - 1 B | 1 B    | at the end            |
        | 0x9a    | 1 MiB - 1 B | 2 B    | where it had been cut |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

    @known-defect.regrown-space
    Scenario: A drive shrinks and grows again before its next backup
      Given "drive0" has been resized to 4 MiB
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
