@bitmap
Feature: What a bitmap records of the guest's requests
  A bitmap divides the drive into granules and marks each one that the guest may have changed. A granule that was
  forgotten is missing from the next backup, and nobody notices until it is restored; one that was marked for nothing is
  copied for nothing. What counts as a change is not only a write: zeros and discards change what the guest reads, too.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
    And the guest has written to "drive0":
      | pattern | at    | length | note                                 |
      | 0x11    | 0     | 1 MiB  | the first quarter                    |
      | 0x22    | 3 MiB | 1 MiB  | the last one, but for the last 1 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: A request that may change the drive marks each granule that it touches, and no other
    @bug-B02 @bug-B07
    Scenario Outline: One request of the guest to <request>: <case>
      When the guest writes to "drive0":
        | request   | pattern | at   | length   |
        | <request> | 0xab    | <at> | <length> |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: writes
        | case                                       | request | at                  | length        | dirty          |
        | the first byte                             | write   | 0                   | 1 B           | 64 KiB         |
        | a byte on each side of an edge             | write   | 64 KiB - 1 B        | 2 B           | 128 KiB        |
        | a granule from edge to edge                | write   | 64 KiB              | 64 KiB        | 64 KiB         |
        | a granule, and a byte on each side         | write   | 64 KiB - 1 B        | 64 KiB + 2 B  | 192 KiB        |
        | the last whole granule and the partial one | write   | 4 MiB - 1 B         | 2 B           | 128 KiB        |
        | the last byte, in the partial granule      | write   | 4 MiB + 1 KiB - 1 B | 1 B           | 64 KiB         |
        | everything, the partial granule as a whole | write   | 0                   | 4 MiB + 1 KiB | 4 MiB + 64 KiB |

      Examples: zeros
        | case                               | request      | at           | length        | dirty          |
        | a byte on each side of an edge     | write zeroes | 64 KiB - 1 B | 2 B           | 128 KiB        |
        | a granule, and a byte on each side | write zeroes | 64 KiB - 1 B | 64 KiB + 2 B  | 192 KiB        |
        | up to the end of the drive         | write zeroes | 4 MiB - 1 B  | 1 KiB + 1 B   | 128 KiB        |
        | everything                         | write zeroes | 0            | 4 MiB + 1 KiB | 4 MiB + 64 KiB |

      Examples: discards
        | case                               | request | at           | length        | dirty          |
        | less than can be discarded         | discard | 64 KiB - 1 B | 2 B           | 128 KiB        |
        | a granule from edge to edge        | discard | 128 KiB      | 64 KiB        | 64 KiB         |
        | a granule, and a byte on each side | discard | 64 KiB - 1 B | 64 KiB + 2 B  | 192 KiB        |
        | up to the end of the drive         | discard | 4 MiB - 1 B  | 1 KiB + 1 B   | 128 KiB        |
        | everything                         | discard | 0            | 4 MiB + 1 KiB | 4 MiB + 64 KiB |

      @bug-B04
      Examples: compressed writes, where there was nothing yet
        | case                             | request          | at             | length  | dirty   |
        | a granule from edge to edge      | write compressed | 1 MiB          | 64 KiB  | 64 KiB  |
        | three, each compressed by itself | write compressed | 1 MiB + 64 KiB | 192 KiB | 192 KiB |
        | the partial granule at the end   | write compressed | 4 MiB          | 1 KiB   | 64 KiB  |
        | half of the drive                | write compressed | 1 MiB          | 2 MiB   | 2 MiB   |

      Examples: what changes nothing
        | case       | request | at | length        | dirty |
        | everything | read    | 0  | 4 MiB + 1 KiB | 0     |
