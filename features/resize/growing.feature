@resize
Feature: Bitmaps and backups of a drive that grows
  Drives fill up and are made larger while the guest runs, between two backups as at any other time. Each bitmap has to
  grow with the drive: it keeps what it has recorded, takes the new space for unchanged until the guest writes there, and
  forgets nothing of what the guest writes there.

  Rule: A bitmap keeps its record when the drive grows, and the new space is clean until it is written to
    @bug-B10
    Scenario Outline: A drive grows from <size> to <larger>, and is written to on both sides of the old end
      Given the <size> drive "drive0"
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | granularity | recording |
        | add     | bitmap0 | drive0 | 64 KiB      | yes       |
        | add     | fine    | drive0 | 512 B       | yes       |
        | add     | coarse  | drive0 | 1 MiB       | yes       |
        | add     | huge    | drive0 | 2 GiB       | yes       |
        | add     | stopped | drive0 | 64 KiB      | no        |
      And the guest has written to "drive0":
        | pattern | at     | length | note                            |
        | 0xab    | 511 B  | 2 B    | over the edge of a fine granule |
        | 0x9a    | <last> | 512 B  | up to the end                   |
      When "drive0" is resized to <larger>
      Then the bitmaps should still hold what had changed
      When the guest writes to "drive0":
        | request      | pattern | at     | length | note                |
        | write        | 0x55    | <size> | 512 B  | next to the old end |
        | write zeroes |         | <end>  | 512 B  | up to the new end   |
      Then the next incremental backup of "drive0" with "<bitmap>" should restore it as it was then

      Examples: from and to whole granules, and parts of them
        | case                                   | size          | last           | larger         | bitmap  | end           |
        | twice as large, both in whole granules | 4 MiB         | 4 MiB - 512 B  | 8 MiB          | bitmap0 | 8 MiB - 512 B |
        | by a sector, into a new granule        | 4 MiB         | 4 MiB - 512 B  | 4 MiB + 512 B  | bitmap0 | 4 MiB         |
        | by a sector, within the last granule   | 4 MiB + 512 B | 4 MiB          | 4 MiB + 1 KiB  | bitmap0 | 4 MiB + 512 B |
        | by much, from within a granule         | 4 MiB + 1 KiB | 4 MiB + 512 B  | 4 GiB          | coarse  | 4 GiB - 512 B |
        | into the third of the largest granules | 4 MiB + 1 KiB | 4 MiB + 512 B  | 4 GiB + 512 B  | huge    | 4 GiB         |
        | from 4095 granules of 512 B to 4097    | 2 MiB - 512 B | 2 MiB - 1 KiB  | 2 MiB + 512 B  | fine    | 2 MiB         |
        | from 64 granules of 512 B to 65        | 32 KiB        | 32 KiB - 512 B | 32 KiB + 512 B | fine    | 32 KiB        |

  Rule: The next incremental backup restores a drive that has grown, whatever was done to the new space
    Scenario Outline: A drive grows between two backups, and its new space is <case>
      Given the 4 MiB drive "drive0" holding:
        | pattern | at | length |
        | 0x11    | 0  | 4 MiB  |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And "drive0" has been resized to <larger>
      When the guest writes to "drive0":
        | request   | pattern | at   | length   |
        | <request> | 0xab    | <at> | <length> |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: what the guest does with the new space
        | case                        | larger        | request      | at          | length | dirty   |
        | only read                   | 8 MiB         | read         | 0           | 8 MiB  | 0       |
        | written across the old end  | 8 MiB         | write        | 4 MiB - 1 B | 2 B    | 128 KiB |
        | written from end to end     | 8 MiB         | write        | 4 MiB       | 4 MiB  | 4 MiB   |
        | discarded                   | 8 MiB         | discard      | 4 MiB       | 4 MiB  | 4 MiB   |
        | a sector, filled with zeros | 4 MiB + 512 B | write zeroes | 4 MiB       | 512 B  | 64 KiB  |

    @iotest-124 @growing_before_backup @<command>
    Scenario Outline: A drive grows by 1 MiB between two backups with <command>
      Given the 64 MiB drive "drive0" holding:
        | pattern | at     | length  |
        | 0x41    | 0      | 512 B   |
        | 0xd5    | 1 MiB  | 32 KiB  |
        | 0xdc    | 32 MiB | 124 KiB |
      And each incremental backup is followed by a reference
      And backups are taken with <command>
      And a full backup of "drive0"
      And a bitmap "bitmap0" on "drive0"
      And "drive0" has been resized to 65 MiB
      And the guest has written to "drive0":
        | pattern | at     | length | note             |
        | 0xcd    | 64 MiB | 64 KiB | past the old end |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its reference
      And it should equal its drive

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |

  Rule: A bitmap that was resized with its drive can be merged and cleared like one that was added afterwards
    Scenario Outline: The <source> bitmap is merged into the <target> one on a drive that was resized to <size>
      Given the 4 MiB drive "drive0"
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap | drive  | granularity |
        | add     | old    | drive0 | 32 KiB      |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And "drive0" has been resized to <size>
      And a bitmap "new" on "drive0"
      When "<source>" of "drive0" is merged into "<target>"
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "old" should restore it as it was then

      Examples: whichever is merged into the other
        | case               | size          | source | target |
        | larger             | 8 MiB         | old    | new    |
        | larger             | 8 MiB         | new    | old    |
        | larger by a sector | 4 MiB + 512 B | old    | new    |
        | smaller            | 1 MiB         | old    | new    |
        | smaller            | 1 MiB         | new    | old    |

    Scenario Outline: A new chain begins on a drive that was resized to <size>
      Given the 4 MiB drive "drive0"
      And a bitmap "bitmap0" on "drive0"
      And "drive0" has been resized to <size>
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  |
        | clear   | bitmap0 | drive0 |
      And the guest has written to "drive0":
        | pattern | at    | length | note          |
        | 0xab    | <end> | 512 B  | up to the end |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

      Examples: when the bitmap is cleared together with a full backup
        | case    | size  | end           |
        | larger  | 8 MiB | 8 MiB - 512 B |
        | smaller | 1 MiB | 1 MiB - 512 B |
