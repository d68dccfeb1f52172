@target @drive-backup
Feature: Images that an operator has prepared
  The older backup command makes the image for the backup by itself, unless it is told to use one that is there. Then it
  must use that as it is: of the format, with the clusters and on the base that an operator has chosen with care. If it
  were made anew, nobody would notice until it is too large, or stands on nothing.

  Background:
    Given backups are taken with drive-backup
    And the 4 MiB + 4 KiB + 512 B drive "drive0" in a qcow2 image with clusters of 4 KiB
    And the guest has written to "drive0":
      | pattern | at            | length | note                  |
      | 0x41    | 64 KiB - 1 B  | 65 KiB | ends that fit nowhere |
      | 0x64    | 4 MiB + 4 KiB | 512 B  | the very end          |

  Rule: QEMU uses an image that is there as it is, and does not make it anew
    Scenario Outline: An operator has made <image> for a backup with sync <sync>
      Given each backup goes into <image>
      When a backup of "drive0" is started with:
        | option | value    |
        | sync   | <sync>   |
        | mode   | existing |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the image of the backup of "drive0" should be:
        | format   | size                  | base | clusters   |
        | <format> | 4 MiB + 4 KiB + 512 B | none | <clusters> |

      Examples: images that QEMU would not have made so
        | case                       | sync | image                                | format | clusters |
        | larger clusters            | full | a qcow2 image with clusters of 2 MiB | qcow2  | 2 MiB    |
        | not the drive's format     | full | a raw image                          | raw    | none     |
        | a top layer without a base | top  | a qcow2 image with clusters of 2 MiB | qcow2  | 2 MiB    |
        | such a layer, in no format | top  | a raw image                          | raw    | none     |

    Scenario: An operator has put the image for the top layer on the backup of the layer below
      Given a full backup of "drive0"
      And a snapshot has put the overlay "overlay0" on "drive0"
      And the guest has written to "overlay0":
        | request      | pattern | at                    | length | note                       |
        | write        | 0xab    | 128 KiB - 1 B         | 2 B    | over the edge of a cluster |
        | write zeroes |         | 64 KiB                | 64 KiB | hides what is below        |
        | write        | 0xfe    | 4 MiB + 4 KiB + 511 B | 1 B    | the last byte              |
      When a backup of "overlay0" is started with:
        | option | value    |
        | sync   | top      |
        | mode   | existing |
      Then the backup of "overlay0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed
      And the image of the backup of "overlay0" should be:
        | format | size                  | base     | clusters | note                      |
        | qcow2  | 4 MiB + 4 KiB + 512 B | drive0-1 | 64 KiB   | the backup, not the drive |

    Scenario Outline: What is overwritten goes into <image> that an operator has made
      Given each backup goes into <image>
      And a backup of "drive0" has been started with:
        | option | value    |
        | sync   | none     |
        | mode   | existing |
      And the guest has written to "drive0":
        | request      | pattern | at                    | length | note                          |
        | write        | 0xab    | 128 KiB - 1 B         | 2 B    | over an edge, and over an end |
        | write zeroes |         | 1 MiB                 | 64 KiB | where there was nothing       |
        | write        | 0xfe    | 4 MiB + 4 KiB + 511 B | 1 B    | the last byte                 |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And it should restore its drive as it was at that moment
      And it should hold only what had changed

      Examples: images of other clusters
        | case                              | image                                  |
        | more is saved than is overwritten | a qcow2 image with clusters of 256 KiB |
        | no less than 64 KiB is saved      | a qcow2 image with clusters of 4 KiB   |
