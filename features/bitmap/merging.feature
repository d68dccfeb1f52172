@bitmap
Feature: Merging what several bitmaps have recorded
  A backup tool may keep one bitmap for each day. To go back to the full backup of Sunday, it merges the days since into
  one bitmap and takes a backup with that. A day that got lost in a merge is lost in the backup; a day that the merge
  made up is only copied for nothing, but on a large drive that may be a night's work. On some day there are no bitmaps
  to merge, and the tool asks for a merge of none: the answer may not cost the guest its life and the work of a day.

  Background:
    Given the 8 MiB drive "drive0" holding:
      | pattern | at | length |
      | 0x11    | 0  | 8 MiB  |
    And a full backup of "drive0"

  Rule: A merge adds all that its sources hold to what its target holds, whatever their granularities
    Scenario Outline: Several bitmaps are merged into one, <case>
      Given these bitmaps on "drive0", each with a record of its own:
        | bitmap | granularity   | pattern | at            | length   | note                                |
        | fine   | 512 B         | 0xa1    | 2 MiB - 512 B | 1 KiB    | over the edge of 4096 fine granules |
        | plain  | 64 KiB        | 0xa2    | 4 MiB - 1 B   | 2 B      | over the edge of 64 plain granules  |
        | coarse | 1 MiB         | 0xa3    | 8 MiB - 1 B   | 1 B      | the last byte of the drive          |
        | idle   | 64 KiB        |         |               |          | a day on which nothing happened     |
        | week   | <granularity> | 0xa4    | <at>          | <length> | what it holds before                |
      When <sources> of "drive0" are merged into "week"
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity   | recording | busy | dirty   |
        | fine   | 512 B         | no        | no   | 1 KiB   |
        | plain  | 64 KiB        | no        | no   | 128 KiB |
        | coarse | 1 MiB         | no        | no   | 1 MiB   |
        | idle   | 64 KiB        | no        | no   | 0       |
        | week   | <granularity> | no        | no   | <dirty> |
      And the next incremental backup of "drive0" with "week" should restore it as it was then

      Examples: into one that holds nothing yet
        | case                              | granularity | at | length | sources                                      | dirty           |
        | one of its own granularity first  | 64 KiB      |    |        | "plain", "fine" and "coarse"                 | 1 MiB + 256 KiB |
        | empty ones first and in between   | 64 KiB      |    |        | "idle", "coarse", "idle", "fine" and "plain" | 1 MiB + 256 KiB |
        | all coarser than it, but the last | 512 B       |    |        | "coarse", "plain" and "fine"                 | 1 MiB + 129 KiB |
        | all finer than it, but the last   | 1 MiB       |    |        | "fine", "plain" and "coarse"                 | 5 MiB           |

      Examples: into one that holds something
        | case                             | granularity | at    | length | sources                              | dirty           |
        | one of its own granularity first | 64 KiB      | 5 MiB | 1 KiB  | "plain", "coarse" and "fine"         | 1 MiB + 320 KiB |
        | an empty one first               | 64 KiB      | 5 MiB | 1 KiB  | "idle", "fine", "plain" and "coarse" | 1 MiB + 320 KiB |
        | itself among them                | 512 B       | 5 MiB | 1 KiB  | "plain", "week", "fine" and "coarse" | 1 MiB + 130 KiB |
        | itself first                     | 1 MiB       | 5 MiB | 1 KiB  | "week", "coarse", "plain" and "fine" | 6 MiB           |

    @bug-B08
    Scenario: A bitmap that got all it holds from a merge is merged into another one
      Given these bitmaps on "drive0", each with a record of its own:
        | bitmap  | pattern | at          | length |
        | monday  | 0xa1    | 8 MiB - 1 B | 1 B    |
        | tuesday |         |             |        |
        | week    | 0xa2    | 4 MiB - 1 B | 2 B    |
      And "monday" of "drive0" has been merged into "tuesday"
      When "tuesday" of "drive0" is merged into "week"
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | monday  | 64 KiB      | no        | no   | 64 KiB  |
        | tuesday | 64 KiB      | no        | no   | 64 KiB  |
        | week    | 64 KiB      | no        | no   | 192 KiB |
      And the next incremental backup of "drive0" with "week" should restore it as it was then

  Rule: After a merge, the bitmaps that recorded before it go on recording, and no others begin to
    Scenario: A bitmap that records is merged into another one that records
      Given a bitmap "monday" with a granularity of 32 KiB on "drive0"
      And the guest has written to "drive0":
        | pattern | at           | length | note                         |
        | 0xa1    | 64 KiB - 1 B | 2 B    | over the edge of a granule   |
        | 0xa1    | 4 MiB - 1 B  | 2 B    | over the edge of 64 granules |
        | 0xa1    | 8 MiB - 1 B  | 1 B    | the last byte of the drive   |
      And a bitmap "week" on "drive0"
      And "monday" of "drive0" has been merged into "week"
      When the guest writes to "drive0":
        | pattern | at      | length |
        | 0xa2    | 992 KiB | 32 KiB |
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | dirty   |
        | monday | 32 KiB      | yes       | no   | 192 KiB |
        | week   | 64 KiB      | yes       | no   | 384 KiB |
      And the next incremental backup of "drive0" with "week" should restore it as it was then

    Scenario: A day ends and its bitmap is merged in one transaction
      Given a bitmap "monday" on "drive0"
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xa1    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0xa1    | 8 MiB - 1 B  | 1 B    | the last byte of the drive |
      When these requests are made as one transaction:
        | request | bitmap  | drive  | recording | from   | note                       |
        | disable | monday  | drive0 |           |        | the day is over            |
        | add     | tuesday | drive0 | yes       |        | the next one begins        |
        | add     | week    | drive0 | no        |        | only for this backup       |
        | merge   | week    | drive0 |           | monday | and tuesday is still empty |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | monday  | 64 KiB      | no        | no   | 192 KiB |
        | tuesday | 64 KiB      | yes       | no   | 0       |
        | week    | 64 KiB      | no        | no   | 192 KiB |
      And the next incremental backup of "drive0" with "week" should restore it as it was then

  Rule: A merge of no bitmaps leaves the machine running and its target as it was
    @known-defect.merge-empty-list
    Scenario: No bitmaps are merged into one that has recorded
      Given a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at          | length | note                       |
        | 0x41    | 960 KiB     | 65 KiB | over the edge of a granule |
        | 0x41    | 8 MiB - 1 B | 1 B    | the last byte of the drive |
      When no bitmaps of "drive0" are merged into "bitmap0"
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 192 KiB |
      And the bitmaps should still hold what had changed

    @known-defect.merge-empty-list
    Scenario: No bitmaps are merged into a new one in the transaction that adds it
      Given a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at          | length | note                       |
        | 0x41    | 960 KiB     | 65 KiB | over the edge of a granule |
        | 0x41    | 8 MiB - 1 B | 1 B    | the last byte of the drive |
      When these requests are made as one transaction:
        | request | bitmap  | drive  | recording | from |
        | add     | bitmap1 | drive0 | no        |      |
        | merge   | bitmap1 | drive0 |           | none |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 192 KiB |
        | bitmap1 | 64 KiB      | no        | no   | 0       |
      And the bitmaps should still hold what had changed
