@damage
Feature: Images whose list of bitmaps is damaged
  A header extension of an image says where its bitmaps are listed, in a directory. When a disk, a copy or another
  program has damaged these few bytes, nobody knows any more what had changed since the last backup. QEMU must say so, in
  words that lead to the bitmaps, and must not die of it: the image may come from anywhere. The guest's data are not
  concerned, and somebody wants them back.

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

  Rule: Whoever opens an image whose list of bitmaps breaks the rules is refused and told why, and the image stays as it is
    Scenario Outline: The header extension is damaged: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then each of these should refuse it in words that say "<words>"

      Examples: how many bitmaps there are, and in how many bytes that is said
        | case                                                   | words                                                                  |
        | the extension is shorter than it must be               | Invalid extension length                                               |
        | the extension is longer than it must be                | Invalid extension length                                               |
        | the extension is longer than the header                | Header extension too large                                             |
        | the reserved field of the extension is 1               | Reserved field is not zero                                             |
        | there are said to be 0 bitmaps                         | found bitmaps extension with zero bitmaps                              |
        | there is said to be one bitmap less                    | More bitmaps found than specified in header extension                  |
        | there is said to be one bitmap more                    | Less bitmaps found than specified in header extension                  |
        | there are said to be 65536 bitmaps                     | Image has 65536 bitmaps, exceeding the QEMU supported maximum of 65535 |
        | there are said to be as many bitmaps as can be written | exceeding the QEMU supported maximum of 65535                          |

    Scenario Outline: The directory is damaged: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then each of these should refuse it in words that say "<words>"

      Examples: where it is, and how long
        | case                                                 | words                                               |
        | the directory is of 0 B                              | Requested bitmap directory size is zero             |
        | the directory is 1 B shorter                         | Broken bitmap directory                             |
        | the directory is 8 B shorter                         | Broken bitmap directory                             |
        | the directory is 8 B longer                          | Broken bitmap directory                             |
        | the directory is of 1 GiB                            | exceeds the maximum supported size                  |
        | the directory is as long as can be written           | exceeds the maximum supported size                  |
        | the directory is at 0                                | Bitmap extra data is not supported                  |
        | the directory begins in the midst of a cluster       | invalid bitmap directory offset                     |
        | the directory is far beyond the end of the file      | Bitmap '' doesn't satisfy the constraints           |
        | the directory is as far away as can be written       | Failed to read bitmap directory: Input/output error |
        | the directory is in the place of the table of tables | doesn't satisfy the constraints                     |
        | the file ends before the directory                   | Bitmap '' doesn't satisfy the constraints           |

  Rule: Whoever only wants the guest's data gets at them, whatever has become of the list of bitmaps
    @known-defect.hidden-by-bitmaps
    Scenario Outline: Data next to a damaged list of bitmaps: <case>
      Given a copy of the image of "drive0" in which <case>
      When the copy is opened for reading, for writing and by each tool
      Then each of these should get at its data

      Examples: one of each kind
        | case                                            |
        | the extension is shorter than it must be        |
        | there is said to be one bitmap more             |
        | the directory is 8 B shorter                    |
        | the directory is far beyond the end of the file |
        | the file ends before the directory              |
