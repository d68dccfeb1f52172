@pull
Feature: Backups that a client pulls
  A product that stores backups in a format of its own lets QEMU keep a moment and reads it over NBD. In one transaction it merges
  the bitmap that has recorded since the last backup into a new one, empties it for the next backup, and starts a backup with
  sync none, which saves what the guest overwrites into an image that stands on the drive. That image is exported with the
  new bitmap. The client asks the bitmap what has changed, and reads just that. What it has copied, put on its earlier copies,
  must be the drive at that moment, whatever the guest writes meanwhile.

  Background:
    Given the 4 MiB + 512 B drive "drive0" holding:
      | pattern | at    | length  |
      | 0x11    | 0     | 1 MiB   |
      | 0x22    | 2 MiB | 200 KiB |
      | 0x33    | 4 MiB | 512 B   |
    And a bitmap "bitmap0" on "drive0"

  Rule: A chain of pulled copies restores each moment, and each copy holds just what had changed
    Background:
      Given these pulls have begun at one moment:
        | drive  | pull | bitmap  |
        | drive0 | full | bitmap0 |
      And the guest has written to "drive0":
        | request      | pattern | at           | length | note                           |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over data, before it is copied |
        | write zeroes |         | 2 MiB        | 64 KiB | zeros over data                |
      And a client has copied what it needs of "drive0"

    Scenario: The first copy is of everything
      Given the guest has written to "drive0":
        | pattern | at    | length | note                          |
        | 0xcd    | 3 MiB | 1 KiB  | after it was copied           |
        | 0xcd    | 0     | 4 KiB  | where it was overwritten once |
      When the pull of "drive0" is cleaned up
      Then what clients have copied of "drive0" should restore it as it was then

    Scenario: An increment follows
      Given the pull of "drive0" has been cleaned up
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap  |
        | drive0 | incremental | bitmap0 |
      And the guest has written to "drive0":
        | request      | pattern | at            | length  | note                             |
        | write        | 0xcd    | 64 KiB        | 128 KiB | what the increment is to hold    |
        | write zeroes |         | 1 MiB         | 1 MiB   |                                  |
        | write        | 0x9a    | 4 MiB + 511 B | 1 B     | in the drive's last, partial bit |
      When a client copies what it needs of "drive0"
      Then what clients have copied of "drive0" should restore it as it was then
      When the pull of "drive0" is cleaned up
      Then "drive0" should hold what the guest has written

    Scenario: A second increment follows
      Given the pull of "drive0" has been cleaned up
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap  |
        | drive0 | incremental | bitmap0 |
      And the guest has written to "drive0":
        | pattern | at            | length  |
        | 0xcd    | 128 KiB - 1 B | 200 KiB |
      And a client has copied what it needs of "drive0"
      And the pull of "drive0" has been cleaned up
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap  |
        | drive0 | incremental | bitmap0 |
      When a client copies what it needs of "drive0"
      Then what clients have copied of "drive0" should restore it as it was then

    Scenario Outline: What is left of a pull is removed in this order: <order>
      Given the pull of "drive0" has been cleaned up
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xfe    | 3 MiB | 4 KiB  |
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap  |
        | drive0 | incremental | bitmap0 |
      And a client has copied what it needs of "drive0"
      When of the pull of "drive0", <order> are removed
      Then what clients have copied of "drive0" should restore it as it was then
      And "drive0" should hold what the guest has written

      Examples: orders
        | case             | order                               |
        | the view first   | the export, the view and the bitmap |
        | the bitmap first | the export, the bitmap and the view |

    Scenario: The client dies while it copies, and another one starts over
      Given the pull of "drive0" has been cleaned up
      And the guest has written to "drive0":
        | pattern | at      | length |
        | 0xfe    | 700 KiB | 4 KiB  |
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap  |
        | drive0 | incremental | bitmap0 |
      And a client that copied "drive0" has been killed
      And the guest has written to "drive0":
        | pattern | at      | length |
        | 0xcd    | 640 KiB | 1 MiB  |
      When a client copies what it needs of "drive0"
      Then what clients have copied of "drive0" should restore it as it was then

    Scenario: The pull is given up, and the next one holds all that had changed
      Given the pull of "drive0" has been cleaned up
      And the guest has written to "drive0":
        | pattern | at      | length |
        | 0xfe    | 700 KiB | 4 KiB  |
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap  |
        | drive0 | incremental | bitmap0 |
      And a client that copied "drive0" has been killed
      And the pull of "drive0" has been given up, with its record back in "bitmap0"
      And these pulls have begun at one moment:
        | drive  | pull        | bitmap  |
        | drive0 | incremental | bitmap0 |
      When a client copies what it needs of "drive0"
      Then what clients have copied of "drive0" should restore it as it was then
