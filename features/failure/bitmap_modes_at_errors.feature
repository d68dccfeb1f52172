@failure @blockdev-backup
Feature: What a backup that meets an error leaves in its bitmap, by its mode
  Whether a backup that fails still counts, the operator says when it starts. With the modes never and on-success it does
  not, and its bitmap must hold all that had changed, for the next one. With always its image is kept, and the bitmap must
  hold just what that image lacks: a byte too few is a gap in the chain, and nobody finds it before the day of a restore.
  Old changes are those before the backup, and new ones those that the guest makes while it runs.

  Rule: When a backup fails, its bitmap has all that had changed; with the mode always, all that was not copied
    Background:
      Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, whose storage <source>, holding:
        | pattern | at              | length |
        | 0x41    | 0               | 65 KiB |
        | 0xd5    | 4 MiB - 128 KiB | 64 KiB |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at      | length | note                        |
        | 0xab    | 100 KiB | 2 KiB  | within a granule            |
        | 0xfe    | 1 MiB   | 64 KiB | a whole granule             |
        | 0x64    | 2 MiB   | 1 KiB  | within a granule            |
        | 0x65    | 4 MiB   | 1 KiB  | the rest at the drive's end |
      And the next backup goes to storage that <target>

    Scenario Outline: A <operation> of a backup with sync <sync> and bitmap-mode <mode> fails
      Given a backup of "drive0" is kept running that was started with:
        | option             | value   |
        | sync               | <sync>  |
        | bitmap             | bitmap0 |
        | bitmap-mode        | <mode>  |
        | x-perf.max-chunk   | 64 KiB  |
        | x-perf.max-workers | 1       |
      And the guest has written to "drive0":
        | pattern | at                  | length | note                                 |
        | 0x22    | 4 MiB + 1 KiB - 1 B | 1 B    | what the job had yet to copy         |
        | 0x33    | 512 KiB             | 1 B    | what had not changed since last time |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should fail with "Input/output error"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation   |
        | BLOCK_JOB_ERROR | drive0 | report | <operation> |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: a read of the drive fails, and these are dirty
        | case                      | sync        | mode       | dirty    | operation | source                              | target      |
        | old and new changes       | incremental | on-success | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | old and new changes       | bitmap      | never      | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | old and new changes       | bitmap      | on-success | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | uncopied and new changes  | bitmap      | always     | 192 KiB  | read      | fails the fourth read after a flush | never fails |
        | old and new changes       | full        | on-success | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | uncopied and new clusters | full        | always     | 3200 KiB | read      | fails the fourth read after a flush | never fails |
        | old and new changes       | top         | on-success | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | uncopied and new clusters | top         | always     | 320 KiB  | read      | fails the fourth read after a flush | never fails |

      Examples: a write to the target fails, and these are dirty
        | case                      | sync        | mode       | dirty    | operation | source      | target                 |
        | old and new changes       | incremental | on-success | 320 KiB  | write     | never fails | fails the fourth write |
        | old and new changes       | bitmap      | never      | 320 KiB  | write     | never fails | fails the fourth write |
        | old and new changes       | bitmap      | on-success | 320 KiB  | write     | never fails | fails the fourth write |
        | uncopied and new changes  | bitmap      | always     | 192 KiB  | write     | never fails | fails the fourth write |
        | old and new changes       | full        | on-success | 320 KiB  | write     | never fails | fails the fourth write |
        | uncopied and new clusters | full        | always     | 3200 KiB | write     | never fails | fails the fourth write |
        | old and new changes       | top         | on-success | 320 KiB  | write     | never fails | fails the fourth write |
        | uncopied and new clusters | top         | always     | 320 KiB  | write     | never fails | fails the fourth write |

  Rule: When a backup fills its disk, its bitmap has all that had changed; with the mode always, all that found no room
    Background:
      Given the 4 MiB drive "drive0" holding:
        | pattern | at    | length  |
        | 0x41    | 0     | 192 KiB |
        | 0xd5    | 3 MiB | 64 KiB  |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at            | length | note                            |
        | 0xab    | 100 KiB       | 2 MiB  | more than the disk has room for |
        | 0xfe    | 4 MiB - 1 KiB | 1 KiB  | the end of the last granule     |
      And each backup goes to a disk with 1 MiB of free space

    Scenario Outline: The disk gets full during a backup with sync <sync> and bitmap-mode <mode>
      When a backup of "drive0" is started with:
        | option             | value   |
        | sync               | <sync>  |
        | bitmap             | bitmap0 |
        | bitmap-mode        | <mode>  |
        | x-perf.max-workers | 1       |
      Then the backup of "drive0" should fail with "No space left on device"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | report | write     |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      When space is freed on that disk
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And it should equal its drive

      Examples: these are dirty
        | case                           | sync        | mode       | dirty           |
        | all changes                    | incremental | on-success | 2 MiB + 128 KiB |
        | all changes                    | bitmap      | never      | 2 MiB + 128 KiB |
        | all changes                    | bitmap      | on-success | 2 MiB + 128 KiB |
        | uncopied changes               | bitmap      | always     | 2 MiB           |
        | all changes                    | full        | on-success | 2 MiB + 128 KiB |
        | uncopied clusters of the drive | full        | always     | 4 MiB - 192 KiB |
        | all changes                    | top         | on-success | 2 MiB + 128 KiB |
        | uncopied clusters of the layer | top         | always     | 2 MiB + 64 KiB  |
