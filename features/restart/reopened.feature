@restart
Feature: Images that are opened anew for reading only
  An operator makes a drive read-only for a while, to copy its image in peace or to protect it. QEMU stores the bitmaps
  then; from that moment on the image is at rest, and so must be its bitmaps, whatever is asked.

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
      When the machine is killed, and "tomorrow" starts with the same drives
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
      When these requests are made, one after the other:
        | request | drive  | bitmap    | from    | read-only | granularity |
        | reopen  | drive0 |           |         | yes       |             |
        | add     | drive0 | copy      |         |           | 64 KiB      |
        | merge   | drive0 | copy      | bitmap0 |           |             |
        | clear   | drive0 | transient |         |           |             |
        | enable  | drive0 | bitmap1   |         |           |             |
      Then the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1   | 512 B       | yes       | no   | yes        | 0       |
        | transient | 4 KiB       | yes       | no   | no         | 0       |
        | copy      | 64 KiB      | yes       | no   | no         | 192 KiB |
      And the image of "drive0" should be as it was, byte for byte

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
