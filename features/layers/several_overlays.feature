@layers
Feature: Bitmaps of several images above one another, of which some are committed
  Snapshots pile up, and not always is it the uppermost that goes: an old one in the middle is written down while the guest
  goes on above it, or several at once. What the guest wrote to any of them must then be in the record of the image that
  has got it; and the images that the commit did not touch keep their bitmaps, and what they store of them.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity | recording |
      | add     | bitmap0 | drive0 | yes        |             |           |
      | add     | fine0   | drive0 | yes        | 512 B       |           |
      | add     | coarse0 | drive0 | no         | 1 MiB       |           |
      | add     | still0  | drive0 | yes        |             | no        |
    And the guest has written to "drive0":
      | pattern | at            | length |
      | 0xab    | 1 MiB - 512 B | 1 KiB  |
    And these requests have been granted as one transaction:
      | request  | bitmap  | drive    | target   | persistent | granularity | recording |
      | snapshot |         | drive0   | overlay0 |            |             |           |
      | add      | bitmap1 | overlay0 |          | yes        |             |           |
      | add      | still1  | overlay0 |          | yes        | 4 KiB       | no        |

  Rule: What was written to any of the overlays is recorded where it was committed to
    Scenario: An overlay below another one is committed, and nobody writes to the base afterwards
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And a snapshot has put the overlay "overlay1" on "overlay0"
      And a bitmap "bitmap2" on "overlay1"
      And the guest has written to "overlay1":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      When "overlay0" is committed into "drive0"
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 384 KiB |
        | fine0   | 512 B       | yes       | no   | yes        | 194 KiB |
        | coarse0 | 1 MiB       | yes       | no   | no         | 4 MiB   |
        | still0  | 64 KiB      | no        | no   | yes        | 0       |
      And the bitmaps of "overlay1" should be:
        | bitmap  | granularity | recording | busy | dirty  |
        | bitmap2 | 64 KiB      | yes       | no   | 64 KiB |
      And the bitmaps should still hold what had changed

    Scenario: Two overlays are committed at once
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And a snapshot has put the overlay "overlay1" on "overlay0"
      And a bitmap "bitmap2" on "overlay1"
      And the guest has written to "overlay1":
        | pattern | at    | length | note                 |
        | 0x9b    | 3 MiB | 512 B  | what is new          |
        | 0x9c    | 2 MiB | 512 B  | what the other holds |
      When "overlay1" is committed into "drive0"
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 448 KiB |
        | fine0   | 512 B       | yes       | no   | yes        | 258 KiB |
        | coarse0 | 1 MiB       | yes       | no   | no         | 5 MiB   |
        | still0  | 64 KiB      | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: An overlay that QEMU has made by itself is committed
      Given this request has been granted:
        | request               | drive    | target   |
        | snapshot made by QEMU | overlay0 | overlay1 |
      And a bitmap "bitmap2" on "overlay1"
      And the guest has written to "overlay1":
        | pattern | at            | length | note                      |
        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      When "overlay1" is committed into "overlay0"
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap1 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | still1  | 4 KiB       | no        | no   | yes        | 0       |
      And the bitmaps should still hold what had changed

  Rule: A commit into an image changes no bitmap of those below that, which are only read
    Scenario: The uppermost of three images is committed into the second
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And a snapshot has put the overlay "overlay1" on "overlay0"
      And the guest has written to "overlay1":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      When "overlay1" is committed into "overlay0"
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
        | fine0   | 512 B       | yes       | no   | yes        | 1 KiB   |
        | coarse0 | 1 MiB       | yes       | no   | no         | 2 MiB   |
        | still0  | 64 KiB      | no        | no   | yes        | 0       |
      And the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap1 | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | still1  | 4 KiB       | no        | no   | yes        | 0       |
