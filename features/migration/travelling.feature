@migration
Feature: Bitmaps that travel with the guest
  The operator can tell both machines that bitmaps travel with the guest (capability dirty-bitmaps). Then all arrive as
  they were, the transient ones, too, and it is the other machine that stores the persistent ones.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | yes        |

  Rule: Bitmaps that travel arrive as they were, transient ones too, and persistent ones are stored by the machine that has them
    Scenario Outline: A bitmap of <granularity> on a drive of <size>
      Given the <size> drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap     | granularity   | recording | persistent |
        | persistent | <granularity> | yes       | yes        |
        | transient  | <granularity> | yes       | no         |
        | empty      | <granularity> | yes       | yes        |
        | silent     | <granularity> | yes       | no         |
      And the guest has written to "drive1":
        | pattern | at     | length | note          |
        | 0xab    | 0      | 1 B    | the first bit |
        | 0x64    | <last> | 1 B    | the last bit  |
      And the bitmap "empty" of "drive1" has been cleared
      And the bitmap "silent" of "drive1" has been disabled
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest has moved there
      When the guest writes to "drive1":
        | pattern | at       | length |
        | 0x9a    | <middle> | 1 B    |
      Then the bitmaps of "drive1" should be:
        | bitmap     | granularity   | recording | busy | persistent | dirty   |
        | persistent | <granularity> | yes       | no   | yes        | <dirty> |
        | transient  | <granularity> | yes       | no   | no         | <dirty> |
        | empty      | <granularity> | yes       | no   | yes        | <new>   |
        | silent     | <granularity> | no        | no   | no         | <old>   |

      Examples: granules from the finest to the coarsest, and drives that end in the midst of one
        | granularity | size          | middle | last                | dirty         | new    | old     |
        | 512 B       | 4 MiB + 512 B | 2 MiB  | 4 MiB + 511 B       | 1 KiB + 512 B | 512 B  | 1 KiB   |
        | 64 KiB      | 4 MiB + 1 KiB | 2 MiB  | 4 MiB + 1 KiB - 1 B | 192 KiB       | 64 KiB | 128 KiB |
        | 1 MiB       | 4 MiB + 512 B | 2 MiB  | 4 MiB + 511 B       | 3 MiB         | 1 MiB  | 2 MiB   |

      @bug-B103
      Examples: granules so large that their lengths in sectors do not fit
        | granularity | size          | middle  | last        | dirty   | new     | old     |
        | 256 MiB     | 1 GiB + 512 B | 512 MiB | 1 GiB       | 768 MiB | 256 MiB | 512 MiB |
        | 1 GiB       | 4 GiB         | 2 GiB   | 4 GiB - 1 B | 3 GiB   | 1 GiB   | 2 GiB   |
        | 2 GiB       | 6 GiB + 512 B | 2 GiB   | 6 GiB       | 6 GiB   | 2 GiB   | 4 GiB   |

    @bug-B100
    Scenario: No device uses the drive, which is a node alone
      Given a bitmap "transient" on "drive0"
      And no device uses "drive0"
      And these bitmaps on "drive0":
        | bitmap | granularity | recording | persistent |
        | new    | 512 B       | yes       | no         |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xab    | 4 MiB | 1 KiB  |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty  |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 64 KiB |
        | new     | 512 B       | yes       | no   | no         | 1 KiB  |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: A bitmap that is sent in several pieces
      Given the 40 MiB drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap | granularity | persistent |
        | pieces | 512 B       | yes        |
        | whole  | 64 KiB      | no         |
      And the guest has written to "drive1":
        | pattern | at             | length  | note                              |
        | 0xab    | 4 MiB - 1 B    | 2 B     | where a kilobyte of bits ends     |
        | 0xcd    | 20 MiB         | 600 KiB | more than a byte and a word holds |
        | 0xef    | 32 MiB - 512 B | 1 KiB   | the eighth kilobyte of bits       |
        | 0x64    | 40 MiB - 1 B   | 1 B     | the last bit                      |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      When the guest moves there
      Then the bitmaps should still hold what had changed
      And the image of "drive1" should store its persistent bitmaps and no others

    Scenario: A hundred bitmaps
      Given the 4 MiB drive "drive1" in a qcow2 image
      And 100 persistent bitmaps have been added to "drive1" in the transaction that starts a full backup
      And the guest has written to "drive1":
        | pattern | at          | length |
        | 0x64    | 4 MiB - 1 B | 1 B    |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      When the guest moves there
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive1" with "bitmap100" should restore it as it was then
      And the image of "drive1" should store its persistent bitmaps and no others

    Scenario Outline: The guest moves twice, and the machine that it has left <end>
      Given the machine "elsewhere" waits for the guest, with the same images
      And <first> travel with the guest
      And the guest has moved there
      And the machine that the guest has left has been <end>
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xcd    | 2 MiB | 1 KiB  |
      And the machine "third" waits for the guest, with the same images
      And <second> travel with the guest
      And the guest has moved there
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xef    | 3 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: each way after the other
        | end       | first       | second      |
        | shut down | all bitmaps | all bitmaps |
        | shut down | all bitmaps | no bitmaps  |
        | shut down | no bitmaps  | all bitmaps |
        | killed    | no bitmaps  | no bitmaps  |
        | killed    | all bitmaps | all bitmaps |

    Scenario: The machine is killed to which the bitmaps have travelled, and nobody takes them for whole
      Given the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest has moved there
      And the machine that the guest has left has been shut down
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then "drive0" should have no bitmap

    @upgrade
    Scenario Outline: The other machine is of the next release of QEMU, and <bitmaps> travel
      Given a bitmap "transient" on "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xab    | 1 MiB | 1 KiB  |
      And the machine "upgraded" of the next build waits for the guest, with the same images
      And <bitmaps> travel with the guest
      And the guest has moved there
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xef    | 3 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: the two ways
        | bitmaps     |
        | all bitmaps |
        | no bitmaps  |
