@backup @blockdev-backup
Feature: Writes of the guest to what is just being copied
  A disk takes its time, and while a backup waits for what it has asked the disk for, the guest may overwrite that very
  place. If its write went ahead, the backup would read the new data and take it for the old, and nobody would notice
  until the day it is restored. So the write has to wait for the copy, however many there are; and it must not be
  forgotten then. The storage of the drives here holds up one read, so that the moment lasts as long as it has to.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, whose storage can be held up, holding:
      | pattern | at    | length  |
      | 0x41    | 0     | 200 KiB |
      | 0xd5    | 3 MiB | 64 KiB  |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at    | length  | note                        |
      | 0xab    | 0     | 130 KiB | three clusters              |
      | 0x64    | 4 MiB | 1 KiB   | the rest at the drive's end |

  Rule: A write waits until what it overwrites has been copied, and is recorded for the next backup
    Scenario Outline: The guest writes <what> while a backup with sync <sync> reads
      Given the next read of "drive0" is to be held up
      And a backup of "drive0" has been started with:
        | option      | value      |
        | sync        | <sync>     |
        | bitmap      | bitmap0    |
        | bitmap-mode | on-success |
      And a read of "drive0" is held up
      And the guest has begun to write to "drive0":
        | pattern | at                  | length | note                        |
        | <first> | 1 KiB               | 1 KiB  | what is being read          |
        | <other> | 8 KiB               | 56 KiB | the same cluster to its end |
        | <other> | 3 MiB + 64 KiB      | 64 KiB | what had not changed        |
        | <other> | 4 MiB + 1 KiB - 1 B | 1 B    | the drive's last byte       |
      When the read of "drive0" goes on
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 192 KiB |

      Examples: kinds of backups, and of writes
        | sync        | first | other | what           |
        | full        | 0x11  | 0x22  | data           |
        | full        | 0x00  | 0x00  | zeros          |
        | incremental | 0x11  | 0x00  | data and zeros |
        | top         | 0x00  | 0x22  | zeros and data |

    Scenario: Two writes of the guest meet where the old data have yet to be saved
      Given the next read of "drive0" is to be held up
      And a backup of "drive0" with sync none has been started
      And the guest has begun to write to "drive0":
        | pattern | at      | length | note              |
        | 0x11    | 100 KiB | 1 KiB  | saves the cluster |
      And a read of "drive0" is held up
      And the guest has begun to write to "drive0":
        | pattern | at      | length  | note                             |
        | 0x22    | 64 KiB  | 512 B   | at the start of the same cluster |
        | 0x00    | 110 KiB | 100 KiB | from there into others           |
      When the read of "drive0" goes on
      Then QEMU should show the backup of "drive0" as:
        | status  | offset  |
        | running | 192 KiB |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the image of the backup of "drive0" should itself hold:
        | pattern | at      | length | note                      |
        | 0xab    | 64 KiB  | 66 KiB | what was there before all |
        | 0x41    | 130 KiB | 70 KiB |                           |
        | 0x00    | 200 KiB | 56 KiB |                           |

    Scenario Outline: A backup with sync <sync> is cancelled while it reads what the guest is about to overwrite
      Given the next read of "drive0" is to be held up
      And a backup of "drive0" has been started with:
        | option      | value      |
        | sync        | <sync>     |
        | bitmap      | bitmap0    |
        | bitmap-mode | on-success |
      And a read of "drive0" is held up
      And the guest has begun to write to "drive0":
        | pattern | at    | length | note                   |
        | 0x11    | 1 KiB | 1 KiB  | what is being read     |
        | 0x22    | 3 MiB | 1 KiB  | what is not being read |
      And the backup of "drive0" has been cancelled
      When the read of "drive0" goes on
      Then the backup of "drive0" should be cancelled
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: kinds of backups
        | sync        |
        | full        |
        | incremental |

  Rule: A backup does not end before what it is saving for a write of the guest is saved
    Scenario Outline: The job of a backup with sync <sync> comes to what is just being saved for the guest
      Given a backup of "drive0" is kept running that was started with:
        | option           | value      |
        | sync             | <sync>     |
        | bitmap           | bitmap0    |
        | bitmap-mode      | on-success |
        | x-perf.max-chunk | 64 KiB     |
      And the next read of "drive0" is to be held up
      And the guest has begun to write to "drive0":
        | pattern | at                  | length | note                         |
        | 0x11    | 4 MiB + 1 KiB - 1 B | 1 B    | what the job had yet to copy |
      And a read of "drive0" is held up
      And the backup of "drive0" has been let go
      When the read of "drive0" goes on
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty  |
        | bitmap0 | 64 KiB      | yes       | no   | 64 KiB |

      Examples: kinds of backups
        | sync        |
        | full        |
        | incremental |

  Rule: A backup does not count as copied what it has yet to read
    Scenario Outline: One read of a backup with sync <sync> is held up, and all others are done
      Given the next read of "drive0" is to be held up
      And a backup of "drive0" has been started with:
        | option           | value      |
        | sync             | <sync>     |
        | bitmap           | bitmap0    |
        | bitmap-mode      | on-success |
        | x-perf.max-chunk | 64 KiB     |
      When a read of "drive0" is held up
      Then the backup of "drive0" should copy at least <copied>
      And QEMU should show the backup of "drive0" as:
        | offset   | len   | note                                    |
        | <copied> | <all> | what is being read has yet to be copied |
      When the read of "drive0" goes on
      Then the backup of "drive0" should succeed

      Examples: kinds of backups
        | case               | sync        | copied  | all            |
        | all of the drive   | full        | 4 MiB   | 4 MiB + 64 KiB |
        | what had changed   | incremental | 192 KiB | 256 KiB        |
        | what the layer had | top         | 320 KiB | 384 KiB        |
