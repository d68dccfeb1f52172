@target
Feature: Clusters of every size, on either side
  Images come with clusters of 512 B to 2 MiB, and the image that a guest works on seldom has those of the storage for
  its backups. What a write dirties, what a backup copies and what its image allocates are then three different units.
  Where they do not fit, a backup must copy more than was written, and never less: a cluster of the target that is half
  filled would hide what lies below it.

  Rule: An incremental backup restores every byte and copies no more than it must, whatever the clusters and granules are
    @blockdev-backup @bug-B39
    Scenario Outline: A backup of a drive in <source> into clusters of <cluster>
      Given the <size> drive "drive0" in <source>, holding:
        | pattern | at       | length   |
        | 0x41    | 1000 KiB | 2500 KiB |
      And each backup goes into a qcow2 image with clusters of <cluster>
      And a bitmap "bitmap0" with a granularity of <granularity> on "drive0"
      And a full backup of "drive0"
      And the guest has written to "drive0":
        | request      | pattern | at           | length | note                            |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over the end of a small cluster |
        | write        | 0xfe    | 2 MiB - 1 B  | 514 B  | over the end of a large one     |
        | write zeroes |         | 3 MiB        | 66 KiB | over what was there             |
        | write        | 0x64    | <end>        | 512 B  | the very end of the drive       |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

      Examples: from small to large
        | case                            | source                               | cluster | granularity | size          | end           |
        | the smallest of everything      | a qcow2 image with clusters of 512 B | 512 B   | 512 B       | 4 MiB         | 4 MiB - 512 B |
        | large into small                | a qcow2 image with clusters of 2 MiB | 512 B   | 64 KiB      | 5 MiB         | 5 MiB - 512 B |
        | small into large, a partial end | a qcow2 image with clusters of 512 B | 2 MiB   | 4 KiB       | 5 MiB + 512 B | 5 MiB         |
        | granules between the two        | a qcow2 image with clusters of 4 KiB | 1 MiB   | 128 KiB     | 5 MiB + 512 B | 5 MiB         |
        | the largest of everything       | a qcow2 image with clusters of 2 MiB | 2 MiB   | 2 MiB       | 9 MiB         | 9 MiB - 512 B |
        | no clusters into some           | a raw image                          | 128 KiB | 64 KiB      | 5 MiB         | 5 MiB - 512 B |

  Rule: What shares a cluster of the target with a change is copied with it, also if the target gets its base afterwards
    @blockdev-backup @bug-B39
    Scenario Outline: A backup of granules of <granularity> into clusters of <cluster> gets its base afterwards
      Given the 5 MiB + 512 B drive "drive0" in a qcow2 image, holding:
        | pattern | at       | length   |
        | 0x41    | 1000 KiB | 2500 KiB |
      And each backup goes into a qcow2 image with clusters of <cluster>
      And a bitmap "bitmap0" with a granularity of <granularity> on "drive0"
      And a full backup of "drive0"
      And the guest has written to "drive0":
        | pattern | at          | length | note                      |
        | 0xfe    | 2 MiB - 1 B | 514 B  | over the end of a cluster |
        | 0x64    | 5 MiB       | 512 B  | the very end of the drive |
      When an incremental backup of "drive0" is taken with "bitmap0" into an image that is put on its base afterwards
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

      Examples: a part of a granule, and more than one
        | case                            | cluster | granularity |
        | smaller than what is copied     | 512 B   | 64 KiB      |
        | 64 granules to a cluster        | 256 KiB | 4 KiB       |
        | the largest, at the drive's end | 2 MiB   | 64 KiB      |

    @iotest-124 @larger_cluster_target @<command>
    Scenario Outline: A backup with <command> into clusters of 128 KiB gets its base afterwards
      Given the 64 MiB drive "drive0" holding:
        | pattern | at     | length  |
        | 0x41    | 0      | 512 B   |
        | 0xd5    | 1 MiB  | 32 KiB  |
        | 0xdc    | 32 MiB | 124 KiB |
      And each incremental backup is followed by a reference
      And backups are taken with <command>
      And each backup goes into a qcow2 image with clusters of 128 KiB
      And a full backup of "drive0"
      And a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at              | length  | note                    |
        | 0xab    | 0               | 512 B   | overwrites a whole area |
        | 0xfe    | 16 MiB          | 256 KiB | takes new space         |
        | 0x64    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      And the bitmaps of "drive0" are:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | no         | 448 KiB |
      When an incremental backup of "drive0" is taken with "bitmap0" into an image that is put on its base afterwards
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its reference

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |
