@transaction
Feature: Requests of a transaction that build on each other
  One transaction may ask several things of the same bitmap: to add it, to fill it with the record of another one and to
  let a backup go by it, while the other one is emptied for the next backup. That works only if each request finds what
  those before it have left. When the transaction fails, the same steps have to be gone back in reverse, or the bitmap
  ends in a state that nobody has asked for.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0"
    And a bitmap "bitmap1" with a granularity of 512 B on "drive0"
    And the guest has written to "drive0":
      | pattern | at             | length | note                      |
      | 0x41    | 0              | 65 KiB | only "bitmap1" records it |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB | only "bitmap1" records it |
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: Each request finds what those before it have left
    Scenario Outline: Two requests for one bitmap
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

      Examples: one after the other
        | case                             | first   | from    | second  | sources | recording | dirty   |
        | nothing but what was merged      | clear   |         | merge   | bitmap1 | yes       | 512 KiB |
        | nothing                          | merge   | bitmap1 | clear   |         | yes       | 0       |
        | empty and at rest                | clear   |         | disable |         | no        | 0       |
        | emptying does not wake it up     | disable |         | clear   |         | no        | 0       |
        | nor does what is added           | disable |         | merge   | bitmap1 | no        | 512 KiB |
        | as if nothing had been asked     | disable |         | enable  |         | yes       | 256 KiB |
        | at rest, although it was enabled | enable  |         | disable |         | no        | 256 KiB |

    Scenario Outline: Two requests for the bitmap that the transaction adds
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

      Examples: one after the other
        | case                                | first   | from    | second  | recording | dirty   |
        | records from now on                 | disable |         | enable  | yes       | 0       |
        | does not record yet                 | enable  |         | disable | no        | 0       |
        | keeps what another one has recorded | merge   | bitmap1 | disable | no        | 136 KiB |
        | has forgotten that again            | merge   | bitmap1 | clear   | yes       | 0       |

  Rule: A record can be handed on at the very moment of a backup
    @blockdev-backup
    Scenario: A copy of the record goes with the backup, and the bitmap begins anew
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
    Scenario: The old bitmap stops, its last backup starts, and a new bitmap takes over
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

  Rule: What a failed transaction has done to one bitmap is undone in reverse
    @blockdev-backup @bug-B74
    Scenario Outline: Two requests for one bitmap, and an abort
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

      Examples: where the wrong order would leave another state
        | case                                    | bitmap  | first   | from    | second             | sources |
        | it would end at rest                    | bitmap0 | disable |         | enable             |         |
        | it would end empty                      | bitmap0 | clear   |         | clear              |         |
        | it would end empty                      | bitmap0 | clear   |         | merge              | bitmap1 |
        | it would keep what was merged           | bitmap0 | merge   | bitmap1 | clear              |         |
        | it would keep what was merged           | bitmap0 | merge   | bitmap1 | merge              | bitmap1 |
        | its record would come back while in use | bitmap0 | clear   |         | incremental backup |         |
        | it would be at rest                     | bitmap0 | disable |         | remove             |         |
        | it would be gone before it is restored  | bitmap2 | add     |         | merge              | bitmap1 |
        | it would be removed twice               | bitmap2 | add     |         | remove             |         |
        | it would be removed while in use        | bitmap2 | add     |         | incremental backup |         |
