@layers
Feature: Bitmaps above and below an image that is streamed into
  A long chain of overlays makes a guest slow, so it is shortened from below: a stream copies into an image what it had
  from its base. The guest sees no difference, and nothing has changed that a backup would have to copy. So no bitmap may
  change: not those of the image that is written to, nor those of images that are only read, nor what they all store.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And these requests have been granted as one transaction:
      | request  | bitmap  | drive    | target   | persistent | granularity | recording |
      | add      | bitmap0 | drive0   |          | yes        |             |           |
      | snapshot |         | drive0   | overlay0 |            |             |           |
      | add      | bitmap1 | overlay0 |          | yes        | 512 B       |           |
      | add      | still1  | overlay0 |          | yes        |             | no        |
    And the guest has written to "overlay0":
      | pattern | at            | length |
      | 0x9a    | 2 MiB - 512 B | 1 KiB  |
    And these requests have been granted as one transaction:
      | request  | bitmap  | drive    | target   | persistent | granularity | recording |
      | snapshot |         | overlay0 | overlay1 |            |             |           |
      | add      | bitmap2 | overlay1 |          | yes        |             |           |
      | add      | fine2   | overlay1 |          | yes        | 512 B       |           |
      | add      | coarse2 | overlay1 |          | no         | 1 MiB       |           |
      | add      | still2  | overlay1 |          | yes        |             | no        |

  Rule: A stream into the guest's image changes none of its bitmaps, and they go on recording
    Scenario Outline: The guest's image takes over <what>
      Given a full backup of "overlay1", in one transaction with these requests:
        | request | bitmap  | drive    |
        | clear   | bitmap2 | overlay1 |
      And the guest has written to "overlay1":
        | request      | pattern | at    | length | note                      |
        | write        | 0x9b    | 3 MiB | 512 B  | what is new               |
        | write zeroes |         | 0     | 64 KiB | hides what the base holds |
      And this request has been granted:
        | request | drive    | base   |
        | stream  | overlay1 | <base> |
      When the guest writes to "overlay1":
        | pattern | at    | length |
        | 0x9c    | 4 MiB | 1 KiB  |
      Then the bitmaps of "overlay1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty          |
        | bitmap2 | 64 KiB      | yes       | no   | yes        | 192 KiB        |
        | fine2   | 512 B       | yes       | no   | yes        | 65 KiB + 512 B |
        | coarse2 | 1 MiB       | yes       | no   | no         | 3 MiB          |
        | still2  | 64 KiB      | no        | no   | yes        | 0              |
      And the next incremental backup of "overlay1" with "bitmap2" should restore it as it was then
      And the bitmaps should still hold what had changed

      Examples: down to where
        | case                       | what                       | base   |
        | it stands on nothing then  | all that it had from below |        |
        | it stands on the base then | what it had from one image | drive0 |

    Scenario: The machine is shut down after the stream, and the next one goes on
      Given a full backup of "overlay1", in one transaction with these requests:
        | request | bitmap  | drive    |
        | clear   | bitmap2 | overlay1 |
      And the guest has written to "overlay1":
        | request      | pattern | at    | length | note                      |
        | write        | 0x9b    | 3 MiB | 512 B  | what is new               |
        | write zeroes |         | 0     | 64 KiB | hides what the base holds |
      And this request has been granted:
        | request | drive    |
        | stream  | overlay1 |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      When the guest writes to "overlay1":
        | pattern | at    | length |
        | 0x9c    | 4 MiB | 1 KiB  |
      Then the next incremental backup of "overlay1" with "bitmap2" should restore it as it was then

    Scenario: The guest's drive lives in an iothread
      Given the guest has written to "overlay1":
        | request      | pattern | at    | length | note                      |
        | write        | 0x9b    | 3 MiB | 512 B  | what is new               |
        | write zeroes |         | 0     | 64 KiB | hides what the base holds |
      And "overlay1" lives in an iothread of its own
      And this request has been granted:
        | request | drive    |
        | stream  | overlay1 |
      When the bitmap "fine2" of "overlay1" is removed
      Then the bitmaps of "overlay1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap2 | 64 KiB      | yes       | no   | yes        | 128 KiB |
        | coarse2 | 1 MiB       | yes       | no   | no         | 2 MiB   |
        | still2  | 64 KiB      | no        | no   | yes        | 0       |

  Rule: A stream into an image below the guest's changes no bitmap either, and leaves it to be only read
    @known-defect.writable-after-stream
    Scenario: What is below the guest's image takes over all that is below it, and is only read then
      Given the guest has written to "overlay1":
        | request      | pattern | at    | length | note                      |
        | write        | 0x9b    | 3 MiB | 512 B  | what is new               |
        | write zeroes |         | 0     | 64 KiB | hides what the base holds |
      When this request is made:
        | request | drive    |
        | stream  | overlay0 |
      Then QEMU should grant it
      And the image of "overlay0" should be open for reading only

    Scenario: What is below the guest's image takes over all that is below it
      Given a full backup of "overlay1", in one transaction with these requests:
        | request | bitmap  | drive    |
        | clear   | bitmap2 | overlay1 |
      And the guest has written to "overlay1":
        | request      | pattern | at    | length | note                      |
        | write        | 0x9b    | 3 MiB | 512 B  | what is new               |
        | write zeroes |         | 0     | 64 KiB | hides what the base holds |
      When this request is made:
        | request | drive    |
        | stream  | overlay0 |
      Then QEMU should grant it
      And the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap1 | 512 B       | yes       | no   | yes        | 1 KiB |
        | still1  | 64 KiB      | no        | no   | yes        | 0     |
      And the next incremental backup of "overlay1" with "bitmap2" should restore it as it was then
      And the bitmaps should still hold what had changed

    Scenario: The machine is killed after a stream into what is below the guest's image
      Given the guest has written to "overlay1":
        | request      | pattern | at    | length | note                      |
        | write        | 0x9b    | 3 MiB | 512 B  | what is new               |
        | write zeroes |         | 0     | 64 KiB | hides what the base holds |
      And this request has been granted:
        | request | drive    |
        | stream  | overlay0 |
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap1 | 512 B       | yes       | no   | yes        | 1 KiB |
        | still1  | 64 KiB      | no        | no   | yes        | 0     |

    @known-defect.writable-after-stream
    Scenario: The guest's image is committed into one that was streamed into
      Given the guest has written to "overlay1":
        | request      | pattern | at    | length | note                      |
        | write        | 0x9b    | 3 MiB | 512 B  | what is new               |
        | write zeroes |         | 0     | 64 KiB | hides what the base holds |
      And this request has been granted:
        | request | drive    |
        | stream  | overlay0 |
      And "overlay1" has been committed into "overlay0"
      When the guest writes to "overlay0":
        | pattern | at    | length |
        | 0x9c    | 4 MiB | 1 KiB  |
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap1 | 512 B       | yes       | no   | yes        | 130 KiB |
        | still1  | 64 KiB      | no        | no   | yes        | 0       |
      And the bitmaps should still hold what had changed
