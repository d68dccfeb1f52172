@layers
Feature: Two jobs that want to move data on one chain of images
  A scheduler shortens the chain of a drive, and somebody moves that drive to other storage. Each of the two jobs counts on
  the images staying where they are until it is done. Whoever comes second is refused, unless the two do not touch; and the
  first goes on as if nobody had come, with all that the bitmaps must record.

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
      | request  | bitmap  | drive    | target   | persistent |
      | snapshot |         | overlay0 | overlay1 |            |
      | add      | bitmap2 | overlay1 |          | yes        |

  Rule: While a job moves data between images, no other job may touch them, and the first one goes on
    Scenario Outline: The guest's image is being committed, and somebody asks for a <request>: <case>
      Given the new drive "copy0" as large as "overlay1"
      And the guest has written to "overlay1":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      And a commit of "overlay1" into "overlay0" is ready
      When this request is made:
        | request   | drive   | base   | target   |
        | <request> | <drive> | <base> | <target> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      When the guest writes to "overlay1":
        | pattern | at    | length |
        | 0x9c    | 1 MiB | 1 KiB  |
      And the commit of "overlay1" is completed
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap1 | 512 B       | yes       | no   | yes        | 129 KiB |
        | still1  | 64 KiB      | no        | no   | yes        | 0       |
      And the bitmaps should still hold what had changed

      Examples: what the second one wants
        | case                         | request          | drive    | base   | target | words                   |
        | the same image from below    | stream           | overlay1 |        |        | Node 'overlay1' is busy |
        | the image that is written to | stream           | overlay0 |        |        | Node 'overlay0' is busy |
        | the image that is written to | commit of layers | overlay0 | drive0 |        | Need a root block node  |
        | the same image, and one more | commit of layers | overlay1 | drive0 |        | Need a root block node  |
        | the drive, to other storage  | mirror into      | overlay1 |        | copy0  | Need a root block node  |

    Scenario Outline: The guest's drive is being mirrored, and somebody asks for a <request>: <case>
      Given the new drive "copy0" as large as "overlay1"
      And a mirror of "overlay1" into "copy0" is ready that was started with:
        | option    | value      |
        | copy-mode | background |
      When this request is made:
        | request   | drive   | base   | target   |
        | <request> | <drive> | <base> | <target> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      When the guest writes to "overlay1":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 1 KiB  |
      And the guest of "overlay1" goes on with its mirror
      Then "copy0" should have no bitmap
      And "copy0" should hold what the guest has written

      Examples: what the second one wants
        | case                  | request          | drive    | base     | target | words                   |
        | what the mirror reads | stream           | overlay1 |          |        | Node 'overlay1' is busy |
        | what the mirror reads | commit of layers | overlay1 | overlay0 |        | Need a root block node  |
        | below what it reads   | commit of layers | overlay0 | drive0   |        | Need a root block node  |
        | a second copy         | mirror into      | overlay1 |          | copy0  | Need a root block node  |

  Rule: Jobs that touch different images run beside one another, and all bitmaps record what they must
    Scenario: What is below the guest's image takes over all that is below it while the drive moves to other storage
      Given the new drive "copy0" as large as "overlay1"
      And a mirror of "overlay1" into "copy0" is ready that was started with:
        | option    | value      |
        | copy-mode | background |
      And this request has been granted:
        | request | drive    |
        | stream  | overlay0 |
      And the guest has written to "overlay1":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 1 KiB  |
      And a bitmap "bitmap3" on "copy0"
      And the guest of "overlay1" has gone on with its mirror
      When the guest writes to "copy0":
        | pattern | at    | length |
        | 0x9c    | 1 MiB | 1 KiB  |
      Then the bitmaps of "copy0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap3 | 64 KiB      | yes       | no   | no         | 128 KiB |
      And the bitmaps should still hold what had changed

    Scenario: An image low in the chain is streamed into while the guest's one is committed
      Given a snapshot has put the overlay "overlay2" on "overlay1"
      And the guest has written to "overlay2":
        | pattern | at    | length |
        | 0x9b    | 3 MiB | 512 B  |
      And a commit of "overlay2" into "overlay1" is ready
      And this request has been granted:
        | request | drive    |
        | stream  | overlay0 |
      And the guest has written to "overlay2":
        | pattern | at    | length |
        | 0x9c    | 1 MiB | 1 KiB  |
      When the commit of "overlay2" is completed
      Then the bitmaps of "overlay1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap2 | 64 KiB      | yes       | no   | yes        | 128 KiB |
      And the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap1 | 512 B       | yes       | no   | yes        | 1 KiB |
        | still1  | 64 KiB      | no        | no   | yes        | 0     |
      And the bitmaps should still hold what had changed
