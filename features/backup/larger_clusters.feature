@backup
Feature: Backups into images with larger clusters
  Storage for backups is often formatted with larger clusters than the disk of the guest. A cluster of the target is
  then larger than what the bitmap marks, and of a cluster that is only partly dirty the rest must come from somewhere:
  QEMU must copy it too, or the rest would read as zeros once the image is put on its backing file.

  Rule: What shares a cluster of the target with a change is copied with it
    @iotest-124 @larger_cluster_target @<command>
    Scenario Outline: A target of 128 KiB clusters whose backing file is added afterwards
      Given the 64 MiB drive "drive0" holding:
        | pattern | at     | length  |
        | 0x41    | 0      | 512 B   |
        | 0xd5    | 1 MiB  | 32 KiB  |
        | 0xdc    | 32 MiB | 124 KiB |
      And each incremental backup is followed by a reference
      And backups are taken with <command>
      And each backup goes into a qcow2 image with clusters of 128 KiB
      And a full backup of "drive0"
      And a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at              | length  | note                    |
        | 0xab    | 0               | 512 B   | overwrites a whole area |
        | 0xfe    | 16 MiB          | 256 KiB | takes new space         |
        | 0x64    | 32 MiB - 32 KiB | 64 KiB  | overlaps older data     |
      And the bitmaps of "drive0" are:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | no         | 448 KiB |
      When an incremental backup of "drive0" is taken with "bitmap0" into an image that is put on its base afterwards
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
      And it should equal its reference

      Examples: both commands
        | command         |
        | blockdev-backup |
        | drive-backup    |
