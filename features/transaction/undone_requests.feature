@transaction
Feature: What a failed transaction leaves of its requests
  A backup tool empties bitmaps, hands their record on and starts backups in one transaction, since only all of that
  together makes a chain. If the last of its requests is refused, the others have been carried out already, and each of
  them must be undone to the last bit: a bitmap that stays empty or at rest is a gap in the next backup, and the tool,
  which was told that nothing happened, will not look for it.

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

  Rule: What a transaction had done to a bitmap is undone when the transaction is aborted
    @blockdev-backup @bug-B48 @bug-B74
    Scenario Outline: A bitmap that records, and an abort
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

      Examples: what is done to the bitmap, and which is used afterwards
        | case                             | request            | bitmap  | from             | recording | used    |
        | the new bitmap goes              | add                | bitmap3 |                  |           | bitmap0 |
        | the new bitmap goes              | add                | bitmap3 |                  | no        | bitmap0 |
        | its record comes back            | clear              | bitmap0 |                  |           | bitmap0 |
        | a large record comes back        | clear              | bitmap1 |                  |           | bitmap1 |
        | it recorded before, and goes on  | enable             | bitmap0 |                  |           | bitmap0 |
        | it records again                 | disable            | bitmap0 |                  |           | bitmap0 |
        | it forgets what it had not seen  | merge              | bitmap0 | bitmap1          |           | bitmap0 |
        | from larger granules             | merge              | bitmap1 | bitmap0          |           | bitmap1 |
        | the first of two changes nothing | merge              | bitmap0 | bitmap0, bitmap1 |           | bitmap0 |
        | both of two bring something      | merge              | bitmap0 | bitmap1, bitmap2 |           | bitmap0 |
        | it is there and records          | remove             | bitmap0 |                  |           | bitmap0 |
        | its job is gone                  | full backup        |         |                  |           | bitmap0 |
        | its job has let go of the bitmap | full backup        | bitmap0 |                  |           | bitmap0 |
        | its job has let go of the bitmap | incremental backup | bitmap0 |                  |           | bitmap0 |
        | its job has let go of the bitmap | incremental backup | bitmap1 |                  |           | bitmap1 |

    @blockdev-backup @bug-B74 @bug-B75
    Scenario Outline: A bitmap that does not record, and an abort
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

      Examples: what is done to the bitmap
        | case                                 | request            | from             |
        | its record comes back                | clear              |                  |
        | it is at rest again                  | enable             |                  |
        | it was at rest before, and stays so  | disable            |                  |
        | it forgets what it had not seen      | merge              | bitmap0          |
        | the second of two brings nothing new | merge              | bitmap0, bitmap1 |
        | it is there, and at rest             | remove             |                  |
        | its job has let go of it             | full backup        |                  |
        | its job has let go of it             | incremental backup |                  |

  Rule: What the image would have stored, it still stores after an abort
    Scenario Outline: A bitmap that the image stores, and an abort
      Given the 4 MiB drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap  | granularity | recording | persistent |
        | stored0 | 32 KiB      | yes       | yes        |
        | stored1 | 512 B       | no        | yes        |
      And the guest has written to "drive1":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      When these requests are made as one transaction:
        | request   | bitmap   | drive  | persistent   |
        | <request> | <bitmap> | drive1 | <persistent> |
        | abort     |          |        |              |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      And nothing should have changed
      When the machine is shut down
      Then the image of "drive1" should store its persistent bitmaps and no others

      Examples: what is done to the bitmap
        | case                             | request | bitmap  | persistent |
        | it is not stored                 | add     | stored2 | yes        |
        | it is stored with its record     | remove  | stored0 |            |
        | it is stored as one at rest      | remove  | stored1 |            |
        | it is stored with its record     | clear   | stored0 |            |
        | it is stored as one that records | disable | stored0 |            |
        | it is stored as one at rest      | enable  | stored1 |            |
