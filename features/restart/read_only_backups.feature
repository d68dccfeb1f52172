@restart
Feature: Backups of drives that a machine may only read
  A backup by a bitmap reads the drive, and at its end empties the bitmap or marks in it what was not copied. Where the
  image may only be read, QEMU must refuse at once what it could not end so, and take every other backup; and the image
  must be as it was.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity | recording |
      | add     | bitmap0 | drive0 | yes        | 64 KiB      | yes       |
      | add     | bitmap1 | drive0 | yes        | 512 B       | no        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |
    And the machine has been shut down, and "reader" has started with the same drives for reading only

  Rule: A backup is granted if its end leaves the stored bitmap as it is
    Scenario Outline: A backup with sync <sync> and the bitmap mode <mode>
      When a backup of "drive0" is started with:
        | option      | value    |
        | sync        | <sync>   |
        | bitmap      | <bitmap> |
        | bitmap-mode | <mode>   |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And the image of "drive0" should be as it was, byte for byte

      Examples: refused
        | case                  | sync        | mode       | bitmap  | words                                               |
        | the usual increment   | incremental | on-success | bitmap0 | Bitmap 'bitmap0' is readonly and cannot be modified |
        | would empty it        | bitmap      | on-success | bitmap0 | Bitmap 'bitmap0' is readonly and cannot be modified |
        | would empty it anyway | bitmap      | always     | bitmap0 | Bitmap 'bitmap0' is readonly and cannot be modified |
        | would bring it up     | full        | on-success | bitmap0 | Bitmap 'bitmap0' is readonly and cannot be modified |
        | would mark the rest   | full        | always     | bitmap0 | Bitmap 'bitmap0' is readonly and cannot be modified |
        | of the upper layer    | top         | on-success | bitmap0 | Bitmap 'bitmap0' is readonly and cannot be modified |
        | at either end         | top         | always     | bitmap0 | Bitmap 'bitmap0' is readonly and cannot be modified |
        | one at rest           | bitmap      | always     | bitmap1 | Bitmap 'bitmap1' is readonly and cannot be modified |
        | means nothing         | none        | on-success | bitmap0 | sync mode 'none' does not produce meaningful bitmap |
        | means nothing         | full        | never      | bitmap0 | 'never' has no meaningful effect when combined with |
        | means nothing         | top         | never      | bitmap0 | 'never' has no meaningful effect when combined with |
        | not of this kind      | incremental | never      | bitmap0 | Bitmap sync mode must be 'on-success'               |

    Scenario Outline: A backup with sync <sync> that leaves the bitmaps as they are
      When a backup of "drive0" is started with:
        | option      | value    |
        | sync        | <sync>   |
        | bitmap      | <bitmap> |
        | bitmap-mode | <mode>   |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the bitmaps should still hold what had changed
      And the image of "drive0" should be as it was, byte for byte

      Examples: granted
        | case             | sync   | bitmap  | mode  |
        | all              | full   |         |       |
        | the upper layer  | top    |         |       |
        | what has changed | bitmap | bitmap0 | never |
