@bitmap
Feature: Changes that reach over many granules
  A guest that copies a film or formats a disk changes thousands of granules at once, and many of them not for the first
  time. A bitmap keeps its granules in groups, and groups of groups, so as to find the dirty ones fast. Where a change
  begins, ends or runs from one group into the next, none may be lost and none counted twice: not in what is reported,
  and not in what a backup then looks up.

  Rule: Each granule that changes is recorded and counted once, however long the changes are and however they overlap
    @bug-B07
    Scenario Outline: A change that meets two earlier ones: <case>
      Given the 8 MiB drive "drive0"
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap | drive  | granularity |
        | add     | fine   | drive0 | 512 B       |
        | add     | coarse | drive0 | 1 MiB       |
      And the guest has written to "drive0":
        | pattern | at       | length    |
        | 0x11    | <first>  | <length1> |
        | 0x22    | <second> | <length2> |
      When the guest writes to "drive0":
        | pattern | at   | length   | note          |
        | 0x33    | <at> | <length> | meets both    |
        | 0x44    | <at> | <length> | and once more |
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | dirty    |
        | fine   | 512 B       | yes       | no   | <fine>   |
        | coarse | 1 MiB       | yes       | no   | <coarse> |
      And the next incremental backup of "drive0" with "fine" should restore it as it was then

      Examples: the edge at which 64 granules of 512 B meet the next 64
        | case                | first          | length1 | second  | length2 | at             | length          | fine            | coarse |
        | twice over the edge | 32 KiB - 512 B | 1 KiB   | 4 MiB   | 512 B   | 32 KiB - 512 B | 1 KiB           | 1 KiB + 512 B   | 2 MiB  |
        | up to the edge      | 31 KiB         | 512 B   | 32 KiB  | 512 B   | 32 KiB - 512 B | 512 B           | 1 KiB + 512 B   | 1 MiB  |
        | fills a gap of 64   | 0              | 32 KiB  | 64 KiB  | 32 KiB  | 32 KiB - 512 B | 33 KiB          | 96 KiB          | 1 MiB  |
        | fills five groups   | 0              | 512 B   | 160 KiB | 512 B   | 512 B          | 160 KiB - 512 B | 160 KiB + 512 B | 1 MiB  |
        | a byte on each side | 32 KiB - 1 B   | 1 B     | 32 KiB  | 1 B     | 32 KiB - 1 B   | 2 B             | 1 KiB           | 1 MiB  |

      Examples: the edge at which 4096 granules of 512 B meet the next 4096
        | case            | first         | length1 | second        | length2 | at            | length           | fine           | coarse |
        | what is dirty   | 2 MiB - 512 B | 512 B   | 2 MiB         | 512 B   | 2 MiB - 512 B | 1 KiB            | 1 KiB          | 2 MiB  |
        | over the edge   | 1 MiB         | 512 B   | 3 MiB         | 512 B   | 2 MiB - 512 B | 1 KiB            | 2 KiB          | 3 MiB  |
        | fills a gap     | 2 MiB - 512 B | 512 B   | 4 MiB         | 512 B   | 2 MiB - 512 B | 2 MiB + 1 KiB    | 2 MiB + 1 KiB  | 4 MiB  |
        | within both     | 16 KiB        | 1 KiB   | 2 MiB         | 64 KiB  | 16.5 KiB      | 2 MiB + 15.5 KiB | 2 MiB + 48 KiB | 3 MiB  |
        | the whole drive | 0             | 512 B   | 8 MiB - 512 B | 512 B   | 0             | 8 MiB            | 8 MiB          | 8 MiB  |

    Scenario: Zeros from the second sector to the end of a large drive
      Given the 130 MiB drive "drive0" in a qcow2 image
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap | drive  | granularity |
        | add     | fine   | drive0 | 512 B       |
        | add     | coarse | drive0 | 64 MiB      |
      And the guest has written to "drive0":
        | pattern | at              | length | note                                              |
        | 0x11    | 128 MiB - 512 B | 1 KiB  | over the edge of 262144 granules of 512 B         |
        | 0x22    | 130 MiB - 1 KiB | 1 KiB  | up to the end of the drive, after 266240 granules |
      When the guest writes to "drive0":
        | request      | at    | length          |
        | write zeroes | 512 B | 130 MiB - 512 B |
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | dirty           |
        | fine   | 512 B       | yes       | no   | 130 MiB - 512 B |
        | coarse | 64 MiB      | yes       | no   | 192 MiB         |
      And the next incremental backup of "drive0" with "fine" should restore it as it was then
