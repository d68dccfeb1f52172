@transaction
Feature: What is undone when a transaction fails
  A backup tool clears bitmaps, merges them and starts backups in one transaction, since only all of that together makes a
  chain. If the last of its requests is refused, the others have been carried out already, and each of them must be undone
  to the last bit: a bitmap that stays empty or disabled is a gap in the next backup, and the tool, which was told that
  nothing happened, will not look for it.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0"
    And these bitmaps on "drive0":
      | bitmap  | granularity | note                             |
      | bitmap1 | 512 B       | more than 8000 granules          |
      | bitmap2 | 128 KiB     | the last granule is a small part |
    And the guest has written to "drive0":
      | pattern | at             | length | note                              |
      | 0x41    | 0              | 65 KiB | a granule and a bit of the second |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB | up to the end of the drive        |
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: What a transaction has done to a bitmap is undone when the transaction is aborted
    @blockdev-backup @bug-B48 @bug-B74
    Scenario Outline: An abort after <request>, with bitmaps that record: <case>
      Given the guest has written to "drive0":
        | pattern | at          | length | note                                    |
        | 0xab    | 1000 KiB    | 48 KiB | over an edge of a granule               |
        | 0xfe    | 2 MiB - 1 B | 2 B    | the bytes on both sides of the 2nd MiB  |
        | 0x64    | 4 MiB       | 1 KiB  | the last granule, which is a small part |
      When these requests are made as one transaction:
        | request   | bitmap   | drive  | from   | recording   |
        | <request> | <bitmap> | drive0 | <from> | <recording> |
        | abort     |          |        |        |             |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at      | length |
        | 0x9a    | 300 KiB | 30 KiB |
      Then the next incremental backup of "drive0" with "<used>" should restore it as it was then

      Examples: what the abort has to see to, and which bitmap is used afterwards
        | case                              | request            | bitmap  | from             | recording | used    |
        | a new bitmap                      | add                | bitmap3 |                  |           | bitmap0 |
        | a new bitmap that does not record | add                | bitmap3 |                  | no        | bitmap0 |
        | a small record                    | clear              | bitmap0 |                  |           | bitmap0 |
        | a large record                    | clear              | bitmap1 |                  |           | bitmap1 |
        | enabled before                    | enable             | bitmap0 |                  |           | bitmap0 |
        | enabled before                    | disable            | bitmap0 |                  |           | bitmap0 |
        | the record of another one         | merge              | bitmap0 | bitmap1          |           | bitmap0 |
        | larger granules                   | merge              | bitmap1 | bitmap0          |           | bitmap1 |
        | its own record and another one    | merge              | bitmap0 | bitmap0, bitmap1 |           | bitmap0 |
        | the records of two others         | merge              | bitmap0 | bitmap1, bitmap2 |           | bitmap0 |
        | a bitmap and its record           | remove             | bitmap0 |                  |           | bitmap0 |
        | no bitmap                         | full backup        |         |                  |           | bitmap0 |
        | a bitmap in use                   | full backup        | bitmap0 |                  |           | bitmap0 |
        | a small record in use             | incremental backup | bitmap0 |                  |           | bitmap0 |
        | a large record in use             | incremental backup | bitmap1 |                  |           | bitmap1 |

    @blockdev-backup @bug-B74 @bug-B75
    Scenario Outline: An abort after <request>, with a bitmap that does not record: <case>
      Given the bitmap "bitmap2" of "drive0" has been disabled
      And the guest has written to "drive0":
        | pattern | at          | length | note                               |
        | 0xab    | 1000 KiB    | 48 KiB | over an edge of a granule          |
        | 0xfe    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      When these requests are made as one transaction:
        | request   | bitmap  | drive  | from   |
        | <request> | bitmap2 | drive0 | <from> |
        | abort     |         |        |        |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      And nothing should have changed
      When "bitmap0" and "bitmap1" of "drive0" are merged into "bitmap2"
      Then the next incremental backup of "drive0" with "bitmap2" should restore it as it was then

      Examples: what the abort has to see to
        | case                              | request            | from             |
        | its record                        | clear              |                  |
        | disabled before                   | enable             |                  |
        | disabled before                   | disable            |                  |
        | the record of another one         | merge              | bitmap0          |
        | two records, one within the other | merge              | bitmap0, bitmap1 |
        | a disabled bitmap                 | remove             |                  |
        | a disabled bitmap in use          | full backup        |                  |
        | a disabled bitmap in use          | incremental backup |                  |

  Rule: After an abort the image stores its persistent bitmaps as if nothing had been asked
    Scenario Outline: An abort after <request>, with persistent bitmaps: <case>
      Given the 4 MiB + 1 KiB drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap  | granularity | recording | persistent |
        | stored0 | 32 KiB      | yes       | yes        |
        | stored1 | 512 B       | no        | yes        |
      And the guest has written to "drive1":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |
      When these requests are made as one transaction:
        | request   | bitmap   | drive  | persistent   |
        | <request> | <bitmap> | drive1 | <persistent> |
        | abort     |          |        |              |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      And nothing should have changed
      When the machine is shut down
      Then the image of "drive1" should store its persistent bitmaps and no others

      Examples: what the abort has to see to
        | case                             | request | bitmap  | persistent |
        | a bitmap that was not stored     | add     | stored2 | yes        |
        | an enabled bitmap and its record | remove  | stored0 |            |
        | a disabled bitmap                | remove  | stored1 |            |
        | an enabled bitmap and its record | clear   | stored0 |            |
        | an enabled bitmap                | disable | stored0 |            |
        | a disabled bitmap                | enable  | stored1 |            |

  Rule: Several requests for one bitmap are undone in reverse order
    @blockdev-backup @bug-B74
    Scenario Outline: An abort after <first> and <second> for one bitmap
      Given the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      When these requests are made as one transaction:
        | request  | bitmap   | drive  | from      |
        | <first>  | <bitmap> | drive0 | <from>    |
        | <second> | <bitmap> | drive0 | <sources> |
        | abort    |          |        |           |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at          | length | note                               |
        | 0xfe    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: what the wrong order would leave
        | case                       | bitmap  | first   | from    | second             | sources |
        | disabled                   | bitmap0 | disable |         | enable             |         |
        | empty                      | bitmap0 | clear   |         | clear              |         |
        | empty                      | bitmap0 | clear   |         | merge              | bitmap1 |
        | still merged into          | bitmap0 | merge   | bitmap1 | clear              |         |
        | still merged into          | bitmap0 | merge   | bitmap1 | merge              | bitmap1 |
        | changed while in use       | bitmap0 | clear   |         | incremental backup |         |
        | disabled                   | bitmap0 | disable |         | remove             |         |
        | gone before it is restored | bitmap3 | add     |         | merge              | bitmap1 |
        | removed twice              | bitmap3 | add     |         | remove             |         |
        | removed while in use       | bitmap3 | add     |         | incremental backup |         |
