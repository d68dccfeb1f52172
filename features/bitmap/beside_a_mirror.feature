@bitmap
Feature: Bitmaps of a drive that is being mirrored
  To move a drive to other storage without a pause, an operator mirrors it. The mirror has a bitmap of its own to find
  what it still has to copy, and must keep its hands off those of the backups: they go on recording what the guest
  writes, and a mirror that reads and writes the whole drive changes nothing of them.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at | length |
      | 0x41    | 0  | 4 MiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And these bitmaps on "drive0":
      | bitmap  | granularity | recording |
      | bitmap1 | 512 B       | yes       |
      | bitmap2 | 64 KiB      | no        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: A mirror changes no bitmap of its drive, and those that record go on recording what the guest writes
    @bug-B01 @bug-B11
    Scenario Outline: What the guest writes is mirrored <case>
      Given a mirror of "drive0" has been started with:
        | option      | value         |
        | copy-mode   | <mode>        |
        | granularity | <granularity> |
        | buf-size    | <granularity> |
        | speed       | 1 B           |
      And the bitmaps of "drive0" are:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 128 KiB |
        | bitmap1 | 512 B       | yes       | no   | 1 KiB   |
        | bitmap2 | 64 KiB      | no        | no   | 0       |
      And the guest has written to "drive0":
        | pattern | at            | length | note                                       |
        | 0x9a    | 960 KiB - 1 B | 2 B    | next to what the mirror has not copied yet |
        | 0x9b    | 2 MiB + 512 B | 512 B  | one sector among others                    |
      When the mirror of "drive0" is ended
      Then the mirror of "drive0" should equal it
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty         |
        | bitmap0 | 64 KiB      | yes       | no   | 320 KiB       |
        | bitmap1 | 512 B       | yes       | no   | 2 KiB + 512 B |
        | bitmap2 | 64 KiB      | no        | no   | 0             |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: both ways of mirroring
        | case                                        | mode           | granularity |
        | later, when its turn comes                  | background     | 64 KiB      |
        | at once, although it is less than a granule | write-blocking | 64 KiB      |
        | at once, in small granules                  | write-blocking | 4 KiB       |
