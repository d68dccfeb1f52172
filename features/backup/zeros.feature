@backup @blockdev-backup
Feature: Zeros in a chain of backups
  A guest deletes files and trims its drive, and what was full of data reads as zeros. The next backup must say so: an
  area that it simply leaves out would show what its base holds there, and the files would be back after a restore.
  But zeros are cheap, and an image that can tell of them in a few bytes must not be filled with them.

  Background:
    Given the 1 MiB + 512 B drive "drive0" holding:
      | pattern | at      | length          |
      | 0x11    | 0       | 512 KiB         |
      | 0x22    | 768 KiB | 256 KiB + 512 B |
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: An incremental backup holds zeros where the drive has become zeros, and they hide what its base holds
    Scenario Outline: The guest makes zeros by a <request>
      Given the guest has written to "drive0":
        | request   | pattern | at      | length         | note                        |
        | <request> | 0x00    | 64 KiB  | 128 KiB        | whole clusters of data      |
        | <request> | 0x00    | 448 KiB | 128 KiB        | one of data and one of none |
        | <request> | 0x00    | 960 KiB | 64 KiB + 512 B | up to the end of the drive  |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And the image of the backup of "drive0" should itself hold:
        | pattern | at      | length         |
        | 0x00    | 64 KiB  | 128 KiB        |
        | 0x00    | 448 KiB | 128 KiB        |
        | 0x00    | 960 KiB | 64 KiB + 512 B |

      Examples: ways to ask for zeros
        | case                               | request      |
        | zeros are sent as any data         | write        |
        | the guest says that they are zeros | write zeroes |
        | the guest does not need the data   | discard      |

    Scenario Outline: Parts of clusters become zeros, and the backup goes into <target>
      Given each backup goes into <target>
      And the guest has written to "drive0":
        | request      | pattern | at            | length | note                               |
        | write zeroes |         | 128 KiB - 1 B | 2 B    | over an edge                       |
        | discard      |         | 250 KiB       | 70 KiB | one whole cluster and parts        |
        | write zeroes |         | 1 MiB         | 512 B  | the rest at the end                |
        | write        | 0xab    | 448 KiB       | 1 KiB  | data before the zeros of a cluster |
        | write zeroes |         | 449 KiB       | 63 KiB | the zeros                          |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its drive

      Examples: kinds of clusters
        | case                              | target                               |
        | as large as what is copied        | a qcow2 image                        |
        | so small that most are all zeros  | a qcow2 image with clusters of 512 B |
        | larger than the drive             | a qcow2 image with clusters of 2 MiB |
        | cannot tell of zeros in few bytes | a qcow2 image of version 2           |

      Examples: kinds of clusters with parts
        | case                    | target                                 |
        | each 2 KiB may be zeros | a qcow2 image with extended L2 entries |

  Rule: When data becomes zeros, data and zeros again, each increment of the chain restores what was there then
    Scenario: Data, zeros and data again in the same place
      Given the guest has written to "drive0":
        | request | pattern | at      | length  |
        | discard |         | 128 KiB | 256 KiB |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at      | length | note                      |
        | 0xfe    | 255 KiB | 2 KiB  | over an edge in the zeros |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at      | length | note                  |
        | write zeroes |         | 192 KiB | 64 KiB | over half of the data |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 3 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed
