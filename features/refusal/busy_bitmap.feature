@refusal
Feature: Bitmaps that something else is using
  While a backup goes by a bitmap, or a client reads it through an export, the bitmap is busy: whoever cleared, changed
  or removed it now would take the ground from under the reader's feet. QEMU refuses all of that until the bitmap is
  free again, and by then it has recorded all that the guest wrote meanwhile.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a bitmap "bitmap1" with a granularity of 32 KiB on "drive0"
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: A bitmap that a running backup goes by is used for nothing else
    @blockdev-backup @bug-B76
    Scenario Outline: A request for the bitmap of a running backup
      Given a backup of "drive0" has been started with:
        | option        | value       |
        | sync          | incremental |
        | bitmap        | bitmap0     |
        | auto-finalize | no          |
      And the backup of "drive0" has become pending
      And the guest has written to "drive0":
        | pattern | at      | length |
        | 0x9a    | 960 KiB | 65 KiB |
      When this request is made:
        | request   | bitmap   | drive  | from   |
        | <request> | <bitmap> | drive0 | <from> |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is currently in use"
      And nothing should have changed
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed

      Examples: all that can be done with a bitmap
        | case                               | request            | bitmap  | from    |
        | the backup would copy nothing      | clear              | bitmap0 |         |
        | even though it records             | enable             | bitmap0 |         |
        | new writes would be lost           | disable            | bitmap0 |         |
        | nothing would be left to return to | remove             | bitmap0 |         |
        | into it                            | merge              | bitmap0 | bitmap1 |
        | from it                            | merge              | bitmap1 | bitmap0 |
        | a second backup by the same record | incremental backup | bitmap0 |         |
        | would bring it in step             | full backup        | bitmap0 |         |

      Examples: what a client could ask for
        | case       | request | bitmap  | from |
        | to be read | export  | bitmap0 |      |

  Rule: A bitmap that is exported is used for nothing else
    @bug-B76
    Scenario Outline: A request for an exported bitmap
      Given this request has been granted:
        | request | bitmap  | drive  | writable |
        | export  | bitmap0 | drive0 | yes      |
      When this request is made:
        | request   | bitmap   | drive  | from   | writable   |
        | <request> | <bitmap> | drive0 | <from> | <writable> |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is currently in use"
      And nothing should have changed
      When this request is made:
        | request       | drive  |
        | delete export | drive0 |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: all that can be done with a bitmap
        | case                          | request            | bitmap  | from    | writable |
        | the client would read nothing | clear              | bitmap0 |         |          |
        | even though it records        | enable             | bitmap0 |         |          |
        | new writes would be lost      | disable            | bitmap0 |         |          |
        | nothing would be left to read | remove             | bitmap0 |         |          |
        | into it                       | merge              | bitmap0 | bitmap1 |          |
        | from it                       | merge              | bitmap1 | bitmap0 |          |
        | would clear it in the end     | incremental backup | bitmap0 |         |          |
        | would bring it in step        | full backup        | bitmap0 |         |          |
        | a second time                 | export             | bitmap0 |         | yes      |

    @bug-B76
    Scenario Outline: A request for an exported bitmap in a transaction
      Given this request has been granted:
        | request | bitmap  | drive  | writable |
        | export  | bitmap0 | drive0 | yes      |
      When these requests are made as one transaction:
        | request   | bitmap   | drive  | from   |
        | clear     | bitmap1  | drive0 |        |
        | <request> | <bitmap> | drive0 | <from> |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is currently in use"
      And nothing should have changed

      Examples: all that a transaction can do with a bitmap
        | case                          | request            | bitmap  | from    |
        | the client would read nothing | clear              | bitmap0 |         |
        | new writes would be lost      | disable            | bitmap0 |         |
        | nothing would be left to read | remove             | bitmap0 |         |
        | into it                       | merge              | bitmap0 | bitmap1 |
        | from it                       | merge              | bitmap1 | bitmap0 |
        | would clear it in the end     | incremental backup | bitmap0 |         |

      @known-defect.enable-busy-bitmap
      Examples: what a transaction must not even undo
        | case                                           | request | bitmap  | from |
        | it records already, and must not stop to do so | enable  | bitmap0 |      |

  Rule: An export shows a bitmap only if a client can rely on what it reads
    Scenario Outline: Bitmaps that an export must not show
      When this request is made:
        | request | bitmap    | drive  | writable   |
        | export  | <bitmaps> | drive0 | <writable> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: bitmaps that change under the client's eyes, or are not there
        | case                                   | bitmaps         | writable | words                                                      |
        | it records what others write           | bitmap0         | no       | Enabled bitmap 'bitmap0' incompatible with readonly export |
        | no such bitmap                         | absent          | yes      | Bitmap 'absent' is not found                               |
        | one that is there, and one that is not | bitmap0, absent | yes      | Bitmap 'absent' is not found                               |

    Scenario: A bitmap that does not record in an export that cannot be written to
      Given the bitmap "bitmap0" of "drive0" has been disabled
      When this request is made:
        | request | bitmap  | drive  | writable |
        | export  | bitmap0 | drive0 | no       |
      Then QEMU should grant it
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | no        | yes  | 128 KiB |
        | bitmap1 | 32 KiB      | yes       | no   | 64 KiB  |
