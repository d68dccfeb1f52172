@restart
Feature: What makes a bitmap inconsistent, and how long it stays so
  An image stores its bitmaps when the machine ends in order. If that does not come to pass, what the image has is out of
  date: the bitmap must be there, so that the backup tool sees that its chain has ended, and must be called inconsistent
  until somebody removes it. No later shutdown in order may make it look whole again, and no other bitmap may suffer.

  Background:
    Given the 4 MiB + 1 KiB drive "drive0" in a qcow2 image
    And these bitmaps on "drive0":
      | bitmap  | granularity | recording | persistent |
      | bitmap0 | 64 KiB      | yes       | yes        |
      | bitmap1 | 512 B       | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at          | length | note                |
      | 0xab    | 4 MiB - 1 B | 2 B    | into the short rest |

  Rule: A bitmap is inconsistent after a crash if the image had stored it, and gone if it had not
    Scenario: The machine is killed before it has ever stored a bitmap
      Given the machine has been killed
      When the machine "tomorrow" starts with the same drives
      Then "drive0" should have no bitmap
      And "drive0" should hold what the guest has written

    @bug-B16
    Scenario: The machine is killed when it has loaded bitmaps that the image stores, and has added one
      Given the machine has been shut down
      And the machine "monday" has started with the same drives
      And these bitmaps on "drive0":
        | bitmap  | granularity | persistent |
        | bitmap2 | 64 KiB      | yes        |
      And the machine has been killed
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |

    @bug-B16
    Scenario Outline: The machine is killed when a bitmap that the image stores has been <act>
      Given the machine has been shut down
      And the machine "monday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been <act>
      And the machine has been killed
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |

      Examples: it is out of date, whatever was done to it
        | case                              | act      |
        | although it does not record       | disabled |
        | although it is empty              | cleared  |
        | although it was recording already | enabled  |

    Scenario: The machine is killed when a bitmap that the image stores has been removed
      Given the machine has been shut down
      And the machine "monday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been removed
      And the machine has been killed
      When the machine "tuesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |

  Rule: An inconsistent bitmap stays so, and the bitmaps that are added beside it keep their records
    Scenario: The machine is shut down in order, and another one starts
      Given the machine has been shut down
      And the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And these bitmaps on "drive0":
        | bitmap  | granularity | persistent |
        | bitmap2 | 64 KiB      | yes        |
      And the guest has written to "drive0":
        | pattern | at      | length | note                |
        | 0x22    | 128 KiB | 1 B    | in a granule        |
        | 0x23    | 4 MiB   | 1 KiB  | the rest at the end |
      And the machine has been shut down
      When the machine "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty   |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0       |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0       |
        | bitmap2 | 64 KiB      | yes       | no   | yes        | no           | 128 KiB |

    Scenario: A snapshot puts an overlay on a drive with an inconsistent bitmap
      Given the machine has been shut down
      And the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And a snapshot has put the overlay "top" on "drive0"
      When the guest writes to "top":
        | pattern | at      | length |
        | 0x22    | 128 KiB | 1 B    |
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |

    Scenario: A second crash spoils the bitmap that was added after the first
      Given the machine has been shut down
      And the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And these bitmaps on "drive0":
        | bitmap  | granularity | persistent |
        | bitmap2 | 64 KiB      | yes        |
      And the machine has been shut down
      And the machine "wednesday" has started with the same drives
      And the machine has been killed
      When the machine "thursday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap0 | 64 KiB      | no        | no   | yes        | yes          | 0     |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |
        | bitmap2 | 64 KiB      | no        | no   | yes        | yes          | 0     |

    Scenario: An inconsistent bitmap is removed, and then the machine is killed
      Given the machine has been shut down
      And the machine "monday" has started with the same drives
      And the machine has been killed
      And the machine "tuesday" has started with the same drives
      And the bitmap "bitmap0" of "drive0" has been removed
      And the machine has been killed
      When the machine "wednesday" starts with the same drives
      Then the bitmaps of "drive0" should be:
        | bitmap  | granularity | recording | busy | persistent | inconsistent | dirty |
        | bitmap1 | 512 B       | no        | no   | yes        | yes          | 0     |
