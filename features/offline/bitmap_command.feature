@offline
Feature: Stored bitmaps changed by a tool while the machine is off
  Whoever prepares images, mends chains or puts together what several machines have recorded does so on images
  that no machine has open. It can do all to a bitmap that a running machine can, several things in one call,
  and take what is merged from another image: an overlay's record goes down into the base that it is committed to.

  Background:
    Given the 520 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at              | length |
      | 0xd5    | 520 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | granularity | persistent |
      | add     | bitmap0 | drive0 | 64 KiB      | yes        |
      | add     | fine    | drive0 | 512 B       | yes        |
      | add     | coarse  | drive0 | 2 GiB       | yes        |
    And the guest has written to "drive0":
      | pattern | at            | length | note                                   |
      | 0x9a    | 256 MiB - 1 B | 2 B    | where clusters of the fine bitmap meet |
      | 0x64    | 520 MiB       | 1 KiB  | the rest at the end                    |
    And the machine has been shut down

  Rule: Each action does to a stored bitmap what its name says, and nothing to any other
    Scenario Outline: A stored bitmap is changed: <action>
      Given the bitmap "fine" of "drive0" has been changed by the image tool:
        | action   |
        | <action> |
      And the machine "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at     | length | note                  |
        | 0x22    | 64 KiB | 512 B  | in a cluster of zeros |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes         | no   | yes        | 256 KiB |
        | fine    | 512 B       | <recording> | no   | yes        | <dirty> |
        | coarse  | 2 GiB       | yes         | no   | yes        | 2 GiB   |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: with nothing else said
        | case                             | action  | recording | dirty         |
        | its record is empty              | clear   | yes       | 512 B         |
        | it keeps its record and stays so | disable | no        | 2 KiB         |
        | it goes on, as it did            | enable  | yes       | 2 KiB + 512 B |

    Scenario: A stored bitmap is removed
      Given the bitmap "fine" of "drive0" has been changed by the image tool:
        | action |
        | remove |
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | coarse  | 2 GiB       | yes       | no   | yes        | 2 GiB   |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: All stored bitmaps are removed at once
      Given the image of "drive0" has been rid of all its bitmaps
      When the machine "tuesday" starts with the same drives
      Then "drive0" should have no bitmap
      And "drive0" should hold what the guest has written

    Scenario Outline: A bitmap is added: <case>
      Given the bitmap "<bitmap>" of "drive0" has been changed by the image tool:
        | action | granularity   |
        | add    | <granularity> |
      And the machine "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at            | length | note                                 |
        | 0x22    | 512 MiB - 1 B | 2 B    | where clusters of a fine bitmap meet |
      Then the bitmaps of "drive0" should be:
        | bitmap   | granularity | recording | busy | persistent | dirty   |
        | bitmap0  | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | fine     | 512 B       | yes       | no   | yes        | 3 KiB   |
        | coarse   | 2 GiB       | yes       | no   | yes        | 2 GiB   |
        | <bitmap> | <reported>  | yes       | no   | yes        | <dirty> |

      Examples: by granularity
        | case                        | bitmap | granularity | reported | dirty   |
        | nobody names a granularity  | new    |             | 64 KiB   | 128 KiB |
        | of the finest granularity   | a, b   | 512 B       | 512 B    | 1 KiB   |
        | of the coarsest granularity | nü     | 2 GiB       | 2 GiB    | 2 GiB   |

  Rule: Several actions in one call are done in the order in which they are named
    Scenario Outline: The record of "bitmap0" is put together anew: <case>
      Given the bitmap "bitmap0" of "drive0" has been changed by the image tool:
        | action | from   |
        | <1st>  |        |
        | <2nd>  | <from> |
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | <recording> | no   | yes        | <dirty> |
        | fine    | 512 B       | yes         | no   | yes        | 2 KiB   |
        | coarse  | 2 GiB       | yes         | no   | yes        | 2 GiB   |

      Examples: two actions
        | case                                    | 1st     | 2nd     | from   | recording | dirty            |
        | emptied, and given what is finer        | clear   | merge   | fine   | yes       | 192 KiB          |
        | emptied, and given what is coarser      | clear   | merge   | coarse | yes       | 520 MiB + 64 KiB |
        | stopped, and given what has nothing new | disable | merge   | fine   | no        | 192 KiB          |
        | stopped, and let go on                  | disable | enable  |        | yes       | 192 KiB          |
        | let go on, and stopped                  | enable  | disable |        | no        | 192 KiB          |

    Scenario: A new bitmap gets what two others have recorded, and records nothing itself
      Given the bitmap "sum" of "drive0" has been changed by the image tool:
        | action  | granularity | from    |
        | add     | 1 KiB       |         |
        | merge   |             | fine    |
        | merge   |             | bitmap0 |
        | disable |             |         |
      And the machine "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 1 MiB | 512 B  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty         |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 256 KiB       |
        | fine    | 512 B       | yes       | no   | yes        | 2 KiB + 512 B |
        | coarse  | 2 GiB       | yes       | no   | yes        | 2 GiB         |
        | sum     | 1 KiB       | no        | no   | yes        | 129 KiB       |

    Scenario: A bitmap is replaced by one of its name and another granularity
      Given the bitmap "fine" of "drive0" has been changed by the image tool:
        | action | granularity | from    |
        | remove |             |         |
        | add    | 4 KiB       |         |
        | merge  |             | bitmap0 |
        | merge  |             | bitmap0 |
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | fine    | 4 KiB       | yes       | no   | yes        | 132 KiB |
        | coarse  | 2 GiB       | yes       | no   | yes        | 2 GiB   |

  Rule: What is merged may come from another image of the same size
    @bug-B31
    Scenario Outline: An image and its overlay: what <source> has recorded is merged into <target>
      Given the machine "tuesday" has started with the same drives
      And a snapshot has put the overlay "overlay0" on "drive0"
      And these bitmaps on "overlay0":
        | bitmap | granularity | persistent |
        | upper  | <upper>     | yes        |
      And the guest has written to "overlay0":
        | pattern | at            | length | note                                         |
        | 0x33    | 300 MiB - 1 B | 2 B    | over the edge of a granule                   |
        | 0x44    | 512 MiB - 1 B | 2 B    | where other clusters of the fine bitmap meet |
      And the machine has been shut down
      When the bitmap "<into>" of "<target>" is changed by the image tool:
        | action | from               |
        | merge  | <from> of <source> |
      Then the image of "<target>" should store its persistent bitmaps and no others

      Examples: by direction and granularity
        | case                        | source   | from  | target   | into    | upper  |
        | down, both alike            | overlay0 | upper | drive0   | fine    | 512 B  |
        | down, from finer to coarser | overlay0 | upper | drive0   | bitmap0 | 4 KiB  |
        | down, from coarser to finer | overlay0 | upper | drive0   | fine    | 1 MiB  |
        | up, from the base           | drive0   | fine  | overlay0 | upper   | 64 KiB |
