@transaction
Feature: Backups of several drives of which one cannot begin
  The drives of a guest are backed up by one transaction, to have them all from one moment. If one of the backups cannot
  begin, since its target is missing or its tray is empty, the others must not begin either: no job may be left, no
  target written, no bitmap held. And the guest, which QEMU had stopped from writing for that moment, must go on.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And the 4 MiB + 1 KiB drive "drive1"
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: When a transaction fails, none of its backups begins, and the guest can write to their drives
    @<command>
    Scenario Outline: With <command>, one backup that can begin, and one that cannot: <case>
      Given backups are taken with <command>
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      When these requests are made as one transaction:
        | request            | bitmap   | drive  | node   | target   |
        | incremental backup | bitmap0  | drive0 |        |          |
        | <kind>             | <bitmap> | drive1 | <node> | <target> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the guest writes to "drive1":
        | pattern | at            | length |
        | 0x14    | 4 MiB - 1 KiB | 2 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      @bug-B48
      Examples: both commands
        | case                      | command         | kind               | bitmap | node   | target   | words                       |
        | no such drive             | blockdev-backup | full backup        |        | absent |          | Cannot find device='absent' |
        | no such target            | blockdev-backup | full backup        |        |        | absent   | Cannot find device='absent' |
        | the drive as its target   | blockdev-backup | full backup        |        |        | drive1   | target cannot be the same   |
        | the other drive as target | blockdev-backup | full backup        |        |        | drive0   | conflict on node 'drive0'   |
        | one target for both       | blockdev-backup | full backup        |        |        | drive0-2 | 'drive0-2' is busy          |
        | a smaller target          | blockdev-backup | full backup        |        |        | 4 MiB    | have different sizes        |
        | a larger target           | blockdev-backup | full backup        |        |        | 5 MiB    | have different sizes        |
        | no such bitmap            | blockdev-backup | incremental backup | absent |        |          | 'absent' could not be found |
        | no such drive             | drive-backup    | full backup        |        | absent |          | Cannot find device='absent' |
        | a smaller target          | drive-backup    | full backup        |        |        | 4 MiB    | have different sizes        |
        | a larger target           | drive-backup    | full backup        |        |        | 5 MiB    | have different sizes        |
        | no such bitmap            | drive-backup    | incremental backup | absent |        |          | 'absent' could not be found |

      @bug-B59 @known-defect.drained-for-ever
      Examples: drive-backup, when it cannot open its target
        | case           | command      | kind        | bitmap | node | target | words                   |
        | no such target | drive-backup | full backup |        |      | absent | Could not open 'absent' |

    @<command> @bug-B48
    Scenario Outline: With <command>, one backup that can begin, and one with <case>
      Given backups are taken with <command>
      And "drive2" is a drive without a medium
      When these requests are made as one transaction:
        | request            | bitmap  | drive  | node   | target   |
        | incremental backup | bitmap0 | drive0 |        |          |
        | full backup        |         | drive1 | <node> | <target> |
      Then QEMU should refuse it as a GenericError that says "Device 'drive2' has no medium"
      And nothing should have changed
      When the guest writes to "drive1":
        | pattern | at            | length |
        | 0x14    | 4 MiB - 1 KiB | 2 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: both commands
        | case                 | command         | node   | target |
        | no medium to copy    | blockdev-backup | drive2 |        |
        | no medium to copy to | blockdev-backup |        | drive2 |
        | no medium to copy    | drive-backup    | drive2 |        |

    @<command>
    Scenario Outline: With <command>, the backup that cannot begin comes first
      Given backups are taken with <command>
      When these requests are made as one transaction:
        | request            | bitmap  | drive  | target |
        | full backup        |         | drive1 | 4 MiB  |
        | incremental backup | bitmap0 | drive0 |        |
      Then QEMU should refuse it as a GenericError that says "Source and target image have different sizes"
      And nothing should have changed
      When the guest writes to "drive1":
        | pattern | at            | length |
        | 0x14    | 4 MiB - 1 KiB | 2 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |

    @<command> @bug-B48
    Scenario Outline: With <command>, backups of two drives, and an abort
      Given backups are taken with <command>
      And a bitmap "bitmap1" with a granularity of 512 B on "drive1"
      And the guest has written to "drive1":
        | pattern | at            | length | note                            |
        | 0x14    | 4 MiB - 1 KiB | 2 KiB  | over the last edge of a granule |
      When these requests are made as one transaction:
        | request            | bitmap  | drive  |
        | full backup        | bitmap0 | drive0 |
        | incremental backup | bitmap1 | drive1 |
        | abort              |         |        |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      And nothing should have changed
      When the guest writes to "drive1":
        | pattern | at          | length | note                               |
        | 0x5d    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      Then the next incremental backup of "drive1" with "bitmap1" should restore it as it was then

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |
