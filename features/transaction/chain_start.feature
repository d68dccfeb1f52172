@transaction @blockdev-backup
Feature: The moment at which a chain of backups starts
  A chain is whole only if its bitmap knows of every write that its first backup lacks, and of no other. So the bitmap
  and the backup must begin at one and the same moment, with no write of the guest between the two; and when a guest has
  several drives, that moment must be the same for all of them.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 2 MiB         | 1 MiB  |
      | 0xdc    | 4 MiB - 1 KiB | 2 KiB  |
    And a bitmap "bitmap9" with a granularity of 4 KiB on "drive0"

  Rule: A bitmap added in the transaction that starts a full backup records just what that backup lacks
    Scenario Outline: The guest writes during a full backup whose bitmap was asked for <asked for>
      Given these requests have been granted as one transaction:
        | request  | bitmap         | drive  | speed         |
        | <first>  | <first bitmap> | drive0 | <first speed> |
        | <second> | <then bitmap>  | drive0 | <then speed>  |
      And the guest has written to "drive0":
        | request      | pattern | at            | length | note                                    |
        | write        | 0xab    | 64 KiB - 1 B  | 2 B    | over an edge, perhaps copied by now     |
        | write        | 0xfe    | 3 MiB - 1 KiB | 2 KiB  | not copied yet                          |
        | write zeroes |         | 2 MiB         | 64 KiB | not copied yet                          |
        | write        | 0x64    | 4 MiB         | 1 KiB  | the last granule, which is a small part |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: both orders
        | case              | asked for | first       | first bitmap | first speed | second      | then bitmap | then speed |
        | the usual order   | first     | add         | bitmap0      |             | full backup |             | 1 B        |
        | the reverse order | last      | full backup |              | 1 B         | add         | bitmap0     |            |

    Scenario: The guest has writes on their way when the chain starts
      Given these writes of the guest to "drive0" are on their way:
        | pattern | at            | length | note                      |
        | 0xab    | 64 KiB - 1 B  | 2 B    | over an edge of a granule |
        | 0xfe    | 3 MiB - 1 KiB | 2 KiB  | over another one          |
      When these requests are made as one transaction:
        | request     | bitmap  | drive  |
        | add         | bitmap0 | drive0 |
        | full backup |         | drive0 |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty  |
        | bitmap0 | 64 KiB      | yes       | no   | 0      |
        | bitmap9 | 4 KiB       | yes       | no   | 16 KiB |

  Rule: The chains of several drives that one transaction starts begin at one moment
    Scenario: The guest has writes on their way to both of its drives
      Given the 4 MiB drive "drive1"
      And these writes of the guest to "drive0" are on their way:
        | pattern | at           | length | note                      |
        | 0xab    | 64 KiB - 1 B | 2 B    | over an edge of a granule |
      And these writes of the guest to "drive1" are on their way:
        | pattern | at            | length | note          |
        | 0xba    | 4 MiB - 1 KiB | 1 KiB  | the end of it |
      When these requests are made as one transaction:
        | request     | bitmap  | drive  |
        | add         | bitmap0 | drive0 |
        | full backup |         | drive0 |
        | add         | bitmap1 | drive1 |
        | full backup |         | drive1 |
      Then the backups of "drive0" and "drive1" should succeed
      And each of them should restore its drive as it was at that moment
      And the bitmaps should still hold what had changed

  Rule: When one transaction disables a bitmap and adds another one, each write is recorded by just one of them
    Scenario: The guest has writes on their way when a bitmap is replaced
      Given these writes of the guest to "drive0" are on their way:
        | pattern | at           | length | note                      |
        | 0xab    | 64 KiB - 1 B | 2 B    | over an edge of a granule |
      When these requests are made as one transaction:
        | request | bitmap  | drive  |
        | disable | bitmap9 | drive0 |
        | add     | bitmap0 | drive0 |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty |
        | bitmap0 | 64 KiB      | yes       | no   | 0     |
        | bitmap9 | 4 KiB       | no        | no   | 8 KiB |
      And the bitmaps should still hold what had changed

    Scenario: A bitmap is replaced while the old state of the drive is kept for a client
      Given these writes of the guest to "drive0" are on their way:
        | pattern | at           | length | note                      |
        | 0xab    | 64 KiB - 1 B | 2 B    | over an edge of a granule |
      And these requests have been granted as one transaction:
        | request     | bitmap  | drive  | note                                         |
        | none backup |         | drive0 | keeps for a client what the guest overwrites |
        | add         | bitmap0 | drive0 |                                              |
        | disable     | bitmap9 | drive0 |                                              |
      When the guest writes to "drive0":
        | pattern | at            | length | note                                 |
        | 0x64    | 0             | 1 KiB  | over older data                      |
        | 0xfe    | 4 MiB - 1 KiB | 2 KiB  | up to the last granule, a small part |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 192 KiB |
        | bitmap9 | 4 KiB       | no        | no   | 8 KiB   |
      When the backup of "drive0" is cancelled
      Then the backup of "drive0" should be cancelled
      And the bitmaps should still hold what had changed
