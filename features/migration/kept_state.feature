@migration
Feature: A guest whose state is written to a file
  Tools that save a machine and restore it let the guest move into a file. For the time being its images are as good as
  another machine's. Then the guest goes on where it was, or another machine takes it from the file, or nobody ever does;
  and the chain of its backups must go on with each of them.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at | length |
      | 0x41    | 0  | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap    | drive  | persistent |
      | add     | bitmap0   | drive0 | yes        |
      | add     | transient | drive0 | no         |
    And these bitmaps on "drive0":
      | bitmap | granularity | recording | persistent |
      | silent | 512 B       | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |

  Rule: In the same machine, all bitmaps are there again, record, and stay persistent
    @bug-B99
    Scenario Outline: The guest goes on in the same machine, its state written <how>
      Given the state of the machine has been written to a file<, how>
      And the guest has gone on in the same machine
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xcd    | 4 MiB | 1 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | transient | 64 KiB      | yes       | no   | no         | 192 KiB |
        | silent    | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: what is in the file
        | how                 | , how              |
        | without its bitmaps |                    |
        | with its bitmaps    | , with its bitmaps |

    @bug-B35
    Scenario: A bitmap in the image below that of the guest is there again, too
      Given a snapshot has put the overlay "overlay0" on "drive0"
      And these bitmaps on "overlay0":
        | bitmap  | granularity | persistent |
        | bitmap1 | 64 KiB      | yes        |
      And the guest has written to "overlay0":
        | pattern | at    | length |
        | 0xcd    | 4 MiB | 1 B    |
      And the state of the machine has been written to a file
      When the guest goes on in the same machine
      Then the bitmaps of "overlay0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty  |
        | bitmap1 | 64 KiB      | yes       | no   | yes        | 64 KiB |
      And the bitmaps should still hold what had changed

  Rule: In another machine that takes the guest from the file, the bitmaps are as they were
    Scenario Outline: Another machine takes the guest, <how>
      Given the state of the machine has been written to a file<, how>
      And the machine "tomorrow" has gone on from that file
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xcd    | 4 MiB | 1 B    |
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
      And the image of "drive0" should store its persistent bitmaps and no others

      Examples: what is in the file
        | how                 | , how              |
        | without its bitmaps |                    |
        | with its bitmaps    | , with its bitmaps |

    Scenario Outline: The machine ends that has written its state, and the next one starts anew
      Given the state of the machine has been written to a file
      And the machine that the guest has left has been <end>
      When the machine "tomorrow" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 128 KiB |
        | silent  | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: all is stored before it ends
        | end       |
        | shut down |
        | killed    |
