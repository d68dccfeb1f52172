@layers
Feature: Bitmaps of a drive that moves to other storage
  A disk moves to other storage while its guest runs: a mirror copies it, and at a word the guest goes on with the copy.
  The bitmaps do not move with it. Those of the old image stop with it, and are stored as they are then. Whoever wants to
  go on with the chain gives the copy bitmaps of its own, before the guest uses it, and brings over what was recorded.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity | recording |
      | add     | bitmap0 | drive0 | yes        |             |           |
      | add     | fine0   | drive0 | yes        | 512 B       |           |
      | add     | still0  | drive0 | yes        |             | no        |
      | add     | gone0   | drive0 | no         |             |           |
    And the guest has written to "drive0":
      | pattern | at            | length |
      | 0xab    | 1 MiB - 512 B | 1 KiB  |

  Rule: From the moment at which the guest goes on with the copy, the bitmaps there record what it writes
    Scenario Outline: The record is brought over when the copy is ready, and the guest writes on until it moves, with <mode>
      Given the new drive "copy0" as large as "drive0"
      And a mirror of "drive0" into "copy0" is ready that was started with:
        | option    | value  |
        | copy-mode | <mode> |
      And these requests have been granted as one transaction:
        | request | bitmap  | drive | persistent | granularity | recording | from              |
        | add     | bitmap0 | copy0 | yes        |             |           |                   |
        | add     | coarse0 | copy0 | no         | 1 MiB       |           |                   |
        | add     | still0  | copy0 | yes        | 4 KiB       | no        |                   |
        | merge   | bitmap0 | copy0 |            |             |           | bitmap0 of drive0 |
        | merge   | still0  | copy0 |            |             |           | fine0 of drive0   |
      And the guest has written to "drive0":
        | request      | pattern | at     | length | note             |
        | write        | 0x9a    | 2 MiB  | 64 KiB | before it moves  |
        | write zeroes |         | 64 KiB | 64 KiB | what was there   |
        | write        | 0x9d    | 4 MiB  | 1 KiB  | the last granule |
      And the guest of "drive0" has gone on with its mirror
      When the guest writes to "copy0":
        | pattern | at            | length | note           |
        | 0x9b    | 3 MiB - 512 B | 1 KiB  | after its move |
      Then the bitmaps of "copy0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 448 KiB |
        | coarse0 | 1 MiB       | yes       | no   | no         | 4 MiB   |
        | still0  | 4 KiB       | no        | no   | yes        | 8 KiB   |
      And the next incremental backup of "copy0" with "bitmap0" should restore it as it was then
      And the bitmaps should still hold what had changed

      Examples: both ways of mirroring
        | case                         | mode           |
        | later, when its turn comes   | background     |
        | before the guest hears of it | write-blocking |

    Scenario: The machine is shut down after the move, and the next one goes on with the copy
      Given the new drive "copy0" as large as "drive0"
      And a mirror of "drive0" into "copy0" is ready that was started with:
        | option    | value      |
        | copy-mode | background |
      And these requests have been granted as one transaction:
        | request | bitmap  | drive | persistent | from              |
        | add     | bitmap0 | copy0 | yes        |                   |
        | merge   | bitmap0 | copy0 |            | bitmap0 of drive0 |
      And the guest of "drive0" has gone on with its mirror
      And the guest has written to "copy0":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 1 KiB  |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      When the guest writes to "copy0":
        | pattern | at             | length |
        | 0x9c    | 4 MiB - 64 KiB | 1 KiB  |
      Then the next incremental backup of "copy0" with "bitmap0" should restore it as it was then

    Scenario: The machine is killed after the move
      Given the new drive "copy0" as large as "drive0"
      And a mirror of "drive0" into "copy0" is ready that was started with:
        | option    | value      |
        | copy-mode | background |
      And these requests have been granted as one transaction:
        | request | bitmap  | drive | persistent | from              |
        | add     | bitmap0 | copy0 | yes        |                   |
        | merge   | bitmap0 | copy0 |            | bitmap0 of drive0 |
      And the guest of "drive0" has gone on with its mirror
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then "copy0" should have no bitmap

  Rule: A mirror of the top layer alone is recorded by the bitmaps of the copy as what that layer holds
    Scenario: The guest's overlay moves to other storage, and its base stays
      Given a snapshot has put the overlay "overlay0" on "drive0"
      And the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
      And the new drive "copy0" as large as "overlay0", on top of "drive0"
      And these bitmaps on "copy0":
        | bitmap  | granularity | persistent | recording |
        | bitmap2 | 64 KiB      | yes        | yes       |
        | fine2   | 512 B       | no         | yes       |
        | still2  | 64 KiB      | yes        | no        |
      And a mirror of "overlay0" into "copy0" is ready that was started with:
        | option    | value      |
        | copy-mode | background |
      And the guest has written to "overlay0":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      And the guest of "overlay0" has gone on with its mirror
      When the guest writes to "copy0":
        | pattern | at    | length |
        | 0x9c    | 4 MiB | 1 KiB  |
      Then the bitmaps of "copy0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap2 | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | fine2   | 512 B       | yes       | no   | no         | 257 KiB |
        | still2  | 64 KiB      | no        | no   | yes        | 0       |
      And the bitmaps should still hold what had changed
