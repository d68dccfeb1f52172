@refusal
Feature: Requests for bitmaps that do not exist, or do not match
  A backup tool keeps its bitmaps by name. When one of them has gone, or a name is misspelt, each request that needs it
  must say so: a tool that believes that it has cleared, disabled or merged something takes the next backup on trust.
  A request for several bitmaps of which one is missing must leave the others as they are.

  Background:
    Given the 4 MiB drive "drive0"
    And a bitmap "bitmap1" with a granularity of 32 KiB on "drive0"
    And the guest has written to "drive0":
      | pattern | at             | length | note                      |
      | 0x41    | 0              | 65 KiB | only "bitmap1" records it |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB | only "bitmap1" records it |
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: A request for a bitmap or a drive that does not exist is refused, and changes no other bitmap
    Scenario Outline: A request with a wrong name: <request>, <case>
      Given the 4 MiB drive "drive1"
      And a bitmap "bitmap2" on "drive1"
      And the guest has written to "drive0":
        | pattern | at       | length |
        | 0xab    | 1000 KiB | 48 KiB |
      When this request is made:
        | request   | bitmap   | drive  | node   | from   |
        | <request> | <bitmap> | drive0 | <node> | <from> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: a name that nothing has, or nothing on this drive
        | case                  | request | bitmap  | node   | from | words                                              |
        | no such bitmap        | clear   | absent  |        |      | Dirty bitmap 'absent' not found                    |
        | no such bitmap        | enable  | absent  |        |      | Dirty bitmap 'absent' not found                    |
        | no such bitmap        | disable | absent  |        |      | Dirty bitmap 'absent' not found                    |
        | no such bitmap        | remove  | absent  |        |      | Dirty bitmap 'absent' not found                    |
        | only on another drive | remove  | bitmap2 |        |      | Dirty bitmap 'bitmap2' not found                   |
        | no such drive         | clear   | bitmap0 | absent |      | Node 'absent' not found                            |
        | no such drive         | add     | bitmap3 | absent |      | Cannot find device='absent' nor node-name='absent' |

      @bug-B64
      Examples: merges of which one end does not exist
        | case                                  | request | bitmap  | node | from              | words                            |
        | nothing to merge into                 | merge   | absent  |      | bitmap0           | Dirty bitmap 'absent' not found  |
        | nothing to merge                      | merge   | bitmap0 |      | absent            | Dirty bitmap 'absent' not found  |
        | nothing to merge as the second source | merge   | bitmap0 |      | bitmap1, absent   | Dirty bitmap 'absent' not found  |
        | nothing to merge as the first source  | merge   | bitmap0 |      | absent, bitmap1   | Dirty bitmap 'absent' not found  |
        | only on another drive                 | merge   | bitmap0 |      | bitmap1 of drive1 | Dirty bitmap 'bitmap1' not found |

    Scenario Outline: A wrong name at the end of a transaction: <request>, <case>
      Given the guest has written to "drive0":
        | pattern | at       | length |
        | 0xab    | 1000 KiB | 48 KiB |
      When these requests are made as one transaction:
        | request   | bitmap   | drive  | from   |
        | clear     | bitmap1  | drive0 |        |
        | add       | bitmap2  | drive0 |        |
        | <request> | <bitmap> | drive0 | <from> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: a name that no bitmap has, or one that is taken
        | case                  | request | bitmap  | from            | words                           |
        | no such bitmap        | clear   | absent  |                 | Dirty bitmap 'absent' not found |
        | no such bitmap        | disable | absent  |                 | Dirty bitmap 'absent' not found |
        | no such bitmap        | remove  | absent  |                 | Dirty bitmap 'absent' not found |
        | nothing to merge into | merge   | absent  | bitmap0         | Dirty bitmap 'absent' not found |
        | nothing to merge      | merge   | bitmap0 | bitmap2, absent | Dirty bitmap 'absent' not found |
        | a taken name          | add     | bitmap0 |                 | Bitmap already exists: bitmap0  |

      @known-defect.enable-missing-bitmap
      Examples: what must not be undone, since it was refused
        | case           | request | bitmap | from | words                           |
        | no such bitmap | enable  | absent |      | Dirty bitmap 'absent' not found |

  Rule: A merge of bitmaps is refused unless their drives have the same size
    @bug-B64
    Scenario Outline: A merge with the bitmap of a drive that is <case>
      Given the <size> drive "drive1"
      And a bitmap "bitmap2" with a granularity of 32 KiB on "drive1"
      And the guest has written to "drive1":
        | pattern | at      | length |
        | 0x14    | 960 KiB | 65 KiB |
      When this request is made:
        | request | bitmap  | drive  | from                       |
        | merge   | bitmap0 | drive0 | bitmap1, bitmap2 of drive1 |
      Then QEMU should refuse it as a GenericError that says "Bitmaps are of different sizes"
      And nothing should have changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: by the size of the other drive
        | case                                       | size          |
        | larger by a sector, with one granule more  | 4 MiB + 512 B |
        | smaller by a sector, with as many granules | 4 MiB - 512 B |
        | twice as large                             | 8 MiB         |

    Scenario: A merge with the bitmap of a drive of the same size
      Given the 4 MiB drive "drive1"
      And a bitmap "bitmap2" with a granularity of 32 KiB on "drive1"
      And the guest has written to "drive1":
        | pattern | at      | length |
        | 0x14    | 960 KiB | 65 KiB |
      When this request is made:
        | request | bitmap  | drive  | from                       |
        | merge   | bitmap0 | drive0 | bitmap1, bitmap2 of drive1 |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 320 KiB |
        | bitmap1 | 32 KiB      | yes       | no   | 160 KiB |
      And the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
