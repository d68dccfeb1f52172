@bitmap
Feature: Bitmaps above and below a drive
  What a guest takes for one drive is a stack inside QEMU: after a snapshot an overlay on top of its base, and perhaps a
  filter over both; and below each image there is its file, which QEMU calls "drive1-file" here. A bitmap may sit on any
  of them and records what passes there. A snapshot leaves it where it was, on the base, so that a backup tool has to
  bring the records of both together.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at | length |
      | 0x41    | 0  | 4 MiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: A transient bitmap records, too, on a drive whose image cannot store bitmaps
    Scenario: A transient bitmap on a drive in a raw image
      Given the 4 MiB drive "drive1" in a raw image
      And a full backup of "drive1" with a new bitmap "bitmap0"
      When the guest writes to "drive1":
        | request | pattern | at           | length | note                       |
        | write   | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | write   | 0x9a    | 4 MiB - 1 B  | 1 B    | the last byte              |
        | discard |         | 64 KiB       | 1 B    | what was just written      |
      Then the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 192 KiB |
      And the next incremental backup of "drive1" with "bitmap0" should restore it as it was then

  Rule: A bitmap on a filter records what passes through the filter
    Scenario: A bitmap on a filter is merged into one on the drive below the filter
      Given a throttle filter "throttle0" over "drive0"
      And a bitmap "bitmap1" with a granularity of 32 KiB on "throttle0"
      And the bitmap "bitmap0" of "drive0" has been disabled
      And the guest has written to "drive0":
        | request      | pattern | at           | length | note                       |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | write zeroes |         | 992 KiB      | 32 KiB | a granule of "bitmap1"     |
      When this request is made:
        | request | bitmap  | drive  | from                 |
        | merge   | bitmap0 | drive0 | bitmap1 of throttle0 |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | no        | no   | 192 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: A bitmap on the file of an image records what the format of the image writes to that file
    @bug-B06
    Scenario: A file grows as the image in it fills up
      Given the 4 MiB drive "drive1" in a qcow2 image
      And a bitmap "bitmap0" on "drive1-file"
      When the guest writes to "drive1":
        | pattern | at | length | note                                                |
        | 0xab    | 0  | 1 MiB  | 16 clusters of data, and 3 that tell where they are |
      Then the bitmaps of "drive1-file" should be:
        | bitmap  | granularity | recording | busy | dirty           |
        | bitmap0 | 64 KiB      | yes       | no   | 1 MiB + 192 KiB |
      And the bitmaps should still hold what had changed

  Rule: A snapshot leaves each bitmap and its record where they were, on the base of the new overlay
    Scenario: The guest writes to an overlay whose base has a bitmap
      Given the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And a snapshot has put the overlay "overlay0" on "drive0"
      When the guest writes to "overlay0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 128 KiB |
      And "overlay0" should have no bitmap

    Scenario: The records from before and after a snapshot are merged for one backup
      Given the guest has written to "drive0":
        | pattern | at           | length | note                |
        | 0xab    | 64 KiB - 1 B | 2 B    | before the snapshot |
      And a snapshot has put the overlay "overlay0" on "drive0"
      And a bitmap "bitmap1" with a granularity of 32 KiB on "overlay0"
      And the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 960 KiB - 1 B | 2 B    | after the snapshot        |
        | write zeroes |         | 2 MiB         | 32 KiB | hides what the base holds |
      When this request is made:
        | request | bitmap  | drive    | from              |
        | merge   | bitmap1 | overlay0 | bitmap0 of drive0 |
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap1 | 32 KiB      | yes       | no   | 224 KiB |
      And the next incremental backup of "overlay0" with "bitmap1" should restore it as it was then
