@layers
Feature: A chain of backups that goes on over snapshot and commit
  The operator's recipe: in the transaction that takes the snapshot, the overlay gets a bitmap of its own, so that no write
  is missed; increments from then on go by both records; after the commit the overlay's record is merged into the base's.
  Whoever keeps to it never needs a new full backup, and each increment holds what has changed and no more.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | yes        |
    And the guest has written to "drive0":
      | pattern | at            | length |
      | 0xab    | 1 MiB - 512 B | 1 KiB  |

  Rule: The record of the base goes on after a commit, with that of the overlay merged into it
    @bug-B17
    Scenario: A snapshot, an increment of the overlay, and a commit
      Given these requests have been granted as one transaction:
        | request  | bitmap  | drive    | target   | persistent | from              |
        | snapshot |         | drive0   | overlay0 |            |                   |
        | add      | bitmap1 | overlay0 |          | yes        |                   |
        | merge    | bitmap1 | overlay0 |          |            | bitmap0 of drive0 |
      And the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
      And an incremental backup of "overlay0" with "bitmap1"
      And the guest has written to "overlay0":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      And "overlay0" has been committed into "drive0"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9c    | 4 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the bitmaps should still hold what had changed

    Scenario: The record of the overlay is merged into a base that was not to record the commit
      Given these requests have been granted as one transaction:
        | request  | bitmap  | drive    | target   | persistent | granularity |
        | disable  | bitmap0 | drive0   |          |            |             |
        | snapshot |         | drive0   | overlay0 |            |             |
        | add      | bitmap1 | overlay0 |          | yes        | 512 B       |
      And the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
      And a commit of "overlay0" into "drive0" is ready
      And the bitmap "bitmap0" of "drive0" has been enabled
      And the guest has written to "overlay0":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      And the commit of "overlay0" has been completed
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9c    | 4 MiB | 1 KiB  |
      When this request is made:
        | request | bitmap  | drive  | from                |
        | merge   | bitmap0 | drive0 | bitmap1 of overlay0 |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 448 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: The overlay of a second snapshot is committed by the next machine
      Given a snapshot has put the overlay "overlay0" on "drive0"
      And the guest has written to "overlay0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      And "overlay0" has been committed into "drive0"
      And the layer "overlay0" has been deleted
      And a snapshot has put the overlay "overlay1" on "drive0"
      And the guest has written to "overlay1":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 1 KiB  |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      When "overlay1" is committed into "drive0"
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: A persistent bitmap can be moved or copied to the overlay, and each image stores what is left in it
    Scenario Outline: The record moves up, and <what becomes of the base's>
      When these requests are made as one transaction:
        | request   | bitmap  | drive    | target   | persistent | from              |
        | snapshot  |         | drive0   | overlay0 |            |                   |
        | add       | bitmap0 | overlay0 |          | yes        |                   |
        | merge     | bitmap0 | overlay0 |          |            | bitmap0 of drive0 |
        | <request> | bitmap0 | drive0   |          |            |                   |
      Then QEMU should grant it
      When the guest writes to "overlay0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the next incremental backup of "overlay0" with "bitmap0" should restore it as it was then
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: what is done to it
        | case   | what becomes of the base's | request |
        | moved  | the base's is removed      | remove  |
        | copied | the base's is disabled     | disable |

    Scenario: A transaction that was to move a persistent bitmap fails
      When these requests are made as one transaction:
        | request  | bitmap  | drive    | target   | persistent | from              |
        | snapshot |         | drive0   | overlay0 |            |                   |
        | add      | bitmap0 | overlay0 |          | yes        |                   |
        | merge    | bitmap0 | overlay0 |          |            | bitmap0 of drive0 |
        | remove   | bitmap0 | drive0   |          |            |                   |
        | abort    |         |          |          |            |                   |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the image of "drive0" should store its persistent bitmaps and no others
