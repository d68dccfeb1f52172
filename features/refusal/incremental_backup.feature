@refusal
Feature: Requests for incremental backups that QEMU must refuse
  A backup without a bitmap, or with another one than meant, would look like a good backup until the day it is restored.
  QEMU refuses such requests at once and says why, and a refused request has changed nothing.

  Background:
    Given the 64 MiB drive "drive0" holding:
      | pattern | at     | length  |
      | 0x41    | 0      | 512 B   |
      | 0xd5    | 1 MiB  | 32 KiB  |
      | 0xdc    | 32 MiB | 124 KiB |

  Rule: An incremental backup needs a bitmap that exists
    @iotest-124 @<origin> @<command>
    Scenario Outline: An incremental backup that has no bitmap to go by
      Given backups are taken with <command>
      When a backup of "drive0" is started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | <bitmap>    |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And no job should be left

      Examples: both commands
        | command         | bitmap | words                                                        | origin                      |
        | blockdev-backup |        | must provide a valid bitmap name for 'incremental' sync mode | sync_dirty_bitmap_missing   |
        | blockdev-backup | absent | Bitmap 'absent' could not be found                           | sync_dirty_bitmap_not_found |
        | drive-backup    |        | must provide a valid bitmap name for 'incremental' sync mode | sync_dirty_bitmap_missing   |
        | drive-backup    | absent | Bitmap 'absent' could not be found                           | sync_dirty_bitmap_not_found |

  Rule: A granularity is a power of two
    @iotest-124 @sync_dirty_bitmap_bad_granularity @drive-backup @blockdev-backup
    Scenario: A bitmap with a granularity of 62 KiB + 512 B
      When a bitmap "bitmap0" with a granularity of 62 KiB + 512 B is added to "drive0"
      Then QEMU should refuse it as a GenericError that says "Granularity must be power of 2"
      And "drive0" should have no bitmap
