@backup @blockdev-backup
Feature: Long chains of increments
  One full backup on Sunday and an incremental one each hour make a chain of more than a hundred images until the next
  Sunday. The last hour is restored through all of them. An operator shortens such a chain by merging images in its
  midst, or takes one differential backup in place of many increments; and what is left must restore as before. When an
  image has gone astray, that must be found out: a backup that restores something else is worse than none.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at      | length   |
      | 0xd5    | 100 KiB | 3000 KiB |
    And a full backup of "drive0" with a new bitmap "bitmap0"

  Rule: Each increment restores the drive as it was when it was taken, however long the chain is
    Scenario Outline: A chain of <count> increments
      Given <first> incremental backups of "drive0" with "bitmap0", each after the guest has written:
        | at            | length | farther | note                         |
        | 1 KiB         | 3 KiB  | 41 KiB  | onward through the drive     |
        | 4 MiB - 1 KiB | 1 KiB  | 0       | the last granule, every time |
      When an incremental backup of "drive0" is taken with "bitmap0"
      Then the <count> backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed
      And the newest of them should equal its drive

      Examples: half a day
        | case                             | count | first |
        | the last one has nothing to copy | 12    | 11    |

      @slow
      Examples: the better part of a week
        | case                             | count | first |
        | the last one has nothing to copy | 100   | 99    |

  Rule: After an increment is merged into the image above or below, all others restore the drive as before
    Scenario Outline: The <place> of five increments is <act>
      Given 5 incremental backups of "drive0" with "bitmap0", each after the guest has written:
        | at            | length | farther | note                           |
        | 127 KiB       | 2 KiB  | 64 KiB  | two granules, one of them anew |
        | 4 MiB - 1 KiB | 1 KiB  | 0       | the last granule, every time   |
      When the <place> increment of "drive0" with "bitmap0" is <act>
      Then the 4 backups with "bitmap0" should restore "drive0" as it was at that moment
      And each of them should hold only what had changed
      When the guest writes to "drive0":
        | request      | pattern | at      | length | note                |
        | write zeroes |         | 128 KiB | 65 KiB | over what was there |
      And an incremental backup of "drive0" is taken with "bitmap0"
      Then the 5 backups with "bitmap0" should restore "drive0" as it was at that moment
      And the newest of them should equal its drive

      Examples: at the beginning, in the midst and at the end
        | case                                | place | act                       |
        | the 2nd cannot be restored any more | 3rd   | merged into the one below |
        | the next one stands on what is left | 5th   | merged into the one below |
        | the 2nd stands on the full backup   | 1st   | merged into the one above |
        | the newest one grows                | 4th   | merged into the one above |

  Rule: A differential backup by a bitmap into which others were merged takes the place of several increments
    Scenario: One differential backup in place of two increments
      Given these bitmaps on "drive0":
        | bitmap | granularity | recording |
        | week   | 4 KiB       | no        |
      And the guest has written to "drive0":
        | pattern | at      | length | note             |
        | 0x11    | 127 KiB | 2 KiB  | on the first day |
      And "bitmap0" of "drive0" has been merged into "week"
      And an incremental backup of "drive0" with "bitmap0"
      And the guest has written to "drive0":
        | request      | pattern | at            | length | note              |
        | write        | 0x22    | 128 KiB       | 1 KiB  | on the second day |
        | write zeroes |         | 4 MiB - 4 KiB | 4 KiB  | at the end        |
      And "bitmap0" of "drive0" has been merged into "week"
      And an incremental backup of "drive0" with "bitmap0"
      When an incremental backup of "drive0" is taken with "week"
      Then the backup with "week" should restore "drive0" as it was at that moment
      And it should hold only what had changed

  Rule: Increments that stand on a lost or wrong one never restore the drive as if the chain were whole
    Scenario Outline: The 3rd of five increments is <act>
      Given 5 incremental backups of "drive0" with "bitmap0", each after the guest has written:
        | at            | length | farther | note                           |
        | 127 KiB       | 2 KiB  | 64 KiB  | two granules, one of them anew |
        | 4 MiB - 1 KiB | 1 KiB  | 0       | the last granule, every time   |
      When the 3rd increment of "drive0" with "bitmap0" is <act>
      Then no increment of "drive0" with "bitmap0" from the <place> on should restore its moment

      Examples: mistakes
        | case                                    | act                       | place |
        | nothing that stands on it can be opened | lost                      | 3rd   |
        | the third hour's changes are missing    | replaced by the one below | 3rd   |
        | the third increment is not read         | skipped by the one above  | 4th   |
