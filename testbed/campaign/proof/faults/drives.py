"""Faults of drives: how they are resized and exported."""

from __future__ import annotations

import os
import signal

from testbed.campaign.proof.conversation import Fault, Message
from testbed.campaign.proof.faultkind import FaultKind, does_nothing
from testbed.campaign.proof.spoiling import (
    BACKUPS,
    actions_of,
    bitmaps_of,
    clears_after,
    dropped,
    refused,
    replaced,
    with_arguments,
)

LARGEST = 2 << 30
"""The largest granularity, in bytes."""


class NoResizingBesideStored(Fault):
    """Refuses to resize a drive whose image has bitmaps to store."""

    def command(self, command: Message) -> Message | None:
        if command["execute"] == "block_resize":
            bitmaps = bitmaps_of(self.qemu, command["arguments"]["node-name"])
            return None if any(bitmap["persistent"] for bitmap in bitmaps) else command
        return command

    def answer(self, command: Message) -> Message:
        return {"error": {"class": "GenericError", "desc": "Can't resize an image which has bitmaps"}}


class LargestClearedByResizing(Fault):
    """Empties the bitmaps of the largest granularity when their drive is resized."""

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] == "block_resize" and "return" in reply:
            node = command["arguments"]["node-name"]
            for bitmap in bitmaps_of(self.qemu, node):
                if bitmap["granularity"] == LARGEST:
                    self.qemu.ask("block-dirty-bitmap-clear", node=node, name=bitmap["name"])
        return reply


class AbortsAtInactive(Fault):
    """Aborts when a drive is resized that is not active."""

    inactive = False

    def command(self, command: Message) -> Message:
        if command["execute"] == "blockdev-set-active":
            self.inactive = not command["arguments"]["active"]
        elif command["execute"] == "block_resize" and self.inactive:
            signal.signal(signal.SIGABRT, signal.SIG_DFL)
            os.abort()
        return command


class AbortsAtNothing(Fault):
    """Aborts when a drive is backed up that holds no byte."""

    def command(self, command: Message) -> Message:
        backed_up = [arguments["device"] for name, arguments in actions_of(command) if name in BACKUPS]
        if backed_up:
            for node in self.qemu.ask("query-named-block-nodes", flat=True):
                if node["node-name"] in backed_up and not node["image"]["virtual-size"]:
                    signal.signal(signal.SIGABRT, signal.SIG_DFL)
                    os.abort()
        return command


FAULTS = (
    FaultKind(
        "resize-refused", "no drive can be resized", refused("block_resize"), ("refused",), features=("resize/growing",)
    ),
    FaultKind(
        "grows-too-little",
        "a drive gets 64 KiB less than asked",
        with_arguments(("block_resize",), replaced("size", lambda size: size - 65536)),
        ("byte", "dirty"),
        ("resize/growing",),
    ),
    FaultKind(
        "grows-too-much",
        "a drive gets 64 KiB more than asked",
        with_arguments(("block_resize",), replaced("size", lambda size: size + 65536)),
        ("byte", "dirty", "long"),
        ("resize/growing", "resize/shrinking"),
    ),
    FaultKind(
        "bitmap-empty-after-resizing",
        "resizing a drive clears its bitmaps",
        clears_after("block_resize", lambda arguments: str(arguments["node-name"])),
        ("dirty",),
        ("resize/growing", "resize/shrinking"),
    ),
    FaultKind(
        "resize-refused-beside-stored",
        "no drive can be resized whose image stores bitmaps",
        NoResizingBesideStored,
        ("which has bitmaps",),
        ("restart/next_machine", "resize/persistent"),
    ),
    FaultKind(
        "largest-cleared-by-resizing",
        "resizing a drive clears its bitmaps of the largest granularity",
        LargestClearedByResizing,
        ("dirty",),
        ("resize/growing", "resize/shrinking"),
    ),
    FaultKind(
        "abort-at-resizing-inactive",
        "QEMU aborts when an inactive drive is resized",
        AbortsAtInactive,
        ("SIGABRT",),
        ("refusal/inactive_image",),
        needs=("set-active",),
    ),
    FaultKind(
        "abort-at-backup-of-nothing",
        "QEMU aborts when a drive is backed up that holds no byte",
        AbortsAtNothing,
        ("SIGABRT",),
        ("backup/odd_sizes",),
        defect="backup-of-nothing",
    ),
    does_nothing("block_resize", "dirty", "resize/growing"),
    FaultKind(
        "export-without-bitmaps",
        "an export does not hold its bitmaps",
        with_arguments(("block-export-add",), dropped("bitmaps")),
        ("busy", "refuse", "granted"),
        ("refusal/busy_bitmap",),
    ),
    does_nothing("block-export-del", "BLOCK_EXPORT_DELETED", "refusal/busy_bitmap"),
)
