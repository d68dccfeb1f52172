@bitmap
Feature: Bitmaps of the disks of a running guest
  To a guest a drive is a disk, which an operator plugs in and unplugs while the guest runs. The guest may be paused, and
  it may crash and start again. A bitmap belongs to the drive and not to the guest: of all this it takes no notice, as
  long as QEMU has the drive; and what is stored in the image comes back with the disk.

  Background:
    Given a machine whose guest sees its drives as disks

  Rule: A bitmap records what the guest writes to a disk that was plugged in while the machine runs
    Scenario: A disk is plugged in and backed up
      Given the machine has been started
      And the 4 MiB drive "drive0"
      And a full backup of "drive0" with a new bitmap "bitmap0"
      When the guest writes to "drive0":
        | request      | pattern | at           | length | note                       |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
        | write zeroes |         | 960 KiB      | 64 KiB | a granule                  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 192 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: A disk that is unplugged and plugged in again has kept its persistent bitmaps, and no transient ones
    Scenario: A disk with three bitmaps is unplugged and plugged in again
      Given the 4 MiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap  | granularity | recording | persistent |
        | bitmap0 | 64 KiB      | yes       | no         |
        | bitmap1 | 512 B       | yes       | yes        |
        | bitmap2 | 64 KiB      | no        | yes        |
      And the guest has written to "drive0":
        | pattern | at            | length | note                       |
        | 0xab    | 64 KiB - 1 B  | 2 B    | over the edge of a granule |
        | 0x9a    | 4 MiB - 1 KiB | 1 KiB  | up to the end of the drive |
      And "drive0" has been unplugged
      When "drive0" is plugged in again
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap1 | 512 B       | yes       | no   | yes        | 2 KiB |
        | bitmap2 | 64 KiB      | no        | no   | yes        | 0     |
      And the bitmaps should still hold what had changed

    Scenario: A disk with bitmaps of unusual names is unplugged and plugged in again
      Given the 4 MiB drive "drive0" in a qcow2 image
      And these bitmaps on "drive0":
        | bitmap                | granularity | persistent | note                                  |
        | n                     | 4 KiB       | yes        | the shortest name                     |
        | é repeated 511 times  | 8 KiB       | yes        | letters of two bytes                  |
        | n repeated 1023 times | 16 KiB      | yes        | the longest name                      |
        | a, b=c; d: %s {e} 'f' | 32 KiB      | yes        | signs that mean something to programs |
        | #0 ../~/$HOME*        | 64 KiB      | yes        | more such signs                       |
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And "drive0" has been unplugged
      When "drive0" is plugged in again
      Then the bitmaps of "drive0" should be:
        | bitmap                | granularity | recording | busy | persistent | dirty   |
        | n                     | 4 KiB       | yes       | no   | yes        | 8 KiB   |
        | é repeated 511 times  | 8 KiB       | yes       | no   | yes        | 16 KiB  |
        | n repeated 1023 times | 16 KiB      | yes       | no   | yes        | 32 KiB  |
        | a, b=c; d: %s {e} 'f' | 32 KiB      | yes       | no   | yes        | 64 KiB  |
        | #0 ../~/$HOME*        | 64 KiB      | yes       | no   | yes        | 128 KiB |
      And the bitmaps should still hold what had changed

  Rule: A bitmap keeps its record when the guest is reset, and can be added while the guest is paused
    Scenario: The guest crashes and starts again between two changes
      Given the 4 MiB drive "drive0"
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And the guest has written to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      And the machine has been reset
      When the guest writes to "drive0":
        | pattern | at            | length |
        | 0x9a    | 960 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | 256 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: A persistent bitmap is added while the guest is paused
      Given the 4 MiB drive "drive0" in a qcow2 image
      And the machine has been started
      And the machine has been paused
      When this request is made:
        | request | bitmap  | drive  | persistent |
        | add     | bitmap0 | drive0 | yes        |
      Then QEMU should grant it
      When the machine is started
      And the guest writes to "drive0":
        | pattern | at           | length |
        | 0xab    | 64 KiB - 1 B | 2 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
