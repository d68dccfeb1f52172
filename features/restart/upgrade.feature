@restart @upgrade
Feature: Images that go from one release of QEMU to another, and back
  A host is upgraded, or a guest moves to one that is newer; and now and then an upgrade has to be taken back. What one
  release has stored, the other must find, in both directions: each bitmap of any granularity, whether it records or
  not, and that a bitmap is inconsistent. A run that is given another build (-D next_qemu=) proves the pair.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | granularity | recording | persistent |
      | add     | bitmap0 | drive0 | 64 KiB      | yes       | yes        |
      | add     | fine    | drive0 | 512 B       | yes       | yes        |
      | add     | idle    | drive0 | 4 KiB       | no        | yes        |
      | add     | huge    | drive0 | 2 GiB       | yes       | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |
    And the machine has been shut down, and "upgraded" of the next build has started with the same drives

  Rule: What a release has stored, the next one finds and goes on with, and the other way round
    Scenario: An increment before the upgrade is taken back, and one after
      Given an incremental backup of "drive0" with "bitmap0"
      And these requests have been granted, one after the other:
        | request | drive  | bitmap | granularity | persistent |
        | enable  | drive0 | idle   |             |            |
        | disable | drive0 | fine   |             |            |
        | remove  | drive0 | huge   |             |            |
        | add     | drive0 | new    | 1 KiB       | yes        |
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 2 MiB - 1 KiB | 2 KiB  |
      And the machine has been shut down, and "downgraded" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 3 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | fine    | 512 B       | no        | no   | yes        | 2 KiB   |
        | idle    | 4 KiB       | yes       | no   | yes        | 12 KiB  |
        | new     | 1 KiB       | yes       | no   | yes        | 3 KiB   |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed

    Scenario: The drive is resized and the record emptied after the upgrade, which is taken back
      Given the bitmap "fine" of "drive0" has been cleared
      And "drive0" has been resized to 6 MiB + 512 B
      And the machine has been shut down, and "downgraded" has started with the same drives
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x22    | 6 MiB | 512 B  |
      Then the bitmaps should still hold what had changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: The upgraded machine is killed, and the upgrade is taken back
      When the machine is killed, and "downgraded" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | fine    | 512 B       | no        | no   | yes        | yes          | 0     |
        | idle    | 4 KiB       | no        | no   | yes        | yes          | 0     |
        | huge    | 2 GiB       | no        | no   | yes        | yes          | 0     |
      When the bitmap "fine" of "drive0" is removed
      Then the image of "drive0" should store its persistent bitmaps and no others
