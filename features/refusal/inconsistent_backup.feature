@refusal
Feature: Backups with a bitmap that is inconsistent after a crash
  After a crash the backup tool wakes up as on every night, and asks for the next increment. If any backup went by the
  bitmap that the crash has left, or brought that in step, the chain would seem to go on, and lack what was written
  before the crash. So no backup may begin with it, alone or together with those of other drives.

  Background:
    Given the 4 MiB drive "drive0", left by a crash with the bitmap "bitmap0"
    And the 4 MiB drive "drive1"
    And a full backup of "drive1" with a new bitmap "bitmap1"
    And the guest has written to "drive1":
      | pattern | at          | length |
      | 0x64    | 4 MiB - 1 B | 1 B    |

  Rule: No backup begins with an inconsistent bitmap, whatever it copies and whatever would become of the bitmap
    @<command> @bug-B76
    Scenario Outline: A <command> with sync <sync> and bitmap-mode <mode> names an inconsistent bitmap
      Given backups are taken with <command>
      When a backup of "drive0" is started with:
        | option      | value   |
        | sync        | <sync>  |
        | bitmap      | bitmap0 |
        | bitmap-mode | <mode>  |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is inconsistent and cannot be used"
      And nothing should have changed

      Examples: all kinds and modes that would copy something
        | case                        | command         | sync        | mode       |
        | would lack what was written | blockdev-backup | incremental | on-success |
        | would lack what was written | blockdev-backup | bitmap      | never      |
        | would lack what was written | blockdev-backup | bitmap      | on-success |
        | would lack what was written | blockdev-backup | bitmap      | always     |
        | would bring it in step      | blockdev-backup | full        | on-success |
        | would bring it in step      | blockdev-backup | full        | always     |
        | would bring it in step      | blockdev-backup | top         | on-success |
        | would bring it in step      | blockdev-backup | top         | always     |
        | would lack what was written | drive-backup    | incremental | on-success |
        | would lack what was written | drive-backup    | bitmap      | never      |
        | would lack what was written | drive-backup    | bitmap      | on-success |
        | would lack what was written | drive-backup    | bitmap      | always     |
        | would bring it in step      | drive-backup    | full        | on-success |
        | would bring it in step      | drive-backup    | full        | always     |
        | would bring it in step      | drive-backup    | top         | on-success |
        | would bring it in step      | drive-backup    | top         | always     |

  Rule: A group of backups of which one names an inconsistent bitmap does not begin, and no bitmap of it is touched
    @bug-B76
    Scenario Outline: The backups of two drives are asked for as one transaction, <case>
      When these requests are made as one transaction:
        | request            | drive   | bitmap   |
        | incremental backup | <first> | <bitmap> |
        | incremental backup | <then>  | <other>  |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is inconsistent and cannot be used"
      And nothing should have changed
      When an incremental backup of "drive1" is taken with "bitmap1"
      Then the backup with "bitmap1" should restore "drive1" as it was at that moment
      And it should hold only what had changed

      Examples: in either order
        | case                          | first  | bitmap  | then   | other   |
        | the inconsistent bitmap first | drive0 | bitmap0 | drive1 | bitmap1 |
        | the inconsistent bitmap last  | drive1 | bitmap1 | drive0 | bitmap0 |
