@migration
Feature: While a guest with its bitmaps is on its way to another machine
  A guest goes on here until all that it has is ready to go on there, and that may take long. What it writes meanwhile must
  be recorded, and its bitmaps are in use: nobody may change them. Here a downtime of nothing at all keeps the migration
  from its end, for as long as a scenario needs it.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at | length |
      | 0x41    | 0  | 65 KiB |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap    | drive  | persistent |
      | add     | bitmap0   | drive0 | yes        |
      | add     | transient | drive0 | no         |
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |

  Rule: What the guest writes before it is there, is recorded here, and what it writes then, there
    Scenario Outline: The guest writes before it leaves, on its way, and when it is there; <images>
      Given the machine "elsewhere" waits for the guest, with <images>
      And all bitmaps travel with the guest
      And the guest is on its way there
      And the guest has written to "drive0":
        | pattern | at          | length | note            |
        | 0xcd    | 4 MiB - 1 B | 2 B    | on its way      |
        | 0xef    | 32 KiB      | 1 B    | recorded before |
      And the bitmaps of "drive0" are:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | yes  | yes        | 256 KiB |
        | transient | 64 KiB      | yes       | yes  | no         | 256 KiB |
      And the guest has got there
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | transient | 64 KiB      | yes       | no   | no         | 320 KiB |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: what the other machine has
        | images               |
        | the same images      |
        | copies of the images |

    @bug-B98
    Scenario Outline: The guest goes on there first, and the bitmaps follow; <images>
      Given these bitmaps on "drive0":
        | bitmap | granularity | recording | persistent |
        | silent | 512 B       | no        | yes        |
        | fine   | 512 B       | yes       | no         |
      And the machine "elsewhere" waits for the guest, with <images>
      And all bitmaps travel with the guest
      And the guest is on its way there
      And the guest has written to "drive0":
        | pattern | at          | length |
        | 0xcd    | 4 MiB - 1 B | 2 B    |
      And the guest has gone on there before its bitmaps
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0x9a    | 2 MiB | 1 KiB  |
      Then the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | transient | 64 KiB      | yes       | no   | no         | 320 KiB |
        | silent    | 512 B       | no        | no   | yes        | 0       |
        | fine      | 512 B       | yes       | no   | no         | 2 KiB   |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: what the other machine has
        | images          |
        | the same images |

    Scenario: A bitmap of a drive of several terabytes, and a limit that lets it be sent
      Given the 4 TiB drive "large" in a qcow2 image
      And these bitmaps on "large":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
      And the guest has written to "large":
        | pattern | at          | length |
        | 0xcd    | 4 TiB - 1 B | 1 B    |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      When the guest gets there
      Then the bitmaps should still hold what had changed

    @known-defect.large-bitmap-never-sent
    Scenario: A bitmap of a drive of several terabytes, with the limit that is QEMU's default
      Given the 4 TiB drive "large" in a qcow2 image
      And these bitmaps on "large":
        | bitmap  | granularity | persistent |
        | bitmap0 | 64 KiB      | yes        |
      And the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      When the guest has a second to get there
      Then the bitmaps should still hold what had changed

  Rule: What is new on its way, does not travel; what else happens does no harm
    Scenario: Bitmaps are added on the way: the image takes the persistent one along
      Given the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      And these bitmaps on "drive0":
        | bitmap | granularity | recording | persistent |
        | new0   | 512 B       | yes       | yes        |
        | new1   | 64 KiB      | yes       | no         |
      And the guest has written to "drive0":
        | pattern | at          | length |
        | 0xcd    | 4 MiB - 1 B | 2 B    |
      When the guest gets there
      Then the bitmaps of "drive0" should be:
        | bitmap    | granularity | recording | busy | persistent | dirty   |
        | bitmap0   | 64 KiB      | yes       | no   | yes        | 256 KiB |
        | transient | 64 KiB      | yes       | no   | no         | 256 KiB |
        | new0      | 512 B       | yes       | no   | yes        | 1 KiB   |
      And the image of "drive0" should store its persistent bitmaps and no others

    Scenario: A full backup is taken on the way
      Given the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      And a full backup of "drive0"
      When the guest gets there
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    @known-defect.resized-on-the-way
    Scenario: A drive is resized on the way
      Given the machine "elsewhere" waits for the guest, with the same images
      And all bitmaps travel with the guest
      And the guest is on its way there
      When "drive0" is resized to 8 MiB
      Then QEMU should refuse it as a GenericError that says "in use"
      When the guest gets there
      Then the bitmaps should still hold what had changed
