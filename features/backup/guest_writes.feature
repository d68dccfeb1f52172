@backup @blockdev-backup
Feature: What the guest writes while a backup runs
  No operator stops a guest for a backup. While the job copies, the guest writes before the place that the job has come to,
  after it, over its edge and where the job has no business, and makes zeros as well. The backup must be the drive as it
  was when it began, to the byte; so what is about to be overwritten is copied first, and not again by the job. And the
  bitmap must hold just what came after, or the next backup has a gap.

  Rule: A backup restores the drive as it was when the backup began, and the bitmap records just what is written after that
    Background:
      Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
        | pattern | at    | length  |
        | 0x41    | 0     | 200 KiB |
        | 0xd5    | 3 MiB | 64 KiB  |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at      | length  | note                        |
        | 0xab    | 0       | 130 KiB | three clusters              |
        | 0xfe    | 256 KiB | 256 KiB | four clusters               |
        | 0x64    | 4 MiB   | 1 KiB   | the rest at the drive's end |

    @bug-B43 @bug-B51
    Scenario Outline: The guest makes a <request> again and again while a backup with sync <sync> is <state>
      Given a backup of "drive0" is kept <state> that was started with:
        | option           | value      |
        | sync             | <sync>     |
        | bitmap           | bitmap0    |
        | bitmap-mode      | on-success |
        | x-perf.max-chunk | 64 KiB     |
      When the guest writes to "drive0":
        | request   | pattern | at                  | length  | note                                     |
        | <request> | 0x11    | 1 KiB               | 1 KiB   | what is copied already                   |
        | <request> | 0x22    | 64 KiB - 1 B        | 2 B     | over the edge of that                    |
        | <request> | 0x33    | 330 KiB             | 20 KiB  | within a cluster                         |
        | <request> | 0x44    | 300 KiB             | 150 KiB | around it, from one cluster into another |
        | <request> | 0x55    | 400 KiB             | 10 KiB  | once more                                |
        | <request> | 0x66    | 2 MiB - 1 B         | 2 B     | what had not changed, over an edge       |
        | <request> | 0x77    | 4 MiB + 1 KiB - 1 B | 1 B     | the drive's last byte                    |
      Then QEMU should show the backup of "drive0" as:
        | offset   | len   |
        | <copied> | <all> |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 576 KiB |

      Examples: kinds of backups, and what they have copied when the guest is done
        | case                        | sync        | state   | request      | copied  | all            |
        | all that was written to     | full        | running | write        | 576 KiB | 4 MiB + 64 KiB |
        | all that was written to     | full        | running | write zeroes | 576 KiB | 4 MiB + 64 KiB |
        | what had changed of that    | incremental | running | write        | 448 KiB | 512 KiB        |
        | what had changed of that    | incremental | running | write zeroes | 448 KiB | 512 KiB        |
        | what the layer held of that | top         | running | write        | 448 KiB | 640 KiB        |
        | what the layer held of that | top         | running | write zeroes | 448 KiB | 640 KiB        |

      Examples: a backup that has everything already
        | case                 | sync        | state   | request      | copied         | all            |
        | nothing more to copy | full        | pending | write        | 4 MiB + 64 KiB | 4 MiB + 64 KiB |
        | nothing more to copy | incremental | pending | write zeroes | 512 KiB        | 512 KiB        |
        | nothing more to copy | top         | pending | write        | 640 KiB        | 640 KiB        |

  Rule: What the guest overwrites is saved before that, whether QEMU or the host copies the data
    @bug-B43
    Scenario Outline: The guest writes around what it has just written while <case>
      Given the 4 MiB + 1 KiB drive "drive0" in <source>, holding:
        | pattern | at | length        |
        | 0x41    | 0  | 4 MiB + 1 KiB |
      And each backup goes into <target>
      And a backup of "drive0" is kept running that was started with:
        | option                | value        |
        | sync                  | full         |
        | x-perf.max-chunk      | 64 KiB       |
        | x-perf.use-copy-range | <offloading> |
      When the guest writes to "drive0":
        | pattern | at                  | length  | note                                          |
        | 0x22    | 330 KiB             | 20 KiB  | within a cluster                              |
        | 0x33    | 1 MiB + 64 KiB      | 192 KiB | three whole clusters                          |
        | 0x44    | 200 KiB             | 300 KiB | around the first one, from the cluster before |
        | 0x55    | 1100 KiB            | 400 KiB | from amidst the others to behind them         |
        | 0x66    | 4 MiB + 1 KiB - 1 B | 1 B     | the drive's last byte                         |
      Then QEMU should show the backup of "drive0" as:
        | offset  | len            |
        | 896 KiB | 4 MiB + 64 KiB |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: ways to copy
        | case                               | source        | target                                | offloading |
        | the host copies                    | a raw image   | a raw image                           | yes        |
        | QEMU copies                        | a raw image   | a raw image                           | no         |
        | the host copies cluster by cluster | a qcow2 image | a qcow2 image with clusters of 4 KiB  | yes        |
        | QEMU copies cluster by cluster     | a qcow2 image | a qcow2 image with clusters of 32 KiB | no         |

  Rule: However far ahead of the job the guest writes, the job still copies everything around that
    A job keeps what it still has to copy in groups of 64 clusters, which are 4 MiB, and in groups of 64 such groups, which
    are 256 MiB. What the guest overwrites is taken out of its group; the rest of the group must stay.
    Scenario Outline: The guest makes a <request> of <length> at <at> on a large drive
      Given the 520 MiB drive "drive0" holding:
        | pattern | at              | length  | note                          |
        | 0x41    | 0               | 2 MiB   | where the job waits           |
        | 0xd5    | 9 MiB           | 192 KiB | in the group from 8 MiB on    |
        | 0x14    | 12 MiB - 64 KiB | 128 KiB | over the end of that group    |
        | 0x5d    | 15 MiB          | 64 KiB  | in the group from 12 MiB on   |
        | 0xdc    | 260 MiB         | 128 KiB | in the second group of groups |
        | 0x93    | 519 MiB         | 1 MiB   | up to the end                 |
      And a full backup of "drive0" is kept running
      And the guest has written to "drive0":
        | request   | pattern | at   | length   |
        | <request> | 0xab    | <at> | <length> |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: what becomes of a group
        | case                                 | request      | at             | length |
        | a little of a group                  | write        | 10 MiB         | 1 KiB  |
        | the end of one, the next one's start | write        | 12 MiB - 1 KiB | 2 KiB  |
        | the second half of a group           | write        | 10 MiB         | 2 MiB  |
        | the first half of the next one       | write zeroes | 12 MiB         | 2 MiB  |
        | all of a group, and halves of two    | write zeroes | 10 MiB         | 8 MiB  |
        | from one group of groups to the next | write zeroes | 250 MiB        | 9 MiB  |
