@refusal
Feature: Incremental backups without a bitmap
  A backup without a bitmap, or with another one than meant, would look like a good backup until the day it is restored.
  QEMU refuses such requests at once and says why, and a refused request has changed nothing.

  Background:
    Given the 64 MiB drive "drive0" holding:
      | pattern | at     | length  |
      | 0x41    | 0      | 512 B   |
      | 0xd5    | 1 MiB  | 32 KiB  |
      | 0xdc    | 32 MiB | 124 KiB |

  Rule: An incremental backup is refused if it has no bitmap, or names one that does not exist
    @iotest-124 @<command>
    Scenario Outline: An incremental backup with <command> that has no bitmap to go by
      Given backups are taken with <command>
      When a backup of "drive0" is started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | <bitmap>    |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And no job should be left

      @sync_dirty_bitmap_missing
      Examples: no bitmap
        | command         | bitmap | words                                                        |
        | blockdev-backup |        | must provide a valid bitmap name for 'incremental' sync mode |
        | drive-backup    |        | must provide a valid bitmap name for 'incremental' sync mode |

      @sync_dirty_bitmap_not_found
      Examples: a bitmap that does not exist
        | command         | bitmap | words                              |
        | blockdev-backup | absent | Bitmap 'absent' could not be found |
        | drive-backup    | absent | Bitmap 'absent' could not be found |
