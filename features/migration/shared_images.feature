@migration
Feature: A guest moves to another machine that shares its images
  The images lie on storage that both hosts reach. The guest stops here and goes on there, and nothing is copied. What a
  bitmap has recorded must go with it, or the next backup is a full one, or, worse, an incremental one with holes. There
  are two ways: the image stores the persistent bitmaps, and the other machine loads them; or all bitmaps travel with the
  guest, the transient ones, too, which the operator has to ask for (capability dirty-bitmaps).

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | yes        |

  Rule: Bitmaps that do not travel go through the image: persistent ones are there, with their records and flags
    @bug-B18
    Scenario: The guest writes before and after it moves
      Given these bitmaps on "drive0":
        | bitmap    | granularity | recording | persistent |
        | fine      | 512 B       | yes       | yes        |
        | disabled  | 64 KiB      | yes       | yes        |
        | transient | 64 KiB      | yes       | no         |
      And the guest has written to "drive0":
        | pattern | at           | length | note                       |
        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |
      And the bitmap "disabled" of "drive0" has been disabled
      And the machine "elsewhere" waits for the guest, with the same images
      And the guest has moved there
      When the guest writes to "drive0":
        | pattern | at            | length | note                   |
        | 0x9a    | 2 MiB - 1 KiB | 2 KiB  | on both sides of 2 MiB |
      Then the bitmaps of "drive0" should be:
        | bitmap   | granularity | recording | busy | persistent | dirty   |
        | bitmap0  | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | fine     | 512 B       | yes       | no   | yes        | 4 KiB   |
        | disabled | 64 KiB      | no        | no   | yes        | 192 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario Outline: The bitmaps were stored before, and <case>
      Given these bitmaps on "drive0":
        | bitmap | granularity | recording | persistent |
        | fine   | 512 B       | no        | yes        |
      And the guest has written to "drive0":
        | pattern | at          | length | note          |
        | 0x64    | 4 MiB + 1 B | 1 B    | the last bits |
      And the machine has been shut down
      And the machine "here" has started with the same drives
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x22    | 1 MiB | 1 KiB  |
      And the machine "elsewhere" waits for the guest, with the same images
      And <how> travel with the guest
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
        | fine    | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      @bug-B18
      Examples: through the image
        | case            | how        |
        | are loaded anew | no bitmaps |

      @bug-B101
      Examples: with the guest
        | case                 | how         |
        | arrive by themselves | all bitmaps |

    Scenario: No transient bitmap is there, and the next chain begins anew
      Given a bitmap "transient" on "drive0"
      And the machine "elsewhere" waits for the guest, with the same images
      When the guest moves there
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 0     |
      When a bitmap "transient" is added to "drive0"
      Then QEMU should grant it
