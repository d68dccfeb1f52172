"""Faults of frozen views: of the filter that saves, of the node that shows, and of who is told that it cannot be."""

from __future__ import annotations

import re

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.spoiling import clears_after, dropped, granted, replaced, setting, with_arguments

ADD = ("blockdev-add",)

ALL = tuple(
    f"pull/{name}"
    for name in ("frozen_view", "view_of_changes", "who_pays", "view_ends", "view_backup", "view_time_out")
)
"""The features of views."""

WRONG = ("a client finds", "the byte at", "QEMU finds")
"""Words of a view that shows what it should not."""

NEEDS = ("frozen-view",)

_WRITE = re.compile(r'qemu-io (?:-d disk-drive0|view\d-filter) "(?:write|discard)\b[^"]*? (?P<at>\d+) (?P<length>\d+)"')
"""How the guest is told to change something through a filter."""


class SpoilsScratch(Fault):
    """Writes something else into the scratch image wherever the guest has written."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.scratch = ""

    def reply(self, command: Message, reply: Message) -> Message:
        arguments = command.get("arguments", {})
        if str(arguments.get("driver")) == "copy-before-write" and "return" in reply:
            self.scratch = arguments["node-name"].replace("-filter", "-scratch")
        found = _WRITE.fullmatch(_line(command))
        if found and self.scratch:
            line = f'qemu-io {self.scratch} "write -P 0xee {found["at"]} 512"'
            self.qemu.ask("human-monitor-command", command_line=line)
        return reply


class HardToRead(Fault):
    """Lets nobody read a view any more when the guest has first written."""

    def reply(self, command: Message, reply: Message) -> Message:
        if _WRITE.fullmatch(_line(command)):
            for export in self.qemu.ask("query-block-exports") or ():
                self.qemu.ask("block-export-del", id=export["id"], mode="hard")
        return reply


class SaysDone(Fault):
    """Tells the guest that what it writes through a filter was carried out, and drops it."""

    def command(self, command: Message) -> Message | None:
        return None if _WRITE.fullmatch(_line(command)) else command

    def answer(self, command: Message) -> Message:
        found = _WRITE.fullmatch(_line(command))
        assert found
        verb = "discard" if "discard" in found[0] else "wrote"
        return {"return": f"{verb} {found['length']}/{found['length']} bytes at offset {found['at']}\r\n"}


def _line(command: Message) -> str:
    return str(command.get("arguments", {}).get("command-line", ""))


def _other_policy(policy: str) -> str:
    return {"break-snapshot": "break-guest-write"}.get(policy, "break-snapshot")


def _gives_guest_way(arguments: Message) -> None:
    """Let each failure break the view, also where the default would hold."""
    if arguments["driver"] == "copy-before-write":
        arguments["on-cbw-error"] = "break-snapshot"


def _no_timeout_but_one_second(arguments: Message) -> None:
    if "cbw-timeout" in arguments:
        arguments["cbw-timeout"] = 1


def _late(arguments: Message) -> None:
    if arguments.get("cbw-timeout") == 1:
        arguments["cbw-timeout"] = 30


def _shows_drive(arguments: Message) -> None:
    if str(arguments.get("node-name", "")).startswith("view"):
        arguments["node-name"] += "-filter"
        arguments["writable"] = False


def _copies_filter(arguments: Message) -> None:
    if str(arguments.get("device", "")).startswith("view"):
        arguments["device"] += "-filter"


def _not_unmapped(arguments: Message) -> None:
    if arguments["driver"] == "snapshot-access":
        arguments.pop("discard")


def _large_cells(arguments: Message) -> None:
    if "min-cluster-size" in arguments:
        del arguments["min-cluster-size"]


FAULTS = (
    FaultKind(
        "scratch-spoilt",
        "what a view has saved is overwritten",
        SpoilsScratch,
        WRONG,
        ("pull/frozen_view", "pull/view_ends", "pull/view_of_changes", "pull/who_pays"),
        needs=(*NEEDS, "human-monitor"),
    ),
    FaultKind(
        "view-shows-the-present",
        "a client of a view reads what the guest has written since",
        with_arguments(("block-export-add",), _shows_drive),
        (*WRONG, "should not be readable", "Permission denied", "discard failed", "zeros"),
        ALL,
        needs=NEEDS,
    ),
    FaultKind(
        "view-ignores-bitmap",
        "a view shows more than its bitmap says",
        with_arguments(ADD, dropped("bitmap")),
        ("should not be readable", "a string containing"),
        ("pull/view_of_changes",),
        needs=NEEDS,
    ),
    FaultKind(
        "view-clears-bitmap",
        "a view clears the bitmaps of its drive",
        clears_after("blockdev-add", lambda arguments: str(arguments.get("file") or "")),
        ("dirty", "should", "store"),
        ("pull/view_of_changes", "pull/view_ends"),
        needs=NEEDS,
    ),
    FaultKind(
        "guest-pays-always",
        "a guest's write fails although the view was to break",
        with_arguments(ADD, replaced("on-cbw-error", _other_policy)),
        ("was not carried out", "a string containing", "should not be readable"),
        ("pull/who_pays",),
        needs=(*NEEDS, "on-cbw-error"),
    ),
    FaultKind(
        "view-pays-always",
        "a view breaks although the guest's write was to fail",
        with_arguments(ADD, _gives_guest_way),
        ("a string containing", "a client finds"),
        ("pull/who_pays",),
        needs=(*NEEDS, "on-cbw-error"),
    ),
    FaultKind(
        "failed-write-is-done",
        "a guest is told that what it writes through a filter was carried out, and it was not",
        SaysDone,
        ("a string containing", "on drive0", "dirty"),
        ("pull/who_pays", "pull/view_of_changes", "pull/frozen_view"),
        needs=(*NEEDS, "human-monitor"),
    ),
    FaultKind(
        "time-out-early",
        "a time-out of a filter ends after one second, whatever was asked for",
        with_arguments(ADD, _no_timeout_but_one_second),
        ("Connection timed out", "a client finds"),
        ("pull/view_time_out",),
        needs=(*NEEDS, "cbw-timeout"),
        defect="cbw-timeout-overflows",
    ),
    FaultKind(
        "time-out-late",
        "a time-out of a filter of one second ends after half a minute",
        with_arguments(ADD, _late),
        ("less than 20 s", "did not come within"),
        ("pull/view_time_out",),
        needs=(*NEEDS, "cbw-timeout"),
        defect="cbw-timeout-overflows",  # where it overflows, none is longer than 4.3 s
    ),
    FaultKind(
        "view-keeps-all",
        "what a client of a view gives back is kept",
        with_arguments(ADD, _not_unmapped),
        ("should not be readable", "still holds", "a string containing"),
        ("pull/view_ends",),
        needs=NEEDS,
    ),
    FaultKind(
        "backup-of-the-present",
        "a backup out of a view holds what the guest has written since",
        with_arguments(("blockdev-backup",), _copies_filter),
        ("the byte at", "should have completed"),
        ("pull/view_backup",),
        needs=NEEDS,
    ),
    FaultKind(
        "source-not-discarded",
        "a backup with discard-source leaves the scratch image as it is",
        with_arguments(("blockdev-backup",), dropped("discard-source")),
        ("still holds", "should not be readable"),
        ("pull/view_backup",),
        needs=(*NEEDS, "discard-source"),
    ),
    FaultKind(
        "view-nodes-go-early",
        "QEMU says that it has deleted a node that others stand on",
        granted("blockdev-del"),
        ("should refuse", "granted"),
        ("pull/view_ends",),
        needs=NEEDS,
    ),
    FaultKind(
        "view-clients-lost",
        "the export of a view ends when the guest writes",
        HardToRead,
        ("was to read", "export", "not available"),
        ("pull/frozen_view", "pull/view_of_changes", "pull/view_ends", "pull/who_pays"),
        needs=(*NEEDS, "human-monitor"),
    ),
    FaultKind(
        "filter-saves-too-little",
        "a filter that is to save much at a time saves as little as ever",
        with_arguments(ADD, _large_cells),
        ("still holds", "a client finds", "should not be readable"),
        ("pull/frozen_view", "pull/view_ends"),
        needs=(*NEEDS, "cbw-min-cluster-size"),
    ),
    FaultKind(
        "view-of-disabled-bitmaps",
        "the bitmaps of a drive with a view do not record",
        with_arguments(("block-dirty-bitmap-add",), setting(disabled=True)),
        ("dirty", "recording", "should"),
        ("pull/view_of_changes", "pull/view_ends"),
        needs=NEEDS,
    ),
)
