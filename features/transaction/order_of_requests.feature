@transaction
Feature: Requests of a transaction that build on each other
  One transaction may ask several things of the same bitmap: to add it, to merge another one into it and to let a
  backup use it, while the other one is cleared for the next backup. That works only if each request finds what those
  before it have done: or else the backup lacks something, or the next one does.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0"
    And a bitmap "bitmap1" with a granularity of 512 B on "drive0"
    And the guest has written to "drive0":
      | pattern | at             | length | note                      |
      | 0x41    | 0              | 65 KiB | only "bitmap1" records it |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB | only "bitmap1" records it |
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: Each request of a transaction finds what those before it have done
    Scenario Outline: Two requests for one bitmap: <first> and <second>
      Given the guest has written to "drive0":
        | pattern | at          | length | note                               |
        | 0xab    | 1000 KiB    | 48 KiB | over an edge of a granule          |
        | 0xfe    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      When these requests are made as one transaction:
        | request  | bitmap  | drive  | from      |
        | <first>  | bitmap0 | drive0 | <from>    |
        | <second> | bitmap0 | drive0 | <sources> |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | dirty   |
        | bitmap0 | 64 KiB      | <recording> | no   | <dirty> |
        | bitmap1 | 512 B       | yes         | no   | 179 KiB |
      And the bitmaps should still hold what had changed

      Examples: what becomes of the bitmap
        | case                       | first   | from    | second  | sources | recording | dirty   |
        | only what was merged       | clear   |         | merge   | bitmap1 | yes       | 512 KiB |
        | nothing                    | merge   | bitmap1 | clear   |         | yes       | 0       |
        | empty and disabled         | clear   |         | disable |         | no        | 0       |
        | still disabled             | disable |         | clear   |         | no        | 0       |
        | still disabled, but filled | disable |         | merge   | bitmap1 | no        | 512 KiB |
        | the same as before         | disable |         | enable  |         | yes       | 256 KiB |
        | disabled in the end        | enable  |         | disable |         | no        | 256 KiB |

    Scenario Outline: Two requests for the bitmap that the transaction adds: <first> and <second>
      When these requests are made as one transaction:
        | request  | bitmap  | drive  | granularity | from   |
        | add      | bitmap2 | drive0 | 4 KiB       |        |
        | <first>  | bitmap2 | drive0 |             | <from> |
        | <second> | bitmap2 | drive0 |             |        |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording   | busy | dirty   |
        | bitmap0 | 64 KiB      | yes         | no   | 0       |
        | bitmap1 | 512 B       | yes         | no   | 130 KiB |
        | bitmap2 | 4 KiB       | <recording> | no   | <dirty> |
      When the guest writes to "drive0":
        | pattern | at          | length | note                               |
        | 0xfe    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      Then the bitmaps should still hold what had changed

      Examples: what becomes of the bitmap
        | case                      | first   | from    | second  | recording | dirty   |
        | recording from now on     | disable |         | enable  | yes       | 0       |
        | not recording yet         | enable  |         | disable | no        | 0       |
        | filled, and disabled      | merge   | bitmap1 | disable | no        | 136 KiB |
        | filled, and cleared again | merge   | bitmap1 | clear   | yes       | 0       |

  Rule: One transaction can start a backup and begin a new record for the next one
    @blockdev-backup
    Scenario: A copy of the bitmap is used by the backup, and the bitmap is cleared
      Given the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      When these requests are made as one transaction:
        | request            | bitmap  | drive  | from    | recording |
        | add                | bitmap2 | drive0 |         | no        |
        | merge              | bitmap2 | drive0 | bitmap0 |           |
        | incremental backup | bitmap2 | drive0 |         |           |
        | clear              | bitmap0 | drive0 |         |           |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should hold only what had changed
      When the guest writes to "drive0":
        | pattern | at          | length | note                               |
        | 0xfe    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @blockdev-backup
    Scenario: A bitmap is disabled, its last backup starts, and a new bitmap is added
      Given the guest has written to "drive0":
        | pattern | at       | length | note                      |
        | 0xab    | 1000 KiB | 48 KiB | over an edge of a granule |
      When these requests are made as one transaction:
        | request            | bitmap  | drive  | granularity |
        | disable            | bitmap0 | drive0 |             |
        | add                | bitmap2 | drive0 | 4 KiB       |
        | incremental backup | bitmap0 | drive0 |             |
      Then the backup of "drive0" should succeed
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | no        | no   | 0       |
        | bitmap1 | 512 B       | yes       | no   | 178 KiB |
        | bitmap2 | 4 KiB       | yes       | no   | 0       |
      When the guest writes to "drive0":
        | pattern | at          | length | note                               |
        | 0xfe    | 2 MiB - 1 B | 2 B    | the bytes on both sides of an edge |
      Then the next incremental backup of "drive0" with "bitmap2" should restore it as it was then
