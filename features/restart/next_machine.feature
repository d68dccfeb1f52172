@restart
Feature: Chains that go on in another machine
  A machine is shut down in the evening, or its host crashes, or it is moved to a new release of QEMU; and the next morning
  a backup is due. A persistent bitmap is made for that: the image stores it, and the next machine goes on with it. When it
  cannot be trusted any more it must say so, and the operator must be able to begin anew without stopping the guest.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |
    And the machine has been shut down

  Rule: After an orderly shutdown, the next machine finds the bitmap with its record, and goes on recording
    @bug-B09
    Scenario: The guest writes before and after the shutdown
      Given the machine "tomorrow" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at            | length | note                   |
        | 0x9a    | 2 MiB - 1 KiB | 2 KiB  | on both sides of 2 MiB |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 320 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @bug-B19
    Scenario Outline: The bitmap that the image stores has been <act>
      Given the machine "monday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been <act>
      And the machine has been shut down
      And the machine "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at            | length | note                   |
        | 0x9a    | 3 MiB - 1 KiB | 2 KiB  | on both sides of 3 MiB |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | <recording> | no   | yes        | <dirty> |
      And the bitmaps should still hold what had changed

      Examples: what must be stored of it
        | case                              | act      | recording | dirty   |
        | it stays as it was, and is stored | disabled | no        | 192 KiB |
        | its record is empty               | cleared  | yes       | 128 KiB |

    @bug-B27
    Scenario Outline: The drive has been resized to <size>
      Given the machine "monday" has started with the same drives
      And "drive0" has been resized to <size>
      And the machine has been shut down
      And the machine "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at    | length | note              |
        | 0x9a    | <end> | 512 B  | up to the new end |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | <dirty> |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: larger and smaller
        | case                        | size                   | end            | dirty   |
        | twice as large              | 8 MiB                  | 8 MiB - 512 B  | 256 KiB |
        | a sector and a granule more | 4 MiB + 64 KiB + 512 B | 4 MiB + 64 KiB | 256 KiB |
        | smaller                     | 1 MiB + 1 KiB          | 1 MiB + 512 B  | 192 KiB |

    Scenario: A backup on each of three days, with a shutdown between
      Given the machine "monday" has started with the same drives
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      And the machine has been shut down
      And the machine "tuesday" has started with the same drives
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

    @upgrade
    Scenario: The next machine is of the next release of QEMU
      Given the machine "upgraded" of the next build has started with the same drives
      And the guest has written to "drive0":
        | pattern | at            | length | note                   |
        | 0x9a    | 2 MiB - 1 KiB | 2 KiB  | on both sides of 2 MiB |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

  Rule: After a crash, the next machine reports the bitmap as inconsistent, and a new chain can begin while it runs
    @bug-B16
    Scenario: The machine is killed while the bitmap records
      Given the machine "monday" has started with the same drives
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      And the machine has been killed
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |

    @bug-B27
    Scenario Outline: The machine is killed after the drive was resized to <size>
      Given the machine "monday" has started with the same drives
      And "drive0" has been resized to <size>
      And the machine has been killed
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      When the bitmap "bitmap0" of "drive0" is removed
      Then "drive0" should have no bitmap
      And "drive0" should hold what the guest has written

      Examples: what is stored of the bitmap is of another size
        | case    | size          |
        | larger  | 8 MiB + 512 B |
        | smaller | 1 MiB         |

    @bug-B16
    Scenario: The inconsistent bitmap is removed, and a full backup starts a new chain
      Given the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
