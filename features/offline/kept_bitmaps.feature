@offline
Feature: What tools do to the bitmaps of a machine that is off
  At night the machines are off, and scripts run over their images: they check them, enlarge them, copy them to newer
  storage, merge overlays. In the morning the chain of backups must go on. So whatever a tool does with an image, each
  bitmap in it is there afterwards, bit for bit; or the tool says that it is not, and nothing has happened yet.

  Background:
    Given the 520 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at              | length |
      | 0x41    | 0               | 65 KiB |
      | 0xd5    | 520 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | granularity | persistent | recording |
      | add     | bitmap0 | drive0 | 64 KiB      | yes        | yes       |
      | add     | fine    | drive0 | 512 B       | yes        | yes       |
      | add     | still   | drive0 | 4 KiB       | yes        | no        |
    And the guest has written to "drive0":
      | pattern | at            | length | note                                   |
      | 0xab    | 64 KiB - 1 B  | 2 B    | over the edge of a granule             |
      | 0x9a    | 256 MiB - 1 B | 2 B    | where clusters of the fine bitmap meet |
      | 0x64    | 520 MiB       | 1 KiB  | the rest at the end                    |
    And the machine has been shut down

  Rule: A tool that works on an image with bitmaps keeps each of them, and the chain goes on
    Scenario Outline: Kept: the image has been <act>
      Given the image of "drive0" has been <act>
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | fine    | 512 B       | yes       | no   | yes        | 3 KiB   |
        | still   | 4 KiB       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: by what the tool does
        | case                              | act                                         |
        | check                             | checked                                     |
        | check -r leaks                    | rid of leaks                                |
        | check -r all                      | repaired                                    |
        | info                              | described                                   |
        | measure                           | measured                                    |
        | snapshot -c                       | given a snapshot                            |
        | amend -o refcount_bits            | amended to wider counts of references       |
        | amend -o lazy_refcounts           | amended to lazy counts of references        |
        | convert --bitmaps                 | copied with its bitmaps                     |
        | convert --bitmaps -c              | compressed with its bitmaps                 |
        | convert --bitmaps -o cluster_size | copied into small clusters with its bitmaps |

    Scenario Outline: Kept in another size: the image has been resized to <size>
      Given the image of "drive0" has been resized to <size>
      And the machine "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at    | length | note              |
        | 0x9a    | <end> | 512 B  | up to the new end |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty    |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | <dirty>  |
        | fine    | 512 B       | yes       | no   | yes        | <finely> |
        | still   | 4 KiB       | no        | no   | yes        | 0        |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: larger and smaller
        | case                                            | size             | end             | dirty   | finely        |
        | by a sector, within the last granule            | 520 MiB + 1536 B | 520 MiB + 1 KiB | 320 KiB | 3 KiB + 512 B |
        | so far that the fine bitmap needs more clusters | 1 GiB + 1 KiB    | 1 GiB + 512 B   | 384 KiB | 3 KiB + 512 B |
        | so far that it needs fewer                      | 256 MiB + 512 B  | 256 MiB         | 256 KiB | 2 KiB         |

  Rule: A tool that works on an image with inconsistent bitmaps says nothing of them, and they stay so
    Scenario Outline: Inconsistent, as it was: the image has been <act>
      Given the machine "monday" has started with the same drives
      And the machine has been killed
      And the image of "drive0" has been <act>
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | fine    | 512 B       | no        | no   | yes        | yes          | 0     |
        | still   | 4 KiB       | no        | no   | yes        | yes          | 0     |
      And "drive0" should hold what the guest has written

      Examples: by what the tool does
        | case                    | act                                  |
        | check                   | checked                              |
        | check -r leaks          | rid of leaks                         |
        | check -r all            | repaired                             |
        | info                    | described                            |
        | measure                 | measured                             |
        | snapshot -c             | given a snapshot                     |
        | amend -o lazy_refcounts | amended to lazy counts of references |

  Rule: A copy has the bitmaps of an image only if that was asked for
    Scenario: Gone: the image has been copied, and nobody has asked for its bitmaps
      Given the image of "drive0" has been copied without its bitmaps
      And the machine "tuesday" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at      | length |
        | 0x22    | 256 MiB | 1 KiB  |
      Then "drive0" should have no bitmap
      And "drive0" should hold what the guest has written
