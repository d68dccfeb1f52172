@restart @bug-B16
Feature: What a crash spoils, and what it does not
  A crash makes bitmaps unusable: not all of them, but those that the image stored and a machine had in use. A backup
  tool that knows just which, takes full backups of these drives alone, and goes on with the chains of all others.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: A crash spoils what is stored and in use, and what is new is gone
    Scenario: Of two drives, only the one that was in use at the crash has to begin anew
      Given the 4 MiB + 1 KiB drive "drive1" in a qcow2 image
      And a full backup of "drive1", in one transaction with these requests:
        | request | bitmap  | drive  | persistent | granularity |
        | add     | bitmap1 | drive1 | yes        | 512 B       |
      And the guest has written to "drive1":
        | pattern | at    | length |
        | 0x64    | 4 MiB | 1 KiB  |
      And the machine has been shut down, and "monday" has started with the same drives
      And "drive1" has been unplugged
      When the machine is killed, and "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      And the next incremental backup of "drive1" with "bitmap1" should restore it as it was then

    Scenario: A crash comes before a new bitmap was ever stored
      Given the machine has been shut down, and "monday" has started with the same drives
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new    | 64 KiB      | yes        |
      When the machine is killed, and "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      And "drive0" should hold what the guest has written

    Scenario: The machine is killed while a backup is running that uses the bitmap
      Given the machine has been shut down, and "monday" has started with the same drives
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 1 MiB  |
      And an incremental backup of "drive0" with "bitmap0" is kept running
      When the machine is killed, and "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed

    Scenario: The machine is killed after the drive was plugged in again
      Given "drive0" has been unplugged
      And "drive0" has been plugged in again
      When the machine is killed, and "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |

  Rule: A bitmap that is spoilt stays so, whatever comes, until it is removed
    Scenario: Other bitmaps are stored beside it
      Given the machine has been shut down, and "monday" has started with the same drives
      And the machine has been killed, and "tuesday" has started with the same drives
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | sound  | 32 KiB      | yes        |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x64    | 2 MiB | 2 B    |
      When the machine is shut down, and "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty  |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0      |
        | sound   | 32 KiB      | yes       | no   | yes        | no           | 32 KiB |

    Scenario: A second crash and a second repair in one chain
      Given the machine has been shut down, and "monday" has started with the same drives
      And the machine has been killed, and "tuesday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0" with a new bitmap "transient"
      And the machine has been killed, and "wednesday" has started with the same drives
      And a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x33    | 3 MiB | 1 KiB  |
      And the machine has been shut down, and "thursday" has started with the same drives
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
