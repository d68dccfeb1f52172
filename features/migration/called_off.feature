@migration
Feature: A guest that does not get to the other machine
  A move can be called off, the other machine can die or refuse what comes, or the guest must not leave now. Then the guest
  goes on where it was, and its bitmaps with it: they record, they miss nothing, and nothing is locked or left in use, so
  that the next backup is right and a second attempt gets there.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at | length |
      | 0x41    | 0  | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | no         |
      | add     | silent  | drive0 | no         |
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |
    And the bitmap "silent" of "drive0" has been disabled

  Rule: The guest goes on here with bitmaps that have missed nothing, and gets there at the second attempt
    @bug-B99
    Scenario Outline: The <what happens>, with <images>
      Given the machine "elsewhere" waits for the guest, with <images>
      And all bitmaps travel with the guest
      And the guest is on its way there
      And the guest has written to "drive0":
        | pattern | at    | length | note       |
        | 0xcd    | 1 MiB | 1 KiB  | on its way |
      And the <what happens>
      And the guest has written to "drive0":
        | pattern | at    | length | note    |
        | 0xef    | 4 MiB | 1 B    | at home |
      And the machine "third" waits for the guest, with the same images
      And all bitmaps travel with the guest
      When the guest moves there
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: by the operator, and by the other host
        | what happens                                        | images               |
        | move has been called off                            | the same images      |
        | move has been called off                            | copies of the images |
        | machine that waits for the guest has been killed    | the same images      |
        | machine that waits for the guest has been shut down | the same images      |

    Scenario: The other machine has a bitmap of that name, and the next one has none
      Given the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the machine "elsewhere" has the bitmap "silent" on "drive0"
      And the guest has failed to move there, and one of the machines has said "Bitmap with the same name"
      And the machine "third" waits for the guest, with the same images
      And all bitmaps travel with the guest
      When the guest moves there
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: What cannot be sent, keeps the guest here, and is named; when that is over, the guest gets there
    Scenario: A bitmap is in use by a backup, which goes on
      Given the guest has written to "drive0":
        | pattern | at    | length |
        | 0xcd    | 1 MiB | 1 MiB  |
      And a backup of "drive0" has been started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap0     |
        | speed  | 1 B         |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest has failed to move there, and one of the machines has said "Bitmap 'bitmap0' is currently in use"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xef    | 3 MiB | 1 KiB  |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @bug-B62 @known-defect.moved-in-spite-of-backup
    Scenario: A full backup runs, which goes on
      Given a backup of "drive0" has been started with:
        | option | value |
        | sync   | full  |
        | speed  | 1 B   |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest has failed to move there, and one of the machines has said "nactivate"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0xef    | 3 MiB | 1 KiB  |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed
      And the bitmaps should still hold what had changed

    Scenario: A bitmap is inconsistent, and is removed
      Given the 1 MiB drive "drive1", left by a crash with the bitmap "stale"
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest has failed to move there, and one of the machines has said "Bitmap 'stale' is inconsistent"
      And the bitmap "stale" of "drive1" has been removed
      And the machine "third" waits for the guest, with the same images
      And all bitmaps travel with the guest
      When the guest moves there
      Then "drive1" should have no bitmap
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
