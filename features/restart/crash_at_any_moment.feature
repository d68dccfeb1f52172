@restart
Feature: Storage that stops at any moment
  Power is cut, a host panics, QEMU is killed: always at some moment, and most moments are between two writes. Whichever
  it is, the image must open again, with all that the guest had flushed. A bitmap in it that is said to be good must hold
  every change: a backup that trusts it would restore a machine that never was. A bitmap that is known to be no good costs
  a full backup and nothing more.
  The storage below the image is recorded here, and each image is judged that it could have left: after each write, and
  where power was cut, with any one write lost that was not flushed.

  Background:
    Given the storage of "drive0" is recorded
    And the 256 KiB + 512 B drive "drive0" in a qcow2 image with clusters of 4 KiB
    And these bitmaps on "drive0":
      | bitmap | granularity | recording | persistent |
      | fine   | 512 B       | yes       | yes        |
      | coarse | 64 KiB      | yes       | yes        |
      | still  | 4 KiB       | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |
      | 0x64    | 256 KiB      | 512 B  |

  Rule: No write is missing from a bitmap when storage stops while bitmaps are loaded or stored
    Background:
      Given the machine has been shut down
      And the machine "tomorrow" has started with the same drives

    Scenario: The guest writes, and the machine is shut down
      Given the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 128 KiB - 1 B | 2 B    |
      When the machine is shut down
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

    Scenario: The guest does not write, and a machine starts again
      Given the machine has been shut down
      And the machine "later" has started with the same drives
      When the machine is shut down
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

    Scenario: The guest gives space back, and takes it again
      Given the guest has written to "drive0":
        | request | pattern | at     | length  |
        | write   | 0x9a    | 64 KiB | 128 KiB |
      And the guest has written to "drive0":
        | request      | at      | length |
        | discard      | 64 KiB  | 64 KiB |
        | write zeroes | 128 KiB | 16 KiB |
      And the machine has been shut down
      And the machine "later" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at     | length  |
        | 0x22    | 32 KiB | 192 KiB |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

    Scenario: The machine is killed, and the next one has no use for its bitmaps
      Given the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 128 KiB - 1 B | 2 B    |
      And the machine has been killed
      And the machine "later" has started with the same drives
      And the bitmap "fine" of "drive0" has been removed
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | fine   | 512 B       | yes        |
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

  Rule: No write is missing from a bitmap when storage stops while an operator changes stored bitmaps
    Background:
      Given the machine has been shut down
      And the machine "tomorrow" has started with the same drives

    Scenario Outline: The bitmap "<bitmap>" is <act>
      Given the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 128 KiB - 1 B | 2 B    |
      And the bitmap "<bitmap>" of "drive0" has been <act>
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

      Examples: each act
        | bitmap | act      |
        | fine   | removed  |
        | still  | removed  |
        | coarse | cleared  |
        | fine   | disabled |
        | still  | enabled  |

    Scenario: A bitmap is merged into another
      Given "coarse" of "drive0" has been merged into "still"
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

    Scenario: All bitmaps are removed, one by one, and a new one begins
      Given the bitmap "coarse" of "drive0" has been removed
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 128 KiB - 1 B | 2 B    |
      And the bitmap "still" of "drive0" has been removed
      And the bitmap "fine" of "drive0" has been removed
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new    | 4 KiB       | yes        |
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

    Scenario: A transaction adds, removes, merges and clears
      Given the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 128 KiB - 1 B | 2 B    |
      And these requests have been granted as one transaction:
        | request | drive  | bitmap | persistent | from |
        | add     | drive0 | new    | yes        |      |
        | merge   | drive0 | new    |            | fine |
        | clear   | drive0 | coarse |            |      |
        | disable | drive0 | coarse |            |      |
        | enable  | drive0 | still  |            |      |
        | remove  | drive0 | fine   |            |      |
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change
