@target @drive-backup
Feature: Images that QEMU makes for its backups
  The older backup command can make the image for the backup by itself, and this is what most short scripts ask for. The
  image must be what a script may count on: of the drive's size, also where that is odd, of the format asked for or the
  drive's own, and on no base, unless what it holds by itself is of no use without one.

  Background:
    Given backups are taken with drive-backup
    And the 4 MiB + 4 KiB + 512 B drive "drive0" in a qcow2 image with clusters of 4 KiB
    And a bitmap "bitmap0" on "drive0"
    And the guest has written to "drive0":
      | pattern | at            | length | note                  |
      | 0x41    | 64 KiB - 1 B  | 65 KiB | ends that fit nowhere |
      | 0x64    | 4 MiB + 4 KiB | 512 B  | the very end          |

  Rule: An image that QEMU makes is of the drive's size, of the format asked for and without a base
    Scenario Outline: QEMU makes the image, <case>
      When a backup of "drive0" is started with:
        | option | value    |
        | sync   | <sync>   |
        | mode   | <mode>   |
        | format | <format> |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the image of the backup of "drive0" should be:
        | format  | size                  | base | clusters   |
        | <found> | 4 MiB + 4 KiB + 512 B | none | <clusters> |

      Examples: formats
        | case                                       | sync | mode           | format | found | clusters |
        | in the drive's own format                  | full | absolute-paths |        | qcow2 | 64 KiB   |
        | in qcow2 with clusters of the default size | full | absolute-paths | qcow2  | qcow2 | 64 KiB   |
        | in no format                               | full | absolute-paths | raw    | raw   | none     |
        | for a top layer without a base             | top  | absolute-paths |        | qcow2 | 64 KiB   |
        | for such a layer, in no format             | top  | absolute-paths | raw    | raw   | none     |
        | without a word of mode or format           | full | left out       |        | qcow2 | 64 KiB   |
        | without a word of the mode                 | full | left out       | raw    | raw   | none     |

    Scenario Outline: QEMU makes the image for a backup with sync <sync>
      When a backup of "drive0" is started with:
        | option      | value          |
        | sync        | <sync>         |
        | bitmap      | bitmap0        |
        | bitmap-mode | on-success     |
        | mode        | absolute-paths |
      Then the backup of "drive0" should succeed
      And it should hold only what had changed
      And the image of the backup of "drive0" should be:
        | format | size                  | base | clusters |
        | qcow2  | 4 MiB + 4 KiB + 512 B | none | 64 KiB   |

      Examples: both words for it
        | case                | sync        |
        | the usual word      | incremental |
        | another word for it | bitmap      |

  Rule: An image that QEMU makes for one part of the drive stands on what holds the rest, and restores the drive with it
    Scenario: The image of a backup with sync none stands on a drive with small clusters
      Given a backup of "drive0" has been started with:
        | option | value          |
        | sync   | none           |
        | mode   | absolute-paths |
      And the guest has written to "drive0":
        | request      | pattern | at                    | length | note                          |
        | write        | 0xab    | 128 KiB - 1 B         | 2 B    | over an edge, and over an end |
        | write zeroes |         | 1 MiB                 | 64 KiB | where there was nothing       |
        | write        | 0xfe    | 4 MiB + 4 KiB + 511 B | 1 B    | the last byte                 |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And it should restore its drive as it was at that moment
      And it should hold only what had changed
      And the image of the backup of "drive0" should be:
        | format | size                  | base   | clusters | note                                     |
        | qcow2  | 4 MiB + 4 KiB + 512 B | drive0 | 64 KiB   | what it does not hold is read from there |

    Scenario: The image of a backup with sync none stands on a drive with holes
      Given the 1 MiB + 512 B drive "drive1" holding:
        | pattern | at      | length          |
        | 0x11    | 0       | 512 KiB         |
        | 0x22    | 768 KiB | 256 KiB + 512 B |
      And a backup of "drive1" has been started with:
        | option | value          |
        | sync   | none           |
        | mode   | absolute-paths |
      And the guest has written to "drive1":
        | request      | pattern | at            | length  | note                                     |
        | write        | 0xab    | 64 KiB - 1 B  | 2 B     | over an edge                             |
        | write zeroes |         | 256 KiB       | 130 KiB | over data, with a part of another 64 KiB |
        | write        | 0xfe    | 600 KiB       | 1 KiB   | where there was nothing                  |
        | write        | 0x64    | 1 MiB + 511 B | 1 B     | the last byte                            |
      When the backup of "drive1" is cancelled
      Then the backup of "drive1" should be cancelled
      And it should hold only what had changed
      And it should restore its drive as it was at that moment

    Scenario: The image of a backup with sync top stands on the layer below
      Given the 1 MiB + 512 B drive "drive1" holding:
        | pattern | at | length        |
        | 0x11    | 0  | 1 MiB + 512 B |
      And a snapshot has put the overlay "overlay1" on "drive1"
      And the guest has written to "overlay1":
        | request      | pattern | at           | length | note                        |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a cluster  |
        | write zeroes |         | 512 KiB      | 64 KiB | hides what is below         |
        | write        | 0x64    | 1 MiB        | 512 B  | the rest at the drive's end |
      When a backup of "overlay1" is started with:
        | option | value          |
        | sync   | top            |
        | mode   | absolute-paths |
      Then the backup of "overlay1" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed
      And the image of the backup of "overlay1" should be:
        | format | size          | base   | clusters | note                              |
        | qcow2  | 1 MiB + 512 B | drive1 | 64 KiB   | the layer below, as it stands now |

  Rule: When the image cannot be made, the backup is refused, and neither the guest nor the next backup is held up
    @bug-B58 @known-defect.drained-for-ever
    Scenario: There is no directory for the image
      When a backup of "drive0" is started with:
        | option | value               |
        | sync   | full                |
        | mode   | absolute-paths      |
        | target | nowhere/image.qcow2 |
      Then QEMU should refuse it as a GenericError that says "Could not create 'nowhere/image.qcow2': No such file"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xab    | 3 MiB | 1 KiB  |
      And a backup of "drive0" is started with:
        | option | value          |
        | sync   | full           |
        | mode   | absolute-paths |
      Then the backup of "drive0" should succeed
