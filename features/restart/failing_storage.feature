@restart
Feature: Storage that fails while bitmaps are stored or changed
  A write or a flush that fails is told to whoever asked for it, and the image stays as good as it was. Each story here is
  played again and again, and each time another write, or another flush, of the storage fails.

  Background:
    Given the 256 KiB + 512 B drive "drive0" in a qcow2 image with clusters of 4 KiB
    And these bitmaps on "drive0":
      | bitmap | granularity | recording | persistent |
      | fine   | 512 B       | yes       | yes        |
      | coarse | 64 KiB      | yes       | yes        |
      | still  | 4 KiB       | no        | yes        |
    And the guest has written to "drive0":
      | pattern | at           | length |
      | 0xab    | 64 KiB - 1 B | 2 B    |
      | 0x64    | 256 KiB      | 512 B  |
    And the machine has been shut down

  Rule: A machine that cannot open the image leaves its bitmaps there
    Scenario Outline: A <kind> fails while the machine opens the image
      Given this story of "drive0":
        | request | pattern | at            | length |
        | open    |         |               |        |
        | write   | 0x9a    | 128 KiB - 1 B | 2 B    |
        | kill    |         |               |        |
      When each <kind> of its storage fails in turn, once
      Then what was flushed should be there each time, and each bitmap be whole or inconsistent

      @known-defect.gone-by-refused-opening
      Examples: either
        | kind  |
        | write |
        | flush |

  Rule: Whatever fails when the bitmaps are stored, none lacks a change afterwards
    Scenario Outline: A <kind> fails before the machine ends by <end>, or then
      Given this story of "drive0":
        | request | pattern | at            | length |
        | write   | 0x9a    | 128 KiB - 1 B | 2 B    |
        | <end>   |         |               |        |
      When each <kind> of its storage fails in turn, once
      Then what was flushed should be there each time, and each bitmap be whole or inconsistent

      Examples: those that nothing comes of
        | kind  | end  |
        | write | quit |
        | write | kill |
        | flush | kill |

      @known-defect.empty-by-failed-flush
      Examples: those that spoil a bitmap
        | kind  | end  |
        | flush | quit |

    Scenario Outline: A <kind> fails before the drive is unplugged, or then
      Given this story of "drive0":
        | request | pattern | at            | length |
        | write   | 0x9a    | 128 KiB - 1 B | 2 B    |
        | unplug  |         |               |        |
        | quit    |         |               |        |
      When each <kind> of its storage fails in turn, once
      Then what was flushed should be there each time, and each bitmap be whole or inconsistent

      Examples: those that nothing comes of
        | kind  |
        | write |

      @known-defect.empty-by-failed-flush
      Examples: those that spoil a bitmap
        | kind  |
        | flush |

  Rule: Whatever fails when bitmaps are changed, the guest can write on, and the image opens afterwards
    Scenario Outline: A <kind> fails while a bitmap is removed, and the machine ends by <end>
      Given this story of "drive0":
        | request | bitmap | pattern | at            | length |
        | write   |        | 0x9a    | 128 KiB - 1 B | 2 B    |
        | remove  | coarse |         |               |        |
        | write   |        | 0x22    | 32 KiB        | 48 KiB |
        | <end>   |        |         |               |        |
      When each <kind> of its storage fails in turn, once
      Then what was flushed should be there each time, and each bitmap be whole or inconsistent

      Examples: those that nothing comes of
        | kind  | end  |
        | write | quit |
        | write | kill |

      @known-defect.empty-by-failed-flush
      Examples: those that spoil a bitmap
        | kind  | end  |
        | flush | quit |

      @known-defect.unopenable-after-removal
      Examples: one that spoils the image
        | kind  | end  |
        | flush | kill |

    Scenario Outline: A <kind> fails while bitmaps are changed in memory, and the machine ends by <end>
      Given this story of "drive0":
        | request | bitmap | from | pattern | at            | length |
        | write   |        |      | 0x9a    | 128 KiB - 1 B | 2 B    |
        | clear   | coarse |      |         |               |        |
        | enable  | still  |      |         |               |        |
        | merge   | coarse | fine |         |               |        |
        | write   |        |      | 0x22    | 32 KiB        | 48 KiB |
        | <end>   |        |      |         |               |        |
      When each <kind> of its storage fails in turn, once
      Then what was flushed should be there each time, and each bitmap be whole or inconsistent

      Examples: those that nothing comes of
        | kind  | end  |
        | write | quit |
        | write | kill |
        | flush | kill |

      @known-defect.empty-by-failed-flush
      Examples: those that spoil a bitmap
        | kind  | end  |
        | flush | quit |

    Scenario Outline: A <kind> fails while a bitmap is added, and the machine ends by <end>
      Given this story of "drive0":
        | request | bitmap | persistent | pattern | at            | length |
        | write   |        |            | 0x9a    | 128 KiB - 1 B | 2 B    |
        | add     | new    | yes        |         |               |        |
        | write   |        |            | 0x22    | 32 KiB        | 48 KiB |
        | <end>   |        |            |         |               |        |
      When each <kind> of its storage fails in turn, once
      Then what was flushed should be there each time, and each bitmap be whole or inconsistent

      Examples: those that nothing comes of
        | kind  | end  |
        | write | quit |
        | write | kill |
        | flush | kill |

      @known-defect.empty-by-failed-flush
      Examples: those that spoil a bitmap
        | kind  | end  |
        | flush | quit |

  Rule: Whatever fails when the drive is resized, a refused resize has changed nothing
    Scenario Outline: A <kind> fails while it is resized to <size>
      Given this story of "drive0":
        | request | size   | pattern | at            | length |
        | write   |        | 0x9a    | 128 KiB - 1 B | 2 B    |
        | resize  | <size> |         |               |        |
        | write   |        | 0x22    | 32 KiB        | 16 KiB |
        | kill    |        |         |               |        |
      When each <kind> of its storage fails in turn, once
      Then what was flushed should be there each time, and each bitmap be whole or inconsistent

      @known-defect.half-resized
      Examples: larger and smaller
        | kind  | size   |
        | write | 20 MiB |
        | flush | 20 MiB |
        | write | 65 KiB |
        | flush | 65 KiB |
