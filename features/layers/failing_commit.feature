@layers
Feature: Bitmaps of a base whose storage has no room for a commit
  The storage of a base is full when its overlay is written down: the job fails half-way. The guest goes on with the overlay
  and loses nothing; when there is room again, the commit is done anew, and then the bitmaps of the base must have recorded
  all that came into it, in the first attempt or in the second.

  Background:
    Given the drives' images are on a disk with 4 MiB of free space
    And the 8 MiB drive "drive0" in a qcow2 image
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity | recording |
      | add     | bitmap0 | drive0 | yes        | 64 KiB      | yes       |
      | add     | still0  | drive0 | yes        | 512 B       | no        |
      | add     | coarse0 | drive0 | no         | 1 MiB       | yes       |
    And a snapshot has put the overlay "overlay0" on "drive0"

  Rule: After a commit that has failed, another one brings the base and its bitmaps up to date
    Scenario: The guest goes on with the overlay, and there is room again
      Given the guest has written to "overlay0":
        | pattern | at            | length  | note                   |
        | 0x9a    | 2 MiB - 512 B | 1 KiB   | on both sides of 2 MiB |
        | 0x9b    | 5 MiB         | 256 KiB |                        |
      And that disk has been filled
      When "overlay0" is to be committed into "drive0"
      Then that job should fail, saying "No space left on device"
      When space is freed on the drives' disk
      And "overlay0" is committed into "drive0"
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 384 KiB |
        | still0  | 512 B       | no        | no   | yes        | 0       |
        | coarse0 | 1 MiB       | yes       | no   | no         | 3 MiB   |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
