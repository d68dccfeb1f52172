@restart
Feature: Bitmaps for which the storage has no room
  An image grows when its bitmaps are stored, at the very end of a machine, when nobody looks any more. If its storage is
  full just then, the record is lost. QEMU must say so, and the next machine must not take for valid what is not: a
  bitmap that looks sound and misses changes costs data, one that is inconsistent or gone costs a full backup.

  Background:
    Given the drives' images are on a disk with 4 MiB of free space
    And the 4 MiB drive "drive0" in a qcow2 image
    And no device uses "drive0"
    And these bitmaps on "drive0":
      | bitmap | granularity | recording | persistent |
      | old    | 512 B       | yes       | yes        |
      | idle   | 64 KiB      | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
    And "drive0" has been unplugged
    And "drive0" has been plugged in again
    And these bitmaps on "drive0":
      | bitmap | granularity | persistent |
      | new    | 4 KiB       | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                         |
      | 0x64    | 64 KiB - 1 B | 1 KiB  | where there is space already |
    And that disk has been filled

  Rule: What could not be stored is told of, and found to be inconsistent or gone
    @bug-B28
    Scenario Outline: The machine is <ended> when the disk is full
      Given the machine has been <ended>
      Then QEMU should have said "Lost persistent bitmaps"
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | inconsistent | dirty |
        | old    | 512 B       | no        | no   | yes        | yes          | 0     |
        | idle   | 64 KiB      | no        | no   | yes        | yes          | 0     |
      When space is freed on the drives' disk
      And the bitmap "old" of "drive0" is removed
      And a bitmap "old" is added to "drive0"
      And the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 3 MiB | 1 KiB  |
      Then the bitmaps should still hold what had changed
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: by whom
        | case                   | ended            |
        | a program              | shut down        |
        | a host that shuts down | ended by SIGTERM |

    @bug-B28
    Scenario: The drive is unplugged when the disk is full, and plugged in when there is room
      Given "drive0" has been unplugged
      Then QEMU should have said "Lost persistent bitmaps"
      Given space has been freed on the drives' disk
      And "drive0" has been plugged in again
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | inconsistent | dirty |
        | old    | 512 B       | no        | no   | yes        | yes          | 0     |
        | idle   | 64 KiB      | no        | no   | yes        | yes          | 0     |
      And "drive0" should hold what the guest has written

    Scenario: Space is freed in time
      Given space has been freed on the drives' disk
      And the machine has been shut down
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty  |
        | old    | 512 B       | yes       | no   | yes        | 1536 B |
        | idle   | 64 KiB      | no        | no   | yes        | 0      |
        | new    | 4 KiB       | yes       | no   | yes        | 8 KiB  |
      And the bitmaps should still hold what had changed

  Rule: A drive whose bitmaps could not be stored does not become read-only, and nothing is lost
    @bug-B28
    Scenario: The drive is to become read-only when the disk is full, and again when there is room
      When this request is made:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      Then QEMU should refuse it as a GenericError that says "No space left on device"
      When the guest writes to "drive0":
        | pattern | at            | length      |
        | 0x65    | 127 KiB + 1 B | 1 KiB - 1 B |
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty  |
        | old    | 512 B       | yes       | no   | yes        | 2560 B |
        | idle   | 64 KiB      | no        | no   | yes        | 0      |
        | new    | 4 KiB       | yes       | no   | yes        | 12 KiB |
      When space is freed on the drives' disk
      And this request is made:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      Then QEMU should grant it
      And the image of "drive0" should be as it was, byte for byte
      And the image of "drive0" should store its persistent bitmaps and no others
