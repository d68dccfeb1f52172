@offline
Feature: What tools tell of bitmaps while the machine is off
  A backup tool that finds a machine switched off still wants its increment: it lets a server show the image and asks
  which ranges are dirty. Before it copies an image with its bitmaps to another place, it asks how much room that takes.

  Background:
    Given the 520 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at              | length |
      | 0xd5    | 520 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | granularity | recording | persistent |
      | add     | bitmap0 | drive0 | 64 KiB      | yes       | yes        |
      | add     | fine    | drive0 | 512 B       | yes       | yes        |
      | add     | coarse  | drive0 | 2 GiB       | yes       | yes        |
      | add     | still   | drive0 | 4 KiB       | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at            | length | note                                   |
      | 0x9a    | 256 MiB - 1 B | 2 B    | where clusters of the fine bitmap meet |
      | 0x64    | 520 MiB       | 1 KiB  | the rest at the end                    |
    And the machine has been shut down

  Rule: A client of the image server is told of each dirty granule of a stored bitmap, and of no other
    Scenario Outline: A client asks for the record of "<bitmap>"
      When a client of the image server asks what is dirty in "<bitmap>" of "drive0"
      Then the client should be told what "<bitmap>" of "drive0" has recorded
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: by granularity
        | case                               | bitmap  |
        | granules of a cluster              | bitmap0 |
        | the finest granules                | fine    |
        | one granule for the whole drive    | coarse  |
        | a bitmap that has recorded nothing | still   |

    Scenario: The record that a client is told of has been merged
      Given the bitmap "still" of "drive0" has been changed by the image tool:
        | action | from |
        | merge  | fine |
      When a client of the image server asks what is dirty in "still" of "drive0"
      Then the client should be told what "still" of "drive0" has recorded
      And the image of "drive0" should store its persistent bitmaps and no others

    Scenario Outline: An increment is taken while the machine is off, and the chain goes on: by "<bitmap>"
      When a client of the image server copies what is dirty in "<bitmap>" of "drive0"
      Then what the client has copied should restore "drive0", and hold only what "<bitmap>" has recorded
      When the machine "tuesday" starts with the same drives
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: by granularity
        | case                  | bitmap  |
        | granules of a cluster | bitmap0 |
        | the finest granules   | fine    |

    Scenario: No client is told of a bitmap that there is not
      When the image server is to show "missing" of "drive0"
      Then the image server should refuse it, saying "Bitmap 'missing' is not found"
      And the image of "drive0" should store its persistent bitmaps and no others

    Scenario: No client is told of a bitmap that a crash has left inconsistent
      Given the machine "tuesday" has started with the same drives
      And the machine has been killed
      When the image server is to show "fine" of "drive0"
      Then the image server should refuse it, saying "Bitmap 'fine' is inconsistent and cannot be used"
      And the image of "drive0" should store its persistent bitmaps and no others

  Rule: What the image tool says of the bitmaps in an image is what is there
    Scenario: A copy takes the space that was measured for its bitmaps
      Given the bitmap "still" of "drive0" has been changed by the image tool:
        | action | from |
        | merge  | fine |
      When the image of "drive0" is measured
      Then a copy of the image of "drive0" with its bitmaps should take the space that the image tool measures
      And the image of "drive0" should store its persistent bitmaps and no others

    Scenario Outline: Nothing is measured for bitmaps in <kind>
      When the image of "drive0" is measured
      Then the image tool should measure no room for bitmaps of "drive0" in <kind>
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: images that store none
        | case                      | kind                       |
        | it has no place for any   | a raw image                |
        | its version knows of none | a qcow2 image of version 2 |

    Scenario: Bitmaps are listed that a crash has left inconsistent
      Given the machine "tuesday" has started with the same drives
      When the machine is killed
      Then the image tool should list the bitmaps in the image of "drive0"

    Scenario: Bitmaps of many granularities are listed, those that record and those that do not
      Given the bitmap "bitmap1" of "drive0" has been changed by the image tool:
        | action | granularity |
        | add    | 1 KiB       |
      When the bitmap "a: b, c" of "drive0" is changed by the image tool:
        | action  | granularity |
        | add     | 1 GiB       |
        | disable |             |
      Then the image tool should list the bitmaps in the image of "drive0"
