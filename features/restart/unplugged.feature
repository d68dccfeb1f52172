@restart
Feature: Drives that go away and come back while the machine runs
  A drive is taken from the running machine, for maintenance of its storage or to be given to another guest, and comes
  back: as a disk of the guest, or as a node that no device uses. To the image that is like the end of one machine and
  the start of the next. The chain goes on, and what is only in QEMU's memory is gone.

  Rule: A drive that is unplugged and plugged in again goes on with its chain
    Scenario Outline: <what> is unplugged and plugged in, twice, in the midst of its chain
      Given <machine>
      And the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap    | drive  | persistent | granularity | recording |
        | add     | bitmap0   | drive0 | yes        | 64 KiB      | yes       |
        | add     | bitmap1   | drive0 | yes        | 512 B       | no        |
        | add     | transient | drive0 | no         | 64 KiB      | yes       |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And "drive0" has been unplugged and plugged in again
      And the bitmap "bitmap1" of "drive0" has been enabled
      And "drive0" has been unplugged and plugged in again
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 2 MiB - 1 KiB | 2 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 256 KiB |
        | bitmap1 | 512 B       | yes       | no   | yes        | 2 KiB   |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: how the machine has it
        | case                | what                | machine                                        |
        | no device uses it   | A node              | backups are taken with blockdev-backup         |
        | the guest's own one | A disk of the guest | a machine whose guest sees its drives as disks |

    @bug-B16
    Scenario Outline: <what> with a bitmap that a crash has spoilt is unplugged and plugged in, twice
      Given <machine>
      And the 4 MiB drive "drive0", left by a crash with the bitmap "bitmap0"
      And these bitmaps on "drive0":
        | bitmap | granularity | recording | persistent |
        | sound  | 512 B       | yes       | yes        |
        | idle   | 64 KiB      | no        | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And "drive0" has been unplugged and plugged in again
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | sound   | 512 B       | yes       | no   | yes        | no           | 2 KiB |
        | idle    | 64 KiB      | no        | no   | yes        | no           | 0     |
      When the bitmap "bitmap0" of "drive0" is removed
      And "drive0" is unplugged and plugged in again
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty |
        | sound  | 512 B       | yes       | no   | yes        | 2 KiB |
        | idle   | 64 KiB      | no        | no   | yes        | 0     |

      Examples: how the machine has it
        | case                | what                | machine                                        |
        | no device uses it   | A node              | backups are taken with blockdev-backup         |
        | the guest's own one | A disk of the guest | a machine whose guest sees its drives as disks |

    Scenario: One of two drives goes away while the other one is written to
      Given the 4 MiB drive "drive0" in a qcow2 image
      And the 4 MiB drive "drive1" in a qcow2 image
      And these requests have been granted, one after the other:
        | request | drive  | bitmap  | granularity | persistent |
        | add     | drive0 | bitmap0 | 64 KiB      | yes        |
        | add     | drive1 | bitmap0 | 512 B       | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And "drive0" has been unplugged
      And the guest has written to "drive1":
        | pattern | at    | length |
        | 0x64    | 3 MiB | 1 KiB  |
      And the image of "drive0" has been written to while no machine had it:
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      When "drive0" is plugged in again
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
      And the bitmaps should still hold what had changed

  Rule: A crash leaves the bitmaps of a drive alone that was unplugged before
    Scenario: The machine is killed while the drive is unplugged
      Given the 4 MiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And "drive0" has been unplugged and plugged in again
      And "drive0" has been unplugged
      When the machine is killed, and "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
