@refusal
Feature: Targets that a backup must not be written to
  A target that is too small would end a backup half way, one that is too large would restore a drive with a tail that
  nobody wrote, and one that something else uses would hold a mixture. All this can be known beforehand, and QEMU has to
  say so at once: the operator who hears of it hours later has lost a night.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |
    And the 4 MiB drive "drive1" holding:
      | pattern | at      | length  |
      | 0x14    | 512 KiB | 128 KiB |

  Rule: A target must have the very size of its drive
    @<command> @bug-B53
    Scenario Outline: A target of another size, then one of the right size
      Given backups are taken with <command>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      When this request is made:
        | request            | bitmap  | drive  | target |
        | incremental backup | bitmap0 | drive0 | <size> |
      Then QEMU should refuse it as a GenericError that says "Source and target image have different sizes"
      And nothing should have changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: both commands
        | case                  | command         | size          |
        | smaller by one sector | blockdev-backup | 4 MiB - 512 B |
        | much smaller          | blockdev-backup | 1 MiB         |
        | larger by one sector  | blockdev-backup | 4 MiB + 512 B |
        | much larger           | blockdev-backup | 1 GiB         |
        | smaller by one sector | drive-backup    | 4 MiB - 512 B |
        | larger by one sector  | drive-backup    | 4 MiB + 512 B |

  Rule: A target belongs to one backup at a time
    @blockdev-backup @bug-B49
    Scenario Outline: An image that a running backup uses
      Given a backup of "drive0" has been started with:
        | option        | value |
        | sync          | full  |
        | auto-finalize | no    |
      And the backup of "drive0" has become pending
      When a backup of "drive1" is started with:
        | option   | value   |
        | sync     | full    |
        | <option> | <value> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed

      Examples: what else the image was to be
        | case                             | option | value    | words                                                           |
        | a target twice                   | target | drive0-1 | 'drive0-1' is busy: block device is in use by block job: backup |
        | a target that is not complete    | device | drive0-1 | 'drive0-1' is busy: block device is in use by block job: backup |
        | a source that must stay as it is | target | drive0   | Permission conflict on node 'drive0'                            |

  Rule: A target is compressed only if its format can be
    @blockdev-backup
    Scenario: A compressed backup into an image that cannot be compressed
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      And each backup goes into a raw image
      When a backup of "drive0" is started with:
        | option   | value       |
        | sync     | incremental |
        | bitmap   | bitmap0     |
        | compress | yes         |
      Then QEMU should refuse it as a GenericError that says "Compression is not supported for this drive"
      And nothing should have changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
