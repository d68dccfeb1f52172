@resize
Feature: Drives that must not be resized
  A backup has sized its target after the drive, and a client of an export has been told how long the drive is. If the
  drive changed its size under their hands, the backup would not fit and the client would read nonsense. QEMU refuses
  until they are done, says so, and has changed neither the drive nor its bitmaps.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And a bitmap "bitmap1" with a granularity of 512 B on "drive0"
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |
      | 0x9a    | 4 MiB - 1 B  | 1 B    | the last byte              |

  Rule: A drive cannot be resized while a backup of it runs or while it is exported
    @blockdev-backup
    Scenario Outline: A drive is to be <case> while a backup of it runs
      Given a backup of "drive0" has been started with:
        | option        | value       |
        | sync          | incremental |
        | bitmap        | bitmap0     |
        | auto-finalize | no          |
      And the guest has written to "drive0":
        | pattern | at          | length | note             |
        | 0x55    | 4 MiB - 2 B | 2 B    | the last granule |
      When "drive0" is resized to <size>
      Then QEMU should refuse it as a GenericError that says "Permission conflict on node 'drive0'"
      And nothing should have changed
      When the backup of "drive0" is finalized
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: larger and smaller
        | case         | size  |
        | made larger  | 8 MiB |
        | made smaller | 1 MiB |

    Scenario Outline: A drive is to be <case> while it is exported
      Given this request has been granted:
        | request | bitmap  | drive  | writable |
        | export  | bitmap1 | drive0 | yes      |
      When "drive0" is resized to <size>
      Then QEMU should refuse it as a GenericError that says "Permission conflict on node 'drive0'"
      And nothing should have changed
      When this request is made:
        | request       | drive  |
        | delete export | drive0 |
      And "drive0" is resized to <size>
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | dirty     |
        | bitmap0 | 64 KiB      | yes       | no   | <bitmap0> |
        | bitmap1 | 512 B       | yes       | no   | <bitmap1> |

      Examples: larger and smaller
        | case         | size  | bitmap0 | bitmap1       |
        | made larger  | 8 MiB | 192 KiB | 1 KiB + 512 B |
        | made smaller | 1 MiB | 128 KiB | 1 KiB         |

  Rule: A drive can be resized to a whole number of sectors only
    Scenario: A drive is to end within a sector
      When "drive0" is resized to 4 MiB + 1 B
      Then QEMU should refuse it as a GenericError that says "The new size must be a multiple of 512"
      And nothing should have changed
      And the next incremental backup of "drive0" with "bitmap0" should restore it as it was then
