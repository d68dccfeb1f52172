@backup @blockdev-backup
Feature: Backups of images whose clusters all have their place
  An administrator who wants no surprises lets an image reserve the place of each cluster when he makes it. Such an image
  says of each cluster that there is one, although nothing has ever been written to most of them; only the file below
  knows that they are holes. A backup must see through that: neither fill itself with zeros that nobody wrote, nor
  take what reads as zeros for something that it can leave out, and so it must be for what is saved before a write.

  Background:
    Given the 1 MiB + 512 B drive "drive0" in a qcow2 image with preallocated metadata, holding:
      | pattern | at      | length          |
      | 0x11    | 0       | 512 KiB         |
      | 0x22    | 768 KiB | 256 KiB + 512 B |

  Rule: An increment holds what has changed, also where there was only a place
    Scenario Outline: Three increments on a full backup in <target>
      Given each backup goes into <target>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And each backup goes into a qcow2 image
      And the guest has written to "drive0":
        | request      | pattern | at      | length  | note                         |
        | write        | 0xab    | 600 KiB | 1 KiB   | where there was only a place |
        | write zeroes |         | 448 KiB | 128 KiB | over data, and over a place  |
        | write        | 0x64    | 1 MiB   | 512 B   | the rest at the drive's end  |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request | pattern | at      | length  | note                         |
        | discard |         | 576 KiB | 256 KiB | gives up more than one place |
        | write   | 0xfe    | 500 KiB | 1 KiB   | and here data comes back     |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at      | length | note                   |
        | 0x9a    | 639 KiB | 2 KiB  | over what was given up |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 3 backups with "bitmap0" should restore "drive0" as it was at that moment

      Examples: images that have all places from the start, and that do not
        | case                            | target                                   |
        | grows by what is copied         | a qcow2 image                            |
        | has a place for all that is not | a qcow2 image with preallocated metadata |

  Rule: What is saved before a write is what the drive held, be it only a place
    @bug-B66
    Scenario: The guest overwrites data, and what was only a place
      Given a backup of "drive0" with sync none has been started
      And the guest has written to "drive0":
        | request      | pattern | at           | length | note                                  |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over an edge of what is saved at once |
        | write        | 0xfe    | 600 KiB      | 1 KiB  | where there was only a place          |
        | write zeroes |         | 500 KiB      | 20 KiB | over data, and over a place           |
        | write        | 0x64    | 1 MiB        | 512 B  | the rest at the drive's end           |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the image of the backup of "drive0" should itself hold:
        | pattern | at      | length  | note                        |
        | 0x11    | 0       | 128 KiB | on both sides of the edge   |
        | 0x11    | 448 KiB | 64 KiB  | what is zeros in part now   |
        | 0x00    | 512 KiB | 128 KiB | only a place                |
        | 0x22    | 1 MiB   | 512 B   | the rest at the drive's end |
