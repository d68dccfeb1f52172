@damage
Feature: Images to which a program has written that knows no bitmaps
  An image may come into the hands of a program that cannot record what it changes: an old release, or another vendor's.
  Such a program clears a bit of the image's header that it does not know, and by that QEMU sees that all bitmaps in the
  image are outdated. None of them may be used again, and nothing else may be lost.

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

  Rule: Outdated bitmaps are in nobody's way, and nobody finds them
    Scenario: An image with outdated bitmaps is opened
      Given a copy of the image of "drive0" in which the bitmaps are not to be trusted
      When the copy is opened for reading, for writing and by each tool
      Then no damaged bitmap should be taken for a valid one
      And each of these should get at its data

    Scenario: The next machine starts with an image whose bitmaps are outdated
      Given a program without bitmaps has written to the image of "drive0"
      When the machine "tomorrow" starts with the same drives
      Then "drive0" should have no bitmap
      And "drive0" should hold what the guest has written

  Rule: A new chain begins with the names of the outdated bitmaps, and outlives the machine
    Scenario: A bitmap of an outdated one's name is added, and another machine goes on with it
      Given a program without bitmaps has written to the image of "drive0"
      And the machine "tomorrow" has started with the same drives
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent | granularity |
        | add     | bitmap0 | drive0 | yes        | 1 KiB       |
      And the guest has written to "drive0":
        | pattern | at          | length | note             |
        | 0x9a    | 5 MiB - 1 B | 1 B    | the last granule |
      And the machine has been shut down
      And the machine "thursday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at          | length | note                   |
        | 0x22    | 2 MiB - 1 B | 2 B    | on both sides of 2 MiB |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 1 KiB       | yes       | no   | yes        | 3 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
