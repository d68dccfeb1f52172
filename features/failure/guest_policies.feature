@failure @blockdev-backup
Feature: Errors of a backup under a running guest
  What is done when a disk fails under a guest, an operator chooses, too: the guest can be told, or be paused until
  somebody has seen to the disk, or never learn of it. That is for what the guest itself reads and writes. A backup reads
  the same disk by a policy of its own: no machine must stand still at night because its backup has met a bad sector,
  and no backup may pass over one because the guest would.

  Background:
    Given the machine has been started

  Rule: An error of a backup is met by the policy of the backup, whatever is chosen for the guest's errors
    Scenario Outline: A guest that <choice> its drives' errors, and a backup with the policy <policy> for the <side>
      Given the guest <choice> its drives' errors
      And the 4 MiB drive "drive0", whose storage <source>, holding:
        | pattern | at    | length  |
        | 0x41    | 0     | 65 KiB  |
        | 0xd5    | 2 MiB | 192 KiB |
      And the guest has written to "drive0":
        | pattern | at             | length | note                |
        | 0xab    | 63 KiB         | 2 KiB  | overlaps older data |
        | 0x64    | 4 MiB - 64 KiB | 64 KiB | takes new space     |
      And the next backup goes to storage that <target>
      When a backup of "drive0" is started with:
        | option          | value    |
        | sync            | full     |
        | on-<side>-error | <policy> |
      Then the backup of "drive0" should <become>
      And QEMU should have reported these events and no others:
        | event               | drive  | action   | operation | note              |
        | RESUME              |        |          |           | the guest started |
        | BLOCK_JOB_ERROR     | drive0 | <policy> | <request> |                   |
        | BLOCK_JOB_COMPLETED | drive0 |          |           |                   |
      When the backup of "drive0" is taken again
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: errors of the drive
        | choice          | policy | become                         | side   | request | source                             | target      |
        | is paused at    | report | fail with "Input/output error" | source | read    | fails the first read after a flush | never fails |
        | is paused at    | ignore | succeed                        | source | read    | fails the first read after a flush | never fails |
        | never learns of | report | fail with "Input/output error" | source | read    | fails the first read after a flush | never fails |

      Examples: errors of the target
        | choice          | policy | become                         | side   | request | source      | target                 |
        | is paused at    | report | fail with "Input/output error" | target | write   | never fails | fails the second write |
        | is paused at    | ignore | succeed                        | target | write   | never fails | fails the second write |
        | never learns of | report | fail with "Input/output error" | target | write   | never fails | fails the second write |

    Scenario Outline: A guest that <choice> its drives' errors, and a backup that stops at an error of the <side>
      Given the guest <choice> its drives' errors
      And the 4 MiB drive "drive0", whose storage <source>, holding:
        | pattern | at    | length  |
        | 0x41    | 0     | 65 KiB  |
        | 0xd5    | 2 MiB | 192 KiB |
      And the guest has written to "drive0":
        | pattern | at             | length | note                |
        | 0xab    | 63 KiB         | 2 KiB  | overlaps older data |
        | 0x64    | 4 MiB - 64 KiB | 64 KiB | takes new space     |
      And the next backup goes to storage that <target>
      When a backup of "drive0" is started with:
        | option          | value |
        | sync            | full  |
        | on-<side>-error | stop  |
      Then the backup of "drive0" should stop with the io-status "failed"
      And QEMU should have reported these events and no others:
        | event           | drive  | action | operation | note              |
        | RESUME          |        |        |           | the guest started |
        | BLOCK_JOB_ERROR | drive0 | stop   | <request> |                   |
      When the backup of "drive0" is resumed
      Then the backup of "drive0" should succeed

      Examples: errors on either side
        | choice          | side   | request | source                             | target                 |
        | is paused at    | source | read    | fails the first read after a flush | never fails            |
        | never learns of | source | read    | fails the first read after a flush | never fails            |
        | is paused at    | target | write   | never fails                        | fails the second write |
        | never learns of | target | write   | never fails                        | fails the second write |
