@resize
Feature: Persistent bitmaps of a drive that changes its size
  What an image stores of a bitmap was laid out for the size that the drive had then. When the drive is resized, the
  bitmaps that were loaded from the image, those that were added before and those that come afterwards must all be stored
  for the new size, or the image could not be used any more with its bitmaps.

  Background:
    Given a machine whose guest sees its drives as disks
    And the 4 MiB drive "drive0", in whose image these bitmaps are stored:
      | bitmap  | granularity | recording |
      | stored0 | 64 KiB      | yes       |
      | stored1 | 512 B       | yes       |
      | stored2 | 32 KiB      | no        |
      | stored3 | 2 GiB       | yes       |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap | drive  | granularity | persistent |
      | add     | new0   | drive0 | 64 KiB      | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x9a    | 2 MiB        | 1 MiB  | the third quarter          |

  Rule: Persistent bitmaps are stored for the size that the drive has when it is unplugged
    Scenario Outline: A drive is resized to <size>, unplugged and plugged in again
      Given "drive0" has been resized to <size>
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new1   | 4 KiB       | yes        |
      And the bitmap "stored2" of "drive0" has been removed
      And the guest has written to "drive0":
        | pattern | at    | length | note              |
        | 0x55    | <end> | 512 B  | up to the new end |
      And "drive0" has been unplugged
      When "drive0" is plugged in again
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | stored0 | 64 KiB      | yes       | no   | yes        | <plain> |
        | stored1 | 512 B       | yes       | no   | yes        | <fine>  |
        | stored3 | 2 GiB       | yes       | no   | yes        | 2 GiB   |
        | new0    | 64 KiB      | yes       | no   | yes        | <plain> |
        | new1    | 4 KiB       | yes       | no   | yes        | 4 KiB   |
      And the bitmaps should still hold what had changed

      Examples: larger and smaller
        | case                                    | size          | end            | plain           | fine                  |
        | twice as large                          | 8 MiB         | 8 MiB - 512 B  | 1 MiB + 192 KiB | 1 MiB + 1 KiB + 512 B |
        | much larger                             | 70 MiB        | 70 MiB - 512 B | 1 MiB + 192 KiB | 1 MiB + 1 KiB + 512 B |
        | larger by a sector                      | 4 MiB + 512 B | 4 MiB          | 1 MiB + 192 KiB | 1 MiB + 1 KiB + 512 B |
        | smaller, the end is within a granule    | 2 MiB + 1 KiB | 2 MiB + 512 B  | 192 KiB         | 2 KiB                 |
        | smaller, most of what was dirty is gone | 1 MiB         | 1 MiB - 512 B  | 192 KiB         | 1 KiB + 512 B         |

  Rule: No persistent bitmap is lost because its drive has grown
    @slow @known-defect.lost-by-growing
    Scenario: A drive grows so large that one of its persistent bitmaps would take more than 512 MiB
      Given the 4 MiB drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap | granularity | persistent | note                                  |
        | fine   | 512 B       | yes        | one byte more than an image may store |
        | coarse | 64 KiB      | yes        | what any image can store              |
      And the guest has written to "drive1":
        | pattern | at          | length | note                       |
        | 0xab    | 1 MiB - 1 B | 2 B    | over the edge of a granule |
      When "drive1" is resized to 2 TiB + 512 B
      Then the image of "drive1" should store its persistent bitmaps and no others
