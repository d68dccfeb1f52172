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
      And "view0" has been taken down
      When the guest writes to "drive0":
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
      And a client has discarded these parts of "view0":
        | at    | length  | note             |
        | 0     | 64 KiB  | it was saved     |
        | 1 MiB | 128 KiB | it was not saved |
      When the guest writes to "drive0", and "view0" is read before and after each request:
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
      And a client has discarded these parts of "view0":
        | at             | length  | note                           |
        | 100 KiB        | 100 KiB | one whole cluster lies in this |
        | 2 MiB + 1 KiB  | 62 KiB  | no whole cluster lies in this  |
        | 4 MiB - 65 KiB | 65 KiB  | the end                        |
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | pattern | at      | length  |
        | 0x02    | 128 KiB | 256 KiB |
        | 0x03    | 2 MiB   | 64 KiB  |
      Then "view0" should have shown "drive0" as it was, each time

    Scenario: Less is given back than is saved at a time
      Given "drive0" has been frozen in the view "view0" with:
        | option           | value   |
        | min-cluster-size | 256 KiB |
      And the guest has written to "drive0":
        | pattern | at | length |
        | 0x01    | 0  | 1 MiB  |
      When a client discards these parts of "view0":
        | at      | length  | note                                 |
        | 0       | 128 KiB | half of what is saved at a time      |
        | 384 KiB | 512 KiB | one whole of what is saved at a time |
      Then "view0" should show "drive0" as it was

    Scenario: All that was saved is given back
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at    | length  |
        | 0x01    | 0     | 256 KiB |
        | 0x01    | 3 MiB | 64 KiB  |
      And a client has discarded these parts of "view0":
        | at | length |
        | 0  | 4 MiB  |
      When the guest writes to "drive0":
        | pattern | at | length |
        | 0x02    | 0  | 4 MiB  |
      Then the scratch image of "view0" should be empty
