@bitmap
Feature: The granularity of a bitmap
  The granularity of a bitmap is a trade: small granules make small backups, large ones a small bitmap. It may be any
  power of two from 512 B to 2 GiB, smaller or larger than the clusters of the image and even than the drive. The
  choice costs space or time; it may never cost a byte of a backup.

  Rule: The default granularity is the cluster size of the image, but at least 4 KiB and at most 64 KiB
    Scenario Outline: A bitmap with the default granularity on a drive in <image>
      Given the 4 MiB drive "drive0" in <image>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      When the guest writes to "drive0":
        | pattern | at          | length | note                                     |
        | 0xab    | 2 MiB - 1 B | 2 B    | over the edge of any granule up to 2 MiB |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity   | recording | busy | dirty   |
        | bitmap0 | <granularity> | yes       | no   | <dirty> |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: from the smallest clusters to none
        | case                        | image                                 | granularity | dirty   |
        | the smallest clusters       | a qcow2 image with clusters of 512 B  | 4 KiB       | 8 KiB   |
        | clusters of the lower bound | a qcow2 image with clusters of 4 KiB  | 4 KiB       | 8 KiB   |
        | clusters in between         | a qcow2 image with clusters of 16 KiB | 16 KiB      | 32 KiB  |
        | clusters of the upper bound | a qcow2 image with clusters of 64 KiB | 64 KiB      | 128 KiB |
        | the largest clusters        | a qcow2 image with clusters of 2 MiB  | 64 KiB      | 128 KiB |
        | no clusters at all          | a raw image                           | 64 KiB      | 128 KiB |

  Rule: A granularity is a power of two from 512 B to 2 GiB
    Background:
      Given the 4 MiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap  | granularity | recording | persistent |
        | bitmap0 | 64 KiB      | yes       | no         |
        | bitmap1 | 32 KiB      | no        | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

    Scenario Outline: A bitmap with a granularity of <granularity> is refused
      When this request is made:
        | request | bitmap  | drive  | granularity   | persistent |
        | add     | bitmap2 | drive0 | <granularity> | no         |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: too small, too large, or between two powers
        | case                        | granularity   | words                                           |
        | zero                        | 0             | Granularity must be power of 2                  |
        | half a sector               | 256 B         | Granularity must be power of 2 and at least 512 |
        | one byte more than a sector | 513 B         | Granularity must be power of 2                  |
        | more than the largest       | 3 GiB         | Granularity must be power of 2                  |
        | the next power of two       | 4 GiB         | Parameter 'granularity' expects uint32_t        |
        | 512 B, when cut to 32 bits  | 4 GiB + 512 B | Parameter 'granularity' expects uint32_t        |

      @iotest-124 @sync_dirty_bitmap_bad_granularity @drive-backup @blockdev-backup
      Examples: as in QEMU's own test
        | case                      | granularity    | words                          |
        | between 32 KiB and 64 KiB | 62 KiB + 512 B | Granularity must be power of 2 |

    Scenario Outline: A bitmap with a granularity of <granularity> is granted
      When this request is made:
        | request | bitmap  | drive  | granularity   | persistent   |
        | add     | bitmap2 | drive0 | <granularity> | <persistent> |
      Then QEMU should grant it
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity   | recording | busy | persistent   | dirty   |
        | bitmap0 | 64 KiB        | yes       | no   | no           | 256 KiB |
        | bitmap1 | 32 KiB        | no        | no   | yes          | 0       |
        | bitmap2 | <granularity> | yes       | no   | <persistent> | <dirty> |

      Examples: the smallest and the largest
        | case                         | granularity | persistent | dirty |
        | a sector, transient          | 512 B       | no         | 1 KiB |
        | a sector, persistent         | 512 B       | yes        | 1 KiB |
        | all of the drive, transient  | 2 GiB       | no         | 2 GiB |
        | all of the drive, persistent | 2 GiB       | yes        | 2 GiB |

  Rule: Each bitmap of a drive records the same changes, in granules of its own size
    Scenario: A drive with bitmaps of eight granularities
      Given the 4 MiB + 1 KiB drive "drive0"
      And these bitmaps on "drive0":
        | bitmap  | granularity | note                     |
        | sector  | 512 B       | the smallest             |
        | page    | 4 KiB       | a page of memory         |
        | half    | 32 KiB      | half of a copied cluster |
        | default | 64 KiB      | a copied cluster         |
        | twice   | 128 KiB     | two copied clusters      |
        | two     | 2 MiB       | about half of the drive  |
        | four    | 4 MiB       | all but the rest         |
        | all     | 2 GiB       | the largest              |
      When the guest writes to "drive0":
        | request      | pattern | at            | length      | note                               |
        | write        | 0xab    | 0             | 1 B         | the first byte                     |
        | write zeroes |         | 128 KiB - 1 B | 2 B         | over the edge of 128 KiB           |
        | discard      |         | 2 MiB - 1 B   | 2 B         | over the edge of 2 MiB             |
        | write        | 0x9a    | 4 MiB - 1 B   | 1 KiB + 1 B | over the edge of 4 MiB, to the end |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | sector  | 512 B       | yes       | no   | 4 KiB   |
        | page    | 4 KiB       | yes       | no   | 28 KiB  |
        | half    | 32 KiB      | yes       | no   | 224 KiB |
        | default | 64 KiB      | yes       | no   | 448 KiB |
        | twice   | 128 KiB     | yes       | no   | 768 KiB |
        | two     | 2 MiB       | yes       | no   | 6 MiB   |
        | four    | 4 MiB       | yes       | no   | 8 MiB   |
        | all     | 2 GiB       | yes       | no   | 2 GiB   |
      And the bitmaps should still hold what had changed

  Rule: A chain of backups restores the drive whatever the granularity of its bitmap
    Scenario Outline: Two incremental backups with a bitmap whose granularity is <granularity>
      Given the 4 MiB + 1 KiB drive "drive0" holding:
        | pattern | at | length        |
        | 0x11    | 0  | 4 MiB + 1 KiB |
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | granularity   |
        | add     | bitmap0 | drive0 | <granularity> |
      And the guest has written to "drive0":
        | pattern | at                  | length | note                       |
        | 0xab    | 128 KiB - 1 B       | 2 B    | over the edge of 128 KiB   |
        | 0x9a    | 4 MiB + 1 KiB - 2 B | 2 B    | up to the end of the drive |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at    | length | note                |
        | 0x55    | 512 B | 512 B  | the second sector   |
        | 0x78    | 4 MiB | 1 KiB  | the rest at the end |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

      Examples: from a sector to more than the drive
        | case                                      | granularity |
        | many granules to a copied cluster         | 512 B       |
        | eight granules to a copied cluster        | 8 KiB       |
        | four copied clusters to a granule         | 256 KiB     |
        | a granule, and one of which 1 KiB is used | 4 MiB       |
        | larger than the drive                     | 8 MiB       |
        | much larger than the drive                | 64 MiB      |
        | the largest                               | 2 GiB       |
