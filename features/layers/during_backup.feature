@layers @blockdev-backup
Feature: Persistent bitmaps of a drive of which a snapshot is taken during its backup
  A snapshot does not wait for a backup, and a backup does not wait for a snapshot. From the snapshot on the image is only
  read, and its bitmaps are stored as they are then: also one that a backup has in use, whose end is not known yet. When
  the backup is over the bitmap starts anew in memory; whatever the image says of it must not mislead the next machine.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity |
      | add     | bitmap0 | drive0 | yes        |             |
      | add     | fine0   | drive0 | yes        | 512 B       |
    And the guest has written to "drive0":
      | pattern | at            | length  |
      | 0xab    | 1 MiB - 512 B | 1 KiB   |
      | 0xfe    | 3 MiB         | 256 KiB |
    And a backup of "drive0" is kept running that was started with:
      | option | value       |
      | sync   | incremental |
      | bitmap | bitmap0     |

  Rule: A bitmap that was in use at the snapshot goes on when the overlay has been committed
    @known-defect.snapshot-during-increment
    Scenario: The backup succeeds, and the overlay is committed
      Given a snapshot has put the overlay "overlay0" on "drive0"
      And the guest has written to "overlay0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      When "overlay0" is committed into "drive0"
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 64 KiB  |
        | fine0   | 512 B       | yes       | no   | yes        | 321 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: When the backup is over, the image stores the bitmap as it is from then on
    @known-defect.snapshot-during-increment
    Scenario: The backup succeeds, and the machine is shut down while the base is only read
      Given a snapshot has put the overlay "overlay0" on "drive0"
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And the image of "drive0" should store its persistent bitmaps and no others
