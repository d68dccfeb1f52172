@damage
Feature: Inconsistent bitmaps that are damaged as well
  A host that crashes may leave more behind than a bitmap that is out of date: what the image says of its table, or the
  table itself, may not have reached the disk. Nobody wants to know what was in that bitmap. It must be listed as any
  other inconsistent one, and the operator must be able to remove it and go on, without a repair and without a shutdown.

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

  Rule: An inconsistent bitmap can be removed, and a new one takes its name, whatever has become of its record
    Scenario Outline: An inconsistent bitmap is removed: <case>
      Given the machine "monday" has started with the same drives
      And the machine has been killed
      And in the image of "drive0", <case>
      And the machine "tuesday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent | granularity |
        | add     | bitmap0 | drive0 | yes        | 512 B       |
      When the guest writes to "drive0":
        | pattern | at          | length | note             |
        | 0x22    | 5 MiB - 1 B | 1 B    | the last granule |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 512 B       | yes       | no   | yes        | no           | 512 B |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: damages that nobody need notice
        | case                                            |
        | the table is as far away as can be written      |
        | the file ends before the table                  |
        | the table has one entry less                    |
        | the table has one entry more                    |
        | the lowest reserved bit of a table is set       |
        | the highest reserved bit of a table is set      |
        | a table says all ones of bits that have a place |
        | the bits begin in the midst of a cluster        |
        | the file ends before the bits                   |

    @known-defect.wrecked-by-freeing
    Scenario Outline: An inconsistent bitmap is removed, and the image is opened again: <case>
      Given the machine "monday" has started with the same drives
      And the machine has been killed
      And in the image of "drive0", <case>
      And the machine "tuesday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been removed
      And the machine has been shut down
      When the machine "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |
      And "drive0" should hold what the guest has written

      Examples: places that are none
        | case                                        |
        | the table is far beyond the end of the file |
        | the bits are far beyond the end of the file |
