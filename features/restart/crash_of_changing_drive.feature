@restart
Feature: Storage that stops while a drive changes
  A drive grows, shrinks and is backed up, and its bitmaps change with it. Wherever its storage stops meanwhile, the image
  opens again, with all that the guest had flushed, and a bitmap that is said to be good holds every change.

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

  Rule: No write is missing from a bitmap when storage stops while the drive is resized, or a backup of it ends
    Background:
      Given the machine has been shut down
      And the machine "tomorrow" has started with the same drives

    Scenario Outline: It is resized to <size>
      Given the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 128 KiB - 1 B | 2 B    |
      And "drive0" has been resized to <size>
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

      Examples: larger and smaller
        | case                                     | size    |
        | larger by a sector                       | 257 KiB |
        | larger, and the fine one needs more room | 20 MiB  |
        | smaller                                  | 130 KiB |
        | smaller than a granule of the coarse one | 65 KiB  |

    Scenario: An incremental backup ends
      Given a full backup of "drive0"
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 128 KiB - 1 B | 2 B    |
      And an incremental backup of "drive0" with "fine"
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change
