@backup @blockdev-backup
Feature: Backups of drives whose data is in a file of its own
  A qcow2 image can leave the data to another file or volume and keep only what it knows of it: where it is, and which parts
  of it the bitmaps have marked. That keeps bitmaps for drives whose data must stay in a plain volume. For a backup there
  is no difference: it copies what the guest reads, and no more than has changed.

  Background:
    Given the 4 MiB + 4 KiB + 512 B drive "drive0" in a qcow2 image with its data in a file of its own, holding:
      | pattern | at      | length        |
      | 0x11    | 100 KiB | 2000 KiB      |
      | 0x22    | 4 MiB   | 4 KiB + 512 B |

  Rule: Backups restore the drive, whether the data of the drive, of the target or of both is in a file of its own
    Scenario Outline: An incremental backup of such a drive into <target>
      Given each backup goes into <target>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at                    | length  | note                 |
        | write        | 0xab    | 128 KiB - 1 B         | 2 B     | over a granule's end |
        | write zeroes |         | 1000 KiB              | 200 KiB | over what was there  |
        | write        | 0x64    | 4 MiB + 4 KiB + 511 B | 1 B     | the last byte        |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its drive

      Examples: kinds of targets
        | case                                    | target                                           |
        | the default                             | a qcow2 image                                    |
        | clusters larger than those of the drive | a qcow2 image with clusters of 128 KiB           |
        | of the same kind as the drive           | a qcow2 image with its data in a file of its own |

    Scenario Outline: A full backup of a drive in <source>, into <target>
      Given the 4 MiB + 4 KiB + 512 B drive "drive1" in <source>, holding:
        | pattern | at      | length        |
        | 0x11    | 100 KiB | 2000 KiB      |
        | 0x22    | 4 MiB   | 4 KiB + 512 B |
      And each backup goes into <target>
      And the guest has written to "drive1":
        | request      | at      | length  | note                |
        | write zeroes | 512 KiB | 128 KiB | over what was there |
      When a full backup of "drive1" is started
      Then the backup of "drive1" should succeed
      And it should restore its drive as it was at that moment
      And it should equal its drive

      Examples: data that others can read without QEMU
        | case              | source                                           | target                                     |
        | the drive's data  | a qcow2 image with its data in a raw image       | a qcow2 image                              |
        | the target's data | a qcow2 image with its data in a file of its own | a qcow2 image with its data in a raw image |
        | the data of both  | a qcow2 image with its data in a raw image       | a qcow2 image with its data in a raw image |

  Rule: An image stores its persistent bitmaps also when its data is in a file of its own
    Scenario: The machine is shut down after a backup by one of two persistent bitmaps
      Given these bitmaps on "drive0":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
        | bitmap1 | 4 KiB       | yes        |
      And a full backup of "drive0"
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0xab    | 128 KiB - 1 B | 2 B    |
      And an incremental backup of "drive0" with "bitmap0"
      When the machine is shut down
      Then the image of "drive0" should store its persistent bitmaps and no others
