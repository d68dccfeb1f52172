@layers
Feature: Bitmaps above and below an image that is committed
  A snapshot is taken before an upgrade, and when all is well its overlay is written down into the base again. The bitmaps
  of the base have rested meanwhile. They must record what the commit writes, or the next increment lacks all that the
  guest did on the overlay; and they must go on, since the guest goes on with the base. The bitmaps of the overlay record
  what the guest writes to the overlay, and no job moves them anywhere: that is up to the operator.

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

  Rule: What a commit writes into an image is recorded by those bitmaps there that record, and they go on
    @bug-B17
    Scenario: The guest goes on with the base
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And "overlay0" has been committed into "drive0"
      And the layer "overlay0" has been deleted
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty           |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 448 KiB         |
        | fine0   | 512 B       | yes       | no   | yes        | 194 KiB + 512 B |
        | coarse0 | 1 MiB       | yes       | no   | no         | 5 MiB           |
        | still0  | 64 KiB      | no        | no   | yes        | 0               |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the bitmaps should still hold what had changed

    Scenario Outline: The guest writes to the overlay while its commit is ready, which is then <ended>
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And a commit of "overlay0" into "drive0" is ready
      And the guest has written to "overlay0":
        | request      | pattern | at             | length | note                    |
        | write        | 0x9b    | 3 MiB          | 512 B  | what is new             |
        | write        | 0x9c    | 2 MiB          | 64 KiB | what has been committed |
        | write zeroes |         | 4 MiB - 64 KiB | 64 KiB | hides the base          |
      When the commit of "overlay0" is <ended>
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 512 KiB |
        | fine0   | 512 B       | yes       | no   | yes        | 322 KiB |
        | coarse0 | 1 MiB       | yes       | no   | no         | 5 MiB   |
        | still0  | 64 KiB      | no        | no   | yes        | 0       |
      And the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap1 | 64 KiB      | yes       | no   | yes        | 384 KiB |
        | still1  | 4 KiB       | no        | no   | yes        | 0       |
      And the bitmaps should still hold what had changed

      Examples: with which image the guest goes on
        | case                  | ended     |
        | the guest's, the base | completed |
        | still the overlay     | cancelled |

    Scenario: An overlay that has grown is committed
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And "overlay0" has been resized to 8 MiB + 512 B
      And the guest has written to "overlay0":
        | pattern | at    | length | note                           |
        | 0x9b    | 8 MiB | 512 B  | where the base has nothing yet |
      When "overlay0" is committed into "drive0"
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the bitmaps should still hold what had changed

    Scenario: The guest's drive lives in an iothread while its overlay is committed
      Given the guest has written to "overlay0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      And "overlay0" lives in an iothread of its own
      And the bitmap "still1" of "overlay0" has been removed
      And "overlay0" has been committed into "drive0"
      And the bitmap "fine0" of "drive0" has been removed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 256 KiB |
        | coarse0 | 1 MiB       | yes       | no   | no         | 4 MiB   |
        | still0  | 64 KiB      | no        | no   | yes        | 0       |
