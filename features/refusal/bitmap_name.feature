@refusal
Feature: Names that a bitmap cannot have
  A bitmap that QEMU took with a wrong name could not be found again, or could not be stored when the machine shuts down:
  either ends a chain of backups, and is noticed only with the next backup. So QEMU refuses such a bitmap at once, and no
  other.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image
    And these bitmaps on "drive0":
      | bitmap  | granularity | recording | persistent |
      | bitmap0 | 64 KiB      | yes       | no         |
      | bitmap1 | 32 KiB      | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: The name of a bitmap has 1 to 1023 bytes, and no other bitmap of its drive has that name
    @bug-B14 @bug-B15
    Scenario Outline: A name that is refused: <case>
      When this request is made:
        | request | bitmap | drive  | persistent   |
        | add     | <name> | drive0 | <persistent> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: a name that is empty, too long, or taken
        | case                             | name                  | persistent | words                          |
        | no name                          | ""                    | no         | Bitmap name cannot be empty    |
        | one byte more than can be stored | n repeated 1024 times | no         | Bitmap name too long           |
        | the same, persistent             | n repeated 1024 times | yes        | Name length exceeds maximum    |
        | 512 letters of two bytes each    | é repeated 512 times  | no         | Bitmap name too long           |
        | the name of a transient one      | bitmap0               | no         | Bitmap already exists: bitmap0 |
        | the same, persistent             | bitmap0               | yes        | Bitmap already exists: bitmap0 |
        | the name of a persistent one     | bitmap1               | yes        | Bitmap already exists: bitmap1 |

    @bug-B14
    Scenario Outline: A name that is granted: <case>
      Given the 4 MiB drive "drive1" in a qcow2 image
      When this request is made:
        | request | bitmap | drive   | persistent   |
        | add     | <name> | <drive> | <persistent> |
      Then QEMU should grant it
      When the guest writes to "<drive>":
        | pattern | at      | length |
        | 0x9a    | 960 KiB | 65 KiB |
      Then the bitmaps should still hold what had changed

      Examples: a name that is just long or short enough, or taken elsewhere
        | case                          | name                  | drive  | persistent |
        | the shortest                  | n                     | drive0 | no         |
        | the longest                   | n repeated 1023 times | drive0 | no         |
        | the longest, persistent       | n repeated 1023 times | drive0 | yes        |
        | 511 letters of two bytes each | é repeated 511 times  | drive0 | yes        |
        | a taken one but for a capital | Bitmap0               | drive0 | no         |
        | taken on another drive only   | bitmap0               | drive1 | no         |
