@backup @blockdev-backup
Feature: Backups of drives that stand on other images
  A guest's drive is often a thin layer on top of a common image, or has grown a chain of them by snapshots. What the guest
  reads comes from whichever layer holds it, and where none does, it reads zeros. A backup copies what the guest reads: it
  has to look through all the layers, and must neither miss what only the lowest one has nor dig up what a higher one hides.

  Background:
    Given the 1 MiB + 512 B drive "drive0" holding:
      | pattern | at      | length          |
      | 0x11    | 0       | 512 KiB         |
      | 0x22    | 768 KiB | 256 KiB + 512 B |
    And a full backup of "drive0"
    And a snapshot has put the overlay "overlay0" on "drive0"

  Rule: A full backup holds all that the guest reads, whichever layer holds it
    Scenario Outline: Three layers, each with data and zeros of its own, into <target>
      Given the guest has written to "overlay0":
        | request      | pattern | at      | length  | note                     |
        | write        | 0xab    | 100 KiB | 100 KiB | over data                |
        | write zeroes |         | 192 KiB | 128 KiB | over data of both layers |
        | write        | 0xba    | 600 KiB | 64 KiB  | over nothing             |
      And a snapshot has put the overlay "overlay1" on "overlay0"
      And the guest has written to "overlay1":
        | request | pattern | at            | length  | note                           |
        | write   | 0xfe    | 160 KiB - 1 B | 2 B     | over data of the middle        |
        | write   | 0xef    | 256 KiB       | 1 KiB   | over its zeros                 |
        | discard |         | 640 KiB       | 192 KiB | over its data and the lowest's |
        | write   | 0x64    | 1 MiB + 1 B   | 511 B   | the rest at the end, nearly    |
      And each backup goes into <target>
      When a full backup of "overlay1" is started
      Then the backup of "overlay1" should succeed
      And it should restore its drive as it was at that moment
      And it should hold no data where its drive had none

      Examples: kinds of targets
        | case                                    | target                                 |
        | the default                             | a qcow2 image                          |
        | no format at all                        | a raw image                            |
        | clusters larger than those of any layer | a qcow2 image with clusters of 128 KiB |

  Rule: An incremental backup holds all that the guest reads in a changed granule, also what comes from a lower layer
    Scenario Outline: A bitmap on the top layer, with a granularity of <granularity>
      Given a bitmap "bitmap0" with a granularity of <granularity> on "overlay0"
      And the guest has written to "overlay0":
        | request      | pattern | at            | length | note                               |
        | write        | 0xab    | 512 KiB - 1 B | 2 B    | data of the lowest layer, and none |
        | write zeroes |         | 832 KiB       | 4 KiB  | a few zeros in its data            |
        | write        | 0x64    | 1 MiB + 511 B | 1 B    | the last byte                      |
      When an incremental backup of "overlay0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "overlay0" as it was at that moment
      And it should hold only what had changed
      And it should equal its drive

      Examples: finer and coarser than the clusters of the layer
        | case                                          | granularity |
        | a granule is a small part of a cluster on top | 512 B       |
        | most of a granule comes from the layer below  | 256 KiB     |
        | one granule is larger than the drive          | 2 MiB       |

  Rule: Past the end of the lower layer, and where the drive was cut off, a backup restores zeros until the guest writes
    Scenario Outline: A <sync> backup of a drive that has grown beyond its base
      Given "overlay0" has been resized to 2 MiB + 1 KiB + 512 B
      And the guest has written to "overlay0":
        | pattern | at                    | length | note                                 |
        | 0xab    | 1 MiB + 512 B         | 512 B  | just past the end of the lower layer |
        | 0x64    | 2 MiB + 1 KiB + 511 B | 1 B    | the very end                         |
      When a <sync> backup of "overlay0" is started
      Then the backup of "overlay0" should succeed
      And it should restore its drive as it was at that moment
      And it should equal its drive

      Examples: kinds of backups
        | case                                              | sync |
        | stands alone                                      | full |
        | stands on a backup that ends where the layer does | top  |

    Scenario: The drive was cut and has grown again before a backup of its top layer
      Given "overlay0" has been resized to 400 KiB
      And "overlay0" has been resized to 1 MiB
      And the guest has written to "overlay0":
        | pattern | at      | length | note                   |
        | 0xab    | 900 KiB | 1 KiB  | where the old data was |
      When a top backup of "overlay0" is started
      Then the backup of "overlay0" should succeed
      And it should restore its drive as it was at that moment
      And it should equal its drive
