@restart
Feature: Drives that a machine may only read
  Somebody looks into a drive: to restore a single file, to examine what happened, to boot a copy. The machine shows the
  bitmaps that the image stores, and can take backups by them; but whoever reads must leave no trace, and what would
  have to change a bitmap must be refused.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | yes        |
    And these bitmaps on "drive0":
      | bitmap  | granularity | recording | persistent |
      | bitmap1 | 512 B       | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |
    And the machine has been shut down
    And the machine "reader" has started with the same drives for reading only

  Rule: The bitmaps are shown, and nothing is changed, be it that the guest tries to write
    Scenario: The guest tries to write, and the next machine goes on with the chain
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
      And these requests of the guest to "drive0" should fail with "ead-only":
        | request      | pattern | at    | length |
        | write        | 0x9a    | 1 MiB | 64 KiB |
        | write zeroes |         | 2 MiB | 64 KiB |
        | discard      |         | 3 MiB | 64 KiB |
      And the bitmaps should still hold what had changed
      And the image of "drive0" should be as it was, byte for byte
      Given the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: The machine that only reads is killed
      Given the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: A bitmap that a crash has spoilt is looked at, and stays spoilt
      Given the machine has been shut down
      And the machine "tuesday" has started with the same drives
      And the machine has been killed
      And the machine "second reader" has started with the same drives for reading only
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |
      When the bitmap "bitmap0" of "drive0" is removed
      Then QEMU should refuse it as a GenericError that says "Cannot remove persistent bitmap 'bitmap0'"
      And nothing should have changed
      And the image of "drive0" should be as it was, byte for byte

  Rule: What would have to change a stored bitmap is refused; what lasts no longer than the machine is granted
    Scenario Outline: The request "<request>" for <bitmap>
      When this request is made:
        | request   | drive  | bitmap   | from   | persistent   |
        | <request> | drive0 | <bitmap> | <from> | <persistent> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And the image of "drive0" should be as it was, byte for byte

      Examples: refused
        | case                     | request | bitmap  | from    | persistent | words                                               |
        | its record               | clear   | bitmap0 |         |            | Bitmap 'bitmap0' is readonly and cannot be modified |
        | one that does not record | clear   | bitmap1 |         |            | Bitmap 'bitmap1' is readonly and cannot be modified |
        | itself                   | remove  | bitmap0 |         |            | Cannot remove persistent bitmap 'bitmap0'           |
        | one that does not record | remove  | bitmap1 |         |            | Cannot remove persistent bitmap 'bitmap1'           |
        | what another one has     | merge   | bitmap1 | bitmap0 |            | Bitmap 'bitmap1' is readonly and cannot be modified |
        | a name that is taken     | add     | bitmap0 |         |            | Bitmap already exists: bitmap0                      |

    @known-defect.added-to-read-only
    Scenario: A persistent bitmap is to be added
      When this request is made:
        | request | bitmap | drive  | persistent |
        | add     | new    | drive0 | yes        |
      Then QEMU should refuse it as a GenericError that says "Cannot add a persistent bitmap to read-only"
      And nothing should have changed

    Scenario: A transaction of which one request must be refused
      When these requests are made as one transaction:
        | request | bitmap    | drive  |
        | add     | transient | drive0 |
        | enable  | bitmap1   | drive0 |
        | clear   | bitmap0   | drive0 |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is readonly and cannot be modified"
      And nothing should have changed
      And the image of "drive0" should be as it was, byte for byte

    Scenario: Bitmaps that last as long as the machine, and what is enabled and disabled for as long
      Given these bitmaps on "drive0":
        | bitmap    | granularity |
        | transient | 64 KiB      |
      And "bitmap0" of "drive0" has been merged into "transient"
      And the bitmap "bitmap0" of "drive0" has been disabled
      And the bitmap "bitmap1" of "drive0" has been enabled
      Then the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | no        | no   | yes        | 192 KiB |
        | bitmap1   | 512 B       | yes       | no   | yes        | 0       |
        | transient | 64 KiB      | yes       | no   | no         | 192 KiB |
      And the image of "drive0" should be as it was, byte for byte
      Given the machine has been shut down
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |

    Scenario: The drive is to be resized
      When this request is made:
        | request | drive  | size  |
        | resize  | drive0 | 8 MiB |
      Then QEMU should refuse it as a GenericError that says "Image is read-only"
      And nothing should have changed
      And the image of "drive0" should be as it was, byte for byte

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
