@job @blockdev-backup
Feature: What a cancelled backup leaves in its bitmap
  Whether a backup that was given up still counts, the operator has said when it started: only a backup that succeeds
  brings the bitmap in step, or none does, or each one does as far as it came, and its image is kept then. Whichever it
  is, and however far the backup came: the bitmap must hold just what the next backup has to add, or the chain has a gap.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at       | length |
      | 0x41    | 0        | 65 KiB |
      | 0xd5    | 3968 KiB | 64 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at       | length | which            |
      | 0xab    | 100 KiB  | 2 KiB  | within a granule |
      | 0xfe    | 1 MiB    | 64 KiB | a whole granule  |
      | 0x64    | 2 MiB    | 1 KiB  | within a granule |
      | 0x65    | 4032 KiB | 64 KiB | the last granule |

  Rule: The mode of a bitmap decides what a cancelled backup leaves in it, and what is written meanwhile is always added
    @bug-B37
    Scenario Outline: A backup with the bitmap mode <mode> is cancelled while it is <state>
      Given a backup of "drive0" is kept <state> that was started with:
        | option      | value   |
        | sync        | <sync>  |
        | bitmap      | bitmap0 |
        | bitmap-mode | <mode>  |
      And the guest has written to "drive0":
        | pattern | at            | length | which                                |
        | 0x22    | 4194303 bytes | 1 byte | what a running job had yet to copy   |
        | 0x33    | 512 KiB       | 1 byte | what had not changed since last time |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

      Examples: while it copies
        | sync        | mode       | state   | dirty   | which                                           |
        | incremental | on-success | running | 320 KiB | all that was there, and what was written since  |
        | bitmap      | on-success | running | 320 KiB | all that was there, and what was written since  |
        | bitmap      | never      | running | 320 KiB | all that was there, and what was written since  |
        | bitmap      | always     | running | 256 KiB | what was not copied, and what was written since |
        | bitmap      | always     | paused  | 256 KiB | what was not copied, and what was written since |

      Examples: when it has copied all
        | sync        | mode       | state   | dirty   | which                                          |
        | incremental | on-success | pending | 320 KiB | all that was there, and what was written since |
        | bitmap      | on-success | pending | 320 KiB | all that was there, and what was written since |
        | bitmap      | never      | pending | 320 KiB | all that was there, and what was written since |
        | bitmap      | always     | pending | 128 KiB | only what was written since                    |
        | full        | on-success | pending | 320 KiB | all that was there, and what was written since |
        | full        | always     | pending | 128 KiB | only what was written since                    |

    @needs.x-perf
    Scenario Outline: A full backup that was to bring a bitmap in step is cancelled while it copies
      Given a backup of "drive0" is kept running that was started with:
        | option           | value   |
        | sync             | full    |
        | bitmap           | bitmap0 |
        | bitmap-mode      | <mode>  |
        | x-perf.max-chunk | 64 KiB  |
      And the guest has written to "drive0":
        | pattern | at      | length | which                                |
        | 0x33    | 512 KiB | 1 byte | what had not changed since last time |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

      Examples: both modes
        | mode       | dirty    | which                                          |
        | on-success | 320 KiB  | all that was there, and what was written since |
        | always     | 4032 KiB | all of the drive but for its first cluster     |
