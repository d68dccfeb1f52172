@failure @blockdev-backup
Feature: What a backup that succeeds or is cancelled leaves in its bitmap, by its mode
  Whether a backup that is cancelled still counts, the operator says when it starts. With the mode never, no backup brings
  its bitmap in step; with on-success, each one that succeeds; with always, each one as far as it came, and its image is
  kept then. Whatever is copied: the bitmap must hold just what the next backup has to add, or the chain has a gap.
  Here the old changes are 256 KiB. While the backup copies or waits, the guest makes new ones in two places of 64 KiB: one
  that is among the old ones, and one that only a full backup copies.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at              | length |
      | 0x41    | 0               | 65 KiB |
      | 0xd5    | 4 MiB - 128 KiB | 64 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at      | length | note                        |
      | 0xab    | 100 KiB | 2 KiB  | within a granule            |
      | 0xfe    | 1 MiB   | 64 KiB | a whole granule             |
      | 0x64    | 2 MiB   | 1 KiB  | within a granule            |
      | 0x65    | 4 MiB   | 1 KiB  | the rest at the drive's end |

  Rule: The mode decides whether what was copied stays dirty; what is written meanwhile is dirty in any case
    @bug-B37
    Scenario Outline: A backup with sync <sync> and bitmap-mode <mode> is <act> while <state>
      Given a backup of "drive0" is kept <state> that was started with:
        | option           | value   |
        | sync             | <sync>  |
        | bitmap           | bitmap0 |
        | bitmap-mode      | <mode>  |
        | x-perf.max-chunk | <piece> |
      And the guest has written to "drive0":
        | pattern | at                  | length | note                                 |
        | 0x22    | 4 MiB + 1 KiB - 1 B | 1 B    | what a running job had yet to copy   |
        | 0x33    | 512 KiB             | 1 B    | what had not changed since last time |
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should <become>
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And it should equal its drive

      Examples: it succeeds, and these are dirty
        | case                | sync        | mode       | state   | act    | become  | dirty   | piece |
        | new changes         | incremental | on-success | pending | let go | succeed | 128 KiB |       |
        | old and new changes | bitmap      | never      | pending | let go | succeed | 320 KiB |       |
        | new changes         | bitmap      | on-success | pending | let go | succeed | 128 KiB |       |
        | new changes         | bitmap      | always     | pending | let go | succeed | 128 KiB |       |
        | new changes         | full        | on-success | pending | let go | succeed | 128 KiB |       |
        | new changes         | full        | always     | pending | let go | succeed | 128 KiB |       |
        | new changes         | top         | on-success | pending | let go | succeed | 128 KiB |       |
        | new changes         | top         | always     | pending | let go | succeed | 128 KiB |       |

      Examples: it is cancelled when it has copied all, and these are dirty
        | case                | sync        | mode       | state   | act       | become       | dirty   | piece |
        | old and new changes | incremental | on-success | pending | cancelled | be cancelled | 320 KiB |       |
        | old and new changes | bitmap      | never      | pending | cancelled | be cancelled | 320 KiB |       |
        | old and new changes | bitmap      | on-success | pending | cancelled | be cancelled | 320 KiB |       |
        | new changes         | bitmap      | always     | pending | cancelled | be cancelled | 128 KiB |       |
        | old and new changes | full        | on-success | pending | cancelled | be cancelled | 320 KiB |       |
        | new changes         | full        | always     | pending | cancelled | be cancelled | 128 KiB |       |
        | old and new changes | top         | on-success | pending | cancelled | be cancelled | 320 KiB |       |
        | new changes         | top         | always     | pending | cancelled | be cancelled | 128 KiB |       |

      Examples: it is cancelled while it copies what had changed, and these are dirty
        | case                     | sync        | mode       | state   | act       | become       | dirty   | piece |
        | old and new changes      | incremental | on-success | running | cancelled | be cancelled | 320 KiB |       |
        | old and new changes      | bitmap      | never      | running | cancelled | be cancelled | 320 KiB |       |
        | old and new changes      | bitmap      | on-success | running | cancelled | be cancelled | 320 KiB |       |
        | uncopied and new changes | bitmap      | always     | running | cancelled | be cancelled | 256 KiB |       |
        | uncopied and new changes | bitmap      | always     | paused  | cancelled | be cancelled | 256 KiB |       |

      Examples: it is cancelled while it copies more than that, and these are dirty
        | case                                            | sync | mode       | state   | act       | become       | dirty   | piece  |
        | old and new changes                             | full | on-success | running | cancelled | be cancelled | 320 KiB | 64 KiB |
        | uncopied clusters of the drive, and new changes | full | always     | running | cancelled | be cancelled | 4 MiB   | 64 KiB |
        | old and new changes                             | top  | on-success | running | cancelled | be cancelled | 320 KiB | 64 KiB |
        | uncopied clusters of the layer, and new changes | top  | always     | running | cancelled | be cancelled | 384 KiB | 64 KiB |
