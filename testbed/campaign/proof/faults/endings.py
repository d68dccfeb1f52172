"""Faults that end QEMU: it crashes, exits or hangs, at a command or on its way out."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.spoiling import actions_of


def at(command_name: str, act: Callable[[], object], nth: int = 1) -> Callable[[Conversation], Fault]:
    """Make a fault that befalls QEMU when it is asked for something for the `nth` time."""

    class Befalls(Fault):
        count = 0

        def command(self, command: Message) -> Message:
            if command_name in (command["execute"], *(name for name, _ in actions_of(command))):
                self.count += 1
                if self.count == nth:
                    act()
            return command

    return Befalls


def dies_by(number: signal.Signals) -> Callable[[], object]:
    """Make a function that ends QEMU, and the stand-in with it, by a signal."""

    def die() -> None:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    return die


def hangs() -> None:
    """Answer nothing any more."""
    while True:
        signal.pause()


def exits() -> None:
    """End with an error."""
    sys.stderr.write("something went wrong\n")
    sys.stderr.flush()
    os._exit(1)


class AbortsBesideWrites(Fault):
    """Aborts when a job is finalized while writes of the guest are on their way, which a limit holds up."""

    are_on_their_way = False

    def command(self, command: Message) -> Message:
        if command["execute"] == "block_set_io_throttle":
            self.are_on_their_way = bool(command["arguments"]["bps"])
        elif command["execute"] in ("job-finalize", "block-job-finalize") and self.are_on_their_way:
            dies_by(signal.SIGABRT)()
        return command


class HangsAtFailingGroup(Fault):
    """Answers nothing any more when a backup of a group has failed."""

    is_grouped = False

    def command(self, command: Message) -> Message:
        self.is_grouped = self.is_grouped or "properties" in command.get("arguments", {})
        return command

    def event(self, event: Message) -> list[Message]:
        if self.is_grouped and event["event"] == "BLOCK_JOB_ERROR":
            hangs()
        return [event]


class StaysPaused(Fault):
    """Leaves a job with several requests at a time paused when it has stopped at an error and is resumed."""

    several = False

    def command(self, command: Message) -> Message | None:
        self.several = self.several or "max-workers" in command.get("arguments", {}).get("x-perf", {})
        return None if command["execute"] in ("job-resume", "block-job-resume") and self.several else command


def crashes_at(command: str, feature: str) -> FaultKind:
    """Return the fault of a QEMU that crashes at a command."""
    act = at(command, dies_by(signal.SIGSEGV))
    return FaultKind(f"crash-at-{command}", f"QEMU crashes at {command}", act, ("SIGSEGV",), (feature,))


FAULTS = (
    FaultKind(
        "crash-at-backup", "QEMU crashes at a backup", at("blockdev-backup", dies_by(signal.SIGSEGV)), ("SIGSEGV",)
    ),
    FaultKind(
        "abort-beside-writes",
        "QEMU aborts when a backup ends while writes of the guest are on their way",
        AbortsBesideWrites,
        ("SIGABRT",),
        ("backup/held_up_writes",),
    ),
    FaultKind(
        "hang-at-failing-group",
        "QEMU hangs when a backup of a group fails",
        HangsAtFailingGroup,
        ("did not come within",),
        ("backup/iothreads",),
    ),
    FaultKind(
        "stays-paused",
        "a backup that has stopped while several of its requests failed stays paused when it is resumed",
        StaysPaused,
        ("did not come within",),
        ("failure/stopped_backup",),
    ),
    crashes_at("job-pause", "job/paused"),
    crashes_at("job-cancel", "job/cancelled"),
    crashes_at("job-finalize", "job/states"),
    crashes_at("block_resize", "resize/growing"),
    crashes_at("block-export-add", "refusal/busy_bitmap"),
    crashes_at("block-dirty-bitmap-merge", "bitmap/merging"),
    FaultKind(
        "abort-at-clear",
        "QEMU aborts when a bitmap is cleared",
        at("block-dirty-bitmap-clear", dies_by(signal.SIGABRT)),
        ("SIGABRT",),
        features=("bitmap/life", "bitmap/recording"),
    ),
    FaultKind(
        "exit-at-transaction",
        "QEMU exits at a backup in a transaction",
        at("transaction", exits),
        ("status 1",),
        features=("transaction/common_point_in_time",),
    ),
    FaultKind("hang-at-backup", "QEMU hangs at a backup", at("blockdev-backup", hangs), ("did not come within",)),
    FaultKind(
        "exit-status-at-quit",
        "QEMU ends with an error when it quits",
        at("quit", exits),
        ("status 1",),
        is_survivable=False,
    ),
    FaultKind(
        "crash-at-quit",
        "QEMU crashes when it quits",
        at("quit", dies_by(signal.SIGSEGV)),
        ("SIGSEGV",),
        is_survivable=False,
    ),
)
