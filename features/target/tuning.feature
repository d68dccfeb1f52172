@target
Feature: Backups that are tuned
  How many requests a backup has under way, how much it copies with one of them and who does the copying can be tuned, to
  spare the guest or to fill a fast line. Whatever is chosen, also what nobody would choose, the backup must restore every
  byte and hold no more than it must: tuning is about time.

  Background:
    Given the 5 MiB + 512 B drive "drive0" holding:
      | pattern | at           | length   | note                  |
      | 0x41    | 64 KiB - 1 B | 65 KiB   | ends that fit nowhere |
      | 0xd5    | 1 MiB        | 2500 KiB | more than a chunk     |
      | 0x64    | 5 MiB        | 512 B    | the very end          |

  Rule: A backup restores every byte whatever its workers, its chunks and its offloading are
    @<command> @bug-B45
    Scenario Outline: A full and an incremental backup with <command>: <case>
      Given backups are taken with <command>
      And each backup is taken with:
        | option                | value     |
        | x-perf.max-workers    | <workers> |
        | x-perf.max-chunk      | <chunk>   |
        | x-perf.use-copy-range | <offload> |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at            | length   | note                 |
        | write        | 0xab    | 128 KiB - 1 B | 2 B      | over a granule's end |
        | write zeroes |         | 1500 KiB      | 130 KiB  | over what was there  |
        | write        | 0xfe    | 3500 KiB      | 1500 KiB | more than a chunk    |
        | write        | 0x99    | 5 MiB + 511 B | 1 B      | the last byte        |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its drive

      Examples: both commands
        | case                                | command         | workers    | chunk               | offload |
        | one cluster at a time               | blockdev-backup | 1          | 64 KiB              | no      |
        | a chunk that ends within a cluster  | blockdev-backup | 3          | 97 KiB + 673 B      | no      |
        | the kernel copies as much as it can | blockdev-backup | 64         | 0                   | yes     |
        | the kernel copies parts of clusters | blockdev-backup | 2          | 195 KiB + 320 B     | yes     |
        | the most of everything              | blockdev-backup | 2147483647 | 9223372036854775807 | yes     |
        | a chunk that ends within a cluster  | drive-backup    | 3          | 97 KiB + 673 B      | yes     |

  Rule: A backup has as many requests under way as it is allowed workers, and none is longer than its chunk
    @blockdev-backup
    Scenario Outline: One of <workers> requests of <chunk> is held up
      Given the 4 MiB drive "drive1", whose storage can be held up, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And the next read of "drive1" is to be held up
      And a backup of "drive1" has been started with:
        | option             | value     |
        | sync               | full      |
        | x-perf.max-workers | <workers> |
        | x-perf.max-chunk   | <chunk>   |
      When a read of "drive1" is held up
      Then the backup of "drive1" should copy at least <copied>
      And the backup of "drive1" should copy nothing while the guest reads 20 times
      And QEMU should show the backup of "drive1" as:
        | offset   | len   |
        | <copied> | 4 MiB |
      When the read of "drive1" goes on
      Then the backup of "drive1" should succeed

      Examples: what gets done meanwhile
        | case                                         | workers | chunk   | copied          |
        | nothing                                      | 1       | 64 KiB  | 0               |
        | the other one does all else                  | 2       | 64 KiB  | 4 MiB - 64 KiB  |
        | the other one does all else in larger chunks | 2       | 256 KiB | 4 MiB - 256 KiB |

  Rule: A backup copies at least as much at a time as it is told to, and holds that much around each change
    @blockdev-backup
    Scenario Outline: An incremental backup copies at least <minimum> at a time
      Given each backup is taken with:
        | option                  | value     |
        | x-perf.min-cluster-size | <minimum> |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at            | length | note                            |
        | 0xab    | 128 KiB - 1 B | 2 B    | over a granule's end            |
        | 0xfe    | 2 MiB - 1 KiB | 2 KiB  | over the end of a large cluster |
        | 0x99    | 5 MiB + 511 B | 1 B    | the last byte                   |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

      Examples: sizes
        | case                                      | minimum |
        | less than what is copied at a time anyway | 4 KiB   |
        | four granules                             | 256 KiB |
        | the last one reaches past the end         | 2 MiB   |
