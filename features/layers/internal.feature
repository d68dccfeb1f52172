@layers
Feature: Bitmaps of a drive with snapshots inside of its image
  A qcow2 image can hold older states of itself. Taking or deleting one changes nothing that the guest sees, so that the
  bitmaps stay as they are. Going back to one changes the whole drive at once, without a write that a bitmap would see:
  QEMU must refuse it while there are bitmaps, or the next increment is worthless and nobody knows.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity | recording |
      | add     | bitmap0 | drive0 | yes        |             |           |
      | add     | fine0   | drive0 | no         | 512 B       |           |
      | add     | still0  | drive0 | yes        |             | no        |
    And the guest has written to "drive0":
      | pattern | at            | length |
      | 0xab    | 1 MiB - 512 B | 1 KiB  |

  Rule: Taking and deleting an internal snapshot changes no bitmap, and they go on recording
    Scenario: Two internal snapshots, of which one is deleted, between the guest's writes
      Given this request has been granted:
        | request           | drive  | target |
        | internal snapshot | drive0 | first  |
      And the guest has written to "drive0":
        | pattern | at    | length | note                         |
        | 0x9a    | 1 MiB | 64 KiB | over what the snapshot keeps |
      And this request has been granted:
        | request           | drive  | target |
        | internal snapshot | drive0 | second |
      And this request has been granted:
        | request                  | drive  | target |
        | delete internal snapshot | drive0 | first  |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9b    | 4 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty          |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB        |
        | fine0   | 512 B       | yes       | no   | no         | 65 KiB + 512 B |
        | still0  | 64 KiB      | no        | no   | yes        | 0              |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the bitmaps should still hold what had changed

    Scenario: An internal snapshot and the start of a chain at one moment
      When these requests are made as one transaction:
        | request           | bitmap  | drive  | target | persistent |
        | internal snapshot |         | drive0 | first  |            |
        | clear             | bitmap0 | drive0 |        |            |
        | add               | bitmap1 | drive0 |        | yes        |
      Then QEMU should grant it
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 0     |
        | bitmap1 | 64 KiB      | yes       | no   | yes        | 0     |
        | fine0   | 512 B       | yes       | no   | no         | 1 KiB |
        | still0  | 64 KiB      | no        | no   | yes        | 0     |

    Scenario: The next machine deletes an internal snapshot of the one before
      Given this request has been granted:
        | request           | drive  | target |
        | internal snapshot | drive0 | first  |
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      And the machine has been shut down
      And the machine "tomorrow" has started with the same drives
      And this request has been granted:
        | request                  | drive  | target |
        | delete internal snapshot | drive0 | first  |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9b    | 4 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: Nobody can go back to an internal snapshot of a drive that has bitmaps; without them it is possible
    @bug-B05
    Scenario: A machine with bitmaps is to go back to a state that was saved
      Given the state of the machine has been saved as "before" in "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      When the machine is told to go back to "before" in "drive0"
      Then it should refuse that with the words "Device has active dirty bitmaps"
      And the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: A machine goes back when its bitmaps have been removed, and a full backup starts a new chain
      Given the state of the machine has been saved as "before" in "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      And these requests have been granted as one transaction:
        | request | bitmap  | drive  |
        | remove  | bitmap0 | drive0 |
        | remove  | fine0   | drive0 |
        | remove  | still0  | drive0 |
      And the machine has gone back to "before" in "drive0"
      And a full backup of "drive0" with a new bitmap "bitmap0"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9b    | 4 MiB | 1 KiB  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

  Rule: A job that saves the machine, or goes back, does to bitmaps no more and no less
    Scenario: A job saves the state of the machine, and deletes it after the guest has written
      Given a job has saved the state of the machine as "before" in "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      And a job has deleted the state "before" from "drive0"
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9b    | 4 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty          |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB        |
        | fine0   | 512 B       | yes       | no   | no         | 65 KiB + 512 B |
        | still0  | 64 KiB      | no        | no   | yes        | 0              |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @bug-B05
    Scenario: A job is to take a machine with bitmaps back
      Given a job has saved the state of the machine as "before" in "drive0"
      And the guest has written to "drive0":
        | pattern | at    | length |
        | 0x9a    | 1 MiB | 64 KiB |
      When a job is to go back to "before" in "drive0"
      Then that job should fail, saying "Device has active dirty bitmaps"
      And the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
