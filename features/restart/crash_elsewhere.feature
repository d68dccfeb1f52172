@restart
Feature: Storage that stops, with other images and other ways to open and close them
  What is promised of storage that stops at any moment does not depend on how large the clusters of an image are, on how
  many bitmaps it stores, or on whether it is opened and closed while the machine runs.

  Rule: Images of all kinds open again, wherever their storage had stopped
    Scenario: The list of bitmaps takes several clusters, and so does a bitmap
      Given the storage of "drive0" is recorded
      And the 3 MiB + 512 B drive "drive0" in a qcow2 image with clusters of 512 B
      And these bitmaps on "drive0":
        | bitmap                                      | granularity | persistent |
        | a bitmap with a long name, as some tools do | 512 B       | yes        |
        | another one, of which there are many by now | 1 KiB       | yes        |
        | the one of Sunday, which nobody needs       | 512 B       | yes        |
        | the one of Monday, which nobody needs       | 4 KiB       | yes        |
        | the one of Tuesday, which nobody needs      | 64 KiB      | yes        |
        | the one of Wednesday, which nobody needs    | 2 GiB       | yes        |
        | the one of Thursday, which nobody needs     | 512 B       | yes        |
        | the one of Friday, which nobody needs       | 512 B       | yes        |
      And the guest has written to "drive0":
        | pattern | at          | length | note                                              |
        | 0xab    | 2 MiB - 1 B | 2 B    | where the bitmap's first cluster meets the second |
        | 0x64    | 3 MiB       | 512 B  | the last bit                                      |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      And the bitmap "the one of Sunday, which nobody needs" of "drive0" has been removed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 1 KiB  |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

    Scenario: The clusters are as large as they are without being asked for
      Given the storage of "drive0" is recorded
      And the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
        | bitmap1 | 2 GiB       | yes        |
      And the guest has written to "drive0":
        | pattern | at          | length |
        | 0xab    | 4 MiB - 1 B | 2 B    |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      And the bitmap "bitmap1" of "drive0" has been cleared
      When the guest writes to "drive0":
        | pattern | at     | length  |
        | 0x9a    | 63 KiB | 130 KiB |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

  Rule: No write is missing from a bitmap when storage stops while the drive is unplugged or plugged in again
    Scenario: It is unplugged, plugged in again, and unplugged
      Given a machine whose guest sees its drives as disks
      And the storage of "drive0" is recorded
      And the 256 KiB drive "drive0" in a qcow2 image with clusters of 4 KiB
      And these bitmaps on "drive0":
        | bitmap | granularity | recording | persistent |
        | fine   | 512 B       | yes       | yes        |
        | still  | 4 KiB       | no        | yes        |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And "drive0" has been unplugged
      And "drive0" has been plugged in again
      And the guest has written to "drive0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      When "drive0" is unplugged
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change

  Rule: Both images open again when a snapshot has put one on the other
    Scenario: A snapshot puts an overlay on it
      Given the storage of "drive0" is recorded
      And the storage of "overlay0" is recorded
      And the 256 KiB + 512 B drive "drive0" in a qcow2 image with clusters of 4 KiB
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | fine   | 512 B       | yes        |
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 128 KiB - 1 B | 2 B    |
      And a snapshot has put the overlay "overlay0" on "drive0"
      And these bitmaps on "overlay0":
        | bitmap | granularity | persistent |
        | above  | 4 KiB       | yes        |
      When the guest writes to "overlay0":
        | pattern | at     | length |
        | 0x22    | 32 KiB | 1 B    |
      Then whenever the storage had stopped, "drive0" should hold what was flushed, and no bitmap that lacks a change
      And whenever the storage had stopped, "overlay0" should hold what was flushed, and no bitmap that lacks a change
