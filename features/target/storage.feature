@target @blockdev-backup
Feature: Storage that is particular about requests
  Disks that read and write only whole blocks of 4 KiB are common, and so are targets on which QEMU is to look for zeros.
  What the guest writes and what has to be copied then does not fit what the storage takes. QEMU has to fill the gap, on
  either side, and while the guest writes; and it may not take zeros for nothing where they hide older data.

  Rule: A backup restores the drive whatever blocks its storage works in, also while the guest writes less than a block
    @bug-B38
    Scenario Outline: The guest writes less than a block during a backup: <case>
      Given the 4 MiB drive "drive0" in <source>, whose storage <drive>, holding:
        | pattern | at            | length   |
        | 0x41    | 1 KiB         | 3000 KiB |
        | 0xd5    | 4 MiB - 6 KiB | 6 KiB    |
      And each backup goes into <image>
      And the next backup goes to storage that <target>
      And a backup of "drive0" has been started with:
        | option | value  |
        | sync   | full   |
        | speed  | 64 KiB |
      And the guest has written to "drive0":
        | pattern | at            | length | note                      |
        | 0xab    | 1 KiB         | 512 B  | what is copied already    |
        | 0xfe    | 2 MiB - 1 B   | 2 B    | what is not, over an edge |
        | 0x64    | 4 MiB - 1 KiB | 512 B  | the last block            |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: storage with large blocks
        | case                                  | source        | image         | drive                     | target                    |
        | the drive's storage                   | a raw image   | a raw image   | works in blocks of 4 KiB  | never fails               |
        | the target's storage                  | a raw image   | a raw image   | never fails               | works in blocks of 4 KiB  |
        | both, unequal, a target with clusters | a raw image   | a qcow2 image | works in blocks of 16 KiB | works in blocks of 4 KiB  |
        | both, unequal, a drive with clusters  | a qcow2 image | a raw image   | works in blocks of 4 KiB  | works in blocks of 16 KiB |

    @bug-B38
    Scenario Outline: The guest writes less than a block while a backup with sync <sync> is paused
      Given the 4 MiB drive "drive0" in a raw image, whose storage works in blocks of 64 KiB, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at            | length  | note           |
        | 0xab    | 1000 KiB      | 100 KiB | three blocks   |
        | 0xfe    | 4 MiB - 1 KiB | 1 KiB   | the last block |
      And a backup of "drive0" is kept paused that was started with:
        | option      | value      |
        | sync        | <sync>     |
        | bitmap      | bitmap0    |
        | bitmap-mode | on-success |
      And the guest has written to "drive0":
        | request      | pattern | at             | length | note                     |
        | write        | 0x11    | 1050 KiB       | 1 KiB  | what had changed         |
        | write zeroes |         | 1 MiB + 63 KiB | 2 KiB  | over the edge of a block |
        | write        | 0x22    | 2 MiB - 1 B    | 2 B    | what had not changed     |
        | write        | 0x33    | 4 MiB - 1 B    | 1 B    | the last byte            |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 320 KiB |

      Examples: kinds of backups
        | sync        |
        | full        |
        | incremental |

  Rule: Zeros hide the older data of the base, also when the target looks for zeros and makes holes of them
    Scenario Outline: Zeros over data, into a target with detect-zeroes <detect>
      Given the 4 MiB drive "drive0" holding:
        | pattern | at    | length   |
        | 0x41    | 1 KiB | 3000 KiB |
      And each target is opened with:
        | option        | value     |
        | detect-zeroes | <detect>  |
        | discard       | <discard> |
      And each backup is taken with:
        | option   | value      |
        | compress | <compress> |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at       | length  | note                 |
        | write        | 0x00    | 128 KiB  | 128 KiB | zeros that were sent |
        | write zeroes |         | 1000 KiB | 100 KiB | zeros that were not  |
        | discard      |         | 2 MiB    | 64 KiB  | data that is gone    |
        | write        | 0xab    | 200 KiB  | 1 KiB   | data amidst zeros    |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its drive

      Examples: what becomes of zeros
        | case                                    | detect | discard | compress |
        | they are written as such                | on     | ignore  |          |
        | they may become holes                   | on     | unmap   |          |
        | they are to become holes                | unmap  | unmap   |          |
        | they are not looked for                 | off    | unmap   |          |
        | they are written among compressed data  | on     | ignore  | yes      |
        | they become holes among compressed data | unmap  | unmap   | yes      |

  Rule: Zeros that are looked for become holes only where space may be given back; to ask for more is refused
    Scenario Outline: Zeros are to become holes: <case>
      Given the 4 MiB drive "drive0"
      When this request is made:
        | request         | drive  | detect-zeroes | discard   |
        | add zero finder | drive0 | unmap         | <discard> |
      Then QEMU should refuse it as a GenericError that says "setting detect-zeroes to unmap is not allowed without"
      And nothing should have changed
      When this request is made:
        | request         | drive  | detect-zeroes | discard |
        | add zero finder | drive0 | unmap         | unmap   |
      Then QEMU should grant it

      Examples: drives that give no space back
        | case                           | discard |
        | discards are ignored           | ignore  |
        | the option discard is left out |         |
