@restart
Feature: Drives that a machine may only read
  Somebody looks into a drive: to restore a single file, to examine what happened, to boot a copy. The machine shows the
  bitmaps that the image stores, and can take backups by them; but whoever reads must leave no trace, and what would
  have to change a bitmap must be refused.

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

  Rule: The bitmaps are shown, and nothing is changed, whatever the guest tries
    Scenario Outline: A machine that only reads is <ended>, and the next one goes on with the chain
      Given the bitmaps of "drive0" are:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
      And the machine has been <ended>, and "tomorrow" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: in order or not
        | case         | ended     |
        | in order     | shut down |
        | with no time | killed    |

    Scenario: The guest tries to write
      Given the machine has been reset
      When the machine is told to power down
      Then these requests of the guest to "drive0" should fail with "ead-only":
        | request      | pattern | at    | length |
        | write        | 0x9a    | 1 MiB | 64 KiB |
        | write zeroes |         | 2 MiB | 64 KiB |
        | discard      |         | 3 MiB | 64 KiB |
      And the bitmaps should still hold what had changed
      And the image of "drive0" should be as it was, byte for byte

    Scenario: A bitmap that a crash has spoilt is looked at, and stays spoilt
      Given the machine has been shut down, and "tuesday" has started with the same drives
      And the machine has been killed, and "second reader" has started with the same drives for reading only
      And the bitmaps of "drive0" are:
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
      When these requests are made, one after the other:
        | request | drive  | bitmap    | from    |
        | add     | drive0 | transient |         |
        | merge   | drive0 | transient | bitmap0 |
        | disable | drive0 | bitmap0   |         |
        | enable  | drive0 | bitmap1   |         |
      Then QEMU should grant it
      And the bitmaps should still hold what had changed
      And the image of "drive0" should be as it was, byte for byte
      When the machine is shut down, and "tomorrow" starts with the same drives
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
