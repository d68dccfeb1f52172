@pull
Feature: A frozen view of a drive in an iothread
  Guests with much to do have their disks in threads of their own. A view of such a drive lives in that thread, too, and
  its clients come and go there.

  Rule: The view shows what the drive held, and clients leave without a trace
    @bug-B65 @known-defect.killed-by-leaving-client
    Scenario: A client reads, and leaves, while the guest writes
      Given the 4 MiB drive "drive0" in a qcow2 image, holding:
        | pattern | at | length |
        | 0x41    | 0  | 1 MiB  |
      And no device uses "drive0"
      And "drive0" lives in an iothread of its own
      And "drive0" has been frozen in the view "view0"
      When the guest writes to "drive0", and "view0" is read before and after each request:
        | request | pattern | at     | length  |
        | write   | 0x01    | 64 KiB | 128 KiB |
        | discard |         | 3 MiB  | 64 KiB  |
      Then "view0" should have shown "drive0" as it was, each time
