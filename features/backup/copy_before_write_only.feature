@backup @blockdev-backup
Feature: Backups that only save what is about to be overwritten
  A client that reads the state of a moment at its leisure needs no copy of the whole drive: only of what the guest would
  have overwritten meanwhile. A backup with sync none saves that, and nothing else, just before each write. It has no end of
  its own, since nobody but the client knows when it has read all. A write that is saved too late, or of which a part is not
  saved, mixes two moments in what the client reads.

  Background:
    Given the 1 MiB + 512 B drive "drive0" holding:
      | pattern | at      | length          |
      | 0x11    | 0       | 512 KiB         |
      | 0x22    | 768 KiB | 256 KiB + 512 B |

  Rule: A backup with sync none saves what the guest overwrites, and nothing else, also while its job is paused
    Scenario: The guest overwrites data, holes and the end of its drive
      Given a backup of "drive0" with sync none has been started
      And the guest has written to "drive0":
        | request      | pattern | at            | length | note                                    |
        | write        | 0xab    | 64 KiB - 1 B  | 2 B    | over an edge of what is saved at a time |
        | write zeroes |         | 256 KiB       | 64 KiB | over data                               |
        | write        | 0xfe    | 600 KiB       | 1 KiB  | where there was nothing                 |
        | write        | 0x64    | 1 MiB + 511 B | 1 B    | the last byte                           |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the image of the backup of "drive0" should itself hold:
        | pattern | at      | length  | note                        |
        | 0x11    | 0       | 128 KiB | on both sides of the edge   |
        | 0x11    | 256 KiB | 64 KiB  | data that became zeros      |
        | 0x00    | 576 KiB | 64 KiB  | there was nothing           |
        | 0x22    | 1 MiB   | 512 B   | the rest at the drive's end |

    Scenario: The guest overwrites the same place again
      Given a backup of "drive0" with sync none has been started
      And the guest has written to "drive0":
        | pattern | at      | length  | note                        |
        | 0xab    | 64 KiB  | 1 KiB   | saves 64 KiB                |
        | 0xfe    | 64 KiB  | 128 KiB | half of it is saved already |
        | 0x9a    | 100 KiB | 4 KiB   | all of it is saved already  |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the image of the backup of "drive0" should itself hold:
        | pattern | at     | length  |
        | 0x11    | 64 KiB | 128 KiB |

    Scenario: The guest overwrites data while the job is paused
      Given a backup of "drive0" with sync none has been started
      And the backup of "drive0" has been paused
      And the guest has written to "drive0":
        | pattern | at            | length | note                      |
        | 0xab    | 512 KiB - 1 B | 1 B    | the last byte of the data |
      And the backup of "drive0" has been resumed
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the image of the backup of "drive0" should itself hold:
        | pattern | at      | length |
        | 0x11    | 448 KiB | 64 KiB |

    Scenario Outline: What is overwritten goes into <target>
      Given each backup goes into <target>
      And a backup of "drive0" with sync none has been started
      And the guest has written to "drive0":
        | request      | pattern | at            | length | note                |
        | write        | 0xab    | 128 KiB - 1 B | 2 B    | over an edge        |
        | write zeroes |         | 400 KiB       | 4 KiB  | a few zeros         |
        | write        | 0x64    | 1 MiB         | 512 B  | the rest at the end |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And it should hold only what had changed

      Examples: what is saved at a time
        | case                                    | target                                 |
        | no less than 64 KiB                     | a qcow2 image with clusters of 4 KiB   |
        | a whole cluster, lest its rest be zeros | a qcow2 image with clusters of 256 KiB |
        | 64 KiB                                  | a raw image                            |

  Rule: A backup with sync none does not end by itself, not even when everything has been saved
    Scenario: The guest overwrites its whole drive
      Given a backup of "drive0" with sync none has been started
      When the guest writes to "drive0":
        | pattern | at | length        |
        | 0x77    | 0  | 1 MiB + 512 B |
      Then QEMU should show the backup of "drive0" as:
        | status  | offset         | len            |
        | running | 1 MiB + 64 KiB | 1 MiB + 64 KiB |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the image of the backup of "drive0" should itself hold:
        | pattern | at      | length          | note                |
        | 0x11    | 0       | 512 KiB         | the first half      |
        | 0x00    | 512 KiB | 256 KiB         | nothing was there   |
        | 0x22    | 768 KiB | 256 KiB + 512 B | up to the last byte |
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset         | len            |
        | created   |                     |                |                |
        | running   |                     |                |                |
        | aborting  | BLOCK_JOB_CANCELLED | 1 MiB + 64 KiB | 1 MiB + 64 KiB |
        | concluded |                     |                |                |
        | null      |                     |                |                |
