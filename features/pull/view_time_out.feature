@pull
Feature: Scratch storage that is slow
  While a view saves what the guest is about to overwrite, the guest waits. Storage that hangs would hang the guest. With
  a time-out, storage that takes longer is as good as broken, and who pays then is the operator's choice; storage that
  takes less is waited for, or each hiccup would cost a backup.

  Background:
    Given a machine whose guest sees its drives as disks
    And the 4 MiB drive "drive0" in a qcow2 image, holding:
      | pattern | at | length |
      | 0x41    | 0  | 1 MiB  |

  Rule: What takes longer than the time-out fails then, and not earlier
    Scenario: The guest is told after the time-out, and not earlier
      Given each view saves at most 1 KiB a second
      And "drive0" has been frozen in the view "view0" with:
        | option       | value             |
        | on-cbw-error | break-guest-write |
        | cbw-timeout  | 1                 |
      When the guest writes to "drive0":
        | pattern | at | length | note                |
        | 0x01    | 0  | 1 KiB  | this is saved still |
      Then the guest should be told "Connection timed out" after 1 s, and not after 20 s, by "drive0":
        | pattern | at     | length |
        | 0x02    | 64 KiB | 1 KiB  |
      And "view0" should show "drive0" as it was

    Scenario: The view breaks after the time-out, and the guest's write is done
      Given each view saves at most 1 KiB a second
      And "drive0" has been frozen in the view "view0" with:
        | option       | value          |
        | on-cbw-error | break-snapshot |
        | cbw-timeout  | 1              |
      When the guest writes to "drive0":
        | pattern | at     | length | note                 |
        | 0x01    | 0      | 1 KiB  | this is saved still  |
        | 0x02    | 64 KiB | 1 KiB  | this is not, in time |
      Then no part of "view0" should be readable any more

  Rule: What takes less than the time-out is waited for
    @bug-B69 @known-defect.cbw-timeout-overflows
    Scenario: Storage that takes more than a second is waited for when the time-out is longer
      Given each view saves at most 48 KiB a second
      And "drive0" has been frozen in the view "view0" with:
        | option       | value             |
        | on-cbw-error | break-guest-write |
        | cbw-timeout  | 43                |
      When the guest writes to "drive0":
        | pattern | at     | length | note                        |
        | 0x01    | 0      | 1 KiB  | this is saved at once       |
        | 0x02    | 64 KiB | 1 KiB  | this after more than second |
      Then "view0" should show "drive0" as it was

    Scenario: Storage that takes less than the time-out is waited for
      Given each view saves at most 256 KiB a second
      And "drive0" has been frozen in the view "view0" with:
        | option       | value          |
        | on-cbw-error | break-snapshot |
        | cbw-timeout  | 4              |
      When the guest writes to "drive0":
        | pattern | at     | length |
        | 0x01    | 0      | 1 KiB  |
        | 0x02    | 64 KiB | 1 KiB  |
      Then "view0" should show "drive0" as it was
