@restart
Feature: Images that two machines want
  A machine is started on a second host while the first still runs, a backup tool opens an image that a guest uses. Were
  both to have it, each would store bitmaps that know nothing of the other's writes. QEMU locks its images, and refuses
  whoever comes second, in words; the first machine goes on as if nobody had come.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | yes        |
    And the machine has been shut down, and "first" has started with the same drives
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: Who comes second is refused, and the first goes on
    Scenario Outline: Another machine wants to <use> an image in use
      When this request is made:
        | request        | drive  | machine | read-only   |
        | open elsewhere | drive0 | second  | <read-only> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: what for
        | case            | use       | read-only | words                  |
        | the whole of it | write to  | no        | Failed to get ...write |
        | only to look    | only read | yes       | Failed to get shared   |

    Scenario: Two machines only read, and neither can begin to write
      Given the machine has been shut down, and "reader" has started with the same drives for reading only
      When this request is made:
        | request        | drive  | machine | read-only |
        | open elsewhere | drive0 | second  | yes       |
      Then the machine "second" should see these bitmaps on "drive0":
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
      When this request is made:
        | request        | drive  | machine | read-only |
        | open elsewhere | drive0 | third   | no        |
      Then QEMU should refuse it as a GenericError that says "Failed to get ...write"
      And nothing should have changed
      And the image of "drive0" should be as it was, byte for byte

  Rule: Who looks without a lock sees that the bitmaps are in use, and changes nothing
    Scenario: Another machine shares the image by force
      When this request is made:
        | request        | drive  | machine | read-only | force-share |
        | open elsewhere | drive0 | second  | yes       | yes         |
      Then QEMU should grant it
      And the machine "second" should see these bitmaps on "drive0":
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
