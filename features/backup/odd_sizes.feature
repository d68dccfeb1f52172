@backup
Feature: Backups of drives of odd sizes
  A drive may be of any number of sectors, and a raw image even of any number of bytes. Backups work in clusters of 64 KiB
  and more, and bitmaps in granules that may be larger than the whole drive. At the end of the drive something is always
  left over, and what is left over must be in the backup like all the rest, and not a byte beyond it.

  Rule: A full backup restores a drive of any size
    @<command>
    Scenario Outline: A full backup of <size> in <source> into <target>, with <command>
      Given backups are taken with <command>
      And the <size> drive "drive0" in <source>, holding:
        | pattern | at | length |
        | 0x11    | 0  | <size> |
      And each backup goes into <target>
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should equal its drive

      Examples: both commands
        | case                                   | command         | size           | source        | target                               |
        | the smallest drive                     | blockdev-backup | 512 B          | a qcow2 image | a qcow2 image                        |
        | the smallest into the largest cluster  | blockdev-backup | 512 B          | a raw image   | a qcow2 image with clusters of 2 MiB |
        | ends within a sector                   | blockdev-backup | 4 KiB + 1 B    | a raw image   | a raw image                          |
        | is filled up to whole sectors          | blockdev-backup | 4 KiB + 1 B    | a raw image   | a qcow2 image                        |
        | a sector less than is copied at once   | blockdev-backup | 64 KiB - 512 B | a qcow2 image | a raw image                          |
        | a byte less than a round number        | blockdev-backup | 1 MiB - 1 B    | a raw image   | a qcow2 image with clusters of 4 KiB |
        | a sector more than the largest cluster | blockdev-backup | 2 MiB + 512 B  | a qcow2 image | a qcow2 image with clusters of 2 MiB |
        | ends within a sector                   | drive-backup    | 4 KiB + 1 B    | a raw image   | a raw image                          |
        | a sector more than is copied at once   | drive-backup    | 64 KiB + 512 B | a qcow2 image | a qcow2 image                        |
        | the smallest drive                     | drive-backup    | 512 B          | a raw image   | a qcow2 image                        |

      Examples: drives that differ by a byte from a cluster of the target, or not at all
        | case                                  | command         | size         | source      | target                               |
        | a byte less than a sector             | blockdev-backup | 511 B        | a raw image | a raw image                          |
        | a byte more than the smallest cluster | blockdev-backup | 513 B        | a raw image | a qcow2 image with clusters of 512 B |
        | a byte less than a small cluster      | blockdev-backup | 4 KiB - 1 B  | a raw image | a qcow2 image with clusters of 4 KiB |
        | a byte more than a small cluster      | blockdev-backup | 4 KiB + 1 B  | a raw image | a qcow2 image with clusters of 4 KiB |
        | a byte less than the default          | blockdev-backup | 64 KiB - 1 B | a raw image | a qcow2 image                        |
        | just the default                      | blockdev-backup | 64 KiB       | a raw image | a qcow2 image                        |
        | a byte more than the default          | blockdev-backup | 64 KiB + 1 B | a raw image | a qcow2 image                        |
        | a byte less than the largest cluster  | blockdev-backup | 2 MiB - 1 B  | a raw image | a qcow2 image with clusters of 2 MiB |
        | a byte more than the largest cluster  | blockdev-backup | 2 MiB + 1 B  | a raw image | a qcow2 image with clusters of 2 MiB |

      Examples: a drive with other clusters
        | case                           | command         | size           | source                               | target        |
        | a sector more than 16 clusters | blockdev-backup | 64 KiB + 512 B | a qcow2 image with clusters of 4 KiB | a qcow2 image |
        | one sector of a large cluster  | blockdev-backup | 512 B          | a qcow2 image with clusters of 2 MiB | a raw image   |

  Rule: A drive that holds no byte can be backed up like any other
    @<command> @known-defect.backup-of-nothing
    Scenario Outline: A full and an incremental backup of an empty drive in <image> with <command>
      Given backups are taken with <command>
      And the 0 B drive "drive0" in <image>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty |
        | bitmap0 | 64 KiB      | yes       | no   | 0     |

      Examples: both commands
        | command         | image         |
        | blockdev-backup | a raw image   |
        | blockdev-backup | a qcow2 image |
        | drive-backup    | a qcow2 image |

  Rule: What changes at the end of a drive of any size is in the next incremental backup, and nothing past the end is
    @<command>
    Scenario Outline: The end of <size> in granules of <granularity>, backed up with <command>
      Given backups are taken with <command>
      And the <size> drive "drive0" in <source>, holding:
        | pattern | at | length |
        | 0x11    | 0  | <size> |
      And a bitmap "bitmap0" with a granularity of <granularity> on "drive0"
      And a full backup of "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xab    | <end> | 1 B    |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its drive

      Examples: both commands
        | case                                 | command         | size           | granularity | end            | source        |
        | a drive of one granule               | blockdev-backup | 512 B          | 512 B       | 511 B          | a qcow2 image |
        | a granule much larger than the drive | blockdev-backup | 512 B          | 2 MiB       | 0              | a qcow2 image |
        | a last granule of one byte           | blockdev-backup | 4 KiB + 1 B    | 4 KiB       | 4 KiB          | a raw image   |
        | the last of 129 granules             | blockdev-backup | 64 KiB + 512 B | 512 B       | 64 KiB + 511 B | a qcow2 image |
        | the last one before the partial end  | blockdev-backup | 64 KiB + 512 B | 64 KiB      | 64 KiB - 1 B   | a qcow2 image |
        | the 65th granule, a sector           | blockdev-backup | 4 MiB + 512 B  | 64 KiB      | 4 MiB          | a qcow2 image |
        | the 4097th granule                   | blockdev-backup | 2 MiB + 512 B  | 512 B       | 2 MiB + 511 B  | a qcow2 image |
        | the largest granule                  | blockdev-backup | 2 MiB + 512 B  | 2 GiB       | 2 MiB + 511 B  | a qcow2 image |
        | a sector in the largest granule      | blockdev-backup | 512 B          | 2 GiB       | 511 B          | a qcow2 image |
        | one byte past a large cluster        | blockdev-backup | 2 MiB + 1 B    | 2 GiB       | 2 MiB          | a raw image   |
        | one byte past 128 granules           | blockdev-backup | 64 KiB + 1 B   | 512 B       | 64 KiB         | a raw image   |
        | one byte less than 128 granules      | blockdev-backup | 64 KiB - 1 B   | 512 B       | 64 KiB - 2 B   | a raw image   |
        | a last granule of one byte           | drive-backup    | 4 KiB + 1 B    | 4 KiB       | 4 KiB          | a raw image   |
