@transaction
Feature: Bitmaps that follow the guest to another image
  When a snapshot puts a new image on top of the guest's, the bitmaps stay below with what they have recorded, and what
  the guest writes from then on is recorded by none. So whoever takes a snapshot moves the bitmaps up in the same
  transaction: before the guest's next write, or not at all. On the other drives of the guest the same has to happen at
  the same moment.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a bitmap "bitmap1" with a granularity of 4 KiB on "drive0"
    And the guest has written to "drive0":
      | pattern | at            | length | note                                 |
      | 0xab    | 64 KiB - 1 B  | 2 B    | over the edge of a granule           |
      | 0xfe    | 4 MiB - 1 KiB | 2 KiB  | up to the last granule, a small part |

  Rule: A bitmap can be moved or copied onto the overlay in the transaction that takes the snapshot
    @blockdev-backup
    Scenario: The record moves up, and the bitmap below is removed
      When these requests are made as one transaction:
        | request  | bitmap  | drive    | target   | from              |
        | snapshot |         | drive0   | overlay0 |                   |
        | add      | bitmap0 | overlay0 |          |                   |
        | merge    | bitmap0 | overlay0 |          | bitmap0 of drive0 |
        | remove   | bitmap0 | drive0   |          |                   |
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 256 KiB |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty  |
        | bitmap1 | 4 KiB       | yes       | no   | 16 KiB |
      When the guest writes to "overlay0":
        | pattern | at       | length | note               |
        | 0x9a    | 1000 KiB | 48 KiB | after the snapshot |
      Then the next incremental backup of "overlay0" with "bitmap0" should restore it as it was then

    @blockdev-backup
    Scenario: The record is copied up, and the bitmap below is disabled
      Given the bitmap "bitmap1" of "drive0" has been disabled
      When these requests are made as one transaction:
        | request  | bitmap  | drive    | target   | from                                 | granularity |
        | disable  | bitmap0 | drive0   |          |                                      |             |
        | snapshot |         | drive0   | overlay0 |                                      |             |
        | add      | bitmap2 | overlay0 |          |                                      | 512 B       |
        | merge    | bitmap2 | overlay0 |          | bitmap0 of drive0, bitmap1 of drive0 |             |
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap2 | 512 B       | yes       | no   | 193 KiB |
      When the guest writes to "overlay0":
        | request      | pattern | at             | length | note                |
        | write zeroes |         | 4 MiB - 64 KiB | 8 KiB  | hides what is below |
      Then the next incremental backup of "overlay0" with "bitmap2" should restore it as it was then

  Rule: A snapshot whose transaction fails leaves the guest and the bitmaps where they were
    @blockdev-backup
    Scenario Outline: A snapshot with its bitmaps, and then <case>
      When these requests are made as one transaction:
        | request   | bitmap   | drive    | target   | from              |
        | snapshot  |          | drive0   | overlay0 |                   |
        | add       | bitmap0  | overlay0 |          |                   |
        | merge     | bitmap0  | overlay0 |          | bitmap0 of drive0 |
        | remove    | bitmap0  | drive0   |          |                   |
        | <failing> | <bitmap> | <drive>  |          | <from>            |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at       | length | note              |
        | 0x9a    | 1000 KiB | 48 KiB | not to an overlay |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: what fails
        | case                    | failing | bitmap  | drive    | from              | words                                  |
        | an abort                | abort   |         |          |                   | Transaction aborted using Abort action |
        | a bitmap added twice    | add     | bitmap0 | overlay0 |                   | Bitmap already exists: bitmap0         |
        | a bitmap removed twice  | remove  | bitmap0 | drive0   |                   | Bitmap 'bitmap0' is currently in use   |
        | a source that is absent | merge   | bitmap0 | overlay0 | bitmap9 of drive0 | Dirty bitmap 'bitmap9' not found       |

  Rule: One transaction can change bitmaps of several drives
    Scenario: Bitmaps of two drives are removed
      Given the 4 MiB drive "drive1"
      And a bitmap "bitmap0" on "drive1"
      And a bitmap "bitmap1" on "drive1"
      When these requests are made as one transaction:
        | request | bitmap  | drive  |
        | remove  | bitmap0 | drive0 |
        | remove  | bitmap0 | drive1 |
        | disable | bitmap1 | drive1 |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty  |
        | bitmap1 | 4 KiB       | yes       | no   | 16 KiB |
      And the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | dirty |
        | bitmap1 | 64 KiB      | no        | no   | 0     |
