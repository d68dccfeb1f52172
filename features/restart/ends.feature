@restart
Feature: The ways in which a machine ends in order
  A machine is told to quit by a program or a person, a host that shuts down sends its processes a signal, somebody
  presses Ctrl-C. All of these are an orderly end: QEMU stores the bitmaps, and the chain goes on. A power button that no
  guest heeds, a reset and a pause are no end at all.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image, holding:
      | pattern | at            | length |
      | 0x41    | 0             | 65 KiB |
      | 0xd5    | 4 MiB - 1 KiB | 2 KiB  |
    And a full backup of "drive0", in one transaction with these requests:
      | request | bitmap  | drive  | persistent | granularity | recording |
      | add     | bitmap0 | drive0 | yes        | 64 KiB      | yes       |
      | add     | bitmap1 | drive0 | yes        | 512 B       | no        |
    And the machine has been shut down, and "monday" has started with the same drives
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x64    | 4 MiB        | 1 KiB  | the rest at the end        |

  Rule: Each orderly end stores the bitmaps
    Scenario Outline: The machine is <ended>
      When the machine is <ended>, and "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 192 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: by whom
        | case                        | ended                             |
        | a program                   | shut down                         |
        | a person                    | told to quit on the human monitor |
        | a host that shuts down      | ended by SIGTERM                  |
        | a person at QEMU's terminal | ended by SIGINT                   |
        | a session that ends         | ended by SIGHUP                   |

    Scenario Outline: The machine is <ended> while a backup is <state> that uses the bitmap
      Given an incremental backup of "drive0" with "bitmap0" is kept <state>
      And the guest has written to "drive0":
        | pattern | at            | length | note                                  |
        | 0x9a    | 2 MiB - 1 KiB | 2 KiB  | recorded beside what the backup holds |
      When the machine is <ended>, and "tuesday" starts with the same drives
      Then the backup of "drive0" should be cancelled
      And the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: what is stored is the joined record
        | case                   | ended            | state   |
        | a program              | shut down        | running |
        | nobody woke it         | shut down        | paused  |
        | it waited for its end  | shut down        | pending |
        | a host that shuts down | ended by SIGTERM | running |
        | Ctrl-C                 | ended by SIGINT  | pending |

  Rule: A guest that is paused, reset or does not heed the power button has not ended
    Scenario: The machine is paused, reset and told to power down before it is shut down
      Given the machine has been started
      And the machine has been paused
      And the machine has been reset
      And the machine has been told to power down
      And the guest has written to "drive0":
        | pattern | at            | length |
        | 0x9a    | 2 MiB - 1 KiB | 2 KiB  |
      When the machine is shut down, and "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | dirty   |
        | bitmap0 | 64 KiB      | yes       | no   | yes        | 320 KiB |
        | bitmap1 | 512 B       | no        | no   | yes        | 0       |
