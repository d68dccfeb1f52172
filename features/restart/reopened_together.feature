@restart
Feature: Several images that are opened anew at one moment
  A guest has its system on one drive and its data on another one; to copy both in peace, an operator makes both read-only
  in one request. Either all of them are opened as was asked, with their bitmaps stored or in use again, or none is.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
    And the 4 MiB drive "drive1" in a qcow2 image
    And no device uses "drive0"
    And no device uses "drive1"

  Rule: All images are opened anew, and each stores its own bitmaps or takes them in use again
    Scenario: Both drives become read-only, one of them writable again, and then the other
      Given these requests have been granted, one after the other:
        | request | drive  | bitmap    | granularity | recording | persistent |
        | add     | drive0 | bitmap0   | 64 KiB      | yes       | yes        |
        | add     | drive0 | idle      | 512 B       | no        | yes        |
        | add     | drive1 | bitmap0   | 512 B       | yes       | yes        |
        | add     | drive1 | transient | 64 KiB      | yes       | no         |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x64    | 4 MiB | 1 KiB  |
      And the guest has written to "drive1":
        | pattern | at          | length |
        | 0x65    | 4 MiB - 1 B | 1 B    |
      And these images have been opened anew at one moment:
        | drive  | read-only |
        | drive0 | yes       |
        | drive1 | yes       |
      And these images have been opened anew at one moment:
        | drive  | read-only |
        | drive0 | no        |
        | drive1 | yes       |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 1 KiB  |
      And these images have been opened anew at one moment:
        | drive  | read-only |
        | drive1 | no        |
        | drive0 | yes       |
      When the guest writes to "drive1":
        | pattern | at    | length |
        | 0x9b    | 1 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
        | idle    | 512 B       | no        | no   | yes        | 0       |
      And the bitmaps of "drive1" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty         |
        | bitmap0   | 512 B       | yes       | no   | yes        | 1 KiB + 512 B |
        | transient | 64 KiB      | yes       | no   | no         | 128 KiB       |

    Scenario: The machine is killed when one of two drives has become writable again
      Given these requests have been granted, one after the other:
        | request | drive  | bitmap  | granularity | persistent |
        | add     | drive0 | bitmap0 | 64 KiB      | yes        |
        | add     | drive1 | bitmap0 | 512 B       | yes        |
      And these images have been opened anew at one moment:
        | drive  | read-only |
        | drive0 | yes       |
        | drive1 | yes       |
      And these images have been opened anew at one moment:
        | drive  | read-only |
        | drive0 | no        |
        | drive1 | yes       |
      When the machine is killed, and "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
      And the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 512 B       | yes       | no   | yes        | no           | 0     |

  Rule: If one of the images cannot be opened as was asked, none is, and the guest goes on
    @known-defect.read-only-after-refusal
    Scenario Outline: One of three drives is used by a device, and named as <place>
      Given the 4 MiB drive "drive2" in a qcow2 image
      And these requests have been granted, one after the other:
        | request | drive  | bitmap  | granularity | persistent |
        | add     | drive0 | bitmap0 | 64 KiB      | yes        |
        | add     | drive1 | bitmap0 | 512 B       | yes        |
      And the guest has written to "drive2":
        | pattern | at    | length |
        | 0x64    | 3 MiB | 1 KiB  |
      When these images are opened anew at one moment:
        | drive    | read-only |
        | <first>  | yes       |
        | <second> | yes       |
        | <third>  | yes       |
      Then QEMU should refuse it as a GenericError that says "Read-only block node 'drive2' cannot support"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 1 KiB  |
      And the guest writes to "drive1":
        | pattern | at    | length |
        | 0x9b    | 1 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty  |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 64 KiB |
      And the bitmaps of "drive1" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 512 B       | yes       | no   | yes        | 1 KiB |

      Examples: where it is named
        | case       | place      | first  | second | third  |
        | the first  | the first  | drive2 | drive0 | drive1 |
        | in between | the second | drive0 | drive2 | drive1 |
        | the last   | the last   | drive0 | drive1 | drive2 |

    Scenario: One of three drives is used by a device, and the others have transient bitmaps
      Given the 4 MiB drive "drive2" in a qcow2 image
      And these requests have been granted, one after the other:
        | request | drive  | bitmap  | granularity |
        | add     | drive0 | bitmap0 | 64 KiB      |
        | add     | drive1 | bitmap0 | 512 B       |
      And the guest has written to "drive2":
        | pattern | at    | length |
        | 0x64    | 3 MiB | 1 KiB  |
      When these images are opened anew at one moment:
        | drive  | read-only |
        | drive0 | yes       |
        | drive2 | yes       |
        | drive1 | yes       |
      Then QEMU should refuse it as a GenericError that says "Read-only block node 'drive2' cannot support"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 1 KiB  |
      And the guest writes to "drive1":
        | pattern | at    | length |
        | 0x9b    | 1 MiB | 1 KiB  |
      Then the bitmaps should still hold what had changed
