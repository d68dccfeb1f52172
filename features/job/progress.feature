@job @blockdev-backup
Feature: How far a backup job has come
  Somebody waits for the backup, and a bar shows how far it is. It must know from the start how much there is to do, never
  go back, and be full exactly when the backup is: an operator who sees more than the whole, or the end before the end,
  cannot tell a slow backup from a broken one. For an incremental backup the whole is what had changed.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at | length |
      | 0x41    | 0  | 4 MiB  |
    And a full backup of "drive0"

  Rule: The length of an incremental backup is what had changed, in whole granules and clusters
    @bug-B52
    Scenario Outline: The length of an incremental backup: <case>
      Given a bitmap "bitmap0" with a granularity of <granularity> on "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length   |
        | 0xab    | <at>  | <length> |
        | 0x64    | 4 KiB | 1 B      |
      And an incremental backup of "drive0" with "bitmap0" is kept pending
      When the guest writes to "drive0":
        | pattern | at    | length  | note              |
        | 0x9a    | 2 MiB | 128 KiB | for the next time |
      Then QEMU should show the backup of "drive0" as:
        | status  | offset  | len     |
        | pending | <whole> | <whole> |
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed

      Examples: granules and clusters
        | case                                      | granularity | at           | length | whole   |
        | the first and the last cluster            | 64 KiB      | 4 MiB - 1 B  | 1 B    | 128 KiB |
        | over an edge, and the first one again     | 64 KiB      | 64 KiB - 1 B | 2 B    | 128 KiB |
        | many granules of one cluster              | 512 B       | 60 KiB       | 4 KiB  | 64 KiB  |
        | three granules, and two clusters          | 512 B       | 64 KiB - 1 B | 2 B    | 128 KiB |
        | granules of two clusters each             | 128 KiB     | 2 MiB        | 1 B    | 256 KiB |
        | the first and the last quarter            | 1 MiB       | 3 MiB        | 1 B    | 2 MiB   |
        | one granule that is larger than the drive | 64 MiB      | 3 MiB        | 1 B    | 4 MiB   |

  Rule: The progress of a job grows with each cluster that is saved, and never beyond its length
    @bug-B52
    Scenario: The guest overwrites what a running backup has yet to copy
      Given a bitmap "bitmap0" on "drive0"
      And the guest has written to "drive0":
        | pattern | at             | length | note             |
        | 0xab    | 100 KiB        | 2 KiB  | within a granule |
        | 0xfe    | 1 MiB          | 64 KiB | a whole granule  |
        | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |
      And an incremental backup of "drive0" with "bitmap0" is kept running
      When the guest writes to "drive0":
        | pattern | at             | length | note                                |
        | 0x11    | 127 KiB        | 1 B    | what the job has copied already     |
        | 0x22    | 4 MiB - 1 B    | 1 B    | the last granule, saved before that |
        | 0x33    | 4 MiB - 64 KiB | 512 B  | the same granule again              |
        | 0x44    | 3 MiB          | 512 B  | what the job does not copy          |
      Then QEMU should show the backup of "drive0" as:
        | status  | offset  | len     |
        | running | 128 KiB | 192 KiB |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed

    @bug-B52
    Scenario: A backup with nothing to copy
      Given a bitmap "bitmap0" on "drive0"
      When an incremental backup of "drive0" with "bitmap0" is started
      Then the backup of "drive0" should succeed
      And the backup of "drive0" should have gone through these states:
        | state     | event               | offset | len |
        | created   |                     |        |     |
        | running   |                     |        |     |
        | waiting   |                     |        |     |
        | pending   | BLOCK_JOB_COMPLETED | 0      | 0   |
        | concluded |                     |        |     |
        | null      |                     |        |     |
