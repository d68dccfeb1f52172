@restart
Feature: Images that are opened anew while the machine runs
  An operator makes a drive read-only for a while, to copy its image in peace or to protect it, and writable again
  (blockdev-reopen). At the first of the two, QEMU stores the bitmaps; from then on the image is at rest, and so must be
  its bitmaps. After the second they go on recording, and the chain with them.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
    And no device uses "drive0"
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent |
      | add     | bitmap0 | drive0 | yes        |
    And these bitmaps on "drive0":
      | bitmap    | granularity | recording | persistent |
      | bitmap1   | 512 B       | no        | yes        |
      | transient | 4 KiB       | yes       | no         |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |

  Rule: A drive that is opened for reading only, stores its bitmaps and stays as it is
    Scenario: The guest tries to write to a drive that has become read-only
      When this request is made:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      Then QEMU should grant it
      And these requests of the guest to "drive0" should fail with "Block node is read-only":
        | request      | pattern | at    | length |
        | write        | 0x9a    | 1 MiB | 64 KiB |
        | write zeroes |         | 2 MiB | 64 KiB |
        | discard      |         | 3 MiB | 64 KiB |
      And the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1   | 512 B       | no        | no   | yes        | 0       |
        | transient | 4 KiB       | yes       | no   | no         | 12 KiB  |
      And the image of "drive0" should be as it was, byte for byte
      And the image of "drive0" should store its persistent bitmaps and no others

    Scenario: The machine is killed while the drive is read-only
      Given this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario Outline: A bitmap of a drive that has become read-only is to be <changed>
      Given this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      When this request is made:
        | request   | drive  | bitmap  | from   |
        | <request> | drive0 | bitmap0 | <from> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And the image of "drive0" should be as it was, byte for byte

      Examples: what an image that is not written cannot follow
        | case           | changed     | request | from      | words                                               |
        | emptied        | cleared     | clear   |           | Bitmap 'bitmap0' is readonly and cannot be modified |
        | from the image | removed     | remove  |           | Cannot remove persistent bitmap 'bitmap0'           |
        | more bits      | merged into | merge   | transient | Bitmap 'bitmap0' is readonly and cannot be modified |

    Scenario: All that concerns no image is granted while the drive is read-only
      Given this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And these bitmaps on "drive0":
        | bitmap | granularity |
        | copy   | 64 KiB      |
      And "bitmap0" of "drive0" has been merged into "copy"
      And the bitmap "transient" of "drive0" has been cleared
      And the bitmap "bitmap1" of "drive0" has been enabled
      Then the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1   | 512 B       | yes       | no   | yes        | 0       |
        | transient | 4 KiB       | yes       | no   | no         | 0       |
        | copy      | 64 KiB      | yes       | no   | no         | 192 KiB |
      When the bitmap "transient" of "drive0" is removed
      Then the image of "drive0" should be as it was, byte for byte

    @known-defect.added-to-read-only
    Scenario: A persistent bitmap is to be added to a drive that has become read-only
      Given this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      When this request is made:
        | request | bitmap | drive  | persistent |
        | add     | new    | drive0 | yes        |
      Then QEMU should refuse it as a GenericError that says "Cannot add a persistent bitmap to read-only"
      And nothing should have changed

  Rule: A drive that is opened for writing again, goes on recording, and its chain goes on
    Scenario: Three times read-only and back, with writes between
      Given this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request | pattern | at            | length |
        | write   | 0x9a    | 2 MiB - 1 KiB | 2 KiB  |
      And the bitmap "bitmap1" of "drive0" has been enabled
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new    | 32 KiB      | yes        |
      And the guest has written to "drive0":
        | request      | pattern | at    | length  |
        | write zeroes |         | 1 MiB | 128 KiB |
        | discard      |         | 0     | 64 KiB  |
      And the bitmap "transient" of "drive0" has been removed
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 384 KiB |
        | bitmap1 | 512 B       | yes       | no   | yes        | 193 KiB |
        | new     | 32 KiB      | yes       | no   | yes        | 224 KiB |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

    @bug-B16
    Scenario: The machine is killed after the drive has become writable again
      Given this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      And the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |

    Scenario Outline: A drive that was read-only from the start becomes writable <when>
      Given the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      And "drive0" has been unplugged
      And "drive0" has been plugged in for reading only
      And this request has been granted:
        | request | drive  | read-only   |
        | reopen  | drive0 | <read-only> |
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 256 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: how often it is opened anew
        | case                        | when                                      | read-only |
        | at the second of two        | after it was opened for reading once more | yes       |
        | twice, though one is enough | twice                                     | no        |

    @bug-B16
    Scenario: A bitmap that a crash has spoilt stays spoilt when the drive is read-only and writable again
      Given the machine has been shut down
      And the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And no device uses "drive0"
      And these bitmaps on "drive0":
        | bitmap | granularity | persistent |
        | new    | 64 KiB      | yes        |
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty  |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0      |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0      |
        | new     | 64 KiB      | yes       | no   | yes        | no           | 64 KiB |
      When the bitmap "bitmap0" of "drive0" is removed
      Then the image of "drive0" should store its persistent bitmaps and no others

    Scenario: A bitmap is removed after the drive has become writable again
      Given this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      And the bitmap "bitmap0" of "drive0" has been removed
      When this request is made:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      Then QEMU should grant it
      And the image of "drive0" should store its persistent bitmaps and no others

  Rule: A drive can become read-only while a backup uses its bitmap, and the chain goes on
    @known-defect.stored-while-in-use
    Scenario: The backup succeeds, and the drive becomes writable again
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And the speed of the backup of "drive0" has been set to 0 B a second
      Then the backup of "drive0" should succeed
      Given this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      And the machine has been shut down
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty  |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 64 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0      |

    @known-defect.stored-while-in-use
    Scenario: The machine is shut down in the midst of the backup
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |

  Rule: A drive that something writes to cannot become read-only, and nothing changes
    @known-defect.read-only-after-refusal
    Scenario: A drive that a device uses is to become read-only
      Given the 4 MiB drive "drive1" in a qcow2 image
      And these bitmaps on "drive1":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
      And the guest has written to "drive1":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 1 KiB  |
      When this request is made:
        | request | drive  | read-only |
        | reopen  | drive1 | yes       |
      Then QEMU should refuse it as a GenericError that says "Read-only block node 'drive1' cannot support"
      When the guest writes to "drive1":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
