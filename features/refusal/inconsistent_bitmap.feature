@refusal
Feature: Bitmaps that are inconsistent after a crash
  When the host loses power, what a persistent bitmap had recorded is lost, and QEMU calls the bitmap inconsistent. It
  must not be used for anything: a backup by it would lack what was written before the crash. It is still there to tell
  the operator that the chain has ended; once it is removed, a new chain can begin on the running machine.

  Background:
    Given the 4 MiB drive "drive0", left by a crash with the bitmap "bitmap0"
    And a bitmap "bitmap1" on "drive0"
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: An inconsistent bitmap can be removed; before that, each request for it, and to resize its drive, is refused
    @bug-B76
    Scenario Outline: A request for an inconsistent bitmap: <request>, <case>
      When this request is made:
        | request   | bitmap   | drive  | from   | bitmap-mode |
        | <request> | <bitmap> | drive0 | <from> | <mode>      |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is inconsistent and cannot be used"
      And nothing should have changed

      Examples: all that can be done with a bitmap, but for removing it
        | case                              | request            | bitmap  | from    | mode       |
        | to forget an unknown record       | clear              | bitmap0 |         |            |
        | to record from now on             | enable             | bitmap0 |         |            |
        | although it does not record       | disable            | bitmap0 |         |            |
        | into the bitmap                   | merge              | bitmap0 | bitmap1 |            |
        | from the bitmap                   | merge              | bitmap1 | bitmap0 |            |
        | would lack what was written       | incremental backup | bitmap0 |         | on-success |
        | would leave the bitmap as it is   | bitmap backup      | bitmap0 |         | never      |
        | would clear the bitmap in the end | full backup        | bitmap0 |         | on-success |
        | to be read by a client            | export             | bitmap0 |         |            |

    @bug-B15
    Scenario Outline: A new bitmap gets the name of an inconsistent one: <case>
      When this request is made:
        | request | bitmap  | drive  | persistent   |
        | add     | bitmap0 | drive0 | <persistent> |
      Then QEMU should refuse it as a GenericError that says "Bitmap already exists: bitmap0"
      And nothing should have changed

      Examples: both kinds of bitmaps
        | case       | persistent |
        | transient  | no         |
        | persistent | yes        |

    @bug-B76
    Scenario Outline: A request for an inconsistent bitmap in a transaction: <request>, <case>
      When these requests are made as one transaction:
        | request   | bitmap   | drive  | from   |
        | clear     | bitmap1  | drive0 |        |
        | <request> | <bitmap> | drive0 | <from> |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is inconsistent and cannot be used"
      And nothing should have changed

      Examples: all that a transaction can do with a bitmap, but for removing it
        | case                        | request            | bitmap  | from    |
        | to forget an unknown record | clear              | bitmap0 |         |
        | to record from now on       | enable             | bitmap0 |         |
        | although it does not record | disable            | bitmap0 |         |
        | into the bitmap             | merge              | bitmap0 | bitmap1 |
        | from the bitmap             | merge              | bitmap1 | bitmap0 |
        | would lack what was written | incremental backup | bitmap0 |         |

    Scenario Outline: A drive with an inconsistent bitmap is to <change>
      When "drive0" is resized to <size>
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is inconsistent and cannot be used"
      And nothing should have changed
      When the bitmap "bitmap0" of "drive0" is removed
      And "drive0" is resized to <size>
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap1 | 64 KiB      | yes       | no   | 128 KiB |

      Examples: to either side
        | change | size  |
        | grow   | 5 MiB |
        | shrink | 3 MiB |

    Scenario: A new chain after a crash, with a bitmap of the old name
      Given the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at      | length |
        | 0x9a    | 960 KiB | 65 KiB |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And it should hold only what had changed
