@pull
Feature: Backups out of a frozen view
  A backup job may copy a view in the place of the drive: then it saves nothing for itself, the guest waits for the scratch
  storage alone and never for the slow target, and what has been copied can leave the scratch image at once.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image, holding:
      | pattern | at    | length |
      | 0x41    | 0     | 2 MiB  |
      | 0xd5    | 3 MiB | 1 MiB  |

  Rule: A push backup out of a view holds the moment of the view
    Scenario: All of the drive has been overwritten since
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at | length |
        | 0x01    | 0  | 4 MiB  |
      When "view0" is backed up with:
        | option | value |
        | sync   | full  |
      Then the backup of "view0" should hold what "drive0" did when it was frozen

    @bug-B12 @known-defect.view-shows-new-data
    Scenario Outline: The guest has written since the view was made <what>
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | request      | pattern | at          | length  |
        | write        | 0x01    | 64 KiB      | 64 KiB  |
        | write        | 0x02    | 1 MiB - 1 B | 2 B     |
        | discard      |         | 3 MiB       | 512 KiB |
        | write zeroes |         | 512 KiB     | 64 KiB  |
      When "view0" is backed up with:
        | option             | value     |
        | sync               | full      |
        | x-perf.max-workers | <workers> |
        | x-perf.max-chunk   | <chunk>   |
      Then the backup of "view0" should hold what "drive0" did when it was frozen

      Examples: ways to copy
        | what                        | workers | chunk   |
        | by QEMU's usual ways        |         |         |
        | in pieces of 128 KiB by one | 1       | 128 KiB |

    @bug-B72
    Scenario Outline: The scratch image is emptied as the backup goes <how>
      Given each view saves into <kind>
      And "drive0" has been frozen in the view "view0" with:
        | option           | value  |
        | min-cluster-size | <size> |
      And the guest has written to "drive0":
        | request | pattern | at          | length  |
        | write   | 0x01    | 64 KiB      | 64 KiB  |
        | discard |         | 3 MiB       | 512 KiB |
        | write   | 0x02    | 4 MiB - 1 B | 1 B     |
      When "view0" is backed up with:
        | option                  | value  |
        | discard-source          | yes    |
        | x-perf.min-cluster-size | <size> |
      Then the backup of "view0" should hold what "drive0" did when it was frozen
      When the guest writes to "drive0":
        | pattern | at | length | note                        |
        | 0x03    | 0  | 4 MiB  | nobody needs what was there |
      Then the scratch image of "view0" should be empty

      Examples: clusters
        | how                   | kind                                 | size    |
        | in clusters of 64 KiB | a qcow2 image                        | 64 KiB  |
        | in larger clusters    | a qcow2 image with clusters of 2 MiB | 2 MiB   |
        | in pieces of 256 KiB  | a raw image                          | 256 KiB |
