@pull
Feature: Exports of drives that consist of layers
  After a snapshot a drive consists of layers, and its bitmap may be on a lower one: the one that recorded before the snapshot.
  A client that reads the drive needs that bitmap, too; and to copy one layer alone it must know which layer holds what.

  Background:
    Given the 4 MiB + 512 B drive "drive0" holding:
      | pattern | at | length |
      | 0x11    | 0  | 1 MiB  |
    And these bitmaps on "drive0", each with a record of its own:
      | bitmap  | pattern | at            | length |
      | bitmap0 | 0xab    | 512 KiB - 1 B | 2 B    |
    And a snapshot has put the overlay "overlay0" on "drive0"
    And the guest has written to "overlay0":
      | request      | pattern | at            | length  |
      | write        | 0xcd    | 128 KiB       | 128 KiB |
      | write        | 0xcd    | 2 MiB         | 1 B     |
      | write zeroes |         | 256 KiB       | 64 KiB  |
      | write        | 0x9a    | 4 MiB + 511 B | 1 B     |

  Rule: A client is told of bitmaps of lower layers as of the drive's own
    Scenario: A bitmap below is meant by its name alone
      Given a bitmap "bitmap1" on "overlay0"
      And the guest has written to "overlay0":
        | pattern | at    | length |
        | 0xfe    | 3 MiB | 1 KiB  |
      When "overlay0" is exported with "bitmap0" and "bitmap1"
      Then a client should be offered "allocation", "bitmap0" and "bitmap1" by "overlay0"
      And a client should be told what "bitmap0" and "bitmap1" of "overlay0" have recorded
      And a client should read what the guest has written to "overlay0"

    Scenario Outline: Bitmaps are meant by the nodes that they are on: <case>
      Given the 4 MiB + 512 B drive "drive1"
      And a bitmap "bitmap1" with a granularity of 512 B on "drive1"
      And the guest has written to "drive1":
        | pattern | at    | length |
        | 0xfe    | 3 MiB | 1 KiB  |
      When this request is made:
        | request                      | drive   | bitmap    | writable |
        | export with bitmaps of nodes | <drive> | <bitmaps> | yes      |
      Then QEMU should list the exports that there are
      And a client should be told what <names> of "<drive>" have recorded

      Examples: nodes
        | case             | drive    | bitmaps                              | names                   |
        | of a layer below | overlay0 | bitmap0 of drive0                    | "bitmap0"               |
        | of another drive | overlay0 | bitmap1 of drive1                    | "bitmap1"               |
        | of both          | overlay0 | bitmap0 of drive0, bitmap1 of drive1 | "bitmap0" and "bitmap1" |

    Scenario: The name of a bitmap on neither layer is refused
      When this request is made:
        | request | drive    | bitmap           | writable |
        | export  | overlay0 | bitmap0, bitmap1 | yes      |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap1' is not found"
      And nothing should have changed

  Rule: A client is told which layer holds what
    @bug-B95
    Scenario: The allocation depth of two layers
      When "overlay0" is exported with its allocation depth
      Then a client should be told which layer of "overlay0" holds what
      And a client should be told where "overlay0" is zero
      And a client should read what the guest has written to "overlay0"

    Scenario: The allocation depth of three layers
      Given a snapshot has put the overlay "overlay1" on "overlay0"
      And the guest has written to "overlay1":
        | pattern | at      | length |
        | 0x77    | 128 KiB | 64 KiB |
        | 0x77    | 3 MiB   | 64 KiB |
      When "overlay1" is exported with its allocation depth
      Then a client should be told which layer of "overlay1" holds what
      And a client should be told where "overlay1" is zero
