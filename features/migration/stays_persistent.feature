@migration
Feature: Persistent bitmaps of a guest that did not get to the other machine
  What was to travel with the guest, no image needs to store. When the guest stays, that must be otherwise again: its
  persistent bitmaps are stored when its machine is shut down, and arrive as persistent ones at a second attempt.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at | length |
      | 0x41    | 0  | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | no         |
      | add     | silent  | drive0 | no         |
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |
    And the bitmap "silent" of "drive0" has been disabled

  Rule: Persistent bitmaps stay persistent, and are stored when the machine that has them is shut down
    @known-defect.not-stored-after-failed-move
    Scenario Outline: The <what happens>, and the machine is shut down some time after that
      Given the 1 MiB drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      And the <what happens>
      When the guest writes to "drive1":
        | pattern | at | length |
        | 0xcd    | 0  | 1 KiB  |
      Then the bitmaps should still hold what had changed
      And the image of "drive1" should store its persistent bitmaps and no others

      Examples: by the operator, and by the other host
        | what happens                                     |
        | move has been called off                         |
        | machine that waits for the guest has been killed |

    @known-defect.not-stored-after-failed-move
    Scenario: The move is called off, and the guest gets there at the second attempt
      Given the 1 MiB drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      And the move has been called off
      And the machine "third" waits for the guest, with the same images
      And all bitmaps travel with the guest
      When the guest moves there
      Then the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 0     |

    @bug-B102 @known-defect.not-stored-after-failed-move
    Scenario: The machine is shut down while its guest is on its way, and the next one starts
      Given the 1 MiB drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      And the guest has written to "drive1":
        | pattern | at | length |
        | 0xcd    | 0  | 1 KiB  |
      And the machine has been shut down on the way
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty  |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 64 KiB |
