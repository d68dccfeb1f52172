@layers
Feature: Bitmaps of a base that is opened anew while its overlay is used
  The bitmaps of a base cannot be changed while it is only read. An operator who wants to be rid of one, or to begin a
  record anew, opens the base for writing, does it, and has it only read again. The guest uses the overlay all the time
  and notices nothing; and what is stored in the base then is what a crash can take nothing from.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity | recording |
      | add     | bitmap0 | drive0 | yes        |             |           |
      | add     | fine0   | drive0 | yes        | 512 B       |           |
      | add     | still0  | drive0 | yes        |             | no        |
    And the guest has written to "drive0":
      | pattern | at            | length |
      | 0xab    | 1 MiB - 512 B | 1 KiB  |
    And these requests have been granted as one transaction:
      | request  | bitmap  | drive    | target   | persistent | granularity |
      | snapshot |         | drive0   | overlay0 |            |             |
      | add      | bitmap1 | overlay0 |          | yes        |             |

  Rule: What was done to the bitmaps of a base while it was open for writing, its image stores
    Scenario: A bitmap of the base is removed
      Given the base "drive0" has been opened anew for writing
      And the bitmap "bitmap0" of "drive0" has been removed
      When the base "drive0" is opened anew for reading only
      Then the image of "drive0" should be open for reading only
      And the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty |
        | fine0  | 512 B       | yes       | no   | yes        | 1 KiB |
        | still0 | 64 KiB      | no        | no   | yes        | 0     |
      And the image of "drive0" should store its persistent bitmaps and no others

    Scenario: Bitmaps of the base and of the overlay are changed at one moment, and the machine is killed afterwards
      Given the base "drive0" has been opened anew for writing
      And these requests have been granted as one transaction:
        | request | bitmap  | drive    | from            | persistent |
        | clear   | bitmap0 | drive0   |                 |            |
        | enable  | still0  | drive0   |                 |            |
        | merge   | bitmap1 | overlay0 | fine0 of drive0 |            |
        | remove  | fine0   | drive0   |                 |            |
        | add     | new0    | drive0   |                 | yes        |
      And the base "drive0" has been opened anew for reading only
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 0     |
        | still0  | 64 KiB      | yes       | no   | yes        | 0     |
        | new0    | 64 KiB      | yes       | no   | yes        | 0     |

    Scenario: The machine is killed while the base is open for writing, from which a bitmap has been removed
      Given the base "drive0" has been opened anew for writing
      And the bitmap "bitmap0" of "drive0" has been removed
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | inconsistent | dirty |
        | fine0  | 512 B       | no        | no   | yes        | yes          | 0     |
        | still0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
