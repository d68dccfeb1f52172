@target @blockdev-backup
Feature: Encrypted backups
  Backups leave the house: they lie on tapes, on rented storage and in the boot of a car. Whoever finds one must not read a
  byte of it, and whoever has the key must get back every byte. QEMU keeps the key as a secret, and encrypts what it copies
  as it writes it. An encrypted image that is new does not read as zeros everywhere: what the drive has not got must be
  copied, or hidden, just as what it has.

  Background:
    Given the 4 MiB + 4 KiB + 512 B drive "drive0" holding:
      | pattern | at            | length   | note                  |
      | 0x41    | 64 KiB - 1 B  | 65 KiB   | ends that fit nowhere |
      | 0xd5    | 1 MiB         | 1200 KiB | more than a chunk     |
      | 0x64    | 4 MiB + 4 KiB | 512 B    | the very end          |
    And this request has been granted:
      | request    |
      | add secret |

  Rule: An encrypted backup restores every byte with its key, and shows none without it
    Scenario Outline: A full backup into <target>
      Given each backup goes into <target>
      When a full backup of "drive0" is started
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should equal its drive
      And it should be encrypted

      Examples: where the encryption is
        | case                 | target                   |
        | in the format        | an encrypted qcow2 image |
        | in place of a format | a LUKS image             |

    Scenario Outline: The guest writes while an encrypted backup is <state>
      Given each backup goes into an encrypted qcow2 image
      And a full backup of "drive0" is kept <state>
      And the guest has written to "drive0":
        | request      | pattern | at            | length  | note                        |
        | write        | 0xab    | 2 MiB - 1 B   | 2 B     | over the edge of a cluster  |
        | write zeroes |         | 1100 KiB      | 100 KiB | over what was there         |
        | write        | 0xfe    | 4 MiB + 4 KiB | 512 B   | the rest at the drive's end |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should be encrypted

      Examples: on the way
        | state   |
        | running |
        | paused  |

    @known-defect.compressed-in-the-clear
    Scenario: An encrypted backup is compressed as well
      Given each backup goes into an encrypted qcow2 image
      When a backup of "drive0" is started with:
        | option   | value |
        | sync     | full  |
        | compress | yes   |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment
      And it should be encrypted

  Rule: Encrypted incremental backups restore every byte on any base, hold only what had changed, and are encrypted
    Scenario Outline: Two encrypted incremental backups on a full one in <base>
      Given each backup goes into <base>
      And a full backup of "drive0" with a new bitmap "bitmap0"
      And each backup goes into an encrypted qcow2 image
      And the guest has written to "drive0":
        | request      | pattern | at            | length  | note                    |
        | write        | 0xab    | 128 KiB - 1 B | 2 KiB   | over a granule's end    |
        | write zeroes |         | 1100 KiB      | 130 KiB | over what was there     |
        | write        | 0xfe    | 3 MiB         | 64 KiB  | where there was nothing |
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request | pattern | at            | length | note             |
        | write   | 0x99    | 1150 KiB      | 1 KiB  | into the zeros   |
        | discard |         | 64 KiB        | 64 KiB | nothing any more |
        | write   | 0x14    | 4 MiB + 4 KiB | 512 B  | the very end     |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the 2 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed
      And each of them should be encrypted

      Examples: bases
        | case                      | base                     |
        | encrypted in its format   | an encrypted qcow2 image |
        | holds its zeros encrypted | a LUKS image             |
        | not encrypted             | a raw image              |
