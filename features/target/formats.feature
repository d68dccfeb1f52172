@target @blockdev-backup
Feature: Backups into images of any format
  The operator chooses the format of the backups: qcow2 for a chain, raw for whoever has to read it without QEMU, VMDK or
  VDI for another hypervisor. All of them must restore the drive byte for byte, also where its size is odd, and a sparse
  one must stay so: a backup that takes the size of the whole drive each night fills the storage in a week.

  Rule: A full backup restores the drive from an image of any format
    @bug-B45 @bug-B55
    Scenario Outline: A full backup of a drive of odd size in <source>, into <target>
      Given the 4 MiB + 4 KiB + 512 B drive "drive0" in <source>
      And each backup goes into <target>
      And the guest has written to "drive0":
        | request      | pattern | at              | length   | note                       |
        | write        | 0x41    | 64 KiB - 1 B    | 65 KiB   | ends that fit nowhere      |
        | write        | 0xd5    | 1 MiB           | 1200 KiB | more than a chunk          |
        | write zeroes |         | 1.5 MiB         | 128 KiB  | zeros in the midst of data |
        | discard      |         | 1 MiB + 128 KiB | 64 KiB   | nothing any more           |
        | write        | 0x64    | 4 MiB + 4 KiB   | 512 B    | the very end               |
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should equal its drive

      Examples: formats of the target
        | case                              | source        | target                                   |
        | no format at all                  | a qcow2 image | a raw image                              |
        | the format before QEMU 1.1        | a qcow2 image | a qcow2 image of version 2               |
        | all clusters allocated beforehand | a qcow2 image | a qcow2 image with preallocated metadata |

      Examples: a format with subclusters
        | case                               | source        | target                                 |
        | clusters of which parts may be set | a qcow2 image | a qcow2 image with extended L2 entries |

      Examples: formats of other hypervisors
        | case                          | source        | target       |
        | cannot tell zeros from a hole | a qcow2 image | a VMDK image |

      Examples: a format of another hypervisor still
        | case            | source        | target      |
        | blocks of 1 MiB | a qcow2 image | a VDI image |

      Examples: formats of the drive
        | case                              | source                                   | target        |
        | bitmaps cannot be kept in it      | a raw image                              | a qcow2 image |
        | cannot tell zeros from a hole     | a qcow2 image of version 2               | a qcow2 image |
        | all clusters allocated beforehand | a qcow2 image with preallocated metadata | a qcow2 image |

  Rule: An incremental backup restores the drive from an image of any format that can stand on a base
    Scenario Outline: An incremental backup of a drive in <source> on a full one, both in <target>
      Given the 4 MiB + 4 KiB + 512 B drive "drive0" in <source>, holding:
        | pattern | at      | length   |
        | 0x14    | 100 KiB | 2000 KiB |
      And each backup goes into <target>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at            | length  | note                  |
        | write        | 0x41    | 64 KiB - 1 B  | 65 KiB  | ends that fit nowhere |
        | write zeroes |         | 1000 KiB      | 200 KiB | over what was there   |
        | write        | 0x64    | 4 MiB + 4 KiB | 512 B   | the very end          |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed

      Examples: kinds of qcow2, and a drive without bitmaps of its own
        | case                          | source        | target                     |
        | bitmaps cannot be kept in it  | a raw image   | a qcow2 image              |
        | cannot tell zeros from a hole | a qcow2 image | a qcow2 image of version 2 |

      Examples: a format with subclusters
        | case                               | source        | target                                 |
        | clusters of which parts may be set | a qcow2 image | a qcow2 image with extended L2 entries |

      Examples: a format of another hypervisor
        | case             | source        | target       |
        | also in its base | a qcow2 image | a VMDK image |

  Rule: A full backup holds no data where its drive has none, whether it reads zeros or was never written to
    Scenario Outline: A full backup of a drive in <source> that is nearly empty, into <target>
      Given the 4 MiB drive "drive0" in <source>, holding:
        | pattern | at       | length  |
        | 0x41    | 63 KiB   | 2 KiB   |
        | 0x64    | 3000 KiB | 100 KiB |
      And each backup goes into <target>
      And the guest has written to "drive0":
        | request      | pattern | at             | length  | note                      |
        | write zeroes |         | 3 MiB - 64 KiB | 64 KiB  | where there was something |
        | write zeroes |         | 1 MiB          | 256 KiB | where there was nothing   |
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold no data where its drive had none

      Examples: kinds of drives and targets
        | case              | source        | target                               |
        | the default       | a qcow2 image | a qcow2 image                        |
        | a file with holes | a raw image   | a raw image                          |
        | small clusters    | a qcow2 image | a qcow2 image with clusters of 4 KiB |

    Scenario: A full backup of a drive that was trimmed as a whole
      Given the 1 MiB + 512 B drive "drive0" holding:
        | pattern | at      | length          |
        | 0x11    | 0       | 512 KiB         |
        | 0x22    | 768 KiB | 256 KiB + 512 B |
      And the guest has written to "drive0":
        | request      | pattern | at      | length        | note                 |
        | discard      |         | 0       | 1 MiB + 512 B | all of the drive     |
        | write        | 0xab    | 576 KiB | 1 KiB         | a little is written  |
        | write zeroes |         | 1 MiB   | 512 B         | and zeros at the end |
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should hold no data where its drive had none
      And it should equal its drive

  Rule: An incremental backup into a raw image holds only what had changed
    Scenario: A few bytes of a drive full of data
      Given the 4 MiB drive "drive0" holding:
        | pattern | at      | length |
        | 0x41    | 512 KiB | 3 MiB  |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And each backup goes into a raw image
      And the guest has written to "drive0":
        | pattern | at            | length | note                 |
        | 0xab    | 64 KiB - 1 B  | 2 B    | over a granule's end |
        | 0x64    | 4 MiB - 1 KiB | 1 KiB  | the last granule     |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup of "drive0" should succeed
      And it should hold only what had changed

  Rule: An image that QEMU makes by a job has the size, the base and the clusters asked for, and restores the drive
    Scenario Outline: A full and an incremental backup in <target> made by QEMU
      Given the 4 MiB + 4 KiB + 512 B drive "drive0" holding:
        | pattern | at      | length   | note              |
        | 0x14    | 100 KiB | 2000 KiB | more than a chunk |
      And each backup goes into <target> made by QEMU
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at            | length  | note                  |
        | write        | 0x41    | 64 KiB - 1 B  | 65 KiB  | ends that fit nowhere |
        | write zeroes |         | 1000 KiB      | 200 KiB | over what was there   |
        | write        | 0x64    | 4 MiB + 4 KiB | 512 B   | the very end          |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And the image of the backup of "drive0" should be:
        | format | size                  | base     | clusters   |
        | qcow2  | 4 MiB + 4 KiB + 512 B | drive0-1 | <clusters> |

      Examples: clusters
        | case                          | target                               | clusters |
        | the default                   | a qcow2 image                        | 64 KiB   |
        | less than is copied at a time | a qcow2 image with clusters of 4 KiB | 4 KiB    |
        | the largest                   | a qcow2 image with clusters of 2 MiB | 2 MiB    |
