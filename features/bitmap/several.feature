@bitmap
Feature: Several bitmaps at once
  Two backup products may look after one machine, or one product may keep a bitmap for the day and one for the month. Each
  of them trusts its own bitmap, and knows nothing of the others: whatever is done to one bitmap, the chains that go by
  the others must not even notice.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |

  Rule: What is done to one bitmap changes no other of its drive, whether the others record or not
    Scenario Outline: One of five bitmaps is <act>
      Given a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | granularity | recording |
        | add     | bitmap0 | drive0 | 64 KiB      | no        |
        | add     | bitmap1 | drive0 | 32 KiB      | yes       |
        | add     | bitmap2 | drive0 | 64 KiB      | yes       |
        | add     | bitmap3 | drive0 | 64 KiB      | no        |
        | add     | bitmap4 | drive0 | 128 KiB     | yes       |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the bitmap "bitmap2" of "drive0" has been <act>
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap1" should restore it as it was then
      And the next incremental backup of "drive0" with "bitmap4" should restore it as it was then

      Examples: what is done to the one in the middle
        | case                          | act      |
        | the others keep their records | cleared  |
        | the others go on recording    | disabled |
        | it records already            | enabled  |
        | the others stay               | removed  |

    Scenario: Two chains with a bitmap each, taken in turns
      Given a full backup of "drive0", in one transaction with these requests:
        | request | bitmap | drive  | granularity |
        | add     | daily  | drive0 | 64 KiB      |
        | add     | weekly | drive0 | 128 KiB     |
      And the guest has written to "drive0":
        | pattern | at           | length | note    |
        | 0xab    | 64 KiB - 1 B | 2 B    | one day |
      And an incremental backup of "drive0" with "daily"
      And the guest has written to "drive0":
        | pattern | at            | length | note        |
        | 0x9a    | 960 KiB - 1 B | 2 B    | another day |
      And an incremental backup of "drive0" with "weekly"
      When an incremental backup of "drive0" is taken with "daily"
      Then the 2 backups with "daily" should restore "drive0" as it was at that moment
      And the backup with "weekly" should restore "drive0" as it was at that moment

  Rule: What is done to a bitmap changes none of the same name on another drive
    Scenario Outline: One of two bitmaps of the same name, on two drives, is <act>
      Given the 4 MiB drive "drive1" holding:
        | pattern | at      | length  |
        | 0x14    | 512 KiB | 128 KiB |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And a full backup of "drive1" with a new bitmap "bitmap0"
      And the guest has written to "drive1":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      When the bitmap "bitmap0" of "drive0" is <act>
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive1" with "bitmap0" should restore it as it was then

      Examples: what is done to the one
        | case                            | act      |
        | the other one stays             | removed  |
        | the other one keeps its record  | cleared  |
        | the other one goes on recording | disabled |
