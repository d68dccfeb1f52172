@target @blockdev-backup
Feature: Backups that go to another machine
  A backup on the host that may burn down with the guest is none, so many go over the network to another machine. That
  one reboots now and then, or is gone for good. The first must cost a backup nothing but time; the second must not keep
  the operator from cancelling the backup, and the guest and its record of changes must not suffer from either.
  Here the operator has asked for a patience of a minute with a machine that is away.

  Background:
    Given the 4 MiB + 4 KiB + 512 B drive "drive0" holding:
      | pattern | at       | length  |
      | 0x41    | 0        | 65 KiB  |
      | 0xd5    | 3000 KiB | 200 KiB |
    And each backup goes to another machine

  Rule: A chain of backups on another machine restores the drive
    @bug-B40
    Scenario Outline: A full backup and two incremental ones over the network, into <image>
      Given each backup goes into <image>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at           | length  | note                 |
        | write        | 0xab    | 64 KiB - 1 B | 2 B     | over a granule's end |
        | write zeroes |         | 3000 KiB     | 100 KiB | over what was there  |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | pattern | at            | length | note         |
        | 0x64    | 4 MiB + 4 KiB | 512 B  | the very end |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

      Examples: clusters of which this machine knows nothing
        | case                                   | image                                  |
        | as large as what is copied             | a qcow2 image                          |
        | larger, filled up by the other machine | a qcow2 image with clusters of 256 KiB |

  Rule: A backup waits for a machine that is away, and can be cancelled meanwhile
    Background:
      Given a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at      | length   | note                                 |
        | 0xab    | 100 KiB | 2500 KiB | more than is copied before it leaves |
      And a backup of "drive0" has been started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap0     |
        | speed  | 64 KiB      |
      And the other machine has gone away

    Scenario: The other machine is away for a while during an incremental backup
      Given the speed of the backup of "drive0" has been set to 0 B a second
      When the other machine comes back
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed

    @bug-B56 @known-defect.cancel-waits-for-target
    Scenario: The operator does not wait for the other machine
      Given the speed of the backup of "drive0" has been set to 0 B a second
      And the guest has written to "drive0":
        | request | at | length        | note                                           |
        | read    | 0  | 4 MiB + 4 KiB | what the job is reading, too                   |
        | read    | 0  | 4 MiB + 4 KiB | what the job has read by now, but cannot write |
      When the backup of "drive0" is cancelled by force
      Then the backup of "drive0" should be cancelled
      And QEMU should have reported these errors and no others:
        | event           | drive  | action | operation | note                     |
        | BLOCK_JOB_ERROR | drive0 | report | write     | the one that was waiting |
      When the other machine comes back
      And the backup of "drive0" is taken again
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
