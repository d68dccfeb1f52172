@job @blockdev-backup
Feature: The bitmap that a backup job goes by
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

  Rule: While a job goes by a bitmap, another one without a name records in its place, and goes with the job
    Scenario Outline: The guest writes while a job goes by <bitmap>
      Given an incremental backup of "drive0" with "<bitmap>" is kept <state>
      When the guest writes to "drive0":
        | pattern | at                  | length | note                       |
        | 0x11    | 1 MiB + 1 B         | 1 B    | once more what had changed |
        | 0x22    | 2 MiB - 1 B         | 2 B    | over an edge of all sorts  |
        | 0x33    | 4 MiB + 1 KiB - 1 B | 1 B    | the last byte              |
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

  Rule: A bitmap comes out of a job as it went in, but for its record
    Scenario Outline: A bitmap that records <recording> goes through a job that is <act>
      Given these bitmaps on "drive0":
        | bitmap  | granularity | recording   | persistent   |
        | bitmap3 | 32 KiB      | <recording> | <persistent> |
      And "bitmap1" of "drive0" has been merged into "bitmap3"
      And an incremental backup of "drive0" with "bitmap3" is kept pending
      And the guest has written to "drive0":
        | pattern | at          | length | note                      |
        | 0x22    | 2 MiB - 1 B | 2 B    | over an edge of all sorts |
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should <become>
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | persistent   | dirty   |
        | bitmap0 | 64 KiB      | yes         | no   | no           | 384 KiB |
        | bitmap1 | 512 B       | yes         | no   | no           | 7 KiB   |
        | bitmap2 | 1 MiB       | yes         | no   | no           | 4 MiB   |
        | bitmap3 | 32 KiB      | <recording> | no   | <persistent> | <dirty> |

      Examples: flags
        | case                                  | recording | persistent | act       | become       | dirty   |
        | what does not record, records nothing | no        | no         | let go    | succeed      | 0       |
        | nothing is added, and nothing lost    | no        | no         | cancelled | be cancelled | 128 KiB |
        | it is added                           | yes       | no         | cancelled | be cancelled | 192 KiB |

      Examples: flags of bitmaps that the image stores
        | case                                 | recording | persistent | act       | become       | dirty   |
        | it is stored in the end              | yes       | yes        | let go    | succeed      | 64 KiB  |
        | it is stored in the end, and at rest | no        | yes        | cancelled | be cancelled | 128 KiB |

  Rule: A bitmap is free again when its job is over
    @bug-B76
    Scenario Outline: A bitmap is <act> right after the job that went by it
      When an incremental backup of "drive0" is taken with "bitmap1"
      Then the backup of "drive0" should succeed
      When the bitmap "bitmap1" of "drive0" is <act>
      And the guest writes to "drive0":
        | pattern | at          | length | note                      |
        | 0x22    | 2 MiB - 1 B | 2 B    | over an edge of all sorts |
      Then the bitmaps should still hold what had changed

      Examples: all that was refused while the job was there
        | act      |
        | cleared  |
        | disabled |
        | enabled  |
        | removed  |
