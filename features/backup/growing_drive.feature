@backup
Feature: Backups of a drive that has grown
  Drives fill up and are made larger while the guest runs. The bitmap has to grow with them: what the guest writes past
  the old end belongs in the next backup as much as any other change.

  Rule: What is written past the old end of a drive is in the next incremental backup
    @iotest-124 @growing_before_backup @<command>
    Scenario Outline: A drive grows by 1 MiB between two backups with <command>
      Given the 64 MiB drive "drive0" holding:
        | pattern | at     | length  |
        | 0x41    | 0      | 512 B   |
        | 0xd5    | 1 MiB  | 32 KiB  |
        | 0xdc    | 32 MiB | 124 KiB |
      And each incremental backup is followed by a reference
      And backups are taken with <command>
      And a full backup of "drive0"
      And a bitmap "bitmap0" on "drive0"
      And "drive0" has been resized to 65 MiB
      And the guest has written to "drive0":
        | pattern | at     | length | note             |
        | 0xcd    | 64 MiB | 64 KiB | past the old end |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its reference
      And it should equal its drive

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |
