@refusal
Feature: Bitmaps that cannot be added
  A bitmap that QEMU took with a wrong name, granularity or place could not be found again, would not record what it
  should, or could not be stored when the machine shuts down: each of these ends a chain of backups, and is noticed only
  with the next backup. So QEMU refuses such a bitmap at once, and no other.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image
    And these bitmaps on "drive0":
      | bitmap  | granularity | recording | persistent |
      | bitmap0 | 64 KiB      | yes       | no         |
      | bitmap1 | 32 KiB      | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: A bitmap needs a name of its own, of 1 to 1023 bytes
    @bug-B14 @bug-B15
    Scenario Outline: A name that a new bitmap must not have
      When this request is made:
        | request | bitmap | drive  | persistent   |
        | add     | <name> | drive0 | <persistent> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: a name that is no name, too long, or taken
        | case                                  | name                  | persistent | words                          |
        | jobs have bitmaps without a name      | ""                    | no         | Bitmap name cannot be empty    |
        | one byte more than can be stored      | n repeated 1024 times | no         | Bitmap name too long           |
        | the same, and it was to be stored     | n repeated 1024 times | yes        | Name length exceeds maximum    |
        | 512 letters of two bytes each         | é repeated 512 times  | no         | Bitmap name too long           |
        | the name of one that records          | bitmap0               | no         | Bitmap already exists: bitmap0 |
        | stored or not, a name is a name       | bitmap0               | yes        | Bitmap already exists: bitmap0 |
        | the other one has not been stored yet | bitmap1               | yes        | Bitmap already exists: bitmap1 |

    @bug-B14
    Scenario Outline: A name that a new bitmap may have
      Given the 4 MiB drive "drive1" in a qcow2 image
      When this request is made:
        | request | bitmap | drive   | persistent   |
        | add     | <name> | <drive> | <persistent> |
      Then QEMU should grant it
      When the guest writes to "<drive>":
        | pattern | at      | length |
        | 0x9a    | 960 KiB | 65 KiB |
      Then the bitmaps should still hold what had changed

      Examples: a name that is just short enough, or taken elsewhere
        | case                          | name                  | drive  | persistent |
        | the shortest                  | n                     | drive0 | no         |
        | the longest                   | n repeated 1023 times | drive0 | no         |
        | the longest, and to be stored | n repeated 1023 times | drive0 | yes        |
        | 1022 bytes                    | é repeated 511 times  | drive0 | yes        |
        | another name to a computer    | Bitmap0               | drive0 | no         |
        | taken on the other drive      | bitmap0               | drive1 | no         |

  Rule: A granularity is a power of two from 512 B to 2 GiB
    Scenario Outline: A granularity that a bitmap must not have
      When this request is made:
        | request | bitmap  | drive  | granularity   | persistent   |
        | add     | bitmap2 | drive0 | <granularity> | <persistent> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: too small, too large, or between two powers
        | case                        | granularity   | persistent | words                                           |
        | nothing                     | 0             | no         | Granularity must be power of 2                  |
        | half a sector               | 256 B         | no         | Granularity must be power of 2 and at least 512 |
        | one byte more than a sector | 513 B         | no         | Granularity must be power of 2                  |
        | more than the most          | 3 GiB         | no         | Granularity must be power of 2                  |
        | the next power of two       | 4 GiB         | no         | Parameter 'granularity' expects uint32_t        |
        | 512, when cut to 32 bits    | 4 GiB + 512 B | no         | Parameter 'granularity' expects uint32_t        |

    Scenario Outline: A granularity that a bitmap may have
      When this request is made:
        | request | bitmap  | drive  | granularity   | persistent   |
        | add     | bitmap2 | drive0 | <granularity> | <persistent> |
      Then QEMU should grant it
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity   | recording | busy | persistent   | dirty   |
        | bitmap0 | 64 KiB        | yes       | no   | no           | 256 KiB |
        | bitmap1 | 32 KiB        | no        | no   | yes          | 0       |
        | bitmap2 | <granularity> | yes       | no   | <persistent> | <dirty> |

      Examples: the smallest and the largest
        | case                            | granularity | persistent | dirty |
        | a sector                        | 512 B       | no         | 1 KiB |
        | a sector, and to be stored      | 512 B       | yes        | 1 KiB |
        | all of the drive is one granule | 2 GiB       | no         | 2 GiB |
        | all of the drive is one granule | 2 GiB       | yes        | 2 GiB |
