@backup @blockdev-backup
Feature: Backups of drives that copy up what the guest reads
  A guest that was set up in a moment from a common image, far away, is to become free of it: whatever it reads is copied
  into its own image on the way. Such a copy changes nothing that the guest can see. A backup must not take it for a
  change, and save or record what nobody has written; nor may it miss a write because it came through the same filter.

  Background:
    Given the 1 MiB + 512 B drive "drive0" holding:
      | pattern | at      | length          |
      | 0x11    | 0       | 512 KiB         |
      | 0x22    | 768 KiB | 256 KiB + 512 B |
    And a full backup of "drive0"
    And a snapshot has put the overlay "overlay0" on "drive0"
    And a copy-on-read filter "copying0" over "overlay0"

  Rule: What a read copies up is neither recorded in a bitmap nor saved by a backup
    Scenario: The guest reads and writes before an incremental backup
      Given a bitmap "bitmap0" with a granularity of 32 KiB on "overlay0"
      When the guest writes to "overlay0":
        | request | pattern | at           | length  | note                        |
        | read    |         | 64 KiB - 1 B | 2 B     | copies two clusters up      |
        | read    |         | 576 KiB      | 1 KiB   | copies zeros up             |
        | write   | 0xab    | 100 KiB      | 1 KiB   | over what was copied up     |
        | write   | 0x64    | 800 KiB      | 1 KiB   | over what was not           |
        | read    |         | 1 MiB        | 512 B   | copies the end of the drive |
        | read    |         | 320 KiB      | 256 KiB | copies several clusters up  |
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | dirty  |
        | bitmap0 | 32 KiB      | yes       | no   | 64 KiB |
      And the next incremental backup of "overlay0" with "bitmap0" should restore it as it was then

    @bug-B51
    Scenario: The guest reads and writes during a backup with sync none
      Given a backup of "overlay0" with sync none has been started
      And the guest has written to "overlay0":
        | request      | pattern | at           | length | note                        |
        | read         |         | 64 KiB - 1 B | 2 B    | copies two clusters up      |
        | read         |         | 600 KiB      | 1 KiB  | copies zeros up             |
        | write        | 0xab    | 127 KiB      | 1 KiB  | over what was copied up     |
        | write zeroes |         | 448 KiB      | 1 KiB  | over what was not           |
        | read         |         | 448 KiB      | 64 KiB | copies the same cluster up  |
        | read         |         | 1 MiB        | 512 B  | copies the end of the drive |
      When the backup of "overlay0" is cancelled
      Then the backup of "overlay0" should be cancelled
      And it should hold only what had changed
      And the image of the backup of "overlay0" should itself hold:
        | pattern | at      | length | note                |
        | 0x11    | 64 KiB  | 64 KiB | what was written to |
        | 0x11    | 448 KiB | 64 KiB | what became zeros   |

  Rule: A backup restores the drive as it was when the backup began, whatever is copied up meanwhile
    @bug-B38
    Scenario Outline: The guest reads and writes during a <sync> backup
      Given the guest has written to "overlay0":
        | request | pattern | at      | length | note                  |
        | write   | 0xab    | 63 KiB  | 2 KiB  | over an edge          |
        | read    |         | 448 KiB | 1 KiB  | copies a cluster up   |
        | write   | 0x77    | 700 KiB | 1 KiB  | left alone afterwards |
      And a <sync> backup of "overlay0" is kept running
      And the guest has written to "overlay0":
        | request | pattern | at      | length  | note                                   |
        | read    |         | 449 KiB | 63 KiB  | what the job has yet to copy           |
        | write   | 0xfe    | 450 KiB | 1 KiB   | over what was copied up before the job |
        | read    |         | 800 KiB | 100 KiB | copies up during the job               |
        | write   | 0x33    | 850 KiB | 1 KiB   | over that                              |
        | write   | 0x64    | 1 MiB   | 512 B   | over what was not copied up            |
      When the backup of "overlay0" is let go
      Then the backup of "overlay0" should succeed
      And it should restore its drive as it was at that moment

      Examples: kinds of backups
        | case                                 | sync |
        | looks through all layers             | full |
        | copies what was on top when it began | top  |

  Rule: What a drive copies up by itself, whoever reads, belongs to its top layer and marks no bitmap
    @bug-B38
    Scenario: The guest has read and written before a backup of the top layer
      Given the guest has drives that copy up what is read
      And the 1 MiB + 512 B drive "drive1" in a qcow2 image on a base, holding:
        | pattern | at      | length          |
        | 0x33    | 0       | 512 KiB         |
        | 0x44    | 768 KiB | 256 KiB + 512 B |
      And the guest has written to "drive1":
        | request | pattern | at           | length | note                        |
        | read    |         | 64 KiB - 1 B | 2 B    | copies two clusters up      |
        | read    |         | 576 KiB      | 1 KiB  | copies zeros up             |
        | write   | 0xab    | 100 KiB      | 1 KiB  | over what was copied up     |
        | read    |         | 1 MiB        | 512 B  | copies the end of the drive |
      When a top backup of "drive1" is started
      Then the backup of "drive1" should succeed
      And it should hold only what had changed
      And the image of the backup of "drive1" should itself hold:
        | pattern | at      | length  | note                      |
        | 0x33    | 0       | 100 KiB | on both sides of the edge |
        | 0xab    | 100 KiB | 1 KiB   | over what was copied up   |
        | 0x33    | 101 KiB | 27 KiB  | the rest of its cluster   |
        | 0x00    | 576 KiB | 64 KiB  | zeros that were copied up |
        | 0x44    | 1 MiB   | 512 B   | the rest at the end       |

    @bug-B38
    Scenario: A full backup has read all of the drive before an incremental backup
      Given the guest has drives that copy up what is read
      And the 1 MiB + 512 B drive "drive1" in a qcow2 image on a base, holding:
        | pattern | at      | length          |
        | 0x33    | 0       | 512 KiB         |
        | 0x44    | 768 KiB | 256 KiB + 512 B |
      And a bitmap "bitmap0" with a granularity of 32 KiB on "drive1"
      And a full backup of "drive1"
      When the guest writes to "drive1":
        | request | pattern | at      | length | note                      |
        | write   | 0xab    | 63 KiB  | 2 KiB  | over an edge              |
        | discard |         | 192 KiB | 64 KiB | hides what the base holds |
        | read    |         | 448 KiB | 64 KiB | no change                 |
      Then the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 32 KiB      | yes       | no   | 128 KiB |
      And the next incremental backup of "drive1" with "bitmap0" should restore it as it was then
