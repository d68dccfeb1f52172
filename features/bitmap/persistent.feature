@bitmap
Feature: Persistent bitmaps while the machine runs
  A persistent bitmap is one that the image stores when the machine shuts down. Until then it lives like any other: it
  can be added, emptied and removed again, with many beside it, whether the image has stored it before or has never heard
  of it. What the image stores in the end is just what there is then, and the next machine finds each bit of it.

  Rule: When the machine shuts down, each image stores its persistent bitmaps as they are then, and no others
    Scenario: Persistent and transient bitmaps of several granularities
      Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap  | granularity | recording | persistent |
        | bitmap0 | 64 KiB      | yes       | yes        |
        | bitmap1 | 64 KiB      | yes       | no         |
        | bitmap2 | 512 B       | no        | yes        |
        | bitmap3 | 2 GiB       | yes       | yes        |
      When the guest writes to "drive0":
        | pattern | at          | length | note                |
        | 0xab    | 4 MiB - 1 B | 2 B    | into the short rest |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
        | bitmap1 | 64 KiB      | yes       | no   | no         | 128 KiB |
        | bitmap2 | 512 B       | no        | no   | yes        | 0       |
        | bitmap3 | 2 GiB       | yes       | no   | yes        | 2 GiB   |
      And the image of "drive0" should store its persistent bitmaps and no others

    Scenario: Bitmaps that need several clusters of their image
      Given the 5 MiB drive "drive0" in a qcow2 image with clusters of 512 B
      And these bitmaps on "drive0":
        | bitmap  | granularity | persistent |
        | bitmap0 | 512 B       | yes        |
      And the guest has written to "drive0":
        | pattern | at          | length | note                                              |
        | 0xab    | 2 MiB - 1 B | 2 B    | where the bitmap's first cluster meets the second |
        | 0xfe    | 3 MiB       | 64 KiB | a part of what the second stands for              |
      And these bitmaps on "drive0":
        | bitmap  | granularity | persistent |
        | bitmap1 | 512 B       | yes        |
      When the guest writes to "drive0":
        | pattern | at          | length | note                                    |
        | 0x64    | 5 MiB - 1 B | 1 B    | the last bit, in the midst of the third |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty          |
        | bitmap0 | 512 B       | yes       | no   | yes        | 65 KiB + 512 B |
        | bitmap1 | 512 B       | yes       | no   | yes        | 512 B          |
      And the image of "drive0" should store its persistent bitmaps and no others

    @bug-B33
    Scenario Outline: One of several bitmaps is removed: <case>
      Given the 4 MiB drive "drive0", in whose image these bitmaps are stored:
        | bitmap  | granularity | recording |
        | stored0 | 32 KiB      | yes       |
        | stored1 | 512 B       | no        |
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new0   | 64 KiB      | yes        |
        | new1   | 64 KiB      | no         |
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0x64    | 4 MiB - 1 B  | 1 B    | the last byte              |
      When the bitmap "<bitmap>" of "drive0" is removed
      Then the bitmaps should still hold what had changed
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: by where the image knows it from
        | case                                   | bitmap  |
        | one that is stored and records         | stored0 |
        | one that is stored and does not record | stored1 |
        | one that is not stored yet             | new0    |
        | a transient one                        | new1    |

    @bug-B33
    Scenario Outline: One of several bitmaps is removed in a transaction: <case>
      Given the 4 MiB drive "drive0", in whose image these bitmaps are stored:
        | bitmap  | granularity | recording |
        | stored0 | 32 KiB      | yes       |
        | stored1 | 512 B       | no        |
      And a bitmap "transient" on "drive0"
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0x64    | 4 MiB - 1 B  | 1 B    | the last byte              |
      When these requests are made as one transaction:
        | request | bitmap    | drive  | persistent |
        | add     | new0      | drive0 | yes        |
        | remove  | <bitmap>  | drive0 |            |
        | clear   | transient | drive0 |            |
      Then the bitmaps should still hold what had changed
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: by where the image knows it from
        | case                           | bitmap  |
        | the first that is stored       | stored0 |
        | the last that is stored        | stored1 |
        | one that was added just before | new0    |

  Rule: A drive can have up to 65,535 persistent bitmaps
    Scenario: A hundred bitmaps are added together with a full backup
      Given the 4 MiB drive "drive0" in a qcow2 image
      And 100 persistent bitmaps have been added to "drive0" in the transaction that starts a full backup
      When the guest writes to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0x64    | 4 MiB - 1 B  | 1 B    | the last byte              |
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap100" should restore it as it was then
      And the image of "drive0" should store its persistent bitmaps and no others

    @slow @bug-B15
    Scenario: As many bitmaps as an image can store, and one more
      Given the 4 MiB drive "drive0" in a qcow2 image
      And 65,535 persistent bitmaps have been added to "drive0" in the transaction that starts a full backup
      When this request is made:
        | request | bitmap   | drive  | persistent |
        | add     | too-many | drive0 | yes        |
      Then QEMU should refuse it as a GenericError that says "Maximum number of persistent bitmaps is already reached"
      And nothing should have changed
      When a bitmap "transient" is added to "drive0"
      Then QEMU should grant it
