@pull
Feature: A drive that stands still while its guest writes
  A backup product that pulls needs hours to read a drive, and the guest does not wait. So the drive is frozen: a filter
  saves what the guest is about to overwrite into a scratch image, and a client reads a view that shows what was saved,
  and the drive for all else. One byte of the view that is newer than its moment is in the backup, and nobody knows.

  Background:
    Given the 4 MiB drive "drive0" in a qcow2 image, holding:
      | pattern | at      | length  |
      | 0x41    | 0       | 1 MiB   |
      | 0x61    | 960 KiB | 128 KiB |
      | 0xd5    | 3 MiB   | 1 MiB   |

  Rule: A client reads what the drive held when it was frozen, whatever the guest has written since
    Scenario Outline: The guest makes requests of every kind: <kind>
      Given each view saves into <kind>
      And "drive0" has been frozen in the view "view0"
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | request      | pattern | at            | length  | note                          |
        | write        | 0x01    | 0             | 64 KiB  | all of a cluster              |
        | write        | 0x02    | 0             | 64 KiB  | the same once more            |
        | write        | 0x03    | 192 KiB - 1 B | 2 B     | on both sides of an edge      |
        | write        | 0x04    | 256 KiB       | 320 KiB | several clusters              |
        | write zeroes |         | 640 KiB       | 64 KiB  |                               |
        | discard      |         | 768 KiB       | 128 KiB |                               |
        | write        | 0x05    | 2 MiB + 1 KiB | 1 KiB   | where the drive holds nothing |
        | write        | 0x06    | 4 MiB - 1 B   | 1 B     | the last byte                 |
      Then "view0" should have shown "drive0" as it was, each time

      Examples: what it saves into
        | kind                                   |
        | a raw image                            |
        | a qcow2 image                          |
        | a qcow2 image with clusters of 512 B   |
        | a qcow2 image with clusters of 2 MiB   |
        | a qcow2 image with extended L2 entries |

  Rule: A client may read in pieces of any size: some of one piece may have been saved, and some not
    @bug-B12 @known-defect.view-shows-new-data
    Scenario: One read of what was saved and of what was not
      Given "drive0" has been frozen in the view "view0"
      When the guest writes to "drive0":
        | pattern | at              | length  | note                                 |
        | 0x01    | 64 KiB          | 64 KiB  | one cluster                          |
        | 0x02    | 896 KiB - 1 KiB | 129 KiB | three clusters, of which two in part |
        | 0x03    | 4 MiB - 64 KiB  | 64 KiB  | the last one                         |
      Then one read of each of these parts of "view0" should give what was there:
        | at             | length  | note                                                   |
        | 0              | 128 KiB | it begins in what was not saved, and ends in the saved |
        | 64 KiB         | 128 KiB | the other way round                                    |
        | 0              | 256 KiB | saved in the middle                                    |
        | 96 KiB         | 32 KiB  | all of it saved                                        |
        | 128 KiB        | 512 B   | nothing of it saved                                    |
        | 0              | 4 MiB   | all                                                    |
        | 4 MiB - 65 KiB | 65 KiB  | the end                                                |

    @bug-B12 @known-defect.view-shows-new-data
    Scenario Outline: A client copies a view of which <what>
      Given "drive0" has been frozen in the view "view0"
      When the guest writes to "drive0":
        | request   | pattern | at   | length   |
        | <request> | 0x01    | <at> | <length> |
      Then a client that copies "view0" should get "drive0" as it was

      Examples: what the guest does meanwhile
        | case                          | what                     | request      | at    | length  |
        | zeros where there were data   | some data were zeroed    | write zeroes | 0     | 128 KiB |
        | nothing where there were data | some data were discarded | discard      | 3 MiB | 512 KiB |

    Scenario Outline: A client copies a view after <what>
      Given "drive0" has been frozen in the view "view0"
      When the guest writes to "drive0":
        | pattern | at   | length   |
        | 0x01    | <at> | <length> |
      Then a client that copies "view0" should get "drive0" as it was

      Examples: writes
        | what                                 | at     | length |
        | a write over data                    | 64 KiB | 64 KiB |
        | a write to where the drive was empty | 2 MiB  | 64 KiB |
        | a write to all of the drive          | 0      | 4 MiB  |

  Rule: Each view shows its own moment
    Scenario: Two views of one drive
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at     | length  |
        | 0x01    | 0      | 64 KiB  |
        | 0x02    | 32 KiB | 128 KiB |
      And "drive0" has been frozen in the view "view1"
      When the guest writes to "drive0", and "view1" is read before and after each request:
        | request | pattern | at     | length  | note                               |
        | write   | 0x03    | 0      | 96 KiB  | both views have saved some of this |
        | write   | 0x04    | 3 MiB  | 64 KiB  | neither has                        |
        | discard |         | 64 KiB | 256 KiB |                                    |
      Then "view1" should have shown "drive0" as it was, each time
      And "view0" should show "drive0" as it was

    Scenario: A drive is frozen again after its view was taken down
      Given "drive0" has been frozen in the view "view0"
      And the guest has written to "drive0":
        | pattern | at | length  |
        | 0x01    | 0  | 128 KiB |
      And "view0" has been taken down
      And the guest has written to "drive0":
        | pattern | at     | length |
        | 0x02    | 64 KiB | 64 KiB |
      And "drive0" has been frozen in the view "view1"
      When the guest writes to "drive0", and "view1" is read before and after each request:
        | request | pattern | at | length |
        | write   | 0x03    | 0  | 1 MiB  |
      Then "view1" should have shown "drive0" as it was, each time

  Rule: What is saved at a time may be more than the guest has written
    Scenario Outline: A filter that saves <size> at a time
      Given "drive0" has been frozen in the view "view0" with:
        | option           | value  |
        | min-cluster-size | <size> |
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | request | pattern | at            | length |
        | write   | 0x01    | 1 MiB - 512 B | 1 KiB  |
        | discard |         | 512 KiB       | 64 KiB |
        | write   | 0x02    | 4 MiB - 1 B   | 1 B    |
      Then "view0" should have shown "drive0" as it was, each time

      Examples: sizes
        | size    |
        | 64 KiB  |
        | 256 KiB |
        | 4 MiB   |
