@bitmap
Feature: Merging no bitmaps at all
  A backup tool merges what several bitmaps have recorded since the last full backup. On some day there are none: then
  it asks for a merge of nothing. The answer may not cost the guest its life and the work of a day.

  Background:
    Given the 4 MiB drive "drive0"
    And a bitmap "bitmap0" on "drive0"
    And the guest has written to "drive0":
      | pattern | at      | length |
      | 0x41    | 960 KiB | 65 KiB |

  Rule: A merge without sources leaves the machine running and its target as it was
    @known-defect.merge-empty-list
    Scenario: No bitmaps are merged into one that has recorded
      When no bitmaps of "drive0" are merged into "bitmap0"
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 128 KiB |
      And the bitmaps should still hold what had changed

    @known-defect.merge-empty-list
    Scenario: No bitmaps are merged into a new one in the transaction that adds it
      When these requests are made as one transaction:
        | request | bitmap  | drive  | recording | from |
        | add     | bitmap1 | drive0 | no        |      |
        | merge   | bitmap1 | drive0 |           | none |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 128 KiB |
        | bitmap1 | 64 KiB      | no        | no   | 0       |
      And the bitmaps should still hold what had changed
