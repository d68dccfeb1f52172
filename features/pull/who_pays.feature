@pull
Feature: Who pays when a view cannot be kept
  The scratch image of a view may be full, broken or slow. Then somebody must pay: the guest, whose write fails, or the
  reader, who has to begin anew. The operator chooses which. What may never come of it is a view that shows wrong data.

  Rule: With on-cbw-error=break-guest-write the guest is told, and the view stays right
    Scenario Outline: Saving fails once, when the guest is about to make a <request>
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 1 MiB  |
      And each view saves to storage that fails the first write with "<error>"
      When "drive0" is frozen in the view "view0" with:
        | option       | value    |
        | on-cbw-error | <policy> |
      Then these requests of the guest to "drive0" should fail with "<error>":
        | request   | pattern | at     | length  |
        | <request> | 0x01    | 64 KiB | 128 KiB |
      And "view0" should show "drive0" as it was
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | request   | pattern | at     | length  |
        | <request> | 0x01    | 64 KiB | 128 KiB |
      Then "view0" should have shown "drive0" as it was, each time

      Examples: requests
        | request      | policy            | error                   |
        | write        | break-guest-write | No space left on device |
        | write zeroes | break-guest-write | Input/output error      |
        | discard      | break-guest-write | No space left on device |
        | write        |                   | Input/output error      |

    Scenario: The drive's own reads fail when the guest is about to write
      Given the 4 MiB drive "drive0" in a qcow2 image, whose storage fails the first 1 reads after a flush, holding:
        | pattern | at | length |
        | 0x41    | 0  | 1 MiB  |
      And no device uses "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x42    | 1 MiB | 1 KiB  |
      When "drive0" is frozen in the view "view0" with:
        | option       | value             |
        | on-cbw-error | break-guest-write |
      Then these requests of the guest to "drive0" should fail with "Input/output error":
        | pattern | at     | length |
        | 0x01    | 64 KiB | 64 KiB |
      And "view0" should show "drive0" as it was

    @known-defect.small-scratch-image
    Scenario: The scratch image is smaller than the drive
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And each view saves into an image of 2 MiB
      When "drive0" is frozen in the view "view0" with:
        | option       | value             |
        | on-cbw-error | break-guest-write |
      Then these requests of the guest to "drive0" should fail with "Input/output error":
        | pattern | at             | length  | note                     |
        | 0x01    | 2 MiB          | 64 KiB  | behind the scratch image |
        | 0x02    | 2 MiB - 64 KiB | 128 KiB | on both sides of its end |
      And "view0" should show "drive0" as it was
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | pattern | at             | length |
        | 0x03    | 2 MiB - 64 KiB | 64 KiB |
      Then "view0" should have shown "drive0" as it was, each time

    Scenario: The scratch image is larger than the drive
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And each view saves into an image of 6 MiB + 1 KiB
      And "drive0" has been frozen in the view "view0"
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | pattern | at | length |
        | 0x03    | 0  | 4 MiB  |
      Then "view0" should have shown "drive0" as it was, each time

    Scenario: The scratch disk gets full, and space is freed
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And each view saves to a disk with 1 MiB of free space
      When "drive0" is frozen in the view "view0" with:
        | option       | value             |
        | on-cbw-error | break-guest-write |
      Then these requests of the guest to "drive0" should fail with "No space left on device":
        | pattern | at | length |
        | 0x01    | 0  | 4 MiB  |
      And "view0" should show "drive0" as it was
      When space is freed on that disk
      Then "view0" should show "drive0" as it was

  Rule: With on-cbw-error=break-snapshot the guest goes on, and no part of the view can be read any more
    Scenario Outline: Saving fails once, and a guest that made a <request> goes on
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 1 MiB  |
      And each view saves to storage that fails <turn> write with "<error>"
      And "drive0" has been frozen in the view "view0" with:
        | option       | value          |
        | on-cbw-error | break-snapshot |
      When the guest writes to "drive0":
        | request   | pattern | at      | length |
        | write     | 0x01    | 512 KiB | 64 KiB |
        | <request> | 0x02    | 64 KiB  | 64 KiB |
        | write     | 0x03    | 3 MiB   | 64 KiB |
      Then no part of "view0" should be readable any more
      And "view0" should not let these parts be read:
        | at      | length | note                     |
        | 0       | 512 B  | never written            |
        | 512 KiB | 64 KiB | saved before the failure |
        | 64 KiB  | 64 KiB | what could not be saved  |
        | 0       | 4 MiB  |                          |

      Examples: requests
        | request      | turn       | error                   |
        | write        | the first  | No space left on device |
        | write        | the second | Input/output error      |
        | write zeroes | the second | No space left on device |
        | discard      | the second | Input/output error      |

    Scenario: One of two views of a drive breaks
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 1 MiB  |
      And "drive0" has been frozen in the view "view0"
      And each view saves to storage that fails the first write
      And "drive0" has been frozen in the view "view1" with:
        | option       | value          |
        | on-cbw-error | break-snapshot |
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | pattern | at     | length |
        | 0x01    | 64 KiB | 64 KiB |
        | 0x02    | 64 KiB | 64 KiB |
      Then "view0" should have shown "drive0" as it was, each time
      And no part of "view1" should be readable any more

  Rule: With on-cbw-error=break-snapshot, a backup job pays in the place of its guest
    @blockdev-backup @known-defect.broken-backup-completes
    Scenario: The target of a backup fails when the guest is about to write
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      And the next backup goes to storage that fails the second write
      And a backup of "drive0" has been started with:
        | option             | value          |
        | sync               | full           |
        | speed              | 1              |
        | x-perf.max-chunk   | 64 KiB         |
        | x-perf.max-workers | 1              |
        | on-cbw-error       | break-snapshot |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x01    | 3 MiB | 64 KiB |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should fail with "Input/output error"
