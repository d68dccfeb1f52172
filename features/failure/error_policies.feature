@failure @blockdev-backup
Feature: What becomes of a backup that meets an error
  What a backup does at an error is the operator's choice, made when the backup starts: once for the drive it reads and
  once for the target it writes. It can end, stop and wait for an operator, or try again; and it can tell a disk that is full,
  where waiting helps, from one that is broken. Whatever was chosen, the record of what has changed is never lost: the
  same backup resumed, or the next one on top of the last good one, makes the chain whole.

  @bug-B54
  Rule: The policy decides whether an error ends a backup, stops it or is ignored, and no change is ever lost
    Background:
      Given the 4 MiB drive "drive0", whose storage <source> with "<error>", holding:
        | pattern | at    | length  |
        | 0x41    | 0     | 65 KiB  |
        | 0xd5    | 2 MiB | 192 KiB |
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at             | length | note                 |
        | 0xab    | 63 KiB         | 2 KiB  | over a granule's end |
        | 0xfe    | 1 MiB          | 64 KiB | takes new space      |
        | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule     |
      And the next backup goes to storage that <target> with "<error>"

    Scenario Outline: "<error>" of the <side> ends a backup with the policy <policy>
      When a backup of "drive0" is started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-<side>-error | <policy>    |
      Then the backup of "drive0" should fail with "<error>"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation   |
        | BLOCK_JOB_ERROR | drive0 | report | <operation> |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 256 KiB |
      When the backup of "drive0" is taken again
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed

      Examples: what is reported
        | policy   | error                   | side   | operation | source                             | target                 |
        | left out | Input/output error      | source | read      | fails the first read after a flush | never fails            |
        | report   | Input/output error      | source | read      | fails the first read after a flush | never fails            |
        | report   | No space left on device | source | read      | fails the first read after a flush | never fails            |
        | enospc   | Input/output error      | source | read      | fails the first read after a flush | never fails            |
        | auto     | Input/output error      | source | read      | fails the first read after a flush | never fails            |
        | left out | Input/output error      | target | write     | never fails                        | fails the second write |
        | left out | No space left on device | target | write     | never fails                        | fails the second write |
        | report   | Input/output error      | target | write     | never fails                        | fails the second write |
        | report   | No space left on device | target | write     | never fails                        | fails the second write |
        | enospc   | Input/output error      | target | write     | never fails                        | fails the second write |
        | auto     | Input/output error      | target | write     | never fails                        | fails the second write |

    Scenario Outline: "<error>" of the <side> stops a backup with the policy <policy>
      When a backup of "drive0" is started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-<side>-error | <policy>    |
      Then the backup of "drive0" should stop with the io-status "<status>"
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation   |
        | BLOCK_JOB_ERROR | drive0 | stop   | <operation> |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | yes  | 256 KiB |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed

      Examples: what waits for an operator
        | policy | error                   | status  | side   | operation | source                             | target                 |
        | enospc | No space left on device | nospace | source | read      | fails the first read after a flush | never fails            |
        | auto   | No space left on device | nospace | source | read      | fails the first read after a flush | never fails            |
        | stop   | Input/output error      | failed  | source | read      | fails the first read after a flush | never fails            |
        | stop   | No space left on device | nospace | source | read      | fails the first read after a flush | never fails            |
        | enospc | No space left on device | nospace | target | write     | never fails                        | fails the second write |
        | auto   | No space left on device | nospace | target | write     | never fails                        | fails the second write |
        | stop   | Input/output error      | failed  | target | write     | never fails                        | fails the second write |
        | stop   | No space left on device | nospace | target | write     | never fails                        | fails the second write |

    Scenario Outline: "<error>" of the <side> is ignored by a backup with the policy <policy>
      When a backup of "drive0" is started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-<side>-error | <policy>    |
      Then the backup of "drive0" should succeed
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation   |
        | BLOCK_JOB_ERROR | drive0 | ignore | <operation> |
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty |
        | bitmap0 | 64 KiB      | yes       | no   | 0     |
      When the backup of "drive0" is taken again
      Then the backup of "drive0" should succeed
      And the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

      Examples: what is ignored
        | policy | error                   | side   | operation | source                             | target                 |
        | ignore | Input/output error      | source | read      | fails the first read after a flush | never fails            |
        | ignore | No space left on device | source | read      | fails the first read after a flush | never fails            |
        | ignore | Input/output error      | target | write     | never fails                        | fails the second write |
        | ignore | No space left on device | target | write     | never fails                        | fails the second write |

  Rule: A backup that ignores errors tries again until it has copied everything
    @bug-B54
    Scenario: A target on which every other write fails
      Given the 4 MiB drive "drive0"
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at            | length  | note                   |
        | 0x11    | 0             | 1 KiB   | the first granule      |
        | 0x22    | 256 KiB       | 65 KiB  | two granules           |
        | 0x33    | 513 KiB       | 62 KiB  | one, but not its edges |
        | 0x44    | 1 MiB         | 200 KiB | several granules       |
        | 0x55    | 2 MiB - 1 KiB | 2 KiB   | over a granule's end   |
        | 0x66    | 3 MiB         | 64 KiB  | a whole granule        |
        | 0x77    | 4 MiB - 1 KiB | 1 KiB   | the end of the last    |
      And the next backup goes to storage that fails every other write
      When a backup of "drive0" is started with:
        | option          | value       |
        | sync            | incremental |
        | bitmap          | bitmap0     |
        | on-target-error | ignore      |
      Then QEMU should report this error again and again:
        | event           | drive  | action | operation |
        | BLOCK_JOB_ERROR | drive0 | ignore | write     |
      And the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

  Rule: An error of the target counts like any other when only zeros were to be written
    Scenario Outline: A target fails to write zeros with "<error>"
      Given the 4 MiB drive "drive0" holding:
        | pattern | at    | length  |
        | 0x41    | 0     | 65 KiB  |
        | 0xd5    | 2 MiB | 192 KiB |
      And each backup goes into a raw image
      And the next backup goes to storage that fails to write zeros once with "<error>"
      When a backup of "drive0" is started with:
        | option          | value  |
        | sync            | full   |
        | on-target-error | enospc |
      Then the backup of "drive0" should <become>
      And QEMU should have reported these errors and no others:
        | event           | drive  | action   | operation |
        | BLOCK_JOB_ERROR | drive0 | <action> | write     |
      When the backup of "drive0" is <answer>
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: what the policy enospc tells apart
        | case          | error                   | become                            | action | answer      |
        | a broken disk | Input/output error      | fail with "Input/output error"    | report | taken again |
        | a full disk   | No space left on device | stop with the io-status "nospace" | stop   | resumed     |
