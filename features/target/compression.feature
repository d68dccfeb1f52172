@target
Feature: Compressed backups
  Backups are kept for years, so they are compressed; that has to make them smaller, and must not cost a byte. Compressed
  clusters are written whole or not at all, which is another way through QEMU than that of a plain backup: it has to deal
  with the partial end of a drive, with errors, and with incremental backups just as well.

  Background:
    Given the 2.5 MiB + 512 B drive "drive0" holding:
      | pattern | at           | length   | note                  |
      | 0x41    | 64 KiB - 1 B | 65 KiB   | ends that fit nowhere |
      | 0xd5    | 512 KiB      | 1300 KiB | more than a chunk     |
      | 0x64    | 2.5 MiB      | 512 B    | the very end          |
    And each backup is taken with:
      | option   | value |
      | compress | yes   |

  Rule: A full backup that is to be compressed restores every byte, and each of its clusters is compressed
    @<command> @bug-B44 @bug-B46
    Scenario Outline: A compressed full backup with <command> into <target>
      Given backups are taken with <command>
      And each backup goes into <target>
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should be compressed

      Examples: both commands
        | case                  | command         | target                               |
        | the default           | blockdev-backup | a qcow2 image                        |
        | 16 clusters to a copy | blockdev-backup | a qcow2 image with clusters of 4 KiB |
        | the largest clusters  | blockdev-backup | a qcow2 image with clusters of 2 MiB |
        | the default           | drive-backup    | a qcow2 image                        |

      Examples: another method
        | case                    | command         | target                           |
        | faster than the default | blockdev-backup | a qcow2 image compressed by zstd |

    @<command> @bug-B44
    Scenario Outline: A compressed full backup with <command> and <option>
      Given backups are taken with <command>
      And each backup is taken with:
        | option   | value   |
        | compress | yes     |
        | <option> | <value> |
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should be compressed

      Examples: what else is done to make it fast or slow
        | case                             | command         | option                  | value          |
        | the kernel could copy by itself  | blockdev-backup | x-perf.use-copy-range   | yes            |
        | the kernel could copy by itself  | drive-backup    | x-perf.use-copy-range   | yes            |
        | one request at a time            | blockdev-backup | x-perf.max-workers      | 1              |
        | a cluster at a time              | blockdev-backup | x-perf.max-chunk        | 64 KiB         |
        | a chunk that ends within one     | blockdev-backup | x-perf.max-chunk        | 97 KiB + 673 B |
        | as many requests as can be       | blockdev-backup | x-perf.max-workers      | 2147483647     |
        | four clusters at least at a time | blockdev-backup | x-perf.min-cluster-size | 256 KiB        |
        | a limit that never makes it wait | blockdev-backup | speed                   | 1 GiB          |

    @blockdev-backup
    Scenario: A compressed full backup for another hypervisor
      Given each backup goes into a stream-optimized VMDK image
      And each target is opened with:
        | option         | value |
        | cache.no-flush | yes   |
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

  Rule: Compressed incremental backups restore every byte, hold only what had changed, and are compressed
    @<command>
    Scenario Outline: A compressed incremental backup with <command> on a full one, both in <target>
      Given backups are taken with <command>
      And each backup goes into <target>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at              | length  | note                 |
        | write        | 0xab    | 128 KiB - 1 B   | 2 B     | over a granule's end |
        | write zeroes |         | 1000 KiB        | 130 KiB | over what was there  |
        | write        | 0xfe    | 2 MiB           | 300 KiB | takes new space      |
        | write        | 0x99    | 2.5 MiB + 511 B | 1 B     | the last byte        |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should be compressed

      Examples: both commands
        | case                           | command         | target                                 |
        | the default                    | blockdev-backup | a qcow2 image                          |
        | clusters larger than a granule | blockdev-backup | a qcow2 image with clusters of 128 KiB |
        | the default                    | drive-backup    | a qcow2 image                          |

  Rule: A compressed backup restores the drive as it was when it began, although the guest writes, also during a pause
    @blockdev-backup
    Scenario Outline: The guest writes while a compressed backup is <state>
      Given a full backup of "drive0" is kept <state>
      And the guest has written to "drive0":
        | pattern | at              | length | note                          |
        | 0xab    | 2.5 MiB + 511 B | 1 B    | the last byte                 |
        | 0xfe    | 1727 KiB        | 2 KiB  | over the edge of two clusters |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should be compressed

      Examples: on the way
        | state   |
        | running |
        | paused  |

  Rule: A compressed backup that stops at an error can be resumed, or cancelled
    @blockdev-backup
    Scenario: The drive fails while a compressed backup reads it
      Given the 1 MiB drive "drive1", whose storage fails the first read after a flush, holding:
        | pattern | at      | length  |
        | 0x14    | 100 KiB | 900 KiB |
      And the guest has written to "drive1":
        | pattern | at     | length |
        | 0xba    | 64 KiB | 1 KiB  |
      When a backup of "drive1" is started with:
        | option          | value |
        | sync            | full  |
        | on-source-error | stop  |
      Then the backup of "drive1" should stop with the io-status "failed"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive1 | stop   | read      |
      When the backup of "drive1" is resumed
      Then the backup of "drive1" should succeed
      And it should restore its drive as it was at that moment

    @blockdev-backup
    Scenario Outline: There is no room for a compressed cluster, and the backup is <act>
      Given the next backup goes to storage that fails the third compressed write with "No space left on device"
      When a backup of "drive0" is started with:
        | option          | value  |
        | sync            | full   |
        | on-target-error | enospc |
      Then the backup of "drive0" should stop with the io-status "nospace"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | stop   | write     |
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should <become>

      @known-defect.compressed-retry
      Examples: when there is room
        | case                           | act     | become  |
        | the cluster is written at last | resumed | succeed |

      Examples: when nobody can make room
        | case                   | act                | become       |
        | the cluster is dropped | cancelled by force | be cancelled |
