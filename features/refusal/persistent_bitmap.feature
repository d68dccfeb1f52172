@refusal
Feature: Persistent bitmaps that their image could not store
  A persistent bitmap is written into the image when the machine shuts down. If it turned out only then that the image
  has no place for it, the record of a day would be lost with nobody there to read the message; so QEMU asks the image
  when the bitmap is added. An image that cannot store it can have transient bitmaps all the same.

  Rule: A persistent bitmap is refused on a node that cannot store it, and a transient one is granted there
    @bug-B21
    Scenario Outline: A persistent bitmap, and then a transient one, on a drive in <image>
      Given the 4 MiB drive "drive0" in <image>
      When this request is made:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When this request is made:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | no         |
      And the guest writes to "drive0":
        | pattern | at            | length | note                       |
        | 0x9a    | 960 KiB - 1 B | 2 B    | over the edge of a granule |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | no         | 128 KiB |

      Examples: by format
        | case                         | image                      | words                                        |
        | nothing but the guest's data | a raw image                | Can't store persistent bitmaps to            |
        | a format from before bitmaps | a qcow2 image of version 2 | Cannot store dirty bitmaps in qcow2 v2 files |

    Scenario: A persistent bitmap on a filter, and then on the drive below it
      Given the 4 MiB drive "drive0" in a qcow2 image
      And a throttle filter "throttle0" over "drive0"
      When this request is made:
        | request | bitmap  | drive     | persistent |
        | add     | bitmap0 | throttle0 | yes        |
      Then QEMU should refuse it as a GenericError that says "Can't store persistent bitmaps to throttle0"
      And nothing should have changed
      When this request is made:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      Then QEMU should grant it

  Rule: A persistent bitmap is refused if it would take more than 512 MiB, and granted if it would not
    Scenario: A bitmap that would take one byte more than 512 MiB
      Given the 2 TiB + 512 B drive "drive0" in a qcow2 image
      When this request is made:
        | request | bitmap  | drive  | granularity | persistent |
        | add     | bitmap0 | drive0 | 512 B       | yes        |
      Then QEMU should refuse it as a GenericError that says "Too much space will be occupied by the bitmap"
      And nothing should have changed
      When this request is made:
        | request | bitmap  | drive  | granularity | persistent |
        | add     | bitmap0 | drive0 | 64 KiB      | yes        |
      Then QEMU should grant it

    Scenario: A bitmap that takes just 512 MiB
      Given the 2 TiB drive "drive0" in a qcow2 image
      When this request is made:
        | request | bitmap  | drive  | granularity | persistent |
        | add     | bitmap0 | drive0 | 512 B       | yes        |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 512 B       | yes       | no   | yes        | 0     |
      When the bitmap "bitmap0" of "drive0" is removed
      Then "drive0" should have no bitmap

    @bug-B13
    Scenario Outline: A granularity of <granularity> in an image with clusters of <cluster>
      Given the 64 MiB drive "drive0" in a qcow2 image with clusters of <cluster>
      When this request is made:
        | request | bitmap  | drive  | granularity   | persistent |
        | add     | bitmap0 | drive0 | <granularity> | yes        |
      Then QEMU should grant it
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity   | recording | busy | persistent | dirty   |
        | bitmap0 | <granularity> | yes       | no   | yes        | <dirty> |

      Examples: each within its range
        | case                                 | cluster | granularity | dirty   |
        | the smallest of both                 | 512 B   | 512 B       | 1 KiB   |
        | the smallest and the largest         | 512 B   | 2 GiB       | 2 GiB   |
        | their product takes 64 bits to write | 2 MiB   | 32 KiB      | 64 KiB  |
        | twice that product                   | 2 MiB   | 64 KiB      | 128 KiB |
        | the largest of both                  | 2 MiB   | 2 GiB       | 2 GiB   |
