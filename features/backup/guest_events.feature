@backup @blockdev-backup
Feature: What happens to the guest during a backup
  A guest crashes, is reset or paused when it pleases somebody, and a backup that runs at that moment is not asked. It
  must go on, restore the drive as it was when it began, and leave the guest its disk; the more so at its very end, when
  QEMU takes apart what it has built for it.

  Rule: A backup that waits to be finalized succeeds although its guest is reset or paused meanwhile
    Background:
      Given a machine whose guest sees its drives as disks
      And the machine has been started

    Scenario Outline: The guest is <act> while its disk is backed up
      Given the 4 MiB drive "drive0" holding:
        | pattern | at    | length   |
        | 0x41    | 1 KiB | 3000 KiB |
      And a backup of "drive0" has been started with:
        | option        | value |
        | sync          | full  |
        | auto-finalize | no    |
      And the backup of "drive0" has become pending
      When the machine is <act>
      Then QEMU should have reported these events and no others:
        | event             |
        | RESUME            |
        | BLOCK_JOB_PENDING |
        | <event>           |
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed

      Examples: what happens to it
        | case            | act    | event |
        | it starts anew  | reset  | RESET |
        | it stands still | paused | STOP  |
