@migration
Feature: What bitmaps are called on their way to another machine
  The two machines need not call their drives alike, and an operator may want some bitmaps to stay behind. A mapping on
  either side says by which aliases bitmaps travel: the source sends what it maps, and the destination takes what it knows.

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

  Rule: A bitmap arrives under the name that both sides' mappings lead to
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

    Scenario: The source maps nodes and bitmaps to what the destination calls them
      Given the source maps these bitmaps:
        | drive  | called       | bitmap  | alias   |
        | drive0 | guest-drive0 | bitmap0 | other   |
        | drive0 | guest-drive0 | bitmap1 | bitmap0 |
        | drive1 | drive1       | bitmap0 | bitmap0 |
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | other   | 64 KiB      | yes       | no   | no         | 192 KiB |
        | bitmap0 | 512 B       | yes       | no   | yes        | 2 KiB   |
      And the bitmaps should still hold what had changed

    Scenario: The destination maps what the source calls them
      Given the destination maps these bitmaps:
        | drive  | called       | bitmap | alias   |
        | drive0 | guest-drive0 | a      | bitmap0 |
        | drive0 | guest-drive0 | b      | bitmap1 |
        | drive1 | guest-drive1 | c      | bitmap0 |
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty   |
        | a      | 64 KiB      | yes       | no   | no         | 192 KiB |
        | b      | 512 B       | yes       | no   | yes        | 2 KiB   |
      And the bitmaps should still hold what had changed

    Scenario Outline: Both sides map: <case>
      Given the source maps these bitmaps:
        | drive  | called | bitmap  | alias |
        | drive0 | n0     | bitmap0 | <a>   |
        | drive0 | n0     | bitmap1 | <b>   |
        | drive1 | n1     | bitmap0 | <a>   |
      And the destination maps these bitmaps:
        | drive  | called | bitmap | alias |
        | drive0 | n0     | <to a> | <a>   |
        | drive0 | n0     | <to b> | <b>   |
        | drive1 | n1     | <to a> | <a>   |
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity | recording | busy | persistent | dirty   |
        | <to a> | 64 KiB      | yes       | no   | no         | 192 KiB |
        | <to b> | 512 B       | yes       | no   | yes        | 2 KiB   |
      And the bitmaps should still hold what had changed

      Examples: names of each kind
        | case                    | a                    | b    | to a                  | to b                  |
        | back to what they were  | a                    | b    | bitmap0               | bitmap1               |
        | they change their names | a                    | b    | bitmap1               | bitmap0               |
        | odd characters          | " ,=\äß€"            | "%s" | "ä ,.=/\€ ;"          | -x                    |
        | the longest that can be | a repeated 255 times | b    | z repeated 1023 times | y repeated 1023 times |

    Scenario Outline: A bitmap that is <before> becomes <after>, as the <side> says
      Given the source maps these bitmaps:
        | drive  | called | bitmap   | alias | persistent |
        | drive0 | n0     | <bitmap> | a     | <source>   |
      And the destination maps these bitmaps:
        | drive  | called | bitmap | alias | persistent    |
        | drive0 | n0     | b      | a     | <destination> |
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap | granularity   | recording | busy | persistent | dirty   |
        | b      | <granularity> | yes       | no   | <becomes>  | <dirty> |
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: on either side, and on both
        | before     | after      | side        | bitmap  | source | destination | becomes | granularity | dirty   |
        | transient  | persistent | source      | bitmap0 | yes    |             | yes     | 64 KiB      | 192 KiB |
        | persistent | transient  | source      | bitmap1 | no     |             | no      | 512 B       | 2 KiB   |
        | transient  | persistent | destination | bitmap0 |        | yes         | yes     | 64 KiB      | 192 KiB |
        | persistent | transient  | destination | bitmap1 |        | no          | no      | 512 B       | 2 KiB   |
        | transient  | transient  | destination | bitmap0 | yes    | no          | no      | 64 KiB      | 192 KiB |

  Rule: What the source does not map stays behind; once the destination does not know an alias, it takes none, and says so
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

    Scenario: The source maps one bitmap of three
      Given the source maps these bitmaps:
        | drive  | called       | bitmap  | alias   |
        | drive0 | guest-drive0 | bitmap1 | bitmap1 |
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap1 | 512 B       | yes       | no   | yes        | 2 KiB |
      And "drive1" should have no bitmap

    @bug-B104
    Scenario: The source maps nothing
      Given the source maps no bitmap at all
      When the guest moves there
      Then "drive0" should have no bitmap
      And "drive1" should have no bitmap

    Scenario Outline: The destination does not know <what>
      Given the source maps these bitmaps:
        | drive  | called | bitmap  | alias |
        | drive0 | n0     | bitmap0 | a     |
        | drive0 | n0     | bitmap1 | b     |
      And the destination maps these bitmaps:
        | drive  | called   | bitmap | alias   |
        | drive0 | <called> | c      | <alias> |
      When the guest moves there
      Then "drive0" should have no bitmap
      And the machine that waits for the guest should have said "<words>"

      Examples: an alias of a bitmap, and of a node
        | what     | called | alias | words                                                  |
        | a bitmap | n0     | b     | Unknown bitmap alias 'a' on node 'drive0' (alias 'n0') |
        | a node   | n1     | a     | Unknown node alias 'n0'                                |
