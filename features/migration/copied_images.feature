@migration
Feature: A guest moves to another machine with copies of its images
  Where the two hosts share no storage, the drives are copied while the guest runs, into images that the other machine
  exports, and are kept in step until the guest moves. A copy knows nothing of bitmaps: those must travel with the guest.
  Then the chain goes on there, although the image is another one.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap    | drive  | persistent |
      | add     | bitmap0   | drive0 | yes        |
      | add     | transient | drive0 | no         |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: Bitmaps that travel with the guest go on in the copies, and the chain goes on with them
    Scenario: The guest writes before the copy, beside it and after it
      Given the machine "elsewhere" waits for the guest, with copies of the images
      And all bitmaps travel with the guest
      And the guest has written to "drive0":
        | pattern | at    | length | note            |
        | 0xcd    | 1 MiB | 1 KiB  | beside the copy |
      And the guest has moved there
      When the guest writes to "drive0":
        | pattern | at            | length | note                   |
        | 0x9a    | 2 MiB - 1 KiB | 2 KiB  | on both sides of 2 MiB |
      Then the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | transient | 64 KiB      | yes       | no   | no         | 320 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: Several drives, each with bitmaps of its own
      Given the 1 MiB drive "drive1" in a qcow2 image with clusters of 512 B
      And these bitmaps on "drive1":
        | bitmap  | granularity | recording | persistent |
        | bitmap0 | 512 B       | yes       | no         |
        | silent  | 32 KiB      | no        | yes        |
      And the machine "elsewhere" waits for the guest, with copies of the images
      And all bitmaps travel with the guest
      And the guest has written to "drive1":
        | pattern | at          | length |
        | 0xcd    | 1 MiB - 1 B | 1 B    |
      And the guest has moved there
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 512 B       | yes       | no   | no         | 512 B |
        | silent  | 32 KiB      | no        | no   | yes        | 0     |
      And the bitmaps should still hold what had changed
      And the image of "drive1" should store its persistent bitmaps and no others

    Scenario: An increment before the guest moves, and one after it
      Given an incremental backup of "drive0" with "bitmap0"
      And the machine "elsewhere" waits for the guest, with copies of the images
      And all bitmaps travel with the guest
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xcd    | 1 MiB | 1 KiB  |
      And the guest has moved there
      And the machine that the guest has left has been shut down
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

  Rule: Bitmaps that do not travel stay behind, and a full backup begins a new chain
    Scenario: No bitmap is in the copy, and the next full backup adds one of the same name
      Given the machine "elsewhere" waits for the guest, with copies of the images
      When the guest moves there
      Then "drive0" should have no bitmap
      And "drive0" should hold what the guest has written

    Scenario: A new chain begins at the other machine
      Given the machine "elsewhere" waits for the guest, with copies of the images
      And the guest has moved there
      And a full backup of "drive0" with a new bitmap "bitmap0"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: No bitmap is taken for another one, and none comes to a drive that it does not fit
    Scenario: The other machine has a bitmap of that name already
      Given the machine "elsewhere" waits for the guest, with empty images of 4 MiB + 1 KiB
      And all bitmaps travel with the guest
      And the machine "elsewhere" has the bitmap "transient" on "drive0"
      And the guest has failed to move there, and one of the machines has said "Bitmap with the same name"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @known-defect.bitmap-for-smaller-drive
    Scenario: The drive of the other machine is smaller
      Given the machine "elsewhere" waits for the guest, with empty images of 1 MiB
      And all bitmaps travel with the guest
      When the guest moves there
      Then the bitmaps should still hold what had changed

    @known-defect.bitmap-stored-already
    Scenario: The image of the other machine stores a bitmap of that name already
      Given the machine "other" waits for the guest, with empty images of 4 MiB + 1 KiB that store the bitmap "bitmap0"
      And all bitmaps travel with the guest
      And the guest has failed to move there, and one of the machines has said "already exists"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the bitmaps should still hold what had changed
