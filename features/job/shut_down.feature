@job @blockdev-backup
Feature: A machine that is shut down while a backup is under way
  A guest is powered off, a host is emptied for maintenance: nobody asks first whether a backup is running. QEMU then has
  to cancel the backup in order, whatever state it is in, say so to whoever listens, and end as if nothing had been the
  matter. A QEMU that crashes or hangs at its end costs the guest's last writes, and the bitmaps that it has to store.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at    | length |
      | 0x41    | 0     | 65 KiB |
      | 0xd5    | 2 MiB | 64 KiB |
    And the 4 MiB drive "drive1"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0xfe    | 1 MiB          | 64 KiB | a whole granule  |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |

  Rule: When the machine is shut down, a backup that is under way is cancelled, and QEMU ends in order
    Scenario Outline: The machine is shut down while a backup is <state>
      Given an incremental backup of "drive0" with "bitmap0" is kept <state>
      And the guest has written to "drive0":
        | pattern | at      | length | note                                      |
        | 0x33    | 127 KiB | 2 KiB  | over an edge of the first granule to copy |
      When the machine is shut down
      Then the backup of "drive0" should be cancelled
      And the backup of "drive0" should have gone through these states:
        | state     | event               |
        | created   |                     |
        | running   |                     |
        | <paused>  |                     |
        | <resumed> |                     |
        | <waiting> |                     |
        | <pending> | <asks>              |
        | aborting  | BLOCK_JOB_CANCELLED |
        | concluded |                     |
        | null      |                     |
      And "drive0" should hold what the guest has written

      Examples: all states
        | case           | state   | paused | resumed | waiting | pending | asks              |
        | a part copied  | running |        |         |         |         |                   |
        | woken up       | paused  | paused | running |         |         |                   |
        | one of a group | waiting |        |         | waiting |         |                   |
        | all copied     | pending |        |         | waiting | pending | BLOCK_JOB_PENDING |

    @known-defect.nodes-of-ended-backup
    Scenario: The machine is shut down while a backup waits to be dismissed
      Given an incremental backup of "drive0" with "bitmap0" is kept concluded
      When the machine is shut down
      Then the backup of "drive0" should succeed
      And "drive0" should hold what the guest has written

    Scenario: The machine is shut down while a job uses a persistent bitmap
      Given these bitmaps on "drive0":
        | bitmap  | granularity | recording | persistent |
        | bitmap1 | 64 KiB      | yes       | yes        |
      And "bitmap0" of "drive0" has been merged into "bitmap1"
      And an incremental backup of "drive0" with "bitmap1" is kept paused
      And the guest has written to "drive0":
        | pattern | at      | length | note                                 |
        | 0x33    | 127 KiB | 2 KiB  | over an edge of what has been copied |
      When the machine is shut down
      Then the backup of "drive0" should be cancelled
      And the image of "drive0" should store its persistent bitmaps and no others

  Rule: A backup that was refused leaves nothing behind that could crash QEMU when it is shut down
    @drive-backup @bug-B41
    Scenario Outline: The machine is shut down after a backup was refused: <case>
      Given backups are taken with drive-backup
      When a backup of "drive0" is started with:
        | option   | value   |
        | sync     | <sync>  |
        | <option> | <value> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      When the machine is shut down
      Then "drive0" should hold what the guest has written

      Examples: how far the backup had come
        | case                | sync        | option | value  | words                              |
        | an open target      | incremental | bitmap | absent | Bitmap 'absent' could not be found |
        | a job already there | full        | speed  | -1     | Parameter 'speed' expects          |
