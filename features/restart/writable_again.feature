@restart
Feature: Images that are opened anew for writing
  When a drive that was read-only for a while becomes writable again, its bitmaps go on where they were, and the chain
  with them. The image marks them as in use, as at the start of a machine, so that a crash is noticed.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
    And no device uses "drive0"
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap    | drive  | persistent | granularity | recording |
      | add     | bitmap0   | drive0 | yes        | 64 KiB      | yes       |
      | add     | bitmap1   | drive0 | yes        | 512 B       | no        |
      | add     | transient | drive0 | no         | 4 KiB       | yes       |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |

  Rule: A drive that is opened for writing again, goes on recording, and its chain goes on
    Scenario: Three times read-only and back, with writes between
      Given these requests have been granted, one after the other:
        | request | drive  | bitmap  | read-only |
        | reopen  | drive0 |         | yes       |
        | reopen  | drive0 |         | no        |
        | enable  | drive0 | bitmap1 |           |
        | reopen  | drive0 |         | yes       |
        | reopen  | drive0 |         | no        |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at            | length  |
        | write        | 0x9a    | 2 MiB - 1 KiB | 2 KiB   |
        | write zeroes |         | 1 MiB         | 128 KiB |
        | discard      |         | 0             | 64 KiB  |
      And these requests have been granted, one after the other:
        | request | drive  | bitmap    | read-only | granularity | persistent |
        | add     | drive0 | new       |           | 32 KiB      | yes        |
        | remove  | drive0 | transient |           |             |            |
        | reopen  | drive0 |           | yes       |             |            |
        | reopen  | drive0 |           | no        |             |            |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 384 KiB |
        | bitmap1 | 512 B       | yes       | no   | yes        | 195 KiB |
        | new     | 32 KiB      | yes       | no   | yes        | 32 KiB  |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

    @bug-B16
    Scenario: The machine is killed after the drive has become writable again
      Given these requests have been granted, one after the other:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
        | reopen  | drive0 | no        |
      When the machine is killed, and "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |

    Scenario Outline: A drive that was read-only from the start becomes writable <when>
      Given "drive0" has been unplugged
      And "drive0" has been plugged in for reading only
      And these requests have been granted, one after the other:
        | request | drive  | read-only   |
        | reopen  | drive0 | <read-only> |
        | reopen  | drive0 | no          |
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

    Scenario: A bitmap is removed after the drive has become writable again
      When these requests are made, one after the other:
        | request | drive  | bitmap  | read-only |
        | reopen  | drive0 |         | yes       |
        | reopen  | drive0 |         | no        |
        | remove  | drive0 | bitmap0 |           |
        | reopen  | drive0 |         | yes       |
      Then QEMU should grant it
      And the image of "drive0" should store its persistent bitmaps and no others

    @bug-B16
    Scenario: A bitmap that a crash has spoilt stays spoilt when the drive is read-only and writable again
      Given the machine has been shut down, and "monday" has started with the same drives
      And the machine has been killed, and "tuesday" has started with the same drives
      And no device uses "drive0"
      And these requests have been granted, one after the other:
        | request | drive  | bitmap  | read-only | granularity | persistent |
        | add     | drive0 | new     |           | 64 KiB      | yes        |
        | reopen  | drive0 |         | yes       |             |            |
        | reopen  | drive0 |         | no        |             |            |
        | remove  | drive0 | bitmap1 |           |             |            |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty  |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0      |
        | new     | 64 KiB      | yes       | no   | yes        | no           | 64 KiB |

  Rule: A drive can become read-only while a backup uses its bitmap, and the chain goes on
    @known-defect.stored-while-in-use
    Scenario: The backup succeeds, and the drive becomes writable again
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      When the speed of the backup of "drive0" is set to 0 B a second
      Then the backup of "drive0" should succeed
      When this request is made:
        | request | drive  | read-only |
        | reopen  | drive0 | no        |
      And the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @known-defect.stored-while-in-use
    Scenario: The machine is shut down in the midst of the backup
      Given an incremental backup of "drive0" with "bitmap0" is kept running
      And this request has been granted:
        | request | drive  | read-only |
        | reopen  | drive0 | yes       |
      When the machine is shut down, and "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
