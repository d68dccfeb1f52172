@refusal
Feature: Backups that are asked for with a wrong argument
  A misspelt name or a number out of range is found in time only if the backup does not start. QEMU has then done part
  of its preparations already: the bitmap is held, a filter is over the drive, the target is open. All of that must be
  undone, so that the guest goes on and the next backup through the same bitmap is as if nothing had been asked.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: A backup with a wrong argument is refused and changes nothing, and without that argument it succeeds
    @<command>
    Scenario Outline: A wrong <option> for <command>: <case>
      Given backups are taken with <command>
      When a backup of "drive0" is started with:
        | option   | value       |
        | sync     | incremental |
        | bitmap   | bitmap0     |
        | <option> | <value>     |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at      | length | note              |
        | 0x9a    | 960 KiB | 65 KiB | two granules more |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      @bug-B49
      Examples: both commands
        | case                   | command         | option           | value        | words                                           |
        | no such drive          | blockdev-backup | device           | absent       | Cannot find device='absent'                     |
        | no such target         | blockdev-backup | target           | absent       | Cannot find device='absent'                     |
        | the drive onto itself  | blockdev-backup | target           | drive0       | Source and target cannot be the same            |
        | no such kind of backup | blockdev-backup | sync             | differential | 'sync' does not accept value 'differential'     |
        | no such policy         | blockdev-backup | on-source-error  | retry        | 'on-source-error' does not accept value 'retry' |
        | a negative number      | blockdev-backup | speed            | -1           | Parameter 'speed' expects a non-negative value  |
        | begins with a digit    | blockdev-backup | job-id           | 0th          | Invalid job ID '0th'                            |
        | the drive's own name   | blockdev-backup | filter-node-name | drive0       | Duplicate nodes with node-name='drive0'         |
        | begins with a digit    | blockdev-backup | filter-node-name | 0th          | Invalid node-name: '0th'                        |
        | no such drive          | drive-backup    | device           | absent       | Cannot find device='absent'                     |
        | no such kind of backup | drive-backup    | sync             | differential | 'sync' does not accept value 'differential'     |
        | no such mode           | drive-backup    | mode             | overwrite    | 'mode' does not accept value 'overwrite'        |
        | a negative number      | drive-backup    | speed            | -1           | Parameter 'speed' expects a non-negative value  |
        | begins with a digit    | drive-backup    | job-id           | 0th          | Invalid job ID '0th'                            |
        | the drive's own name   | drive-backup    | filter-node-name | drive0       | Duplicate nodes with node-name='drive0'         |

      @bug-B61
      Examples: blockdev-backup, how its job works
        | case                   | command         | option             | value        | words                                         |
        | no worker at all       | blockdev-backup | x-perf.max-workers | 0            | max-workers must be between 1 and 2147483647  |
        | a negative number      | blockdev-backup | x-perf.max-workers | -1           | max-workers must be between 1 and 2147483647  |
        | one more than the most | blockdev-backup | x-perf.max-workers | 2147483648   | max-workers must be between 1 and 2147483647  |
        | 1, when cut to 32 bits | blockdev-backup | x-perf.max-workers | 4294967297   | max-workers must be between 1 and 2147483647  |
        | a negative number      | blockdev-backup | x-perf.max-chunk   | -1           | max-chunk must be zero                        |
        | less than a cluster    | blockdev-backup | x-perf.max-chunk   | 64 KiB - 1 B | max-chunk (65535) is less than backup cluster |

    @<command> @bug-B49
    Scenario Outline: A drive without a medium is the <option> of <command>
      Given "drive1" is a drive without a medium
      And backups are taken with <command>
      When a backup of "drive0" is started with:
        | option   | value       |
        | sync     | incremental |
        | bitmap   | bitmap0     |
        | <option> | drive1      |
      Then QEMU should refuse it as a GenericError that says "Device 'drive1' has no medium"
      And nothing should have changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: both commands
        | case                | command         | option |
        | nothing to back up  | blockdev-backup | device |
        | nothing to write to | blockdev-backup | target |
        | nothing to back up  | drive-backup    | device |

    @blockdev-backup
    Scenario: A wrong argument for a backup with a bitmap that does not record
      Given the bitmap "bitmap0" of "drive0" has been disabled
      When a backup of "drive0" is started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap0     |
        | speed  | -1          |
      Then QEMU should refuse it as a GenericError that says "Parameter 'speed' expects a non-negative value"
      And nothing should have changed

  Rule: A backup into a file that cannot be opened is refused, and the guest can go on writing
    @drive-backup @bug-B58 @bug-B59 @known-defect.drained-for-ever
    Scenario Outline: A file that cannot be opened as a target: <case>
      Given backups are taken with drive-backup
      And the 4 MiB drive "drive2" in a qcow2 image
      When a backup of "drive0" is started with:
        | option | value       |
        | sync   | incremental |
        | bitmap | bitmap0     |
        | target | <target>    |
        | format | <format>    |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      When the guest writes to "drive0":
        | pattern | at      | length | note              |
        | 0x9a    | 960 KiB | 65 KiB | two granules more |
      Then the next incremental backup of "drive0" with "bitmap0" should restore it as it was then

      Examples: a target that is not there, not understood, or in use
        | case                                 | target        | format | words                                                     |
        | no such file                         | nowhere.qcow2 | qcow2  | Could not open 'nowhere.qcow2': No such file or directory |
        | no such format                       |               | paper  | Unknown driver 'paper'                                    |
        | an image that another drive has open | drive2.qcow2  | qcow2  | Failed to get                                             |
