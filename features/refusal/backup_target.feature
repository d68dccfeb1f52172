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

  Rule: A backup is refused if its target is smaller or larger than its drive
    @<command> @bug-B53
    Scenario Outline: A target that is <case>, with <command>
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

  Rule: While a backup runs, no other backup can write to its drive, or use its target at all
    @blockdev-backup @bug-B49
    Scenario Outline: Another backup is to use <case>
      Given a full backup of "drive0" is kept pending
      When a backup of "drive1" is started with:
        | option   | value   |
        | sync     | full    |
        | <option> | <value> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed

      Examples: either image of the running backup
        | case                                      | option | value    | words                                                           |
        | the target of a running one as its target | target | drive0-1 | 'drive0-1' is busy: block device is in use by block job: backup |
        | the target of a running one as its drive  | device | drive0-1 | 'drive0-1' is busy: block device is in use by block job: backup |
        | the drive of a running one as its target  | target | drive0   | Permission conflict on node 'drive0'                            |

  Rule: A compressed backup into a format that cannot be compressed is refused
    @blockdev-backup
    Scenario: A compressed backup into a raw image
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
