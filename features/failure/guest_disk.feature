@failure
Feature: Errors of a guest's disk
  When the disk of a guest fails, whoever looks after the machine is told by an event: which device it was, which node,
  what was asked, and what QEMU has done about it. A tool that makes room, or moves the disk, goes by that alone. If the
  event names another thing, or a full disk as a broken one, the guest stands still although somebody could have helped.

  Background:
    Given a machine whose guest sees its drives as disks

  Rule: The event of an error names the device and the node, the request, the reason, and what is done
    @bug-B87
    Scenario Outline: A read of a guest that <choice> its drives' errors fails with "<reason>"
      Given the guest <choice> its drives' errors
      And the 4 MiB drive "drive0" in a raw image, whose storage fails each read with "<reason>", holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      When the machine is started
      Then QEMU should report this error of the guest's disk "drive0":
        | action   | operation | nospace   | reason   |
        | <action> | read      | <nospace> | <reason> |

      Examples: what was chosen, and what the disk is like
        | case          | choice          | action | nospace | reason                  |
        | a broken disk | is paused at    | stop   | no      | Input/output error      |
        | a full disk   | is paused at    | stop   | yes     | No space left on device |
        | a broken disk | never learns of | ignore |         | Input/output error      |

  Rule: Each error that pauses the guest is told of, however soon it comes after the one before
    @bug-B88
    Scenario: The guest goes on after an error, and its disk fails again
      Given the guest is paused at its drives' errors
      And the 4 MiB drive "drive0" in a raw image, whose storage fails each read with "Input/output error", holding:
        | pattern | at | length |
        | 0x41    | 0  | 4 MiB  |
      When the machine is started
      Then QEMU should report this error of the guest's disk "drive0":
        | action | operation | nospace | reason             |
        | stop   | read      | no      | Input/output error |
      When the machine is started
      Then QEMU should report this error of the guest's disk "drive0":
        | action | operation | nospace | reason             |
        | stop   | read      | no      | Input/output error |
