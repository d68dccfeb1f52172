@pull
Feature: Exports that are taken away from their clients
  A backup is given up while its client still reads; a client hangs, and nobody can reach its host. Whoever takes an export away
  in order must be told that it is in use, and the client must read on as if nobody had asked. Whoever takes it away by force
  gets rid of every client at once. In either case all that the export held is free afterwards.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at          | length |
      | 0x11    | 0           | 1 MiB  |
      | 0x22    | 4 MiB - 1 B | 1 B    |
    And a bitmap "bitmap0" on "drive0"
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |
    And "drive0" has been exported with "bitmap0"

  Rule: An export that a client uses is deleted only by force, and then at once
    Scenario Outline: It is to be deleted while a client <does> it, <mode>
      Given a client <does> "drive0"
      When this request is made:
        | request       | drive  | mode   |
        | delete export | drive0 | <mode> |
      Then QEMU should refuse it as a GenericError that says "still in use"
      And nothing should have changed
      And a client should be told what "bitmap0" of "drive0" has recorded
      When that client leaves
      Then a client should read what the guest has written to "drive0"

      Examples: in order
        | case                | does                     | mode |
        | QEMU's own mode     | is connected to          |      |
        | said                | is connected to          | safe |
        | a client that reads | reads over and over from | safe |

    Scenario Outline: It is deleted when its client <ends>
      Given a client reads over and over from "drive0"
      And that client <ends>
      When this request is made:
        | request       | drive  | mode   |
        | delete export | drive0 | <mode> |
      Then QEMU should grant it
      And no client should find "drive0" any more

      Examples: ends
        | case     | ends            | mode |
        | in order | has left        | safe |
        | by force | has been killed | hard |

    Scenario Outline: It is deleted by force while a client <does> it
      Given a client <does> "drive0"
      When these requests are made, one after the other:
        | request       | drive  | mode | bitmap  |
        | delete export | drive0 | hard |         |
        | clear         | drive0 |      | bitmap0 |
      Then QEMU should grant it
      And no client should find "drive0" any more
      And QEMU should list the exports that there are

      Examples: by force
        | case | does                     |
        | idle | is connected to          |
        | busy | reads over and over from |

    Scenario Outline: The server is stopped while a client <does> the drive
      Given a client <does> "drive0"
      When these requests are made, one after the other:
        | request      |
        | stop server  |
        | start server |
      Then QEMU should grant it
      And no client should find "drive0" any more
      When "drive0" is exported with "bitmap0"
      Then a client should be told what "bitmap0" of "drive0" has recorded

      Examples: clients
        | case | does                     |
        | idle | is connected to          |
        | busy | reads over and over from |

    @known-defect.stalled-client-stays
    Scenario: It is deleted by force while a client takes no answers
      Given a client takes no answers from "drive0"
      When this request is made:
        | request       | drive  | mode |
        | delete export | drive0 | hard |
      Then QEMU should grant it
      And no client should find "drive0" any more

    @known-defect.stalled-client-holds-server
    Scenario: The server is stopped while a client takes no answers
      Given a client takes no answers from "drive0"
      When this request is made:
        | request     |
        | stop server |
      Then QEMU should grant it
      And no client should find "drive0" any more

    Scenario: The machine is shut down while clients are connected and read
      Given a client is connected to "drive0"
      And a client reads over and over from "drive0"
      When the machine is shut down
      Then "drive0" should hold what the guest has written
