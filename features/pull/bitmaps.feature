@pull
Feature: Bitmaps that clients read over the network
  A product that pulls its backups asks QEMU over NBD which parts of a drive have changed, and reads just these. A bit that
  is told as clean and is dirty is lost in every later restore; one too many is copied for nothing. So each bit must reach
  the client, whatever the granularity and wherever the drive ends; and a client that asks in an unusual way, for a part, for
  several bitmaps, for one answer at a time, must be told the same.

  Rule: A client is told of each granule whether it is dirty, for every granularity and size of a drive
    @bug-B89 @bug-B90
    Scenario Outline: Granules of <granularity> on a drive of <size>
      Given the <size> drive "drive0"
      And a bitmap "bitmap0" with a granularity of <granularity> on "drive0"
      And the guest has written to "drive0":
        | request      | pattern | at       | length | note                  |
        | write        | 0xab    | <edge>   | 2 B    | over an edge          |
        | write zeroes |         | <inside> | 64 KiB | zeros are changes too |
        | write        | 0x9a    | <last>   | 1 B    | the last byte         |
      When "drive0" is exported with "bitmap0"
      Then a client should be told what "bitmap0" of "drive0" has recorded
      And a client should be told in one answer what the bitmaps of "drive0" have recorded, and what is zero

      Examples: sizes
        | case                                | granularity | size           | edge          | inside | last           |
        | the finest                          | 512 B       | 4 MiB + 512 B  | 64 KiB - 1 B  | 1 MiB  | 4 MiB + 511 B  |
        | finer than a cluster                | 4 KiB       | 4 MiB + 1536 B | 4 KiB - 1 B   | 2 MiB  | 4 MiB + 1535 B |
        | as large as a cluster               | 64 KiB      | 1 GiB + 512 B  | 512 MiB - 1 B | 3 MiB  | 1 GiB + 511 B  |
        | larger than a cluster               | 1 MiB       | 5 MiB + 512 B  | 3 MiB - 1 B   | 1 MiB  | 5 MiB + 511 B  |
        | the coarsest, larger than an answer | 2 GiB       | 9 GiB + 512 B  | 4 GiB - 1 B   | 7 GiB  | 9 GiB + 511 B  |
        | nothing but the ends is dirty       | 64 KiB      | 20 GiB         | 64 KiB - 1 B  | 1 GiB  | 20 GiB - 1 B   |

    Scenario: Nothing is dirty, and then everything
      Given the 2 MiB + 512 B drive "drive0"
      And a bitmap "bitmap0" with a granularity of 4 KiB on "drive0"
      When "drive0" is exported with "bitmap0"
      Then a client should be told what "bitmap0" of "drive0" has recorded
      When the guest writes to "drive0":
        | pattern | at | length        |
        | 0xab    | 0  | 2 MiB + 512 B |
      Then a client should be told what "bitmap0" of "drive0" has recorded
      And a client should be told where "drive0" is zero

  Rule: However a client asks, it is told the same
    Background:
      Given the 6 MiB + 512 B drive "drive0" holding:
        | pattern | at    | length |
        | 0x11    | 0     | 1 MiB  |
        | 0x22    | 4 MiB | 1 MiB  |
      And these bitmaps on "drive0", each with a record of its own:
        | bitmap | granularity | pattern | at            | length  | note                           |
        | fine   | 512 B       | 0xab    | 64 KiB - 1 B  | 2 B     | two granules                   |
        | usual  | 64 KiB      | 0x9a    | 2 MiB + 5 B   | 200 KiB | where there was nothing        |
        | coarse | 1 MiB       | 0xfe    | 6 MiB + 511 B | 1 B     | the last one, which is partial |
        | empty  | 32 KiB      |         |               |         |                                |

    @bug-B91
    Scenario: Several bitmaps and the zeros in one answer
      When "drive0" is exported with "fine", "usual", "coarse" and "empty"
      Then a client should be offered "allocation", "fine", "usual", "coarse" and "empty" by "drive0"
      And a client should be told in one answer what the bitmaps of "drive0" have recorded, and what is zero
      And a client that asks of 98 KiB - 351 B at a time should be told the same of "drive0"
      And a client should be told what "fine", "usual", "coarse" and "empty" of "drive0" have recorded

    Scenario: A client asks about ranges that begin and end anywhere
      When "drive0" is exported with "usual"
      Then a client should be told what "usual" of "drive0" has recorded
      And a client should be told the truth by "usual" of "drive0" about these ranges:
        | at                     | length        | note                          |
        | 0                      | 6 MiB + 512 B | all                           |
        | 2 MiB - 1 B            | 2 B           | over the first dirty byte     |
        | 2 MiB                  | 1 B           | the first dirty byte          |
        | 2 MiB + 256 KiB        | 512 B         | behind the last dirty granule |
        | 2 MiB + 98 KiB - 351 B | 1 MiB + 3 B   | from dirty to clean           |
        | 6 MiB + 511 B          | 1 B           | the last byte                 |

    Scenario: A disabled bitmap is shown by an export that nobody can write to
      Given "drive0" has been exported for reading only with "fine" and "coarse"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x77    | 3 MiB | 1 MiB  |
      Then a client should be offered "allocation", "fine" and "coarse" by "drive0"
      And a client should be told what "fine" and "coarse" of "drive0" have recorded
      And a client should read what the guest has written to "drive0"

    Scenario Outline: Bitmaps are shown under the name <name>
      Given a bitmap <name> with a granularity of 4 KiB on "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x77    | 3 MiB | 5 KiB  |
      When "drive0" is exported with <name>
      Then a client should be offered "allocation" and <name> by "drive0"
      And a client should be told what <name> of "drive0" has recorded

      Examples: names
        | case              | name               |
        | with blanks       | "last night, full" |
        | with colons       | "a:b::c"           |
        | like a context    | "base:allocation"  |
        | in another script | "Sicherung-Süd"    |

  Rule: A bitmap that records while it is exported is told as it is when the client asks
    Scenario: The guest writes between two questions
      Given the 4 MiB drive "drive0"
      And a bitmap "bitmap0" on "drive0"
      And "drive0" has been exported with "bitmap0"
      When the guest writes to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      Then a client should be told what "bitmap0" of "drive0" has recorded
      When the guest writes to "drive0":
        | request      | pattern | at          | length |
        | write zeroes |         | 1 MiB       | 64 KiB |
        | discard      |         | 0           | 64 KiB |
        | write        | 0x9a    | 4 MiB - 1 B | 1 B    |
      Then a client should be told in one answer what the bitmaps of "drive0" have recorded, and what is zero
