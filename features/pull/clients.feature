@pull
Feature: Clients that read and write, and go as they please
  Backup clients are programs on other hosts. They ask for odd ranges, are killed in the midst of a read, come back at once, and
  come in numbers; and some write, when they restore. None of that may harm the guest, other clients, or what the bitmaps
  record: what a client writes is as much a change of the drive as what the guest writes.

  Background:
    Given the 4 MiB + 512 B drive "drive0" holding:
      | pattern | at    | length |
      | 0x11    | 0     | 1 MiB  |
      | 0x22    | 2 MiB | 64 KiB |
      | 0x33    | 4 MiB | 512 B  |
    And a bitmap "bitmap0" on "drive0"

  Rule: A client reads each byte as it is, whatever range it asks for
    Scenario: A client reads ranges that begin and end anywhere
      Given "drive0" has been exported with "bitmap0"
      When the guest writes to "drive0":
        | request      | pattern | at           | length |
        | write        | 0xab    | 64 KiB - 1 B | 2 B    |
        | write zeroes |         | 512 KiB      | 64 KiB |
      Then a client should read these ranges of "drive0" rightly, with structured replies and without:
        | at            | length        | note                     |
        | 0             | 4 MiB + 512 B | all                      |
        | 64 KiB - 2 B  | 4 B           | over an edge of clusters |
        | 512 KiB - 1 B | 64 KiB + 2 B  | data around zeros        |
        | 1 MiB - 1 B   | 1 MiB + 2 B   | data around nothing      |
        | 4 MiB - 1 B   | 513 B         | up to the last byte      |
        | 4 MiB + 511 B | 1 B           | the last byte            |
      And a client should read what the guest has written to "drive0"

    @bug-B95
    Scenario: Zeros are told as such after the allocation depth was asked for
      Given this request has been granted:
        | request | drive  | bitmap  | writable | allocation-depth |
        | export  | drive0 | bitmap0 | yes      | yes              |
      When the guest writes to "drive0":
        | request      | pattern | at      | length  |
        | write        | 0xab    | 3 MiB   | 512 B   |
        | write zeroes |         | 512 KiB | 128 KiB |
        | discard      |         | 0       | 64 KiB  |
      Then a client should be told where "drive0" is zero
      And a client should be told which layer of "drive0" holds what
      And a client should be told where "drive0" is zero
      When the guest writes to "drive0":
        | pattern | at      | length |
        | 0xcd    | 512 KiB | 1 B    |
      Then a client should be told where "drive0" is zero

  Rule: What a client writes is recorded as the guest's writes are
    Scenario Outline: A client does <request> at <at>
      Given a bitmap "bitmap1" with a granularity of 512 B on "drive0"
      And "drive0" has been exported with "bitmap0"
      When a client writes to "drive0":
        | request   | pattern   | at   | length   |
        | <request> | <pattern> | <at> | <length> |
      Then a client should be told what "bitmap0" of "drive0" has recorded
      And a client should read what the guest has written to "drive0"
      And the bitmaps should still hold what had changed

      Examples: writes
        | case                  | request      | pattern | at            | length        |
        | data over an edge     | write        | 0xab    | 64 KiB - 1 B  | 2 B           |
        | data at the end       | write        | 0xab    | 4 MiB + 511 B | 1 B           |
        | zeros over all        | write zeroes |         | 0             | 4 MiB + 512 B |
        | zeros in a sector     | write zeroes |         | 1000 B        | 3 B           |
        | a discard of clusters | discard      |         | 64 KiB        | 256 KiB       |
        | a discard at the end  | discard      |         | 4 MiB         | 512 B         |

    @bug-B96
    Scenario: A client writes 3 GiB of zeros, and discards as much
      Given the 4 GiB drive "drive1"
      And a bitmap "bitmap1" on "drive1"
      And "drive1" has been exported with "bitmap1"
      When a client writes to "drive1":
        | request      | at            | length |
        | write zeroes | 1 GiB - 512 B | 3 GiB  |
        | discard      | 512 MiB       | 3 GiB  |
      Then a client should be told what "bitmap1" of "drive1" has recorded

    Scenario: Client and guest write, and the next increment restores both
      Given a full backup of "drive0", in one transaction with these requests:
        | request | bitmap  | drive  |
        | clear   | bitmap0 | drive0 |
      And "drive0" has been exported with no bitmaps
      And a client has written to "drive0":
        | pattern | at          | length |
        | 0xab    | 1 MiB - 1 B | 2 B    |
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xcd    | 1 MiB | 512 B  |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

    Scenario: A client may not write to an export that is for reading
      When "drive0" is exported for reading only with no bitmaps
      Then these writes of a client to "drive0" should fail with "command failed":
        | pattern | at | length |
        | 0xab    | 0  | 512 B  |
      And the bitmaps should still hold what had changed

  Rule: Clients that vanish hold nothing, and harm nobody
    Scenario: Four clients are killed in the midst of their reads
      Given "drive0" has been exported with "bitmap0"
      And a client is connected to "drive0"
      And 4 clients have read "drive0" over and over, and each has been killed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xab    | 3 MiB | 1 KiB  |
      Then a client should be told what "bitmap0" of "drive0" has recorded
      And a client should read what the guest has written to "drive0"
      When that client leaves
      And this request is made:
        | request       | drive  | mode |
        | delete export | drive0 | hard |
      Then QEMU should grant it

    Scenario: A client that takes no answers is killed
      Given "drive0" has been exported with "bitmap0"
      And a client takes no answers from "drive0"
      And that client has been killed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xab    | 3 MiB | 1 KiB  |
      Then a client should be told what "bitmap0" of "drive0" has recorded

    Scenario: More clients come than are served at a time
      Given this request has been granted:
        | request              | clients |
        | start limited server | 2       |
      And "drive0" has been exported with "bitmap0"
      And a client is connected to "drive0"
      And 1 clients have read "drive0" over and over, and each has been killed
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xab    | 3 MiB | 1 KiB  |
      Then a client should be told what "bitmap0" of "drive0" has recorded
      And a client should read these ranges of "drive0" rightly, with structured replies and without:
        | at    | length |
        | 3 MiB | 64 KiB |

  Rule: A client of a drive in an iothread can come, read and leave, and nobody else notices
    @known-defect.killed-by-leaving-client
    Scenario: One client after the other
      Given "drive0" lives in an iothread of its own
      And "drive0" has been exported with "bitmap0"
      And a client is connected to "drive0"
      And that client has left
      When the guest writes to "drive0":
        | pattern | at    | length |
        | 0xab    | 3 MiB | 1 KiB  |
      Then a client should be told what "bitmap0" of "drive0" has recorded
      And a client should read what the guest has written to "drive0"
