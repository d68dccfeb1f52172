@pull
Feature: Exports that come and go
  A backup tool exports a drive when it begins to read, and takes the export away when it is done, is told to stop, or has
  died. A client may be at work just then. Who takes an export away in order must be told that it is in use; who takes it away
  by force gets rid of every client; and in either case all that the export held is free afterwards, for the next backup.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at          | length |
      | 0x11    | 0           | 1 MiB  |
      | 0x22    | 4 MiB - 1 B | 1 B    |
    And a bitmap "bitmap0" on "drive0"
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |

  Rule: Clients find an export as it was asked for
    Scenario Outline: An export <case>
      When this request is made:
        | request | drive  | bitmap   | writable   | export-name | allocation-depth |
        | export  | drive0 | <bitmap> | <writable> | <called>    | <depth>          |
      Then a client should be offered <contexts> by "drive0"
      And a client should read what the guest has written to "drive0"
      And QEMU should list the exports that there are

      Examples: what is asked for
        | case                          | bitmap  | writable | called         | depth | contexts                            |
        | that nobody can write to      |         | no       |                |       | "allocation"                        |
        | that clients can write to     |         | yes      |                |       | "allocation"                        |
        | with a bitmap                 | bitmap0 | yes      |                |       | "allocation" and "bitmap0"          |
        | with its allocation depth     |         | no       |                | yes   | "allocation" and "depth"            |
        | with all that there is        | bitmap0 | yes      |                | yes   | "allocation", "depth" and "bitmap0" |
        | with an odd name              | bitmap0 | yes      | a/b: c?d=e,f&g |       | "allocation" and "bitmap0"          |
        | with a name in another script |         | no       | Sicherung-Süd  |       | "allocation"                        |

    Scenario: Two exports of one drive, each with a bitmap of its own
      Given a bitmap "bitmap1" with a granularity of 4 KiB on "drive0"
      And "drive0" has been exported with "bitmap0"
      When "drive0" is exported with "bitmap1"
      Then a client should be offered "allocation" and "bitmap1" by "drive0"
      And QEMU should list the exports that there are
      When this request is made:
        | request       | drive  |
        | delete export | drive0 |
      Then a client should be offered "allocation" and "bitmap0" by "drive0"
      And a client should be told what "bitmap0" of "drive0" has recorded
      And QEMU should list the exports that there are

  Rule: What cannot be exported is refused, and nothing is held
    Scenario Outline: A client's export is refused: <case>
      Given this request has been granted:
        | request | drive  | export-name |
        | export  | drive0 | taken       |
      When this request is made:
        | request | drive  | bitmap   | writable | export-name | node   |
        | export  | drive0 | <bitmap> | yes      | <called>    | <node> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: refusals
        | case                       | bitmap           | called | node   | words                                       |
        | a name that is taken       |                  | taken  |        | NBD server already has export named 'taken' |
        | a bitmap that is not there | bitmap0, bitmap1 |        |        | Bitmap 'bitmap1' is not found               |
        | a node that is not there   |                  |        | drive9 | Cannot find device=...drive9                |

    Scenario Outline: The server is not as it would have to be: <case>
      Given these requests have been granted, one after the other:
        | request  |
        | <first>  |
        | <second> |
      When this request is made:
        | request   | drive   |
        | <request> | <drive> |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: servers
        | case                  | first        | second      | request     | drive  | words                  |
        | an export without one | start server | stop server | export      | drive0 | NBD server not running |
        | stopped twice         | start server | stop server | stop server |        | NBD server not running |

    Scenario: A second server, and an export that is not there
      Given this request has been granted:
        | request      |
        | start server |
      When this request is made:
        | request      |
        | start server |
      Then QEMU should refuse it as a GenericError that says "NBD server already running"
      And nothing should have changed
      When this request is made:
        | request              | export-name |
        | delete export called | drive9      |
      Then QEMU should refuse it as a GenericError that says "Export 'drive9' is not found"
      And nothing should have changed

  Rule: An export holds its drive and its bitmaps until it is deleted
    Scenario: A drive that is exported is to be deleted
      Given no device uses "drive0"
      And "drive0" has been exported for reading only with no bitmaps
      When this request is made:
        | request     | node   |
        | delete node | drive0 |
      Then QEMU should refuse it as a GenericError that says "in use"
      And nothing should have changed
      When this request is made:
        | request       | drive  |
        | delete export | drive0 |
      Then no client should find "drive0" any more
      And QEMU should list the exports that there are

    Scenario: A drive that was exported is unplugged, with the bitmap that was shown
      Given no device uses "drive0"
      And a bitmap "bitmap1" on "drive0"
      And "drive0" has been exported with "bitmap1"
      And these requests have been granted, one after the other:
        | request       | drive  | bitmap  |
        | delete export | drive0 |         |
        | remove        | drive0 | bitmap1 |
      When "drive0" is unplugged and plugged in again
      Then "drive0" should have no bitmap

    Scenario: A bitmap of two exports is free when the one is gone that holds it
      Given "drive0" has been exported with "bitmap0"
      When these requests are made, one after the other:
        | request       | drive  | bitmap  |
        | delete export | drive0 |         |
        | clear         | drive0 | bitmap0 |
        | disable       | drive0 | bitmap0 |
      Then QEMU should grant it
      When "drive0" is exported with "bitmap0"
      Then a client should be told what "bitmap0" of "drive0" has recorded
