@refusal
Feature: Backups whose kind, bitmap and mode do not fit together
  A backup that goes by a bitmap also says what becomes of it: it stays as it is, or is brought in step with the backup,
  always or only on success. Not all of this makes sense for each kind of backup. If QEMU took such a request all the
  same, the operator would believe in a chain that has a gap; so it has to say no before anything is touched.

  Background:
    Given the 4 MiB drive "drive0" holding:
      | pattern | at             | length |
      | 0x41    | 0              | 65 KiB |
      | 0xd5    | 4 MiB - 64 KiB | 64 KiB |
    And a bitmap "bitmap0" on "drive0"
    And the guest has written to "drive0":
      | pattern | at           | length | note                       |
      | 0xab    | 64 KiB - 1 B | 2 B    | over the edge of a granule |

  Rule: A backup whose kind, bitmap and mode do not fit together is refused, and the next one succeeds
    @<command>
    Scenario Outline: A backup with sync <sync> is refused: <case>
      Given backups are taken with <command>
      When a backup of "drive0" is started with:
        | option      | value    |
        | sync        | <sync>   |
        | bitmap      | <bitmap> |
        | bitmap-mode | <mode>   |
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed

      Examples: no bitmap where one is needed, or none of that name
        | case                    | command         | sync        | bitmap | mode       | words                                 |
        | a mode, but no bitmap   | blockdev-backup | incremental |        | on-success | a valid bitmap name for 'incremental' |
        | neither bitmap nor mode | blockdev-backup | bitmap      |        |            | a valid bitmap name for 'bitmap'      |
        | no such bitmap          | blockdev-backup | bitmap      | absent | on-success | Bitmap 'absent' could not be found    |
        | no such bitmap          | blockdev-backup | full        | absent | on-success | Bitmap 'absent' could not be found    |
        | an empty name           | blockdev-backup | incremental | ""     |            | Bitmap '' could not be found          |
        | a mode, but no bitmap   | drive-backup    | bitmap      |        | on-success | a valid bitmap name for 'bitmap'      |
        | no such bitmap          | drive-backup    | full        | absent | on-success | Bitmap 'absent' could not be found    |

      Examples: a mode that the kind of backup does not allow
        | case                            | command         | sync        | bitmap  | mode      | words                                 |
        | the chain would not go on       | blockdev-backup | incremental | bitmap0 | never     | Bitmap sync mode must be 'on-success' |
        | a failure would cost the record | blockdev-backup | incremental | bitmap0 | always    | Bitmap sync mode must be 'on-success' |
        | a missing bitmap, too           | blockdev-backup | incremental | absent  | always    | Bitmap sync mode must be 'on-success' |
        | the bitmap has no use           | blockdev-backup | full        | bitmap0 | never     | 'never' has no meaningful effect      |
        | the bitmap has no use           | blockdev-backup | top         | bitmap0 | never     | 'never' has no meaningful effect      |
        | copies only what is overwritten | blockdev-backup | none        | bitmap0 | always    | sync mode 'none' does not produce     |
        | no such mode                    | blockdev-backup | bitmap      | bitmap0 | sometimes | does not accept value 'sometimes'     |
        | a failure would cost the record | drive-backup    | incremental | bitmap0 | always    | Bitmap sync mode must be 'on-success' |

      Examples: a bitmap without a mode, or a mode without a bitmap
        | case                           | command         | sync   | bitmap  | mode   | words                                 |
        | only incremental has a default | blockdev-backup | bitmap | bitmap0 |        | must be given when providing a bitmap |
        | only incremental has a default | blockdev-backup | full   | bitmap0 |        | must be given when providing a bitmap |
        | only incremental has a default | blockdev-backup | none   | bitmap0 |        | must be given when providing a bitmap |
        | a mode, but no bitmap          | blockdev-backup | full   |         | never  | bitmap sync mode without a bitmap     |
        | a mode, but no bitmap          | blockdev-backup | top    |         | always | bitmap sync mode without a bitmap     |
        | only incremental has a default | drive-backup    | full   | bitmap0 |        | must be given when providing a bitmap |
        | a mode, but no bitmap          | drive-backup    | none   |         | never  | bitmap sync mode without a bitmap     |

    @<command> @bug-B41
    Scenario Outline: A backup with sync <sync> succeeds after a refused one: <case>
      Given backups are taken with <command>
      And a full backup of "drive0"
      When a backup of "drive0" is started with:
        | option      | value       |
        | sync        | incremental |
        | bitmap      | bitmap0     |
        | bitmap-mode | never       |
      Then QEMU should refuse it as a GenericError that says "Bitmap sync mode must be 'on-success'"
      When a backup of "drive0" is started with:
        | option      | value   |
        | sync        | <sync>  |
        | bitmap      | bitmap0 |
        | bitmap-mode | <mode>  |
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: both commands
        | case                      | command         | sync        | mode       |
        | on-success by default     | blockdev-backup | incremental |            |
        | the default, written out  | blockdev-backup | incremental | on-success |
        | another name for the same | blockdev-backup | bitmap      | on-success |
        | the default, written out  | drive-backup    | incremental | on-success |
