"""Faults in what reaches the storage, and in what is stored there of bitmaps."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import ClassVar

from testbed.campaign.proof.conversation import Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.spoiling import bitmaps_of

STOPS = ("restart/crash_at_any_moment", "restart/crash_of_changing_drive", "restart/crash_elsewhere")
FAILS = ("restart/failing_storage",)


def _line(command: Message) -> str:
    """Return what a command tells the human monitor, if it does."""
    is_human = command["execute"] == "human-monitor-command"
    return str(command["arguments"]["command-line"]) if is_human else ""


class FlushesNothing(Fault):
    """Lets no flush come to storage that is recorded."""

    def command(self, command: Message) -> Message:
        line = _line(command)
        if "blklogwrites" in line:
            command["arguments"]["command-line"] = line.replace("file.driver=", "file.cache.no-flush=on,file.driver=")
        file = command.get("arguments", {}).get("file")
        if isinstance(file, dict) and file.get("driver") == "blklogwrites":
            file["cache"] = {"no-flush": True}
        return command


class LosesFlushedWrite(Fault):
    """Lets recorded storage lose the last write before the guest's first flush, although it was flushed."""

    entry: ClassVar = struct.Struct("<QQQQ")
    sector: ClassVar = 512
    has_lost = False

    def reply(self, command: Message, reply: Message) -> Message:
        if not self.has_lost and _line(command).endswith(' "flush"'):
            for log in Path().glob("*.log-*"):
                self.has_lost = self.has_lost or self._lose(log)
        return reply

    def _lose(self, log: Path) -> bool:
        """Make the last write of a log one of nothing; tell whether there was one."""
        end, at, last = log.stat().st_size, self.sector, None
        with log.open("r+b") as file:
            while at + self.sector <= end:
                file.seek(at)
                _, sectors, flags, _ = self.entry.unpack(file.read(self.entry.size))
                length = 0 if flags & 4 else sectors * self.sector
                last = (at + self.sector, length) if length else last
                at += self.sector + length
            if last:
                file.seek(last[0])
                file.write(bytes(last[1]))
        return last is not None


class StoresEmpty(Fault):
    """Stores bitmaps as empty ones, when QEMU ends or an image is closed."""

    def command(self, command: Message) -> Message:
        nodes: list[str] = []
        if command["execute"] == "quit":
            nodes = [node["node-name"] for node in self.qemu.ask("query-named-block-nodes", flat=True)]
        elif command["execute"] == "blockdev-del":
            nodes = [command["arguments"]["node-name"]]
        for node in nodes:
            for bitmap in bitmaps_of(self.qemu, node):
                self.qemu.ask("block-dirty-bitmap-clear", node=node, name=bitmap["name"])
        return command


class ForgetsToWriteThrough(Fault):
    """Carries out a write that is to reach the storage at once as any other."""

    def command(self, command: Message) -> Message:
        line = _line(command)
        if " -f " in line:
            command["arguments"]["command-line"] = line.replace(" -f ", " ")
        return command


FAULTS = (
    FaultKind(
        "flushes-nothing",
        "no flush reaches the storage",
        FlushesNothing,
        ("lost in a power cut",),
        STOPS,
        needs=("blklogwrites",),
    ),
    FaultKind(
        "loses-flushed-write",
        "the storage loses a write that was flushed",
        LosesFlushedWrite,
        ("had its storage stopped",),
        STOPS,
        needs=("blklogwrites",),
    ),
    FaultKind(
        "stores-empty",
        "what an image stores of a bitmap is empty, and said to be good",
        StoresEmpty,
        ("lacks a change",),
        FAILS,
        needs=("blkdebug", "blklogwrites"),
    ),
    FaultKind(
        "forgets-write-through",
        "a write is said to be on the storage, and the image does not know of it yet",
        ForgetsToWriteThrough,
        ("which the guest had flushed", "was told of no flush"),
        FAILS,
        needs=("blkdebug", "blklogwrites"),
    ),
)
