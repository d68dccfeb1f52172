@offline
Feature: Images that are merged or put on another base while the machine is off
  An overlay that is not needed any more is committed into the image below it, and a drive that is to move away is put on
  another base or made to stand alone. All of that writes to an image that has bitmaps. What is written must be in the
  record of each that records, as if the guest had written it, or the next increment would lack it.

  Background:
    Given the 4 GiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length  | note             |
      | 0x41    | 0              | 128 KiB |                  |
      | 0xd5    | 2 GiB - 64 KiB | 64 KiB  | just below 2 GiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | granularity | recording | persistent |
      | add     | bitmap0 | drive0 | 64 KiB      | yes       | yes        |
      | add     | fine    | drive0 | 4 KiB       | yes       | yes        |
      | add     | still   | drive0 | 64 KiB      | no        | yes        |
    And a snapshot has put the overlay "overlay0" on "drive0"

  Rule: What is committed into an image is in the record of its bitmaps that record, and in no other
    Scenario Outline: Recorded: the overlay has been <act>
      Given the guest has written to "overlay0":
        | pattern | at           | length | note                          |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule    |
        | 0x9a    | 2 GiB - 1 B  | 2 B    | on both sides of 2 GiB        |
        | 0x00    | 3 GiB        | 64 KiB | zeros where there was nothing |
        | 0x64    | 4 GiB        | 1 KiB  | the rest at the end           |
      And the machine has been shut down
      And the image of "overlay0" has been <act>
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 384 KiB |
        | fine    | 4 KiB       | yes       | no   | yes        | 324 KiB |
        | still   | 64 KiB      | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: by how it is committed
        | case      | act                                           |
        | commit    | committed into its base                       |
        | commit -d | committed into its base without being emptied |
        | commit -b | committed into its base by that one's name    |

    Scenario: Two overlays are committed at once into the image below both
      Given the guest has written to "overlay0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0x22    | 3 GiB - 1 B  | 2 B    | on both sides of 3 GiB     |
      And a snapshot has put the overlay "overlay1" on "overlay0"
      And the guest has written to "overlay1":
        | pattern | at    | length | note                        |
        | 0x33    | 3 GiB | 1 B    | over what the other one has |
        | 0x64    | 4 GiB | 1 KiB  | the rest at the end         |
      And the machine has been shut down
      And the image of "overlay1" has been committed into the lowest image
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | fine    | 4 KiB       | yes       | no   | yes        | 260 KiB |
        | still   | 64 KiB      | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @bug-B31
    Scenario: Merged: the overlay's record is merged down first, and its image is committed then
      Given these bitmaps on "overlay0":
        | bitmap | granularity | persistent |
        | upper  | 4 KiB       | yes        |
      And the guest has written to "overlay0":
        | pattern | at          | length | note                   |
        | 0x9a    | 2 GiB - 1 B | 2 B    | on both sides of 2 GiB |
        | 0x64    | 4 GiB       | 1 KiB  | the rest at the end    |
      And the machine has been shut down
      And the bitmap "still" of "drive0" has been changed by the image tool:
        | action | from              |
        | merge  | upper of overlay0 |
      And the image of "overlay0" has been committed into its base
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | fine    | 4 KiB       | yes       | no   | yes        | 132 KiB |
        | still   | 64 KiB      | no        | no   | yes        | 192 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: An image that is put on another base keeps its bitmaps, and what it takes up is in their record
    Scenario Outline: The overlay with bitmaps of its own has been <act>
      Given these bitmaps on "overlay0":
        | bitmap | granularity | recording | persistent |
        | upper  | 4 KiB       | yes       | yes        |
        | frozen | 64 KiB      | no        | yes        |
      And the guest has written to "overlay0":
        | pattern | at          | length | note                   |
        | 0x9a    | 2 GiB - 1 B | 2 B    | on both sides of 2 GiB |
        | 0x64    | 4 GiB       | 1 KiB  | the rest at the end    |
      And the machine has been shut down
      And the image of "overlay0" has been <act>
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "overlay0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty   |
        | upper  | 4 KiB       | yes       | no   | yes        | <dirty> |
        | frozen | 64 KiB      | no        | no   | yes        | 0       |
      And "overlay0" should hold what the guest has written

      Examples: by what is done
        | case         | act                                      | dirty   |
        | rebase       | put on a copy of its base                | 12 KiB  |
        | rebase -u    | put on a copy of its base without a look | 12 KiB  |
        | rebase -b "" | made to stand alone                      | 140 KiB |
