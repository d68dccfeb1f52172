@backup @blockdev-backup
Feature: Backups of the top layer of a drive
  After a snapshot the guest goes on with a new image on top of the old one. Whoever has the old one in the backups already
  needs only the new one: a backup of the top layer copies what that image holds by itself, and nothing from below. Put on
  the backup of the layer below, it must be the drive again, to the byte: also where the top layer holds nothing but zeros.

  Background:
    Given the 1 MiB + 512 B drive "drive0" holding:
      | pattern | at | length        |
      | 0x11    | 0  | 1 MiB + 512 B |
    And a full backup of "drive0"
    And a snapshot has put the overlay "overlay0" on "drive0"

  Rule: A backup of the top layer holds all that this layer holds, zeros too, and nothing from below
    Scenario: Data over data, zeros over data, and much that is untouched
      Given the guest has written to "overlay0":
        | request      | pattern | at           | length | note                        |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a cluster  |
        | write zeroes |         | 256 KiB      | 64 KiB | hides what is below         |
        | discard      |         | 512 KiB      | 64 KiB | hides what is below         |
        | write        | 0x64    | 1 MiB        | 512 B  | the rest at the drive's end |
      When a top backup of "overlay0" is started
      Then the backup of "overlay0" should succeed
      And it should restore its drive as it was at that moment
      And the image of the backup of "overlay0" should itself hold:
        | pattern | at           | length       | note                             |
        | 0x11    | 0            | 64 KiB - 1 B | the rest of a cluster on top     |
        | 0xab    | 64 KiB - 1 B | 2 B          | what was written                 |
        | 0x11    | 64 KiB + 1 B | 64 KiB - 1 B | the rest of the next cluster     |
        | 0x00    | 256 KiB      | 64 KiB       | zeros that hide the backup below |
        | 0x00    | 512 KiB      | 64 KiB       | what was discarded               |
        | 0x64    | 1 MiB        | 512 B        | the rest at the end              |

    Scenario: Nothing has been written since the snapshot
      When a top backup of "overlay0" is started
      Then the backup of "overlay0" should succeed
      And it should hold only what had changed
      And it should equal its drive

    Scenario Outline: The top layer goes into <target>
      Given each backup goes into <target>
      And the guest has written to "overlay0":
        | request      | pattern | at           | length | note                        |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a cluster  |
        | write zeroes |         | 576 KiB      | 64 KiB | in the midst of a large one |
        | write        | 0x64    | 1 MiB        | 512 B  | the rest at the drive's end |
      When a top backup of "overlay0" is started
      Then the backup of "overlay0" should succeed
      And it should hold only what had changed

      Examples: kinds of targets
        | case                                           | target                                 |
        | clusters smaller than what is copied at a time | a qcow2 image with clusters of 4 KiB   |
        | clusters of which much is not on top           | a qcow2 image with clusters of 256 KiB |
        | one cluster for all of the drive               | a qcow2 image with clusters of 2 MiB   |
        | cannot stand on the backup below               | a raw image                            |

    Scenario: A drive without a base
      Given the 1 MiB + 512 B drive "drive1" in a qcow2 image with clusters of 4 KiB, holding:
        | pattern | at      | length | note                                      |
        | 0x11    | 60 KiB  | 8 KiB  | over an edge of what is copied at a time  |
        | 0x22    | 500 KiB | 4 KiB  | behind a hole in what is copied at a time |
        | 0x33    | 1 MiB   | 512 B  | the rest at the drive's end               |
      When a top backup of "drive1" is started
      Then the backup of "drive1" should succeed
      And the image of the backup of "drive1" should itself hold:
        | pattern | at      | length | note                 |
        | 0x00    | 0       | 60 KiB | copied with the data |
        | 0x11    | 60 KiB  | 8 KiB  |                      |
        | 0x00    | 68 KiB  | 60 KiB | copied with the data |
        | 0x00    | 448 KiB | 52 KiB |                      |
        | 0x22    | 500 KiB | 4 KiB  |                      |
        | 0x00    | 504 KiB | 8 KiB  |                      |
        | 0x33    | 1 MiB   | 512 B  |                      |

  Rule: Backups of one layer after the other make a chain that restores the drive
    Scenario: The top layers are backed up after two snapshots
      Given the guest has written to "overlay0":
        | request      | pattern | at      | length  | note                             |
        | write        | 0xab    | 128 KiB | 128 KiB | data over the lowest layer       |
        | write zeroes |         | 512 KiB | 128 KiB | zeros that hide the lowest layer |
      And a top backup of "overlay0"
      And a snapshot has put the overlay "overlay1" on "overlay0"
      And the guest has written to "overlay1":
        | pattern | at      | length | note                              |
        | 0xfe    | 191 KiB | 2 KiB  | over an edge in the middle's data |
        | 0x64    | 575 KiB | 2 KiB  | over an edge in its zeros         |
      When a top backup of "overlay1" is started
      Then the backup of "overlay1" should succeed
      And it should restore its drive as it was at that moment
      And the image of the backup of "overlay1" should itself hold:
        | pattern | at      | length | note                      |
        | 0xab    | 128 KiB | 63 KiB | comes from the middle     |
        | 0xfe    | 191 KiB | 2 KiB  | is from the top           |
        | 0xab    | 193 KiB | 63 KiB | comes from the middle     |
        | 0x00    | 512 KiB | 63 KiB | hides what the lowest has |
        | 0x64    | 575 KiB | 2 KiB  | is from the top           |
        | 0x00    | 577 KiB | 63 KiB | hides what the lowest has |

  Rule: A backup of the top layer holds nothing that the guest writes meanwhile
    Scenario: The guest overwrites what is on top and what is not while the top layer is copied
      Given the guest has written to "overlay0":
        | pattern | at      | length |
        | 0xab    | 0       | 64 KiB |
        | 0xfe    | 512 KiB | 64 KiB |
      And a top backup of "overlay0" is kept running
      And the guest has written to "overlay0":
        | pattern | at      | length | note                                   |
        | 0x9a    | 575 KiB | 1 KiB  | what the job has still to copy         |
        | 0x64    | 256 KiB | 1 KiB  | what was not on top when the job began |
      When the backup of "overlay0" is let go
      Then the backup of "overlay0" should succeed
      And the image of the backup of "overlay0" should itself hold:
        | pattern | at      | length |
        | 0xab    | 0       | 64 KiB |
        | 0xfe    | 512 KiB | 64 KiB |

  Rule: A backup of the top layer clears a bitmap as its bitmap-mode says, and an incremental backup can follow
    Scenario Outline: An incremental backup after one of the top layer with bitmap-mode <mode>
      Given a bitmap "bitmap0" with a granularity of 32 KiB on "overlay0"
      And the guest has written to "overlay0":
        | pattern | at           | length | note                         |
        | 0xab    | 64 KiB - 1 B | 2 B    | over an edge of two clusters |
      When a backup of "overlay0" is started with:
        | option      | value   |
        | sync        | top     |
        | bitmap      | bitmap0 |
        | bitmap-mode | <mode>  |
      Then the backup of "overlay0" should succeed
      And the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | dirty |
        | bitmap0 | 32 KiB      | yes       | no   | 0     |
      When the guest writes to "overlay0":
        | pattern | at      | length | note                |
        | 0xfe    | 512 KiB | 1 KiB  | for the next backup |
      And an incremental backup of "overlay0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "overlay0" as it was at that moment
      And each of them should hold only what had changed

      Examples: modes that clear
        | case                   | mode       |
        | cleared if it succeeds | on-success |
        | cleared in any case    | always     |
