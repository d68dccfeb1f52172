@damage
Feature: Images one of whose bitmaps is described by nonsense
  An entry of the directory says of a bitmap how it is called, what kind of bitmap it is, how fine, and where its table
  is; the table says where its bits are. If one of these is wrong and QEMU believes it, an incremental backup lacks what
  had changed, or QEMU frees and overwrites what is not the bitmap's. So nothing must be believed that breaks the rules.

  Background:
    Given the 5 MiB drive "drive0" in a qcow2 image with clusters of 1 KiB
    And these bitmaps on "drive0":
      | bitmap  | granularity | persistent |
      | bitmap0 | 512 B       | yes        |
      | bitmap1 | 512 B       | yes        |
    And the guest has written to "drive0":
      | pattern | at          | length | note                                                 |
      | 0x41    | 0           | 1 KiB  | the first granules                                   |
      | 0xab    | 4 MiB - 1 B | 2 B    | where the first cluster of a bitmap meets the second |
    And the machine has been shut down

  Rule: Whoever opens an image with a bitmap that breaks the rules is refused and told why, and the image stays as it is
    Scenario Outline: What kind of bitmap it is, is damaged: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then each of these should refuse it in words that say "<words>"

      Examples: flags, types and granularities that mean nothing to QEMU
        | case                            | words                                            |
        | a flag for extra data is set    | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | a flag without a meaning is set | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the last flag is set            | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the type is 0                   | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the type is 2                   | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the type is 255                 | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the granularity is of 0 bits    | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the granularity is of 8 bits    | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the granularity is of 32 bits   | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the granularity is of 63 bits   | Bitmap 'bitmap0' doesn't satisfy the constraints |
        | the granularity is of 255 bits  | Bitmap 'bitmap0' doesn't satisfy the constraints |

    Scenario Outline: How a bitmap is called is damaged: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then each of these should refuse it in words that say "<words>"

      Examples: names, and what may stand before them
        | case                                          | words                              |
        | the name is of 1024 bytes                     | doesn't satisfy the constraints    |
        | the name is longer than the directory         | Broken bitmap directory            |
        | the name is that of another bitmap            | Bitmap already exists: bitmap1     |
        | there is extra data                           | Bitmap extra data is not supported |
        | there is extra data that anybody may ignore   | Bitmap extra data is not supported |
        | there is as much extra data as can be written | Bitmap extra data is not supported |

    Scenario Outline: Where a bitmap has its table is damaged: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then each of these should refuse it in words that say "<words>"

      Examples: places and lengths
        | case                                             | words                                                                  |
        | the table is at 0                                | Bitmap 'bitmap0' doesn't satisfy the constraints                       |
        | the table begins in the midst of a cluster       | Bitmap 'bitmap0' doesn't satisfy the constraints                       |
        | the table is as far away as can be written       | bitmap_table table from image for bitmap 'bitmap0': Input/output error |
        | the table is in the place of the table of tables | bitmap_table table from image for bitmap 'bitmap0': Invalid argument   |
        | the table has 0 entries                          | Bitmap 'bitmap0' doesn't satisfy the constraints                       |
        | the table has one entry less                     | Bitmap 'bitmap0' doesn't satisfy the constraints                       |
        | the table has one entry more                     | Could not read bitmap 'bitmap0' from image: Invalid argument           |
        | the table has as many entries as can be written  | Bitmap 'bitmap0' doesn't satisfy the constraints                       |

    Scenario Outline: What the table of a bitmap says is damaged: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then each of these should refuse it in words that say "<words>"

      Examples: what must not be set, and a place where nothing begins
        | case                                            | words                                                                |
        | the lowest reserved bit of a table is set       | bitmap_table table from image for bitmap 'bitmap0': Invalid argument |
        | the highest reserved bit of a table is set      | bitmap_table table from image for bitmap 'bitmap0': Invalid argument |
        | a table says all ones of bits that have a place | bitmap_table table from image for bitmap 'bitmap0': Invalid argument |
        | the bits begin in the midst of a cluster        | bitmap_table table from image for bitmap 'bitmap0': Invalid argument |

  Rule: An image with any other bit in the description of its bitmaps is refused, or opened as what it says it is
    Scenario: Each bit of the list of bitmaps is flipped in turn
      When a copy of the image of "drive0" is opened once for each bit of its list of bitmaps, with that bit flipped
      Then each time it should be refused, or its bitmaps should be what it says they are
      And "drive0" should hold what the guest has written

  Rule: Whoever only wants the guest's data gets at them, whatever has become of a bitmap
    @known-defect.hidden-by-bitmaps
    Scenario Outline: Data next to a damaged bitmap: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then each of these should get at its data

      Examples: one of each kind
        | case                                      |
        | a flag without a meaning is set           |
        | the granularity is of 32 bits             |
        | the name is that of another bitmap        |
        | the table has one entry more              |
        | the lowest reserved bit of a table is set |
