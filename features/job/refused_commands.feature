@job @blockdev-backup
Feature: Commands that do not fit the state of a job
  A management program may be wrong about a job: its view is a second old, or two programs look after the same machine.
  A command that comes too early or too late must be refused, with the state in the answer, and must leave the job as it
  is: a backup that is spoilt by a stray command is found out when it is restored.
  A job is kept running, here, by a limit of 1 B a second; one that waits, waits for a backup of another
  drive in its group.

  Background:
    Given the 4 MiB drive "drive0"
    And the 4 MiB drive "drive1"
    And a full backup of "drive0" with a new bitmap "bitmap0"
    And the guest has written to "drive0":
      | pattern | at             | length | note             |
      | 0xab    | 100 KiB        | 2 KiB  | within a granule |
      | 0xfe    | 1 MiB          | 64 KiB | a whole granule  |
      | 0x64    | 4 MiB - 64 KiB | 64 KiB | the last granule |

  Rule: A command that does not fit the state of a job is refused, and changes nothing of the job
    Scenario Outline: A job that is <state> is <act>
      Given an incremental backup of "drive0" with "bitmap0" is kept <state>
      When the backup of "drive0" is <act>
      Then QEMU should refuse it as a GenericError that says "<words>"
      And nothing should have changed
      And QEMU should show the backup of "drive0" as:
        | status  | error |
        | <state> | none  |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed
      And it should restore its drive as it was at that moment

      Examples: job commands
        | state   | act                 | words                                                                 |
        | running | resumed             | Can't resume a job that was not paused                                |
        | running | completed           | Job 'drive0' in state 'running' cannot accept command verb 'complete' |
        | running | finalized too early | Job 'drive0' in state 'running' cannot accept command verb 'finalize' |
        | running | dismissed too early | Job 'drive0' in state 'running' cannot accept command verb 'dismiss'  |
        | paused  | paused              | Job is already paused                                                 |
        | paused  | completed           | Job 'drive0' in state 'paused' cannot accept command verb 'complete'  |
        | paused  | finalized too early | Job 'drive0' in state 'paused' cannot accept command verb 'finalize'  |
        | paused  | dismissed too early | Job 'drive0' in state 'paused' cannot accept command verb 'dismiss'   |
        | waiting | paused              | Job 'drive0' in state 'waiting' cannot accept command verb 'pause'    |
        | waiting | resumed             | Can't resume a job that was not paused                                |
        | waiting | completed           | Job 'drive0' in state 'waiting' cannot accept command verb 'complete' |
        | waiting | finalized too early | Job 'drive0' in state 'waiting' cannot accept command verb 'finalize' |
        | waiting | dismissed too early | Job 'drive0' in state 'waiting' cannot accept command verb 'dismiss'  |
        | pending | paused              | Job 'drive0' in state 'pending' cannot accept command verb 'pause'    |
        | pending | resumed             | Can't resume a job that was not paused                                |
        | pending | completed           | Job 'drive0' in state 'pending' cannot accept command verb 'complete' |
        | pending | dismissed too early | Job 'drive0' in state 'pending' cannot accept command verb 'dismiss'  |

      @bug-B80 @known-defect.nodes-of-ended-backup
      Examples: job commands to a job that has ended
        | state     | act       | words                                                                   |
        | concluded | paused    | Job 'drive0' in state 'concluded' cannot accept command verb 'pause'    |
        | concluded | resumed   | Can't resume a job that was not paused                                  |
        | concluded | cancelled | Job 'drive0' in state 'concluded' cannot accept command verb 'cancel'   |
        | concluded | completed | Job 'drive0' in state 'concluded' cannot accept command verb 'complete' |
        | concluded | finalized | Job 'drive0' in state 'concluded' cannot accept command verb 'finalize' |

      Examples: block-job commands
        | state   | act                                        | words                                                                 |
        | running | resumed by a block-job command             | Can't resume a job that was not paused                                |
        | paused  | paused by a block-job command              | Job is already paused                                                 |
        | paused  | cancelled by a block-job command           | The block job for device 'drive0' is currently paused                 |
        | waiting | finalized too early by a block-job command | Job 'drive0' in state 'waiting' cannot accept command verb 'finalize' |
        | pending | completed by a block-job command           | Job 'drive0' in state 'pending' cannot accept command verb 'complete' |
        | pending | dismissed too early by a block-job command | Job 'drive0' in state 'pending' cannot accept command verb 'dismiss'  |

    Scenario Outline: The speed of a job that is <state> is set
      Given an incremental backup of "drive0" with "bitmap0" is kept <state>
      When the speed of the backup of "drive0" is set to 1 B a second
      Then QEMU should refuse it as a GenericError that says "in state '<state>' cannot accept command verb 'set-speed'"
      And QEMU should show the backup of "drive0" as:
        | status  | speed | error |
        | <state> | 0     | none  |
      When the backup of "drive0" is let go
      Then the backup of "drive0" should succeed

      Examples: all has been copied
        | state   |
        | waiting |
        | pending |

      @known-defect.nodes-of-ended-backup
      Examples: the job has ended
        | state     |
        | concluded |

  Rule: A job that was dismissed cannot be addressed any more
    Scenario: The speed of a dismissed job is set
      Given an incremental backup of "drive0" with "bitmap0"
      When the speed of the backup of "drive0" is set to 64 KiB a second
      Then QEMU should refuse it as a DeviceNotActive that says "Block job 'drive0' not found"
      And nothing should have changed

    Scenario Outline: A dismissed job is <act>
      Given an incremental backup of "drive0" with "bitmap0"
      When the backup of "drive0" is <act>
      Then QEMU should refuse it as a <class> that says "<words>"
      And nothing should have changed

      Examples: job commands
        | act       | class        | words         |
        | paused    | GenericError | Job not found |
        | resumed   | GenericError | Job not found |
        | cancelled | GenericError | Job not found |
        | completed | GenericError | Job not found |
        | finalized | GenericError | Job not found |
        | dismissed | GenericError | Job not found |

      Examples: block-job commands
        | act                              | class           | words                        |
        | paused by a block-job command    | DeviceNotActive | Block job 'drive0' not found |
        | resumed by a block-job command   | DeviceNotActive | Block job 'drive0' not found |
        | cancelled by a block-job command | DeviceNotActive | Block job 'drive0' not found |
        | cancelled by force               | DeviceNotActive | Block job 'drive0' not found |
        | completed by a block-job command | DeviceNotActive | Block job 'drive0' not found |
        | finalized by a block-job command | DeviceNotActive | Block job 'drive0' not found |
        | dismissed by a block-job command | DeviceNotActive | Block job 'drive0' not found |
