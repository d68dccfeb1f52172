@bitmap
Feature: The life of a bitmap
  An operator adds a bitmap when a chain of backups begins, may stop it from recording for a while, empties it when the
  chain begins anew, and removes it in the end. At each step it must be plain what the bitmap goes on recording and what
  it has kept: a record that is taken for complete, and is not, makes a backup that cannot be restored.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |

  Rule: A new bitmap is empty, transient and not busy, and records unless it is added disabled
    Scenario: Two bitmaps are added to a drive that has been written to
      Given the guest has written to "drive0":
        | pattern | at           | length | note        |
        | 0xab    | 64 KiB - 1 B | 2 B    | before both |
      And these bitmaps on "drive0":
        | bitmap  | recording | note           |
        | bitmap0 |           | the default    |
        | bitmap1 | no        | added disabled |
      When the guest writes to "drive0":
        | pattern | at            | length | note                       |
        | 0x9a    | 960 KiB - 1 B | 2 B    | over the edge of a granule |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | no         | 128 KiB |
        | bitmap1 | 64 KiB      | no        | no   | no         | 0       |
      And the bitmaps should still hold what had changed

  Rule: To enable or disable a bitmap changes only whether it records, to clear it only what it has recorded
    Scenario Outline: A bitmap that is <before> is <act>
      Given a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0xab    | 4 MiB - 1 B  | 2 B    | into the rest at the end   |
      And the bitmap "bitmap0" of "drive0" has been <before>
      When the bitmap "bitmap0" of "drive0" is <act>
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | dirty  |
        | bitmap0 | 64 KiB      | <recording> | no   | <then> |
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
        | 0x9a    | 3 MiB - 1 B   | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | dirty   |
        | bitmap0 | 64 KiB      | <recording> | no   | <later> |

      Examples: what is kept, and what a write adds
        | case                              | before   | act      | recording | then    | later   |
        | nothing to do                     | enabled  | enabled  | yes       | 256 KiB | 512 KiB |
        | it keeps its record               | enabled  | disabled | no        | 256 KiB | 256 KiB |
        | it goes on from nothing           | enabled  | cleared  | yes       | 0       | 256 KiB |
        | it goes on from where it stopped  | disabled | enabled  | yes       | 256 KiB | 512 KiB |
        | nothing to do                     | disabled | disabled | no        | 256 KiB | 256 KiB |
        | it does not begin to record again | disabled | cleared  | no        | 0       | 0       |

    Scenario Outline: A new chain begins with a full backup and a request to <act> the bitmap that is <before>
      Given a bitmap "bitmap0" on "drive0"
      And the bitmap "bitmap0" of "drive0" has been <before>
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0xab    | 4 MiB - 1 B  | 2 B    | into the rest at the end   |
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  |
        | <act>   | bitmap0 | drive0 |
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
        | 0x9a    | 3 MiB - 1 B   | 2 B    |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

      Examples: either way to have it record from the full backup on
        | case                                    | before   | act    |
        | what the full backup holds is forgotten | enabled  | clear  |
        | nothing was recorded before             | disabled | enable |

  Rule: An incremental backup with a bitmap that does not record clears the bitmap, and does not enable it
    Scenario: An incremental backup with a bitmap that has been disabled
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0xab    | 4 MiB - 1 B  | 2 B    | into the rest at the end   |
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

  Rule: A bitmap that was removed is not listed any more, and another one can get its name
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
