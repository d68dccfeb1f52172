@backup @blockdev-backup
Feature: Writes of the guest that a backup holds up
  Before the guest overwrites something, a backup that runs has to save it, and the guest's write waits for that. When the
  target fails just then, either the guest or the backup has to suffer: QEMU lets the guest's write fail, which the guest
  can make again, and keeps the backup whole. And when a backup ends, QEMU waits for what the guest has under way: no
  write may be lost between the bitmap that goes and the one that stays.

  Rule: A write of the guest fails if the target cannot take what it overwrites, and the backup stays whole
    Scenario Outline: The target fails when the guest is about to make a <request>
      Given the 4 MiB drive "drive0" in a raw image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at             | length | note                      |
        | 0xab    | 1 MiB          | 1 KiB  | what the job copies first |
        | 0xfe    | 2 MiB          | 1 KiB  | what it copies second     |
        | 0x64    | 4 MiB - 64 KiB | 64 KiB | what it copies last       |
      And the next backup goes to storage that fails the second write
      And an incremental backup of "drive0" with "bitmap0" is kept running
      When the guest writes to "drive0":
        | pattern | at    | length | note                 |
        | 0x22    | 3 MiB | 1 KiB  | what had not changed |
      Then these requests of the guest to "drive0" should fail with "Input/output error":
        | request   | pattern | at            | length | note                         |
        | <request> | 0x11    | 4 MiB - 1 KiB | 1 KiB  | what the job had yet to copy |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: requests
        | request      |
        | write        |
        | write zeroes |

  Rule: A backup ends in order while writes of the guest are on their way, and the bitmap records each of them
    @bug-B47
    Scenario: Writes are on their way when a backup is finalized
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length  |
        | 0x41    | 0  | 200 KiB |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And an incremental backup of "drive0" with "bitmap0" is kept pending
      And these writes of the guest to "drive0" are on their way:
        | pattern | at            | length | note                |
        | 0x11    | 100 KiB       | 1 KiB  | over what was there |
        | 0x22    | 4 MiB - 1 KiB | 1 KiB  | the last granule    |
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 128 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: Space that the guest gives back while it still writes there is not given to other data
    @known-defect.given-back-while-written
    Scenario: The guest gives back what it is just writing, and then writes there and elsewhere
      Given the 4 MiB drive "drive0" in a qcow2 image, whose storage can be held up, holding:
        | pattern | at | length  |
        | 0x41    | 0  | 200 KiB |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at     | length | note                           |
        | write zeroes |         | 64 KiB | 64 KiB | a cluster that keeps its space |
      And the next write of "drive0" is to be held up
      And the guest has begun to write to "drive0":
        | pattern | at     | length | note            |
        | 0x11    | 64 KiB | 4 KiB  | what is held up |
      And a write of "drive0" is held up
      And the guest has begun to write to "drive0":
        | pattern | at     | length | note                             |
        | 0x00    | 64 KiB | 64 KiB | the cluster need not be kept now |
      And the write of "drive0" has gone on
      When the guest writes to "drive0":
        | pattern | at     | length | note                                      |
        | 0x22    | 2 MiB  | 64 KiB | takes new space                           |
        | 0x33    | 64 KiB | 64 KiB | over what was begun, whichever came first |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
