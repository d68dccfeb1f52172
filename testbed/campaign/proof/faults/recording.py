"""Faults in how the guest's requests are carried out and recorded."""

from __future__ import annotations

import re
from collections.abc import Callable

from testbed.campaign.proof.conversation import HIDDEN, Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.spoiling import actions_of, bitmaps_of


class Recording(Fault):
    """A fault in how the guest's requests are recorded; subclasses say what becomes of a request."""

    def command(self, command: Message) -> Message | None:
        if command["execute"] != "human-monitor-command":
            return command
        line = str(command["arguments"]["command-line"])
        found = re.fullmatch(r'qemu-io guest-(\S+) "(write|discard)(.*) (\d+) (\d+)"', line)
        if found is None:
            return command
        node, verb, flags, at, length = found.groups()
        self.guest(node, verb, flags, int(at), int(length))
        return None

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        """Carry a request of the guest out."""
        self.io(node, f"{verb}{flags} {at} {length}")

    def answer(self, command: Message) -> Message:
        return {"return": ""}

    def io(self, node: str, request: str) -> None:
        """Make a request as the guest would."""
        self.qemu.ask("human-monitor-command", command_line=f'qemu-io guest-{node} "{request}"')

    def switch(self, node: str, names: list[str], act: str) -> None:
        """Enable or disable bitmaps."""
        for name in names:
            self.qemu.ask(f"block-dirty-bitmap-{act}", node=node, name=name)

    def unrecorded(self, node: str, request: str) -> None:
        """Make a request of the guest that no bitmap records."""
        names = [bitmap["name"] for bitmap in bitmaps_of(self.qemu, node) if bitmap["recording"] and not bitmap["busy"]]
        self.switch(node, names, "disable")
        self.io(node, request)
        self.switch(node, names, "enable")


class Forgets(Recording):
    """Forgets a whole kind of requests."""

    verb, flag = "write", ""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        request = f"{verb}{flags} {at} {length}"
        forgotten = verb == self.verb and self.flag in flags
        (self.unrecorded if forgotten else self.io)(node, request)


class ForgetsZeroes(Forgets):
    flag = "-z"


class ForgetsDiscards(Forgets):
    verb = "discard"


class ForgetsStart(Recording):
    """Does not record the first 512 bytes of a longer write."""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        self.unrecorded(node, f"{verb}{flags} {at} {min(length, 512)}")
        if length > 512:
            self.io(node, f"{verb}{flags} {at + 512} {length - 512}")


class ForgetsFirstGranule(Recording):
    """Does not record the first 64 KiB of a longer write."""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        edge = at // 65536 * 65536 + 65536
        if edge < at + length:
            self.unrecorded(node, f"{verb}{flags} {at} {edge - at}")
            self.io(node, f"{verb}{flags} {edge} {at + length - edge}")
        else:
            self.io(node, f"{verb}{flags} {at} {length}")


class ForgetsLastGranule(Recording):
    """Does not record the last granule of 64 KiB that a longer write touches."""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        edge = (at + length - 1) // 65536 * 65536
        if edge > at:
            self.io(node, f"{verb}{flags} {at} {edge - at}")
            self.unrecorded(node, f"{verb}{flags} {edge} {at + length - edge}")
        else:
            self.io(node, f"{verb}{flags} {at} {length}")


class RecordsTooMuch(Recording):
    """Records the granule after a write, too: by writing there what stands there already."""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        self.io(node, f"{verb}{flags} {at} {length}")
        if verb == "write" and "-z" not in flags and at + length + 65536 < 1 << 20:
            self.io(node, f"write -z {(at + length + 65535) // 65536 * 65536} 512")


class RecordsDisabled(Recording):
    """Records into disabled bitmaps."""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        names = [
            bitmap["name"] for bitmap in bitmaps_of(self.qemu, node) if not bitmap["recording"] and not bitmap["busy"]
        ]
        self.switch(node, names, "enable")
        self.io(node, f"{verb}{flags} {at} {length}")
        self.switch(node, names, "disable")


class WritesElsewhere(Recording):
    """Writes short requests 512 bytes further on."""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        shift = 512 if verb == "write" and length == 512 else 0
        self.io(node, f"{verb}{flags} {at + shift} {length}")


class Halves(Recording):
    """Knows by two bitmaps of its own what the guest has written in the first and in the second half of its drives."""

    names = (f"{HIDDEN}-first", f"{HIDDEN}-second")

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.middles: dict[str, int] = {}

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        middle = self.middle(node)
        for name, start, end in (
            (self.names[0], at, min(at + length, middle)),
            (self.names[1], max(at, middle), at + length),
        ):
            if start < end:
                self.switch(node, [name], "enable")
                self.io(node, f"{verb}{flags} {start} {end - start}")
                self.switch(node, [name], "disable")

    def middle(self, node: str) -> int:
        """Return where the second half of a drive begins, in bytes; from now on it is known what is written there."""
        if node not in self.middles:
            nodes = self.qemu.ask("query-named-block-nodes", flat=True)
            (size,) = [found["image"]["virtual-size"] for found in nodes if found["node-name"] == node]
            self.middles[node] = size // 2 // 65536 * 65536
            for name in self.names:
                self.qemu.ask("block-dirty-bitmap-add", node=node, name=name, disabled=True, granularity=512)
        return self.middles[node]


class ClearsFirstHalf(Halves):
    """Clears only the first half of a bitmap."""

    def reply(self, command: Message, reply: Message) -> Message:
        for name, arguments in actions_of(command):
            if name == "block-dirty-bitmap-clear" and "return" in reply:
                target = {"node": arguments["node"], "target": arguments["name"]}
                self.qemu.ask("block-dirty-bitmap-merge", **target, bitmaps=[self.names[1]])
        return reply


class MergesFirstHalf(Halves):
    """Merges only what the guest has written in the first half of the drive."""

    def command(self, command: Message) -> Message | None:
        for name, arguments in actions_of(command):
            if name == "block-dirty-bitmap-merge" and arguments["node"] in self.middles:
                arguments["bitmaps"] = [self.names[0]]
        return super().command(command)


class GivenBackWhileWritten(Recording):
    """Lets the first write after one that was held up be overwritten by the second."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.after: list[int] | None = None

    def command(self, command: Message) -> Message | None:
        line = str(command.get("arguments", {}).get("command-line", ""))
        if "break write_aio" in line:
            self.after = None
        elif "resume" in line:
            self.after = []
        return super().command(command)

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        self.io(node, f"{verb}{flags} {at} {length}")
        if self.after is not None and len(self.after) < 2:
            self.after.append(at)
            self.io(node, f"{verb}{flags} {self.after[0]} {length}")


def guest_writes(change: Callable[[str], str]) -> Callable[[Conversation], Fault]:
    """Make a fault that changes the flags, the pattern among them, of each write of the guest."""

    class OtherBytes(Recording):
        def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
            self.io(node, f"{verb}{change(flags)} {at} {length}")

    return OtherBytes


RECORDING = ("bitmap/recording", "bitmap/life")
"""Features of what a bitmap records."""

FAULTS = (
    FaultKind("forgets-writes", "no write is recorded", Forgets, ("dirty",)),
    FaultKind(
        "forgets-zeroes",
        "writing zeros is not recorded",
        ForgetsZeroes,
        ("dirty",),
        features=RECORDING,
    ),
    FaultKind(
        "forgets-discards",
        "discards are not recorded",
        ForgetsDiscards,
        ("dirty",),
        features=RECORDING,
    ),
    FaultKind(
        "forgets-first-granule",
        "the first granule of a write is not recorded",
        ForgetsFirstGranule,
        ("dirty",),
    ),
    FaultKind("forgets-last-granule", "the last granule of a write is not recorded", ForgetsLastGranule, ("dirty",)),
    FaultKind("forgets-short-writes", "a write of 512 bytes is not recorded", ForgetsStart, ("dirty",)),
    FaultKind(
        "records-too-much",
        "the granule after a write is recorded, too",
        RecordsTooMuch,
        ("dirty",),
        features=RECORDING,
    ),
    FaultKind(
        "records-disabled",
        "a disabled bitmap records",
        RecordsDisabled,
        ("dirty",),
        features=RECORDING,
    ),
    FaultKind(
        "clears-first-half",
        "clearing a bitmap leaves what the guest wrote in the second half of the drive",
        ClearsFirstHalf,
        ("dirty",),
        ("bitmap/life",),
    ),
    FaultKind(
        "merges-first-half",
        "merging leaves out what the guest wrote in the second half of the drive",
        MergesFirstHalf,
        ("dirty",),
        ("bitmap/merging",),
    ),
    FaultKind(
        "given-back-while-written",
        "what is written after a write was held up is overwritten by what is written elsewhere",
        GivenBackWhileWritten,
        ("byte at offset",),
        ("backup/held_up_writes",),
        defect="given-back-while-written",
    ),
    FaultKind(
        "writes-elsewhere",
        "a write of 512 bytes goes 512 bytes too far",
        WritesElsewhere,
        ("byte at offset",),
        seen_only_by="content",
    ),
    FaultKind(
        "other-bytes",
        "a write stores other bytes",
        guest_writes(lambda flags: flags.replace("a", "b")),
        ("byte at offset",),
        seen_only_by="content",
    ),
)
