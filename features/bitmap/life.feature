@bitmap
Feature: The life of a bitmap
  An operator adds a bitmap when a chain of backups begins, may stop it from recording for a while, empties it when the
  chain begins anew, and removes it in the end. At each step it must be plain what the bitmap goes on recording and what
  it has kept: a record that is taken for complete, and is not, makes a backup that cannot be restored.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |

  Rule: A new bitmap is empty, transient and free, and records unless it is told not to
    Scenario: Two bitmaps are added to a drive that has been written to
      Given the guest has written to "drive0":
        | pattern | at           | length | note        |
        | 0xab    | 64 KiB - 1 B | 2 B    | before both |
      And these bitmaps on "drive0":
        | bitmap  | recording | note                |
        | bitmap0 |           | nothing is said     |
        | bitmap1 | no        | it is not to record |
      When the guest writes to "drive0":
        | pattern | at            | length | note                       |
        | 0x9a    | 960 KiB - 1 B | 2 B    | over the edge of a granule |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | no         | 128 KiB |
        | bitmap1 | 64 KiB      | no        | no   | no         | 0       |
      And the bitmaps should still hold what had changed

  Rule: To enable, disable or clear a bitmap changes that one thing of it
    Scenario Outline: A bitmap that is <before> is <act>
      Given a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the bitmap "bitmap0" of "drive0" has been <before>
      When the bitmap "bitmap0" of "drive0" is <act>
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | dirty  |
        | bitmap0 | 64 KiB      | <recording> | no   | <then> |
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | dirty   |
        | bitmap0 | 64 KiB      | <recording> | no   | <later> |

      Examples: what is kept, and what a write adds
        | case                              | before   | act      | recording | then    | later   |
        | nothing to do                     | enabled  | enabled  | yes       | 128 KiB | 256 KiB |
        | it keeps its record               | enabled  | disabled | no        | 128 KiB | 128 KiB |
        | it goes on from nothing           | enabled  | cleared  | yes       | 0       | 128 KiB |
        | it goes on from where it stopped  | disabled | enabled  | yes       | 128 KiB | 256 KiB |
        | nothing to do                     | disabled | disabled | no        | 128 KiB | 128 KiB |
        | it does not begin to record again | disabled | cleared  | no        | 0       | 0       |

    Scenario Outline: A chain begins anew when its bitmap is <before> and then <act> together with a full backup
      Given a bitmap "bitmap0" on "drive0"
      And the bitmap "bitmap0" of "drive0" has been <before>
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  |
        | <act>   | bitmap0 | drive0 |
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

      Examples: what puts the bitmap in step with the backup
        | case                                  | before   | act    |
        | it forgets what the full backup holds | enabled  | clear  |
        | it records from the full backup on    | disabled | enable |

  Rule: A backup by a bitmap that does not record empties it, and does not make it record
    Scenario: A bitmap that does not record any more
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the bitmap "bitmap0" of "drive0" has been disabled
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty |
        | bitmap0 | 64 KiB      | no        | no   | 0     |

  Rule: A bitmap that is removed is gone, and leaves its name free
    Scenario: A bitmap is removed and another one gets its name
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And a bitmap "bitmap1" on "drive0"
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      When the bitmap "bitmap1" of "drive0" is removed
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 128 KiB |
      When a bitmap "bitmap1" with a granularity of 32 KiB is added to "drive0"
      And the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 256 KiB |
        | bitmap1 | 32 KiB      | yes       | no   | 64 KiB  |
