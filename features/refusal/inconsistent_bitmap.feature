@refusal
Feature: Bitmaps that a crash has made useless
  When the host loses power, what a persistent bitmap had recorded is lost, and QEMU calls the bitmap inconsistent. It
  must not be used for anything: a backup by it would lack what was written before the crash. It is still there to tell
  the operator that the chain has ended; once it is removed, a new chain can begin on the running machine.

  Background:
    Given the 4 MiB drive "drive0", left by a crash with the bitmap "bitmap0"
    And a bitmap "bitmap1" on "drive0"
    And the guest has written to "drive0":
      | pattern | at          | length  | which                      |
      | 0xab    | 65535 bytes | 2 bytes | over the edge of a granule |

  Rule: An inconsistent bitmap can be removed and used for nothing else
    @needs.qemu-img-bitmap @bug-B76
    Scenario Outline: A request for an inconsistent bitmap
      When this request is made:
        | request   | bitmap   | drive  | from   | persistent   |
        | <request> | <bitmap> | drive0 | <from> | <persistent> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: all that can be done with a bitmap
        | request            | bitmap  | from    | persistent | words                                               | which                          |
        | clear              | bitmap0 |         |            | Bitmap 'bitmap0' is inconsistent and cannot be used | nobody knows what it lacks     |
        | enable             | bitmap0 |         |            | Bitmap 'bitmap0' is inconsistent and cannot be used | would record only from now on  |
        | disable            | bitmap0 |         |            | Bitmap 'bitmap0' is inconsistent and cannot be used | does not record anyway         |
        | merge              | bitmap0 | bitmap1 |            | Bitmap 'bitmap0' is inconsistent and cannot be used | into it                        |
        | merge              | bitmap1 | bitmap0 |            | Bitmap 'bitmap0' is inconsistent and cannot be used | from it                        |
        | incremental backup | bitmap0 |         |            | Bitmap 'bitmap0' is inconsistent and cannot be used | would lack what was written    |
        | full backup        | bitmap0 |         |            | Bitmap 'bitmap0' is inconsistent and cannot be used | would bring it in step         |
        | add                | bitmap0 |         | no         | Bitmap already exists: bitmap0                      | its name is still taken        |
        | add                | bitmap0 |         | yes        | Bitmap already exists: bitmap0                      | its place in the image as well |

      @needs.block-export
      Examples: what a client could ask for
        | request | bitmap  | from | persistent | words                                               | which      |
        | export  | bitmap0 |      |            | Bitmap 'bitmap0' is inconsistent and cannot be used | to be read |

    @needs.qemu-img-bitmap @bug-B76
    Scenario Outline: A request for an inconsistent bitmap in a transaction
      When these requests are made as one transaction:
        | request   | bitmap   | drive  | from   |
        | clear     | bitmap1  | drive0 |        |
        | <request> | <bitmap> | drive0 | <from> |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is inconsistent and cannot be used"
      And nothing should have changed

      Examples: all that a transaction can do with a bitmap, but for removing it
        | request            | bitmap  | from    | which                         |
        | clear              | bitmap0 |         | nobody knows what it lacks    |
        | enable             | bitmap0 |         | would record only from now on |
        | disable            | bitmap0 |         | does not record anyway        |
        | merge              | bitmap0 | bitmap1 | into it                       |
        | merge              | bitmap1 | bitmap0 | from it                       |
        | incremental backup | bitmap0 |         | would lack what was written   |

    @needs.qemu-img-bitmap
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

    @needs.qemu-img-bitmap
    Scenario: A new chain after a crash, with a bitmap of the old name
      Given the bitmap "bitmap0" of "drive0" has been removed
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at      | length |
        | 0x9a    | 960 KiB | 65 KiB |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the backup with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed
