@job @blockdev-backup
Feature: A drive whose layers change while it is backed up
  Snapshots are taken when the user of a guest wants one, and not when no backup happens to run. A backup that is under way
  must keep its moment when an overlay is put between its filter and the drive, and the guest writes to that from then on.
  Whatever would take away data that the backup has yet to copy must be refused.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at     | length  | note             |
      | 0xab    | 63 KiB | 2 KiB   | over an edge     |
      | 0xfe    | 1 MiB  | 256 KiB | takes new space  |
      | 0x64    | 4 MiB  | 1 KiB   | the last granule |

  Rule: A snapshot that is taken of a drive during its backup changes nothing in what the backup restores
    @bug-B51
    Scenario Outline: A snapshot of a drive during its <sync> backup
      Given a backup of "drive0" is kept running that was started with:
        | option           | value       |
        | sync             | <sync>      |
        | bitmap           | <bitmap>    |
        | filter-node-name | over-drive0 |
      And the guest has written to "drive0":
        | pattern | at     | length | note                |
        | 0x11    | 64 KiB | 1 KiB  | before the snapshot |
      When these requests are made as one transaction:
        | request  | bitmap  | drive    | target   |
        | snapshot |         | drive0   | overlay0 |
        | add      | bitmap1 | overlay0 |          |
      Then QEMU should grant it
      And the guest should reach "overlay0" through "over-drive0"
      When the guest writes to "overlay0":
        | request      | pattern | at             | length | note                            |
        | write        | 0x22    | 1 MiB + 63 KiB | 2 KiB  | what the backup has yet to copy |
        | write zeroes |         | 4 MiB          | 1 KiB  | the last granule, a part of one |
        | write        | 0x33    | 2 MiB          | 65 KiB | what was empty                  |
      And the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the guest should reach "overlay0" directly

      Examples: what the backup copies
        | case             | sync        | bitmap  |
        | what has changed | incremental | bitmap0 |
        | the whole drive  | full        |         |

    @known-defect.streamed-away
    Scenario: The drive is merged into its overlay while the backup still reads it
      Given a backup of "drive0" is kept running that was started with:
        | option           | value       |
        | sync             | full        |
        | filter-node-name | over-drive0 |
      And a snapshot has put the overlay "overlay0" on "drive0"
      And the guest has written to "overlay0":
        | pattern | at             | length | note                            |
        | 0x22    | 1 MiB + 63 KiB | 2 KiB  | what the backup has yet to copy |
      When this request is made:
        | request | drive    |
        | stream  | overlay0 |
      Then QEMU should grant it
      And the guest should reach "overlay0" through "over-drive0"
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

  Rule: A job that would move data between the layers of a drive is refused while a backup reads them
    Scenario Outline: A <request> job for the <what> during a full backup
      Given a backup of "drive0" is kept running that was started with:
        | option           | value       |
        | sync             | full        |
        | filter-node-name | over-drive0 |
      When this request is made:
        | request   | drive  | node   |
        | <request> | drive0 | <node> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And the guest should reach "drive0" through "over-drive0"
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed

      Examples: data would move up
        | request | node         | what           | words                                                                    |
        | stream  | guest-drive0 | guest's device | Node 'guest-drive0' is busy: block device is in use by block job: backup |
        | stream  | over-drive0  | filter         | Node 'guest-drive0' is busy: block device is in use by block job: backup |

      Examples: data would move down
        | request | node   | what  | words                  |
        | commit  | drive0 | drive | Need a root block node |
