@target @blockdev-backup
Feature: Backups into a format of the past
  Some archives ask for a format that nobody develops any more, and QEMU still writes it. It gives space to one request at
  a time, so that the requests of a backup have to queue for it, the last of them for less than a cluster.

  Rule: A full backup into a QED image restores the drive, also when its end is no whole cluster
    @known-defect.qed-odd-size
    Scenario: A drive whose odd end is empty
      Given the 4 MiB + 4 KiB + 512 B drive "drive0" holding:
        | pattern | at      | length | note                                                |
        | 0x41    | 0       | 64 KiB | seven such areas keep the backup writing to its end |
        | 0x52    | 512 KiB | 64 KiB |                                                     |
        | 0x63    | 1 MiB   | 64 KiB |                                                     |
        | 0x74    | 1.5 MiB | 64 KiB |                                                     |
        | 0x85    | 2 MiB   | 64 KiB |                                                     |
        | 0x96    | 2.5 MiB | 64 KiB |                                                     |
        | 0xd5    | 3 MiB   | 64 KiB |                                                     |
      And each backup goes into a QED image
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
