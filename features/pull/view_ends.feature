@pull
Feature: The end of a frozen view
  When the client has read all, the view goes, while the guest writes on. What has been read need not be kept until then:
  a client can give it back piece by piece, and so can a backup job, so that the scratch image stays small.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image, holding:
      | pattern | at    | length |
      | 0x41    | 0     | 2 MiB  |
      | 0xd5    | 3 MiB | 1 MiB  |

  Rule: A view is taken down from its top, and nothing can go that something else stands on
    Scenario Outline: The operator is about to remove the <part> first
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at     | length  |
        | 0x01    | 64 KiB | 128 KiB |
      When the <part> of "view0" is to be removed before the others
      Then QEMU should refuse it as a GenericError that says "is in use"
      And nothing should have changed
      And "view0" should show "drive0" as it was

      Examples: parts
        | part          |
        | access node   |
        | filter        |
        | scratch image |
        | drive         |

    Scenario: The bitmaps record before, with and after a view
      Given no device uses "drive0"
      And this request has been granted:
        | request | drive  | bitmap  | persistent |
        | add     | drive0 | bitmap0 | yes        |
      And the guest has written to "drive0":
        | pattern | at | length |
        | 0x01    | 0  | 64 KiB |
      And "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at     | length  |
        | 0x02    | 32 KiB | 128 KiB |
      When "view0" is taken down
      And the guest writes to "drive0":
        | pattern | at    | length |
        | 0x03    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 256 KiB |
      And the bitmaps should still hold what had changed

  Rule: What a client gives back is gone from the view, and all else stays
    Scenario: A client gives back whole clusters that it has read
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at | length  |
        | 0x01    | 0  | 256 KiB |
      When a client discards these parts of "view0":
        | at    | length  | note             |
        | 0     | 64 KiB  | it was saved     |
        | 1 MiB | 128 KiB | it was not saved |
      And the guest writes to "drive0", and "view0" is read before and after each request:
        | pattern | at      | length  | note                      |
        | 0x02    | 1 MiB   | 256 KiB | half of it was given back |
        | 0x03    | 192 KiB | 128 KiB |                           |
      Then "view0" should have shown "drive0" as it was, each time
      And "view0" should not let these parts be read:
        | at | length |
        | 0  | 64 KiB |
        | 0  | 4 MiB  |

    @bug-B68 @known-defect.odd-discard-of-view
    Scenario: A client gives back more and less than whole clusters
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at | length  |
        | 0x01    | 0  | 256 KiB |
      When a client discards these parts of "view0":
        | at             | length  | note                           |
        | 100 KiB        | 100 KiB | one whole cluster lies in this |
        | 2 MiB + 1 KiB  | 62 KiB  | no whole cluster lies in this  |
        | 4 MiB - 65 KiB | 65 KiB  | the end                        |
      And the guest writes to "drive0", and "view0" is read before and after each request:
        | pattern | at      | length  |
        | 0x02    | 128 KiB | 256 KiB |
        | 0x03    | 2 MiB   | 64 KiB  |
      Then "view0" should have shown "drive0" as it was, each time

    Scenario: All that was saved is given back
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at    | length  |
        | 0x01    | 0     | 256 KiB |
        | 0x01    | 3 MiB | 64 KiB  |
      When a client discards these parts of "view0":
        | at | length |
        | 0  | 4 MiB  |
      And the guest writes to "drive0":
        | pattern | at | length |
        | 0x02    | 0  | 4 MiB  |
      Then the scratch image of "view0" should be empty

  Rule: A push backup out of a view holds the moment of the view
    Scenario: The drive is as it was when it was frozen
      Given "drive0" has been frozen in the view "view0"
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
    Scenario Outline: The scratch image is emptied as the backup goes <clusters>
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
      And the guest writes to "drive0":
        | pattern | at | length | note                        |
        | 0x03    | 0  | 4 MiB  | nobody needs what was there |
      Then the backup of "view0" should hold what "drive0" did when it was frozen
      And the scratch image of "view0" should be empty

      Examples: clusters
        | clusters              | kind                                 | size    |
        | in clusters of 64 KiB | a qcow2 image                        | 64 KiB  |
        | in larger clusters    | a qcow2 image with clusters of 2 MiB | 2 MiB   |
        | in pieces of 256 KiB  | a raw image                          | 256 KiB |
