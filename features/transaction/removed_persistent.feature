@transaction
Feature: Transactions that fail after they were to remove what an image stores
  A script that begins a new chain after a crash removes the old bitmap, adds a new one and starts a full backup, all in
  one transaction. If that is refused, the operator must find all as it was before: in the running machine, and also in
  the image, where the next machine looks.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image
    And these bitmaps on "drive0":
      | bitmap  | granularity | persistent |
      | bitmap0 | 64 KiB      | yes        |
      | bitmap1 | 512 B       | yes        |
    And the guest has written to "drive0":
      | pattern | at          | length | note                |
      | 0xab    | 4 MiB - 1 B | 1 B    | in the last granule |
    And the machine has been shut down

  Rule: A bitmap that a failed transaction was to remove is still stored
    Scenario: A bitmap is to be removed, the transaction fails, and the machine is shut down
      Given the machine "monday" has started with the same drives
      When these requests are made as one transaction:
        | request | drive  | bitmap  |
        | remove  | drive0 | bitmap0 |
        | abort   |        |         |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      When the machine is shut down
      And the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty  |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 64 KiB |
        | bitmap1 | 512 B       | yes       | no   | yes        | 512 B  |

    @known-defect.removed-all-the-same
    Scenario: A bitmap is to be removed, the transaction fails, and the machine is killed
      Given the machine "monday" has started with the same drives
      When these requests are made as one transaction:
        | request | drive  | bitmap  |
        | remove  | drive0 | bitmap0 |
        | abort   |        |         |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      When the machine is killed
      And the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |

    @known-defect.removed-all-the-same
    Scenario: An inconsistent bitmap is to be removed, the transaction fails, and the machine is shut down
      Given the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      When these requests are made as one transaction:
        | request | drive  | bitmap  |
        | remove  | drive0 | bitmap0 |
        | abort   |        |         |
      Then QEMU should refuse it as a GenericError that says "Transaction aborted using Abort action"
      When the machine is shut down
      And the machine "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |
