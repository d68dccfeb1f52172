@migration
Feature: Bitmaps that are on their way to another machine are in use
  While a bitmap is being sent, nobody may change it, here or there: what the other machine has got of it would not be
  what it is.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at | length |
      | 0x41    | 0  | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap    | drive  | persistent |
      | add     | bitmap0   | drive0 | yes        |
      | add     | transient | drive0 | no         |
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |

  Rule: Bitmaps on their way cannot be changed on either side
    Scenario Outline: A bitmap that is being sent is to be <request>
      Given the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      When this request is made:
        | request   | drive  | bitmap   | writable   |
        | <request> | drive0 | <bitmap> | <writable> |
      Then QEMU should refuse it as a GenericError that says "Bitmap '<named>' is currently in use"
      And nothing should have changed
      When the guest gets there
      Then the bitmaps should still hold what had changed

      Examples: whatever is asked
        | request | bitmap    | named     | writable |
        | remove  | transient | transient |          |
        | remove  | bitmap0   | bitmap0   |          |
        | clear   | bitmap0   | bitmap0   |          |
        | disable | transient | transient |          |
        | enable  | bitmap0   | bitmap0   |          |
        | export  | bitmap0   | bitmap0   | yes      |

    @bug-B102
    Scenario: A bitmap that is arriving is to be removed at the other machine
      Given the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      When the bitmap "transient" of "drive0" is to be removed at "elsewhere"
      Then QEMU should refuse it as a GenericError that says "Bitmap 'transient' is currently in use"
      When the guest gets there
      Then the bitmaps should still hold what had changed

    Scenario: An incremental backup is asked for with a bitmap that is being sent
      Given the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      When an incremental backup of "drive0" with "bitmap0" is started
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is currently in use"
      And nothing should have changed
      When the guest gets there
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
