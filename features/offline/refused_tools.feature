@offline
Feature: Tools that would lose bitmaps
  A script that copies an image or takes it back to an older state only looks at whether the tool said that it was done. If
  the tool said that all is well and the bitmaps were gone, or were not what they seem, the next increment would miss
  what has changed, and nobody would know before a restore. So a tool that cannot keep a bitmap refuses, or is told to.

  Background:
    Given the 520 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at              | length |
      | 0x41    | 0               | 65 KiB |
      | 0xd5    | 520 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | granularity | persistent |
      | add     | bitmap0 | drive0 | 64 KiB      | yes        |
      | add     | fine    | drive0 | 512 B       | yes        |
    And the guest has written to "drive0":
      | pattern | at            | length | note                                   |
      | 0x9a    | 256 MiB - 1 B | 2 B    | where clusters of the fine bitmap meet |
      | 0x64    | 520 MiB       | 1 KiB  | the rest at the end                    |
    And the machine has been shut down

  Rule: A tool refuses what the bitmaps in an image would not survive, and leaves the image as it was
    Scenario Outline: Refused: the image is <act>
      When the image of "drive0" is to be <act>
      Then the image tool should refuse it, saying "<words>"
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: by what the tool would do
        | case                             | act                                                | words                    |
        | convert --bitmaps -O raw         | copied to a raw image with its bitmaps             | does not support bitmaps |
        | convert --bitmaps -o compat=0.10 | copied to version 2 of the format with its bitmaps | does not support bitmaps |

    Scenario: Refused: the image is put back to an internal snapshot
      Given the image of "drive0" has been given a snapshot
      When the image of "drive0" is to be put back to its snapshot
      Then the image tool should refuse it, saying "active dirty bitmaps"
      And the image of "drive0" should store its persistent bitmaps and no others
      When the image of "drive0" is rid of its snapshot
      And the machine "tuesday" starts with the same drives
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @known-defect.downgrade-loses-bitmaps
    Scenario: Refused: the image is amended to the version of its format that knows no bitmaps
      When the image of "drive0" is to be amended to version 2 of the format
      Then the image tool should refuse it, saying "bitmap"
      And the image of "drive0" should store its persistent bitmaps and no others

  Rule: Nobody gets a copy of a bitmap that cannot be trusted, and a copy without it only if it was asked for
    @bug-B30
    Scenario Outline: A crash has left the bitmaps, and the image is to be <act>
      Given the machine "monday" has started with the same drives
      And the machine has been killed
      When the image of "drive0" is to be <act>
      Then the image tool should refuse it, saying "inconsistent"
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: by what needs their records
        | case                   | act                     |
        | it is not copied       | copied with its bitmaps |
        | it is not made larger  | resized to 1 GiB        |
        | it is not made smaller | resized to 1 MiB        |

    Scenario Outline: One bitmap is consistent and others are not, and the image is <act>
      Given the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | sound  | 512 B       | yes        |
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0x22    | 520 MiB - 1 B | 2 B    |
      And the machine has been shut down
      And the image of "drive0" has been <act>
      When the machine "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | inconsistent | dirty |
        | sound  | 512 B       | yes       | no   | yes        | no           | 1 KiB |

      Examples: who said that bitmaps may be left behind
        | case                                    | act                                |
        | whoever wanted the consistent ones only | copied with its consistent bitmaps |
