@transaction
Feature: Requests that make a transaction fail
  The plan of a night's backup is one transaction: new bitmaps, old ones cleared, merged or removed, and the backups
  of all drives. One of its requests cannot be granted, be it that a name is taken, a bitmap has gone or an image does
  not fit. Whichever it is, and wherever in the plan it stands, the operator must find everything as before.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0"
    And the 4 MiB + 1 KiB drive "drive1"
    And these bitmaps on "drive0":
      | bitmap  | granularity | recording | note                    |
      | bitmap0 | 64 KiB      | yes       | the size of a cluster   |
      | bitmap1 | 512 B       | yes       | more than 8000 granules |
      | bitmap2 | 4 KiB       | yes       | more than 1000 granules |
      | bitmap3 | 1 MiB       | yes       | five granules           |
      | bitmap4 | 32 KiB      | yes       | more than 128 granules  |
      | bitmap5 | 64 KiB      | no        | nothing recorded so far |
      | bitmap6 | 128 KiB     | no        | nothing recorded so far |
    And the guest has written to "drive0":
      | pattern | at             | length | note                               |
      | 0x41    | 0              | 65 KiB | a granule and a bit of the second  |
      | 0xfe    | 2 MiB - 1 B    | 2 B    | the bytes on both sides of an edge |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB | up to the end of the drive         |

  Rule: Whichever request fails, all that were granted before it are undone
    @blockdev-backup @bug-B48 @bug-B64 @bug-B74 @bug-B75
    Scenario Outline: A request of every kind, and then a failing <failing>: <case>
      When these requests are made as one transaction:
        | request            | bitmap   | drive  | from    | granularity   | target   |
        | add                | bitmap7  | drive0 |         |               |          |
        | clear              | bitmap0  | drive0 |         |               |          |
        | disable            | bitmap1  | drive0 |         |               |          |
        | remove             | bitmap2  | drive0 |         |               |          |
        | merge              | bitmap5  | drive0 | bitmap3 |               |          |
        | enable             | bitmap6  | drive0 |         |               |          |
        | incremental backup | bitmap4  | drive0 |         |               |          |
        | full backup        |          | drive1 |         |               |          |
        | <failing>          | <bitmap> | drive0 | <from>  | <granularity> | <target> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at      | length |
        | 0x9a    | 300 KiB | 30 KiB |
      Then the next incremental backup of "drive0" with "<used>" should restore it as it was then

      Examples: a request for a bitmap, and the bitmap that is used afterwards
        | case                     | failing | bitmap  | from             | granularity | target | words                         | used    |
        | a name that is taken     | add     | bitmap1 |                  |             |        | already exists: bitmap1       | bitmap0 |
        | a name just taken        | add     | bitmap7 |                  |             |        | already exists: bitmap7       | bitmap1 |
        | a name not yet free      | add     | bitmap2 |                  |             |        | already exists: bitmap2       | bitmap2 |
        | a wrong granularity      | add     | bitmap8 |                  | 48 KiB      |        | must be power of 2            | bitmap3 |
        | no such bitmap           | clear   | absent  |                  |             |        | bitmap 'absent' not found     | bitmap4 |
        | a bitmap in use          | clear   | bitmap4 |                  |             |        | 'bitmap4' is currently in use | bitmap4 |
        | no such bitmap           | disable | absent  |                  |             |        | bitmap 'absent' not found     | bitmap0 |
        | a removed bitmap         | disable | bitmap2 |                  |             |        | 'bitmap2' is currently in use | bitmap2 |
        | no such bitmap           | remove  | absent  |                  |             |        | bitmap 'absent' not found     | bitmap1 |
        | a removed bitmap         | remove  | bitmap2 |                  |             |        | 'bitmap2' is currently in use | bitmap2 |
        | a bitmap in use          | remove  | bitmap4 |                  |             |        | 'bitmap4' is currently in use | bitmap4 |
        | the second source absent | merge   | bitmap6 | bitmap1, absent  |             |        | bitmap 'absent' not found     | bitmap0 |
        | a bitmap already filled  | merge   | bitmap5 | bitmap1, absent  |             |        | bitmap 'absent' not found     | bitmap3 |
        | a removed source         | merge   | bitmap0 | bitmap1, bitmap2 |             |        | 'bitmap2' is currently in use | bitmap0 |

      Examples: a request for a backup, and the bitmap that is used afterwards
        | case                    | failing            | bitmap  | from | granularity | target | words                         | used    |
        | no such target          | full backup        |         |      |             | absent | Cannot find device='absent'   | bitmap0 |
        | the drive as its target | full backup        |         |      |             | drive0 | target cannot be the same     | bitmap1 |
        | a smaller target        | full backup        |         |      |             | 4 MiB  | have different sizes          | bitmap2 |
        | smaller, with a bitmap  | full backup        | bitmap3 |      |             | 4 MiB  | have different sizes          | bitmap3 |
        | a larger target         | incremental backup | bitmap0 |      |             | 5 MiB  | have different sizes          | bitmap0 |
        | no such bitmap          | incremental backup | absent  |      |             |        | 'absent' could not be found   | bitmap0 |
        | a removed bitmap        | incremental backup | bitmap2 |      |             |        | 'bitmap2' is currently in use | bitmap2 |
        | a bitmap in use         | incremental backup | bitmap4 |      |             |        | 'bitmap4' is currently in use | bitmap4 |

    Scenario Outline: The <place> of three requests fails
      When these requests are made as one transaction:
        | request  | bitmap  | drive  |
        | <first>  | bitmap0 | drive0 |
        | <second> | bitmap1 | drive0 |
        | <third>  | bitmap2 | drive0 |
      Then QEMU should refuse it as a GenericError that says "Bitmap already exists: <taken>"
      And nothing should have changed
      And the next incremental backup of "drive0" with "<used>" should restore it as it was then

      Examples: what is asked of three bitmaps, of which one name is taken
        | case                        | place  | first | second  | third  | taken   | used    |
        | nothing to undo             | first  | add   | disable | remove | bitmap0 | bitmap2 |
        | one to undo, one never done | second | clear | add     | remove | bitmap1 | bitmap0 |
        | both to undo                | third  | clear | disable | add    | bitmap2 | bitmap1 |

    @blockdev-backup @bug-B74
    Scenario: Requests for bitmaps of two drives, and one that fails
      Given a bitmap "bitmap0" with a granularity of 512 B on "drive1"
      When these requests are made as one transaction:
        | request | bitmap  | drive  | from              |
        | merge   | bitmap0 | drive1 | bitmap0 of drive0 |
        | remove  | bitmap0 | drive0 |                   |
        | remove  | bitmap0 | drive1 |                   |
        | remove  | absent  | drive1 |                   |
      Then QEMU should refuse it as a GenericError that says "Dirty bitmap 'absent' not found"
      And nothing should have changed
      When the guest writes to "drive1":
        | pattern | at      | length |
        | 0xba    | 100 KiB | 2 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: A transaction with grouped completion is refused if it asks for anything but backups
    Scenario Outline: A request to <request> a bitmap among the backups of a group
      When these requests are made as one transaction with grouped completion:
        | request            | bitmap   | drive  | from   |
        | incremental backup | bitmap4  | drive0 |        |
        | <request>          | <bitmap> | drive0 | <from> |
      Then QEMU should refuse it as a GenericError that says "property completion-mode = grouped"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at      | length |
        | 0x9a    | 300 KiB | 30 KiB |
      Then the next incremental backup of "drive0" with "bitmap4" should restore it as it was then

      Examples: what the request would have left behind
        | case                          | request | bitmap  | from    |
        | a bitmap too many             | add     | bitmap7 |         |
        | a bitmap that was cleared     | clear   | bitmap0 |         |
        | a bitmap that records no more | disable | bitmap0 |         |
        | a bitmap that was filled      | merge   | bitmap5 | bitmap0 |
        | a bitmap too few              | remove  | bitmap0 |         |

      @known-defect.enable-in-group
      Examples: what QEMU must not undo, since it has not done it
        | case                  | request | bitmap  | from |
        | a bitmap that records | enable  | bitmap5 |      |
