@offline
Feature: Images that a tool reaches in another way than by their file
  Not always is an image a file on a disk with room: it is named by the options of its node, it may only be read, its
  storage is full, or it is a new overlay that somebody has made by hand. The bitmaps in it are changed as in any other, or
  the tool refuses, and they are what they were.

  Background:
    Given the 5 MiB + 1 KiB drive "drive0" in a qcow2 image
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | granularity | persistent | recording |
      | add     | bitmap0 | drive0 | 64 KiB      | yes        | yes       |
      | add     | fine    | drive0 | 512 B       | yes        | yes       |
      | add     | still   | drive0 | 4 KiB       | yes        | no        |
    And the guest has written to "drive0":
      | pattern | at          | length | note                |
      | 0x9a    | 2 MiB - 1 B | 2 B    | on both sides       |
      | 0x64    | 5 MiB       | 1 KiB  | the rest at the end |
    And the machine has been shut down

  Rule: A bitmap of an image that is named by options is changed as any other
    Scenario Outline: The image is named by its options: <1st>, then <2nd>
      Given the bitmap "<bitmap>" of "drive0", which is named by its options, has been changed by the image tool:
        | action | from   |
        | <1st>  |        |
        | <2nd>  | <from> |
      When the machine "tuesday" starts with the same drives
      Then the image of "drive0" should store its persistent bitmaps and no others
      And the bitmaps should still hold what had changed

      Examples: all actions
        | case                          | bitmap  | 1st    | 2nd     | from    |
        | it is removed, and added anew | bitmap0 | remove | add     |         |
        | it gets what another one has  | still   | enable | merge   | fine    |
        | it gets that and nothing else | fine    | clear  | merge   | bitmap0 |
        | it does not record any more   | bitmap0 | enable | disable |         |
        | a new one with a record       | new     | add    | merge   | fine    |

  Rule: What cannot be written is refused, and the image stores what it stored
    Scenario Outline: The image may only be read, and a bitmap is to be changed: <action>
      When the bitmap "<bitmap>" of "drive0", which may only be read, is to be changed by the image tool:
        | action   | from   |
        | <action> | <from> |
      Then the image tool should refuse it, saying "Block node is read-only"
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: all actions
        | case              | bitmap  | action  | from |
        | a new one         | new     | add     |      |
        | it stays          | bitmap0 | remove  |      |
        | it keeps its bits | fine    | clear   |      |
        | it goes on        | fine    | disable |      |
        | it rests          | still   | enable  |      |
        | it gets no bit    | still   | merge   | fine |

    @bug-B29
    Scenario Outline: The storage has no room, and a bitmap is to be changed: <action>
      When the bitmap "<bitmap>" of "drive0" is to be changed by the image tool on full storage:
        | action   | from   |
        | <action> | <from> |
      Then the image tool should refuse it, saying "No space left on device"
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: all actions
        | case              | bitmap  | action  | from |
        | a new one         | new     | add     |      |
        | it stays          | bitmap0 | remove  |      |
        | it keeps its bits | fine    | clear   |      |
        | it goes on        | fine    | disable |      |
        | it rests          | still   | enable  |      |
        | it gets no bit    | still   | merge   | fine |

  Rule: An overlay that a tool has made has no bitmap, and records from when it was given one by hand
    Scenario: A snapshot is taken while the machine is off, and the chain goes on with the record of both images
      Given the image tool has put the new overlay "overlay0" on "drive0"
      And the bitmap "bitmap0" of "overlay0" has been changed by the image tool:
        | action | granularity | from              |
        | add    | 64 KiB      |                   |
        | merge  |             | bitmap0 of drive0 |
      And the machine "tuesday" has started with the same drives
      And the guest has written to "overlay0":
        | pattern | at    | length | note                        |
        | 0x22    | 3 MiB | 1 B    | what the base does not have |
      And an incremental backup of "overlay0" with "bitmap0"
      When the guest writes to "overlay0":
        | request      | pattern | at            | length |
        | write        | 0x33    | 5 MiB + 512 B | 512 B  |
        | write zeroes |         | 2 MiB         | 64 KiB |
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | fine    | 512 B       | yes       | no   | yes        | 2 KiB   |
        | still   | 4 KiB       | no        | no   | yes        | 0       |
      And the next incremental backup of "overlay0" with "bitmap0" should restore it as it was then

    Scenario: Nobody gives the overlay a bitmap
      Given the image tool has put the new overlay "overlay0" on "drive0"
      And the machine "tuesday" has started with the same drives
      When the guest writes to "overlay0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 B    |
      Then "overlay0" should have no bitmap
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | fine    | 512 B       | yes       | no   | yes        | 2 KiB   |
        | still   | 4 KiB       | no        | no   | yes        | 0       |
