@layers
Feature: Bitmaps of a base that outlive the machine, before and after a commit into it
  A base is only read while the guest uses an overlay: what it stores of its bitmaps is true, whatever becomes of the machine.
  From the start of a commit on it is written to, and what it stores is out of date until the machine ends in order. QEMU
  once took bitmaps for valid that had missed what a commit wrote: the next increment lacked it, and nobody was told.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity | recording |
      | add     | bitmap0 | drive0 | yes        |             |           |
      | add     | fine0   | drive0 | yes        | 512 B       |           |
      | add     | coarse0 | drive0 | no         | 1 MiB       |           |
      | add     | still0  | drive0 | yes        |             | no        |
    And the guest has written to "drive0":
      | pattern | at            | length |
      | 0xab    | 1 MiB - 512 B | 1 KiB  |
    And these requests have been granted as one transaction:
      | request  | bitmap  | drive    | target   | persistent | granularity | recording |
      | snapshot |         | drive0   | overlay0 |            |             |           |
      | add      | bitmap1 | overlay0 |          | yes        |             |           |
      | add      | still1  | overlay0 |          | yes        | 4 KiB       | no        |

  Rule: The next machine trusts a bitmap only if no write can have been missed
    @bug-B17
    Scenario: The machine is shut down after the commit, and the next one goes on with the base
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And "overlay0" has been committed into "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at             | length |
        | 0x9c    | 4 MiB - 64 KiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the bitmaps should still hold what had changed

    Scenario: The machine is killed before the commit, when the base is only read
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
        | fine0   | 512 B       | yes       | no   | yes        | 1 KiB   |
        | still0  | 64 KiB      | no        | no   | yes        | 0       |
      And "overlay0" should have no bitmap

    @bug-B17
    Scenario: The machine is killed when the base is being written to
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And a commit of "overlay0" into "drive0" is ready
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | fine0   | 512 B       | no        | no   | yes        | yes          | 0     |
        | still0  | 64 KiB      | no        | no   | yes        | yes          | 0     |

    @bug-B17
    Scenario: The machine is killed when the guest uses the base
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And "overlay0" has been committed into "drive0"
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | fine0   | 512 B       | no        | no   | yes        | yes          | 0     |
        | still0  | 64 KiB      | no        | no   | yes        | yes          | 0     |

    Scenario: The machine is killed after a commit below the guest's image, when the base is only read again
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And a snapshot has put the overlay "overlay1" on "overlay0"
      And "overlay0" has been committed into "drive0"
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 384 KiB |
        | fine0   | 512 B       | yes       | no   | yes        | 194 KiB |
        | still0  | 64 KiB      | no        | no   | yes        | 0       |

    Scenario: Another machine commits an overlay into an image that it has only read so far
      Given the guest has written to "overlay0":
        | request      | pattern | at            | length | note                      |
        | write        | 0x9a    | 2 MiB - 512 B | 1 KiB  | on both sides of 2 MiB    |
        | write zeroes |         | 0             | 64 KiB | hides what the base holds |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, in part |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      And the guest has written to "overlay0":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      And "overlay0" has been committed into "drive0"
      When the guest writes to "drive0":
        | pattern | at             | length |
        | 0x9c    | 4 MiB - 64 KiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 512 KiB |
        | fine0   | 512 B       | yes       | no   | yes        | 259 KiB |
        | still0  | 64 KiB      | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @bug-B17
    Scenario: The record of a large base takes many clusters, and the machine is shut down after the commit
      Given the 1 GiB + 512 B drive "drive1" in a qcow2 image
      And a bitmap "wide1" with a granularity of 64 KiB on "drive1"
      And these requests have been granted as one transaction:
        | request  | bitmap | drive  | target   | persistent | granularity |
        | add      | fine1  | drive1 |          | yes        | 512 B       |
        | add      | huge1  | drive1 |          | yes        | 1 GiB       |
        | snapshot |        | drive1 | overlay1 |            |             |
      And the guest has written to "overlay1":
        | pattern | at              | length | note                                           |
        | 0x9a    | 0               | 512 B  | the first bit                                  |
        | 0x9b    | 256 MiB - 512 B | 1 KiB  | over the edge of what a cluster of bits covers |
        | 0x9c    | 1 GiB           | 512 B  | the last bit                                   |
      And "overlay1" has been committed into "drive1"
      And the machine has been shut down
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive1" should be:
        | bitmap | granularity | recording | busy | persistent | dirty           |
        | fine1  | 512 B       | yes       | no   | yes        | 192 KiB + 512 B |
        | huge1  | 1 GiB       | yes       | no   | yes        | 2 GiB           |
      And the bitmaps should still hold what had changed
