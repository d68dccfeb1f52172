@failure @blockdev-backup
Feature: What a backup leaves in its bitmap, by its mode and its end
  Whether a backup that does not succeed still counts, the operator says when it starts. With the mode never, no backup
  brings its bitmap in step; with on-success, each one that succeeds; with always, each one as far as it came, and its
  image is kept then. Whatever is copied and however it ends: the bitmap must hold just what the next backup has to add, or
  the chain has a gap. Here 256 KiB have changed before the backup. While it copies or waits, the guest writes to two
  places of 64 KiB: one that is among those, and one that only a full backup copies.

  Rule: When a backup succeeds or is cancelled, its mode decides what it leaves, and what is written meanwhile is added
    Background:
      Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
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

    @bug-B37
    Scenario Outline: Sync <sync> with bitmap mode <mode>, <act> while <state>
      Given a backup of "drive0" is kept <state> that was started with:
        | option           | value   |
        | sync             | <sync>  |
        | bitmap           | bitmap0 |
        | bitmap-mode      | <mode>  |
        | x-perf.max-chunk | <piece> |
      And the guest has written to "drive0":
        | pattern | at                  | length | note                                 |
        | 0x22    | 4 MiB + 1 KiB - 1 B | 1 B    | what a running job had yet to copy   |
        | 0x33    | 512 KiB             | 1 B    | what had not changed since last time |
      When the backup of "drive0" is <act>
      Then the backup of "drive0" should <become>
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | <dirty> |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And it should equal its drive

      Examples: it succeeds
        | case                       | sync        | mode       | state   | act    | become  | dirty   | piece |
        | only what is new           | incremental | on-success | pending | let go | succeed | 128 KiB |       |
        | all of it, and what is new | bitmap      | never      | pending | let go | succeed | 320 KiB |       |
        | only what is new           | bitmap      | on-success | pending | let go | succeed | 128 KiB |       |
        | only what is new           | bitmap      | always     | pending | let go | succeed | 128 KiB |       |
        | only what is new           | full        | on-success | pending | let go | succeed | 128 KiB |       |
        | only what is new           | full        | always     | pending | let go | succeed | 128 KiB |       |
        | only what is new           | top         | on-success | pending | let go | succeed | 128 KiB |       |
        | only what is new           | top         | always     | pending | let go | succeed | 128 KiB |       |

      Examples: it is cancelled when it has copied all
        | case                       | sync        | mode       | state   | act       | become       | dirty   | piece |
        | all of it, and what is new | incremental | on-success | pending | cancelled | be cancelled | 320 KiB |       |
        | all of it, and what is new | bitmap      | never      | pending | cancelled | be cancelled | 320 KiB |       |
        | all of it, and what is new | bitmap      | on-success | pending | cancelled | be cancelled | 320 KiB |       |
        | only what is new           | bitmap      | always     | pending | cancelled | be cancelled | 128 KiB |       |
        | all of it, and what is new | full        | on-success | pending | cancelled | be cancelled | 320 KiB |       |
        | only what is new           | full        | always     | pending | cancelled | be cancelled | 128 KiB |       |
        | all of it, and what is new | top         | on-success | pending | cancelled | be cancelled | 320 KiB |       |
        | only what is new           | top         | always     | pending | cancelled | be cancelled | 128 KiB |       |

      Examples: it is cancelled while it copies
        | case                       | sync        | mode       | state   | act       | become       | dirty   | piece |
        | all of it, and what is new | incremental | on-success | running | cancelled | be cancelled | 320 KiB |       |
        | all of it, and what is new | bitmap      | never      | running | cancelled | be cancelled | 320 KiB |       |
        | all of it, and what is new | bitmap      | on-success | running | cancelled | be cancelled | 320 KiB |       |
        | not copied yet, or new     | bitmap      | always     | running | cancelled | be cancelled | 256 KiB |       |
        | the same                   | bitmap      | always     | paused  | cancelled | be cancelled | 256 KiB |       |

      Examples: it is cancelled while it copies more than what has changed
        | case                                               | sync | mode       | state   | act       | become       | dirty   | piece  |
        | all that had changed, and what is new              | full | on-success | running | cancelled | be cancelled | 320 KiB | 64 KiB |
        | all of the drive but for its first cluster         | full | always     | running | cancelled | be cancelled | 4 MiB   | 64 KiB |
        | all that had changed, and what is new              | top  | on-success | running | cancelled | be cancelled | 320 KiB | 64 KiB |
        | all of the layer but for its first cluster, or new | top  | always     | running | cancelled | be cancelled | 384 KiB | 64 KiB |

  Rule: When a backup meets an error, its mode decides what it leaves, and what is written meanwhile is added
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

    Scenario Outline: Sync <sync> with bitmap mode <mode>, until a <operation> fails
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

      Examples: a read of the drive
        | case                       | sync        | mode       | dirty    | operation | source                              | target      |
        | all of it, and what is new | incremental | on-success | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | all of it, and what is new | bitmap      | never      | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | all of it, and what is new | bitmap      | on-success | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | not copied yet, or new     | bitmap      | always     | 192 KiB  | read      | fails the fourth read after a flush | never fails |
        | all of it, and what is new | full        | on-success | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | from 1 MiB on, and 512 KiB | full        | always     | 3200 KiB | read      | fails the fourth read after a flush | never fails |
        | all of it, and what is new | top         | on-success | 320 KiB  | read      | fails the fourth read after a flush | never fails |
        | not copied yet, or new     | top         | always     | 320 KiB  | read      | fails the fourth read after a flush | never fails |

      Examples: a write to the target
        | case                       | sync        | mode       | dirty    | operation | source      | target                 |
        | all of it, and what is new | incremental | on-success | 320 KiB  | write     | never fails | fails the fourth write |
        | all of it, and what is new | bitmap      | never      | 320 KiB  | write     | never fails | fails the fourth write |
        | all of it, and what is new | bitmap      | on-success | 320 KiB  | write     | never fails | fails the fourth write |
        | not copied yet, or new     | bitmap      | always     | 192 KiB  | write     | never fails | fails the fourth write |
        | all of it, and what is new | full        | on-success | 320 KiB  | write     | never fails | fails the fourth write |
        | from 1 MiB on, and 512 KiB | full        | always     | 3200 KiB | write     | never fails | fails the fourth write |
        | all of it, and what is new | top         | on-success | 320 KiB  | write     | never fails | fails the fourth write |
        | not copied yet, or new     | top         | always     | 320 KiB  | write     | never fails | fails the fourth write |
