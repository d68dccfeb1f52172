@damage
Feature: Images that lack a part of a bitmap
  A copy that broke off, or a disk that was full, leaves a file that ends too early. What is missing at its end reads as
  zeros, and to a bitmap zeros mean that nothing has changed: an incremental backup would copy nothing, and tell nobody.

  Background:
    Given the 5 MiB drive "drive0" in a qcow2 image with clusters of 1 KiB
    And these bitmaps on "drive0":
      | bitmap  | granularity | persistent |
      | bitmap0 | 512 B       | yes        |
      | bitmap1 | 512 B       | yes        |
    And the guest has written to "drive0":
      | pattern | at          | length | note                                                 |
      | 0x41    | 0           | 1 KiB  | the first granules                                   |
      | 0xab    | 4 MiB - 1 B | 2 B    | where the first cluster of a bitmap meets the second |
    And the machine has been shut down

  Rule: A bitmap is not taken for a valid one when a part of it is not in the file
    @known-defect.missing-is-clean
    Scenario Outline: A part of a bitmap is missing: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then no damaged bitmap should be taken for a valid one

      Examples: its table, or its bits
        | case                                        |
        | the table is far beyond the end of the file |
        | the file ends before the table              |
        | the bits are far beyond the end of the file |
        | the file ends before the bits               |

    @known-defect.nameless-bitmap
    Scenario: A bitmap has no name
      Given a copy of the image of "drive0" in which the name is empty
      When the copy is opened for reading, for writing and by each tool
      Then no damaged bitmap should be taken for a valid one

  Rule: Whoever examines an image is told of such a bitmap, and the image is no worse after somebody has opened it
    Scenario Outline: An image is examined in which <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then whoever examines the copy should be told that it is broken
      And each of these should get at its data

      Examples: what a bitmap has no right to
        | case                                             |
        | the file ends before the bits                    |
        | the bits are in the place of the table of tables |

    @known-defect.wrecked-by-freeing
    Scenario Outline: An image is examined, and opened again after somebody has opened it for writing: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then whoever examines the copy should be told that it is broken
      And each of these should get at its data

      Examples: places that are none
        | case                                        |
        | the table is far beyond the end of the file |
        | the bits are far beyond the end of the file |

    @known-defect.overlooked-end
    Scenario: An image is examined that ends just before the table of a bitmap
      Given a copy of the image of "drive0" in which the file ends before the table
      When the copy is opened for reading, for writing and by each tool
      Then whoever examines the copy should be told that it is broken
