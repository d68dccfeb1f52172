@pull
Feature: A frozen view of what has changed
  An incremental pull reads what a bitmap has recorded, and nothing else. So the filter may be given the bitmap: it saves
  no more than that, and the scratch image stays small. A client that reads outside must be told so, since nobody keeps
  for it what was there. And the bitmaps of the drive go on, for the next increment.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image, holding:
      | pattern | at    | length |
      | 0x41    | 0     | 2 MiB  |
      | 0xd5    | 3 MiB | 1 MiB  |
    And no device uses "drive0"

  Rule: A client reads what the bitmap says, as it was, and can read nothing else
    Scenario Outline: A bitmap with granules of <granularity>
      Given these bitmaps on "drive0", each with a record of its own:
        | bitmap  | granularity   | pattern | at     | length        |
        | bitmap0 | <granularity> | 0x11    | 64 KiB | 128 KiB + 1 B |
      And "drive0" has been frozen in the view "view0" with:
        | option | value   |
        | bitmap | bitmap0 |
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | request      | pattern | at      | length  | note                        |
        | write        | 0x01    | 0       | 128 KiB | half of it is in the bitmap |
        | write        | 0x02    | 1 MiB   | 64 KiB  | nothing of it is            |
        | write zeroes |         | 128 KiB | 64 KiB  | all of it is                |
        | discard      |         | 192 KiB | 1 MiB   | the start of it is          |
      Then "view0" should have shown "drive0" as it was, each time

      Examples: granularities
        | granularity |
        | 512 B       |
        | 64 KiB      |
        | 1 MiB       |

    Scenario Outline: A read that is not all in the bitmap
      Given these bitmaps on "drive0", each with a record of its own:
        | bitmap  | granularity   | pattern | at     | length        |
        | bitmap0 | <granularity> | 0x11    | 64 KiB | 128 KiB + 1 B |
      And "drive0" has been frozen in the view "view0" with:
        | option | value   |
        | bitmap | bitmap0 |
      When the guest writes to "drive0":
        | pattern | at     | length  |
        | 0x01    | 64 KiB | 256 KiB |
      Then "view0" should not let these parts be read:
        | at           | length  | note               |
        | 0            | 64 KiB  | before             |
        | 0            | 128 KiB | its end is in it   |
        | 192 KiB      | 128 KiB | its start is in it |
        | 256 KiB      | 512 B   | right behind       |
        | 64 KiB - 1 B | 1 B     | right before       |
        | 0            | 4 MiB   | some in the middle |

      Examples: the granularity of the bitmap
        | granularity |
        | 64 KiB      |

    Scenario Outline: The view copies as much at a time as the clusters of its scratch image are large
      Given these bitmaps on "drive0", each with a record of its own:
        | bitmap  | granularity   | pattern | at     | length        |
        | bitmap0 | <granularity> | 0x11    | 64 KiB | 128 KiB + 1 B |
      And each view saves into <kind>
      And "drive0" has been frozen in the view "view0" with:
        | option | value   |
        | bitmap | bitmap0 |
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | request | pattern | at | length |
        | write   | 0x01    | 0  | 2 MiB  |
      Then "view0" should have shown "drive0" as it was, each time

      Examples: images
        | granularity | kind                                 |
        | 4 KiB       | a raw image                          |
        | 64 KiB      | a qcow2 image with clusters of 1 MiB |
        | 64 KiB      | a qcow2 image with clusters of 512 B |

  Rule: The bitmaps of the drive go on as if there were no view
    Scenario Outline: Bitmaps record while a view is there, and the machine ends with <what> in place
      Given these bitmaps on "drive0", each with a record of its own:
        | bitmap  | granularity   | pattern | at     | length        |
        | bitmap0 | <granularity> | 0x11    | 64 KiB | 128 KiB + 1 B |
      And these requests have been granted, one after the other:
        | request | drive  | bitmap  | persistent |
        | add     | drive0 | bitmap1 | yes        |
        | add     | drive0 | bitmap2 | no         |
      And "drive0" has been frozen in the view "view0" with:
        | option | value    |
        | bitmap | <bitmap> |
      When the guest writes to "drive0":
        | request      | pattern | at            | length  |
        | write        | 0x01    | 128 KiB - 1 B | 2 B     |
        | discard      |         | 1 MiB         | 128 KiB |
        | write zeroes |         | 3 MiB         | 64 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | no        | no   | no         | 192 KiB |
        | bitmap1 | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | bitmap2 | 64 KiB      | yes       | no   | no         | 320 KiB |
      And "view0" should show "drive0" as it was

      Examples: views
        | case                      | what                  | granularity | bitmap  |
        | it shows what has changed | a view of the changes | 64 KiB      | bitmap0 |
        | it shows all              | a view of everything  | 64 KiB      |         |
