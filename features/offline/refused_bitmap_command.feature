@offline
Feature: Changes of stored bitmaps that a tool must refuse
  A change of a stored bitmap that cannot be made must not be half made, nor pass for made: the script that asked for it
  goes on with a backup that relies on it.

  Background:
    Given the 5 MiB + 1 KiB drive "drive0" in a qcow2 image with clusters of 512 B
    And these bitmaps on "drive0":
      | bitmap  | granularity | persistent |
      | bitmap0 | 64 KiB      | yes        |
      | fine    | 512 B       | yes        |
    And the guest has written to "drive0":
      | pattern | at          | length | note                                   |
      | 0x9a    | 2 MiB - 1 B | 2 B    | where clusters of the fine bitmap meet |
      | 0x64    | 5 MiB       | 1 KiB  | the rest at the end                    |

  Rule: A change that cannot be made is refused with its reason, and the bitmaps stay as they are
    Scenario Outline: It cannot be done to this bitmap: <case>
      Given the machine has been shut down
      When the bitmap "<bitmap>" of "drive0" is to be changed by the image tool:
        | action   | granularity   | from   |
        | <action> | <granularity> | <from> |
      Then the image tool should refuse it, saying "<words>"
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: by what is wrong
        | case                            | bitmap                | action  | granularity | from    | words                       |
        | there is none of that name      | missing               | remove  |             |         | 'missing' not found         |
        | there is none to empty          | missing               | clear   |             |         | 'missing' not found         |
        | there is none to enable         | missing               | enable  |             |         | 'missing' not found         |
        | there is none to disable        | missing               | disable |             |         | 'missing' not found         |
        | there is none to merge into     | missing               | merge   |             | fine    | 'missing' not found         |
        | there is none to merge from     | bitmap0               | merge   |             | missing | 'missing' not found         |
        | there is one of that name       | fine                  | add     | 512 B       |         | Bitmap already exists: fine |
        | granularity: no power of 2      | new                   | add     | 768 B       |         | must be power of 2          |
        | the granularity is too fine     | new                   | add     | 256 B       |         | must be power of 2          |
        | the granularity is out of range | new                   | add     | 4 GiB       |         | must be power of 2          |
        | the granularity is of no use    | fine                  | clear   | 64 KiB      |         | only supported with --add   |
        | the name is too long            | x repeated 1024 times | add     | 512 B       |         | Name length exceeds maximum |
        | the name is empty               |                       | add     |             |         | Bitmap name cannot be empty |

    Scenario Outline: A crash has left the bitmap inconsistent: <action>
      Given the machine has been shut down
      And the machine "tuesday" has started with the same drives
      And the machine has been killed
      When the bitmap "<bitmap>" of "drive0" is to be changed by the image tool:
        | action   | from   |
        | <action> | <from> |
      Then the image tool should refuse it, saying "<words>"
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: all that needs its record
        | case                      | bitmap  | action  | from | words                              |
        | it is not emptied         | bitmap0 | clear   |      | is inconsistent and cannot be used |
        | it is not enabled         | bitmap0 | enable  |      | is inconsistent and cannot be used |
        | it is not disabled        | bitmap0 | disable |      | is inconsistent and cannot be used |
        | nothing is merged into it | bitmap0 | merge   | fine | is inconsistent and cannot be used |
        | nor added again           | bitmap0 | add     |      | Bitmap already exists: bitmap0     |

    Scenario: The bitmap that a crash has left is removed, and the others stay
      Given the machine has been shut down
      And the machine "tuesday" has started with the same drives
      And the machine has been killed
      And the bitmap "bitmap0" of "drive0" has been changed by the image tool:
        | action |
        | remove |
        | add    |
      When the machine "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 4 KiB       | yes       | no   | yes        | no           | 0     |
        | fine    | 512 B       | no        | no   | yes        | yes          | 0     |

    Scenario: All bitmaps that a crash has left are removed at once
      Given the machine has been shut down
      And the machine "tuesday" has started with the same drives
      And the machine has been killed
      And the image of "drive0" has been rid of all its bitmaps
      When the machine "wednesday" starts with the same drives
      Then "drive0" should have no bitmap

    Scenario Outline: The image is <case>
      Given the 4 MiB drive "drive1" in <kind>
      And the machine has been shut down
      When the bitmap "new" of "drive1" is to be changed by the image tool:
        | action |
        | add    |
      Then the image tool should refuse it, saying "<words>"
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: images that cannot store bitmaps
        | case         | kind                       | words                                        |
        | raw          | a raw image                | Can't store persistent bitmaps               |
        | of version 2 | a qcow2 image of version 2 | Cannot store dirty bitmaps in qcow2 v2 files |

    Scenario: What is to be merged is of another size
      Given the 5 MiB drive "drive1", in whose image these bitmaps are stored:
        | bitmap | granularity |
        | other  | 512 B       |
      And the guest has written to "drive1":
        | pattern | at          | length |
        | 0x22    | 5 MiB - 1 B | 1 B    |
      And the machine has been shut down
      When the bitmap "fine" of "drive0" is to be changed by the image tool:
        | action | from            |
        | merge  | other of drive1 |
      Then the image tool should refuse it, saying "Bitmaps are of different sizes"
      And the image of "drive0" should store its persistent bitmaps and no others

  Rule: A change that the storage does not take is no success
    @bug-B29 @known-defect.bitmap-not-stored
    Scenario: A first bitmap is added, and there is no space for it
      Given the 4 MiB drive "drive1" in a qcow2 image
      And the machine has been shut down
      When the bitmap "new" of "drive1" is to be changed by the image tool on full storage:
        | action | granularity |
        | add    | 512 B       |
      Then the image tool should refuse it, saying "No space left"
      And the image of "drive1" should store its persistent bitmaps and no others
