@refusal
Feature: Bitmaps that a backup or an export is using
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
      | 0x64    | 4 MiB - 1 B  | 1 B    | the last byte              |

  Rule: While a backup uses a bitmap, each other request for that bitmap is refused
    @blockdev-backup @bug-B76
    Scenario Outline: A request for the bitmap of a running backup: <request>, <case>
      Given an incremental backup of "drive0" with "bitmap0" is kept pending
      And the guest has written to "drive0":
        | pattern | at      | length |
        | 0x9a    | 960 KiB | 65 KiB |
      When this request is made:
        | request   | bitmap   | drive  | from   |
        | <request> | <bitmap> | drive0 | <from> |
      Then QEMU should refuse it as a GenericError that says "Bitmap 'bitmap0' is currently in use"
      And nothing should have changed
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed

      Examples: all that can be done with a bitmap
        | case                                 | request            | bitmap  | from    |
        | the record is needed after a failure | clear              | bitmap0 |         |
        | although it records already          | enable             | bitmap0 |         |
        | new writes would be lost             | disable            | bitmap0 |         |
        | needed again after a failure         | remove             | bitmap0 |         |
        | into the bitmap                      | merge              | bitmap0 | bitmap1 |
        | from the bitmap                      | merge              | bitmap1 | bitmap0 |
        | a second one with the bitmap         | incremental backup | bitmap0 |         |
        | would clear the bitmap in the end    | full backup        | bitmap0 |         |
        | to be read by a client               | export             | bitmap0 |         |

  Rule: While a bitmap is exported, each other request for that bitmap is refused
    @bug-B76
    Scenario Outline: A request for an exported bitmap: <request>, <case>
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
        | case                              | request            | bitmap  | from    | writable |
        | the client would read nothing     | clear              | bitmap0 |         |          |
        | although it records already       | enable             | bitmap0 |         |          |
        | new writes would be lost          | disable            | bitmap0 |         |          |
        | nothing would be left to read     | remove             | bitmap0 |         |          |
        | into the bitmap                   | merge              | bitmap0 | bitmap1 |          |
        | from the bitmap                   | merge              | bitmap1 | bitmap0 |          |
        | would clear the bitmap in the end | incremental backup | bitmap0 |         |          |
        | would clear the bitmap in the end | full backup        | bitmap0 |         |          |
        | a second time                     | export             | bitmap0 |         | yes      |

    @bug-B76
    Scenario Outline: A request for an exported bitmap in a transaction: <request>, <case>
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
        | case                              | request            | bitmap  | from    |
        | the client would read nothing     | clear              | bitmap0 |         |
        | new writes would be lost          | disable            | bitmap0 |         |
        | nothing would be left to read     | remove             | bitmap0 |         |
        | into the bitmap                   | merge              | bitmap0 | bitmap1 |
        | from the bitmap                   | merge              | bitmap1 | bitmap0 |
        | would clear the bitmap in the end | incremental backup | bitmap0 |         |

      @known-defect.enable-busy-bitmap
      Examples: what must not be undone, since it was refused
        | case                            | request | bitmap  | from |
        | the bitmap must go on recording | enable  | bitmap0 |      |

  Rule: A bitmap cannot be exported if it does not exist, nor by a read-only export while it records
    Scenario Outline: An export is refused: <case>
      When this request is made:
        | request | bitmap    | drive  | writable   |
        | export  | <bitmaps> | drive0 | <writable> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: a bitmap that changes while a client reads it, or does not exist
        | case                                   | bitmaps         | writable | words                                                      |
        | a bitmap that records, read-only       | bitmap0         | no       | Enabled bitmap 'bitmap0' incompatible with readonly export |
        | no such bitmap                         | absent          | yes      | Bitmap 'absent' is not found                               |
        | one that is there, and one that is not | bitmap0, absent | yes      | Bitmap 'absent' is not found                               |

    Scenario: A bitmap that does not record is exported read-only
      Given the bitmap "bitmap0" of "drive0" has been disabled
      When this request is made:
        | request | bitmap  | drive  | writable |
        | export  | bitmap0 | drive0 | no       |
      Then QEMU should grant it
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | no        | yes  | 192 KiB |
        | bitmap1 | 32 KiB      | yes       | no   | 96 KiB  |
