@backup @blockdev-backup
Feature: Backups of drives whose clusters were all allocated beforehand
  An administrator who wants no surprises lets an image reserve the place of each cluster when he makes it. Such an image
  says of each cluster that there is one, although nothing has ever been written to most of them; only the file below
  knows that they are holes. A backup must see through that: neither fill itself with zeros that nobody wrote, nor
  leave out what reads as zeros now and was data before. The same goes for what a backup saves before a write.

  Background:
    Given the 1 MiB + 512 B drive "drive0" in a qcow2 image with preallocated metadata, holding:
      | pattern | at      | length          |
      | 0x11    | 0       | 512 KiB         |
      | 0x22    | 768 KiB | 256 KiB + 512 B |

  Rule: Incremental backups restore the drive, also where a cluster was allocated and nothing written
    Scenario Outline: Three incremental backups on a full backup in <target>
      Given each backup goes into <target>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And each backup goes into a qcow2 image
      And the guest has written to "drive0":
        | request      | pattern | at      | length  | note                        |
        | write        | 0xab    | 600 KiB | 1 KiB   | where nothing was written   |
        | write zeroes |         | 448 KiB | 128 KiB | over data, and over none    |
        | write        | 0x64    | 1 MiB   | 512 B   | the rest at the drive's end |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request | pattern | at      | length  | note             |
        | discard |         | 576 KiB | 256 KiB | several clusters |
        | write   | 0xfe    | 500 KiB | 1 KiB   | data over zeros  |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at      | length | note                    |
        | 0x9a    | 639 KiB | 2 KiB  | over what was discarded |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 3 backups with "bitmap0" should restore "drive0" as it was at that moment

      Examples: bases with and without preallocated metadata
        | case                              | target                                   |
        | allocates what is copied          | a qcow2 image                            |
        | allocates all clusters beforehand | a qcow2 image with preallocated metadata |

  Rule: A backup with sync none saves what the drive held, and zeros where a cluster was allocated and nothing written
    Scenario: The guest overwrites data, and clusters in which nothing was written
      Given a backup of "drive0" with sync none has been started
      And the guest has written to "drive0":
        | request      | pattern | at           | length | note                                  |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over an edge of what is saved at once |
        | write        | 0xfe    | 600 KiB      | 1 KiB  | where nothing was written             |
        | write zeroes |         | 500 KiB      | 20 KiB | over data, and over none              |
        | write        | 0x64    | 1 MiB        | 512 B  | the rest at the drive's end           |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the image of the backup of "drive0" should itself hold:
        | pattern | at      | length  | note                        |
        | 0x11    | 0       | 128 KiB | on both sides of the edge   |
        | 0x11    | 448 KiB | 64 KiB  | what is zeros in part now   |
        | 0x00    | 512 KiB | 128 KiB | nothing was written         |
        | 0x22    | 1 MiB   | 512 B   | the rest at the drive's end |
