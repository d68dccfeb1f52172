@resize
Feature: Bitmaps of a drive that shrinks
  An operator who made a drive too large makes it smaller again. What a bitmap had recorded of the space that is gone is
  gone with it. If the drive grows once more, its new space is empty, and a bitmap that remembered what had been there
  before would make a backup copy it for nothing; one that forgot too much would lose a change.

  Rule: A bitmap of a drive that shrinks forgets what it recorded past the new end, and nothing else
    Scenario Outline: A drive with four bitmaps shrinks to <smaller>
      Given the 8 MiB drive "drive0"
      And these bitmaps on "drive0":
        | bitmap  | granularity |
        | bitmap0 | 64 KiB      |
        | fine    | 512 B       |
        | coarse  | 1 MiB       |
        | huge    | 2 GiB       |
      And the guest has written to "drive0":
        | pattern | at            | length   | note                           |
        | 0xab    | <at>          | <length> | across the new end, or near it |
        | 0x9a    | 8 MiB - 512 B | 512 B    | up to the old end              |
      When "drive0" is resized to <smaller>
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty     |
        | bitmap0 | 64 KiB      | yes       | no   | <bitmap0> |
        | fine    | 512 B       | yes       | no   | <fine>    |
        | coarse  | 1 MiB       | yes       | no   | <coarse>  |
        | huge    | 2 GiB       | yes       | no   | 2 GiB     |
      And the bitmaps should still hold what had changed

      Examples: where the new end is
        | case                                      | smaller        | at          | length      | bitmap0 | fine           | coarse |
        | between two granules of all bitmaps       | 4 MiB          | 4 MiB - 1 B | 2 B         | 64 KiB  | 512 B          | 1 MiB  |
        | within a granule, but not within a sector | 4 MiB + 512 B  | 4 MiB - 1 B | 1 KiB + 1 B | 128 KiB | 1 KiB          | 2 MiB  |
        | 65 granules of 512 B                      | 32 KiB + 512 B | 0           | 4 MiB       | 64 KiB  | 32 KiB + 512 B | 1 MiB  |
        | 64 granules of 512 B                      | 32 KiB         | 0           | 4 MiB       | 64 KiB  | 32 KiB         | 1 MiB  |
        | 4097 granules of 512 B, one of them dirty | 2 MiB + 512 B  | 2 MiB       | 4 MiB       | 64 KiB  | 512 B          | 1 MiB  |
        | just before all that was written          | 2 MiB          | 2 MiB       | 4 MiB       | 0       | 0              | 0      |
        | the smallest drive                        | 512 B          | 511 B       | 2 B         | 64 KiB  | 512 B          | 1 MiB  |

  Rule: When a drive that has shrunk grows again, the new space is clean in each bitmap
    @bug-B10
    Scenario Outline: A drive shrinks to <smaller> and grows to <larger>
      Given the 8 MiB drive "drive0"
      And these bitmaps on "drive0":
        | bitmap  | granularity |
        | bitmap0 | 64 KiB      |
        | fine    | 512 B       |
        | huge    | 2 GiB       |
      And the guest has written to "drive0":
        | request      | at | length | note             |
        | write zeroes | 0  | 8 MiB  | all of the drive |
      And "drive0" has been resized to <smaller>
      And "drive0" has been resized to <larger>
      When the guest writes to "drive0":
        | pattern | at   | length |
        | 0x9a    | <at> | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty     |
        | bitmap0 | 64 KiB      | yes       | no   | <bitmap0> |
        | fine    | 512 B       | yes       | no   | <fine>    |
        | huge    | 2 GiB       | yes       | no   | 2 GiB     |

      Examples: by how much
        | case                                 | smaller       | larger        | at                  | bitmap0         | fine          |
        | by half, over the edge of a granule  | 4 MiB         | 8 MiB         | 6 MiB - 1 B         | 4 MiB + 128 KiB | 4 MiB + 1 KiB |
        | by a sector, within one granule      | 4 MiB + 512 B | 4 MiB + 1 KiB | 4 MiB + 1 KiB - 2 B | 4 MiB + 64 KiB  | 4 MiB + 1 KiB |
        | to a sector, and to more than before | 512 B         | 16 MiB        | 8 MiB - 1 B         | 192 KiB         | 1 KiB + 512 B |

  Rule: The next incremental backup restores a drive that has shrunk
    Scenario Outline: A drive shrinks between two backups, and its new end is <case>
      Given the 4 MiB drive "drive0" holding:
        | pattern | at | length |
        | 0x11    | 0  | 4 MiB  |
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | granularity   |
        | add     | bitmap0 | drive0 | <granularity> |
      And the guest has written to "drive0":
        | pattern | at    | length | note                         |
        | 0xab    | 2 MiB | 2 MiB  | of which a part will be lost |
      And "drive0" has been resized to <smaller>
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

      Examples: where the new end is in each bitmap
        | case                                  | granularity | smaller       |
        | between two granules                  | 64 KiB      | 3 MiB         |
        | within a granule                      | 64 KiB      | 2 MiB + 1 KiB |
        | where 6144 granules meet the next 64  | 512 B       | 3 MiB         |
        | two granules after all that was clean | 512 B       | 2 MiB + 1 KiB |
        | before all that was dirty             | 512 B       | 1 MiB         |
