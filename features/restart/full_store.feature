@restart
Feature: Bitmaps for which the storage has no room
  An image grows when its bitmaps are stored, at the very end of a machine, when nobody looks any more. If its storage is
  full just then, the record is lost. QEMU must say so, and the next machine must not take for valid what is not: a
  bitmap that looks sound and misses changes costs data, one that is inconsistent or gone costs a full backup.

  Background:
    Given the drives' images are on a disk with 4 MiB of free space
    And the 4 MiB drive "drive0", in whose image these bitmaps are stored:
      | bitmap | granularity | recording |
      | old    | 512 B       | yes       |
      | idle   | 64 KiB      | no        |
    And no device uses "drive0"
    And these bitmaps on "drive0":
      | bitmap | granularity | persistent |
      | new    | 4 KiB       | yes        |

  Rule: What could not be stored is told of, and found to be inconsistent or gone
    @bug-B28
    Scenario Outline: The machine is <ended> when the disk is full
      Given the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      And that disk has been filled
      When the machine is <ended>
      Then QEMU should have said "Lost persistent bitmaps"
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | inconsistent | dirty |
        | old    | 512 B       | no        | no   | yes        | yes          | 0     |
        | idle   | 64 KiB      | no        | no   | yes        | yes          | 0     |

      Examples: by whom
        | case                   | ended            |
        | a program              | shut down        |
        | a host that shuts down | ended by SIGTERM |
        | Ctrl-C                 | ended by SIGINT  |
        | a session that ends    | ended by SIGHUP  |

    @bug-B28
    Scenario: A drive is unplugged when the disk is full, and mended when there is room
      Given the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      And that disk has been filled
      When "drive0" is unplugged and plugged in again
      Then QEMU should have said "Lost persistent bitmaps"
      And the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | inconsistent | dirty |
        | old    | 512 B       | no        | no   | yes        | yes          | 0     |
        | idle   | 64 KiB      | no        | no   | yes        | yes          | 0     |
      When space is freed on the drives' disk
      And these requests are made, one after the other:
        | request | drive  | bitmap | persistent |
        | remove  | drive0 | old    |            |
        | add     | drive0 | old    | yes        |
      Then QEMU should grant it
      And the image of "drive0" should store its persistent bitmaps and no others

    Scenario: Space is freed in time
      Given the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      And that disk has been filled
      And space has been freed on the drives' disk
      When the machine is shut down, and "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty |
        | old    | 512 B       | yes       | no   | yes        | 1 KiB |
        | idle   | 64 KiB      | no        | no   | yes        | 0     |
        | new    | 4 KiB       | yes       | no   | yes        | 8 KiB |

  Rule: A drive whose bitmaps could not be stored does not become read-only, and nothing is lost
    @bug-B28
    Scenario: A drive is to become read-only when the disk is full, and its guest goes on
      Given the guest has written to "drive0":
        | pattern | at | length | note                               |
        | 0xab    | 0  | 64 KiB | a cluster, which has its space now |
      And that disk has been filled
      When this request is made:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      Then QEMU should refuse it as a GenericError that says "No space left on device"
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x65    | 16 KiB | 1 KiB  |
      And space is freed on the drives' disk
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty  |
        | old    | 512 B       | yes       | no   | yes        | 64 KiB |
        | idle   | 64 KiB      | no        | no   | yes        | 0      |
        | new    | 4 KiB       | yes       | no   | yes        | 64 KiB |
      And the image of "drive0" should store its persistent bitmaps and no others
