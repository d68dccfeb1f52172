@failure @blockdev-backup
Feature: Backups that wait at an error
  A backup that has stopped at an error may wait for hours: until somebody has read the message, bought a disk, looked at
  a cable. The guest works on all the while. The backup must still be of the moment at which it began, the bitmap must
  record what the guest does now, and nobody may be able to dismiss such a backup by mistake.

  Background:
    Given the 4 MiB drive "drive0", whose storage fails the first read after a flush, holding:
      | pattern | at    | length  |
      | 0x41    | 0     | 65 KiB  |
      | 0xd5    | 3 MiB | 192 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And each backup is taken with:
      | option          | value |
      | on-source-error | stop  |
      | on-target-error | stop  |
    And the guest has written to "drive0":
      | pattern | at             | length  | note                 |
      | 0xab    | 63 KiB         | 2 KiB   | over a granule's end |
      | 0xfe    | 1 MiB          | 130 KiB | takes new space      |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB  | the last granule     |

  Rule: What the guest writes while a backup waits at an error is recorded, and is not in that backup
    Scenario: The guest overwrites what a stopped backup has yet to read
      Given an incremental backup of "drive0" with "bitmap0" has been started
      And the backup of "drive0" has stopped with the io-status "failed"
      When the guest writes to "drive0":
        | pattern | at            | length  | note                           |
        | 0x11    | 0             | 1 KiB   | what the backup failed to read |
        | 0x22    | 4 MiB - 1 KiB | 1 KiB   | the end of what it has to read |
        | 0x33    | 2 MiB         | 513 KiB | what it does not copy          |
      Then QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | stop   | read      |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | yes  | 384 KiB |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      And the bitmaps should still hold what had changed

  Rule: A backup that was resumed stops again at the next error
    Scenario Outline: A read fails and then a write, and each time the backup is <act>
      Given the next backup goes to storage that fails the third write with "No space left on device"
      And an incremental backup of "drive0" with "bitmap0" has been started
      And the backup of "drive0" has stopped with the io-status "failed"
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should stop with the io-status "nospace"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | stop   | read      |
        | BLOCK_JOB_ERROR | drive0 | stop   | write     |
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should succeed

      Examples: by a job command and by a block-job command
        | act                            |
        | resumed                        |
        | resumed by a block-job command |

    @bug-B81
    Scenario Outline: Several reads fail at once, and the backup is <act>
      Given the 4 MiB drive "drive1", whose storage fails the first 3 reads after a flush, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And the guest has written to "drive1":
        | pattern | at          | length | note                     |
        | 0xab    | 4 MiB - 1 B | 1 B    | lets the next reads fail |
      And each backup is taken with:
        | option             | value  |
        | on-source-error    | stop   |
        | x-perf.max-workers | 3      |
        | x-perf.max-chunk   | 64 KiB |
      When a full backup of "drive1" is started
      Then the backup of "drive1" should stop with the io-status "failed"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation | note                            |
        | BLOCK_JOB_ERROR | drive1 | stop   | read      | the others are part of this one |
      When the backup of "drive1" is <act>
      Then the backup of "drive1" should succeed
      And it should restore its drive as it was at that moment

      Examples: by a job command and by a block-job command
        | act                            |
        | resumed                        |
        | resumed by a block-job command |

  Rule: A backup that waits at an error is neither finalized nor dismissed, nor cancelled by a block-job command without force
    Scenario Outline: A backup that waits at an error is <act>
      Given an incremental backup of "drive0" with "bitmap0" has been started
      And the backup of "drive0" has stopped
      When the backup of "drive0" is <act>
      Then QEMU should refuse it as a GenericError that says "<words>"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | stop   | read      |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed

      Examples: why that is refused
        | case               | act                              | words                                                   |
        | no force           | cancelled by a block-job command | The block job for device 'drive0' is currently paused   |
        | work left to do    | finalized too early              | in state 'paused' cannot accept command verb 'finalize' |
        | an end yet to come | dismissed too early              | in state 'paused' cannot accept command verb 'dismiss'  |
