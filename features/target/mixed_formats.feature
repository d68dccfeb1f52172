@target @blockdev-backup
Feature: Incremental backups on a full one of another format
  A full backup often has a history of its own: it was restored from a tape as a raw file, converted for another
  hypervisor, or made before somebody found out about larger clusters. The incremental backups that follow it are in a
  format that can stand on a base. Whatever base that is, they must restore every byte, also where the sizes fit nowhere.

  Rule: Incremental backups restore the drive on a base of any format
    Scenario Outline: Two incremental backups in <increment> on a full one in <base>
      Given the 4 MiB + 4 KiB + 512 B drive "drive0" holding:
        | pattern | at            | length   | note              |
        | 0x14    | 100 KiB       | 2000 KiB | more than a chunk |
        | 0xd5    | 4 MiB + 4 KiB | 512 B    | the very end      |
      And each backup goes into <base>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And each backup goes into <increment>
      And the guest has written to "drive0":
        | request      | pattern | at                    | length  | note                  |
        | write        | 0x41    | 64 KiB - 1 B          | 65 KiB  | ends that fit nowhere |
        | write zeroes |         | 1000 KiB              | 200 KiB | over what was there   |
        | write        | 0x64    | 4 MiB + 4 KiB + 511 B | 1 B     | the last byte         |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request | pattern | at       | length  | note                        |
        | write   | 0x99    | 1100 KiB | 1 KiB   | into the zeros              |
        | discard |         | 128 KiB  | 640 KiB | over data, a part of it new |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

      Examples: bases that most builds can write
        | case                        | base                                 | increment                            |
        | a base from before QEMU 1.1 | a qcow2 image of version 2           | a qcow2 image                        |
        | no format at all            | a raw image                          | a qcow2 image                        |
        | larger clusters below       | a qcow2 image with clusters of 2 MiB | a qcow2 image with clusters of 4 KiB |
        | smaller clusters below      | a qcow2 image with clusters of 512 B | a qcow2 image with clusters of 1 MiB |

      Examples: clusters of which parts may be set
        | case             | base        | increment                              |
        | no format at all | a raw image | a qcow2 image with extended L2 entries |

      Examples: a base in the format of another hypervisor
        | case                          | base         | increment     |
        | cannot tell zeros from a hole | a VMDK image | a qcow2 image |

      Examples: a base in the format of another hypervisor still
        | case            | base        | increment     |
        | blocks of 1 MiB | a VDI image | a qcow2 image |
