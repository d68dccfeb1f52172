@job @blockdev-backup
Feature: The bitmap that a backup job uses
  While a backup runs, its bitmap has to answer two questions at once: what had changed before, which the backup copies,
  and what has changed since, which belongs to the next one. QEMU keeps the second answer in a bitmap without a name, and
  joins the two when the backup is over. If that goes wrong, the next backup lacks what the guest wrote during this one.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And these bitmaps on "drive0":
      | bitmap  | granularity | recording |
      | bitmap1 | 512 B       | yes       |
      | bitmap2 | 1 MiB       | yes       |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0xfe    | 1 MiB        | 4 KiB  | within a granule           |
      | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |

  Rule: While a job uses a bitmap, an unnamed one records for it, and nothing of that is lost when the job ends
    Scenario Outline: A backup that uses <bitmap> is <act> after the guest has written
      Given an incremental backup of "drive0" with "<bitmap>" is kept <state>
      When the guest writes to "drive0":
        | pattern | at                  | length | note                                  |
        | 0x11    | 1 MiB + 1 B         | 1 B    | once more what had changed            |
        | 0x22    | 2 MiB - 1 B         | 2 B    | over an edge of granules of all sizes |
        | 0x33    | 4 MiB + 1 KiB - 1 B | 1 B    | the last byte                         |
      Then the unnamed bitmaps of "drive0" that record should be:
        | granularity   | recording | busy | dirty   |
        | <granularity> | yes       | no   | <added> |
      And the bitmaps should still hold what had changed
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should <become>
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty     |
        | bitmap0 | 64 KiB      | yes       | no   | <bitmap0> |
        | bitmap1 | 512 B       | yes       | no   | <bitmap1> |
        | bitmap2 | 1 MiB       | yes       | no   | <bitmap2> |

      Examples: when the backup succeeds, only what was written meanwhile is left
        | case                       | bitmap  | granularity | state   | act    | become  | added   | bitmap0 | bitmap1 | bitmap2 |
        | the size of a cluster      | bitmap0 | 64 KiB      | pending | let go | succeed | 256 KiB | 256 KiB | 7 KiB   | 4 MiB   |
        | many granules to a cluster | bitmap1 | 512 B       | running | let go | succeed | 2 KiB   | 384 KiB | 2 KiB   | 4 MiB   |
        | many clusters to a granule | bitmap2 | 1 MiB       | paused  | let go | succeed | 3 MiB   | 384 KiB | 7 KiB   | 3 MiB   |

      Examples: when the backup is cancelled, what was written meanwhile is added
        | case                       | bitmap  | granularity | state   | act       | become       | added   | bitmap0 | bitmap1 | bitmap2 |
        | the size of a cluster      | bitmap0 | 64 KiB      | running | cancelled | be cancelled | 256 KiB | 384 KiB | 7 KiB   | 4 MiB   |
        | many granules to a cluster | bitmap1 | 512 B       | pending | cancelled | be cancelled | 2 KiB   | 384 KiB | 7 KiB   | 4 MiB   |
        | many clusters to a granule | bitmap2 | 1 MiB       | pending | cancelled | be cancelled | 3 MiB   | 384 KiB | 7 KiB   | 4 MiB   |

  Rule: Whether a bitmap records, and whether it is persistent, is the same after a job as before
    Scenario Outline: A bitmap with recording "<recording>" and persistent "<persistent>", whose job is <act>
      Given these bitmaps on "drive0":
        | bitmap  | granularity | recording   | persistent   |
        | bitmap3 | 32 KiB      | <recording> | <persistent> |
      And "bitmap1" of "drive0" has been merged into "bitmap3"
      And an incremental backup of "drive0" with "bitmap3" is kept pending
      And the guest has written to "drive0":
        | pattern | at          | length | note                                  |
        | 0x22    | 2 MiB - 1 B | 2 B    | over an edge of granules of all sizes |
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should <become>
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | persistent   | dirty   |
        | bitmap0 | 64 KiB      | yes         | no   | no           | 384 KiB |
        | bitmap1 | 512 B       | yes         | no   | no           | 7 KiB   |
        | bitmap2 | 1 MiB       | yes         | no   | no           | 4 MiB   |
        | bitmap3 | 32 KiB      | <recording> | no   | <persistent> | <dirty> |

      Examples: what the bitmap has recorded in the end
        | case                            | recording | persistent | act       | become       | dirty   |
        | nothing                         | no        | no         | let go    | succeed      | 0       |
        | only what it had before         | no        | no         | cancelled | be cancelled | 128 KiB |
        | what is new, too                | yes       | no         | cancelled | be cancelled | 192 KiB |
        | what is new, and that is stored | yes       | yes        | let go    | succeed      | 64 KiB  |
        | what it had, and that is stored | no        | yes        | cancelled | be cancelled | 128 KiB |

  Rule: A bitmap can be changed again as soon as the job that used it has ended
    Scenario Outline: A bitmap is <act> right after its job
      Given an incremental backup of "drive0" with "bitmap1"
      When the bitmap "bitmap1" of "drive0" is <act>
      Then QEMU should grant it
      When the guest writes to "drive0":
        | pattern | at          | length | note                                  |
        | 0x22    | 2 MiB - 1 B | 2 B    | over an edge of granules of all sizes |
      Then the bitmaps should still hold what had changed

      Examples: what is refused while the job uses it
        | act      |
        | cleared  |
        | disabled |
        | enabled  |
        | removed  |
