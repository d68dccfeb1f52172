@transaction
Feature: Requests that make a transaction fail
  The plan of a night's backup is one transaction: new bitmaps, old ones emptied, handed on or removed, and the backups
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
    @blockdev-backup @bug-B48 @bug-B59 @bug-B64 @bug-B74 @bug-B75
    Scenario Outline: A request of every kind, and one that fails
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
        | its name is taken        | add     | bitmap1 |                  |             |        | already exists: bitmap1       | bitmap0 |
        | its name was just taken  | add     | bitmap7 |                  |             |        | already exists: bitmap7       | bitmap1 |
        | its name is not free yet | add     | bitmap2 |                  |             |        | already exists: bitmap2       | bitmap2 |
        | a wrong granularity      | add     | bitmap8 |                  | 48 KiB      |        | must be power of 2            | bitmap3 |
        | no such bitmap           | clear   | absent  |                  |             |        | bitmap 'absent' not found     | bitmap4 |
        | a backup has just got it | clear   | bitmap4 |                  |             |        | 'bitmap4' is currently in use | bitmap4 |
        | no such bitmap           | disable | absent  |                  |             |        | bitmap 'absent' not found     | bitmap0 |
        | it has just been removed | disable | bitmap2 |                  |             |        | 'bitmap2' is currently in use | bitmap2 |
        | no such bitmap           | remove  | absent  |                  |             |        | bitmap 'absent' not found     | bitmap1 |
        | it has just been removed | remove  | bitmap2 |                  |             |        | 'bitmap2' is currently in use | bitmap2 |
        | a backup has just got it | remove  | bitmap4 |                  |             |        | 'bitmap4' is currently in use | bitmap4 |
        | one of two is merged     | merge   | bitmap6 | bitmap1, absent  |             |        | bitmap 'absent' not found     | bitmap0 |
        | into one merged into     | merge   | bitmap5 | bitmap1, absent  |             |        | bitmap 'absent' not found     | bitmap3 |
        | from one removed before  | merge   | bitmap0 | bitmap1, bitmap2 |             |        | 'bitmap2' is currently in use | bitmap0 |

      Examples: a request for a backup, and the bitmap that is used afterwards
        | case                    | failing            | bitmap  | from | granularity | target | words                         | used    |
        | no such target          | full backup        |         |      |             | absent | Cannot find device='absent'   | bitmap0 |
        | the drive onto itself   | full backup        |         |      |             | drive0 | target cannot be the same     | bitmap1 |
        | the target is too small | full backup        |         |      |             | 4 MiB  | have different sizes          | bitmap2 |
        | the same, with a bitmap | full backup        | bitmap3 |      |             | 4 MiB  | have different sizes          | bitmap3 |
        | the target is too large | incremental backup | bitmap0 |      |             | 5 MiB  | have different sizes          | bitmap0 |
        | no such bitmap          | incremental backup | absent  |      |             |        | 'absent' could not be found   | bitmap0 |
        | its bitmap was removed  | incremental backup | bitmap2 |      |             |        | 'bitmap2' is currently in use | bitmap2 |
        | another backup has it   | incremental backup | bitmap4 |      |             |        | 'bitmap4' is currently in use | bitmap4 |

    Scenario Outline: The failing request stands at the <place>
      When these requests are made as one transaction:
        | request  | bitmap  | drive  |
        | <first>  | bitmap0 | drive0 |
        | <second> | bitmap1 | drive0 |
        | <third>  | bitmap2 | drive0 |
      Then QEMU should refuse it as a GenericError that says "Bitmap already exists: <taken>"
      And nothing should have changed
      And the next incremental backup of "drive0" with "<used>" should restore it as it was then

      Examples: what is asked of three bitmaps, of which one name is taken
        | case                          | place  | first | second  | third  | taken   | used    |
        | nothing is done at all        | front  | add   | disable | remove | bitmap0 | bitmap2 |
        | one is undone, one never done | middle | clear | add     | remove | bitmap1 | bitmap0 |
        | both are undone               | end    | clear | disable | add    | bitmap2 | bitmap1 |

  Rule: A group that ends together takes backups only
    Scenario Outline: A request for a bitmap among the backups of a group
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

      Examples: each would be done at once, and not wait for the group
        | case                     | request | bitmap  | from    |
        | it would not go          | add     | bitmap7 |         |
        | its record would be lost | clear   | bitmap0 |         |
        | it would lack what comes | disable | bitmap0 |         |
        | it would keep the record | merge   | bitmap5 | bitmap0 |
        | it would not come back   | remove  | bitmap0 |         |

      @known-defect.enable-in-group
      Examples: what must not be undone, since it was never done
        | case                     | request | bitmap  | from |
        | it would go on to record | enable  | bitmap5 |      |
