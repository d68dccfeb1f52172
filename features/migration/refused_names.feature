@migration
Feature: Mappings of bitmaps that cannot be right
  A mapping must be one to one: no alias may mean two bitmaps, and no bitmap may have two. An alias has 255 bytes at most,
  and a name that is longer needs one.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
    And the 1 MiB drive "drive1" in a qcow2 image
    And these bitmaps on "drive0":
      | bitmap  | granularity | persistent |
      | bitmap0 | 64 KiB      | no         |
      | bitmap1 | 512 B       | yes        |
    And these bitmaps on "drive1":
      | bitmap  | granularity | persistent |
      | bitmap0 | 32 KiB      | no         |

  Rule: A mapping that cannot be right is refused, and the one before it stays
    Background:
      Given the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
        | 0x64    | 4 MiB        | 1 KiB  |
      And the guest has written to "drive1":
        | pattern | at          | length |
        | 0xcd    | 1 MiB - 1 B | 1 B    |
      And the machine "elsewhere" waits for the guest, with copies of the images
      And all bitmaps travel with the guest

    Scenario Outline: A mapping with <what>
      Given the source maps these bitmaps:
        | drive  | called       | bitmap  | alias |
        | drive0 | guest-drive0 | bitmap0 | a     |
      When the source is told to map these bitmaps:
        | drive     | called     | bitmap     | alias     |
        | drive0    | n0         | bitmap0    | a         |
        | <drive 2> | <called 2> | <bitmap 2> | <alias 2> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty   |
        | a      | 64 KiB      | yes       | no   | no         | 192 KiB |

      Examples: twice the same, or too long
        | what                   | drive 2 | called 2             | bitmap 2              | alias 2              | words                  |
        | a node's alias twice   | drive1  | n0                   | bitmap0               | b                    | used twice             |
        | a node twice           | drive0  | n1                   | bitmap1               | b                    | mapped twice           |
        | a bitmap's alias twice | drive0  | n0                   | bitmap1               | a                    | used twice             |
        | a bitmap twice         | drive0  | n0                   | bitmap0               | b                    | mapped twice           |
        | a long alias of a node | drive1  | n repeated 256 times | bitmap0               | b                    | longer than 255 bytes  |
        | long alias of a bitmap | drive0  | n0                   | bitmap1               | b repeated 256 times | longer than 255 bytes  |
        | a name too long        | drive0  | n0                   | x repeated 1024 times | b                    | longer than 1023 bytes |

    Scenario: A name that is too long for the way, and an alias for it
      Given these bitmaps on "drive1":
        | bitmap               |
        | x repeated 256 times |
      And the guest has failed to move there, and one of the machines has said "Name is longer than 255 bytes"
      And the machine "again" waits for the guest, with copies of the images
      And all bitmaps travel with the guest
      And the source maps these bitmaps:
        | drive  | called | bitmap               | alias |
        | drive1 | drive1 | x repeated 256 times | short |
      When the guest moves there
      Then the bitmaps of "drive1" should be:
        | bitmap | granularity | recording | busy | persistent | dirty |
        | short  | 64 KiB      | yes       | no   | no         | 0     |
