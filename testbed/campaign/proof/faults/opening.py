"""Faults of images that are opened and closed: for reading only, anew, by a second machine, at each kind of end."""

from __future__ import annotations

import signal

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.spoiling import actions_of, bitmaps_of, dropped, ignored, with_arguments

REOPEN = ("blockdev-reopen", "x-blockdev-reopen")
"""What the command is called by which a node is opened anew."""


def nodes_of(command: Message) -> list[Message]:
    """Return the options of the nodes that a command opens anew, or of the one that it adds."""
    arguments = command.get("arguments", {})
    return list(arguments.get("options", [arguments]))


class AtClosing(Fault):
    """A fault that does something to the persistent bitmaps of a node before its image is closed."""

    def command(self, command: Message) -> Message | None:
        for node in self.closed_by(command):
            for bitmap in bitmaps_of(self.qemu, node):
                if bitmap["persistent"]:
                    self.spoil(node, str(bitmap["name"]))
        return command

    def closed_by(self, command: Message) -> list[str]:
        """Return the nodes that a command closes."""
        line = command.get("arguments", {}).get("command-line", "")
        if command["execute"] == "blockdev-del":
            return [str(command["arguments"]["node-name"])]
        return [line.removeprefix("drive_del guest-")] if line.startswith("drive_del guest-") else []

    def spoil(self, node: str, bitmap: str) -> None:
        """Empty a bitmap."""
        self.qemu.ask("block-dirty-bitmap-clear", node=node, name=bitmap)


class DisabledAtClosing(AtClosing):
    """Disables the bitmaps of a node that is deleted, so that the image stores them as such."""

    def spoil(self, node: str, bitmap: str) -> None:
        """Disable a bitmap."""
        self.qemu.ask("block-dirty-bitmap-disable", node=node, name=bitmap)


class ClearedAtReopening(AtClosing):
    """Empties the bitmaps of a node that becomes read-only."""

    def closed_by(self, command: Message) -> list[str]:
        """Return the nodes that a command opens anew for reading only."""
        nodes = nodes_of(command) if command["execute"] in REOPEN else []
        return [str(node["node-name"]) for node in nodes if node["read-only"]]


class DisabledAtReopening(AtClosing):
    """Disables the bitmaps of a node that becomes writable again."""

    def closed_by(self, command: Message) -> list[str]:
        """Return the nodes that a command opens anew for writing."""
        nodes = nodes_of(command) if command["execute"] in REOPEN else []
        return [str(node["node-name"]) for node in nodes if not node["read-only"]]

    def spoil(self, node: str, bitmap: str) -> None:
        """Disable a bitmap."""
        self.qemu.ask("block-dirty-bitmap-disable", node=node, name=bitmap)


class ForgottenAtReopening(DisabledAtReopening):
    """Opens a node anew for writing, and does not mark its bitmaps as in use: it has not, and says so."""

    def command(self, command: Message) -> Message | None:
        return None if self.closed_by(command) else command


class ClearedByHumanQuit(AtClosing):
    """Empties the persistent bitmaps when a person tells QEMU to quit."""

    def closed_by(self, command: Message) -> list[str]:
        """Return all nodes, if the command is that."""
        if command.get("arguments", {}).get("command-line") != "quit":
            return []
        return [str(node["node-name"]) for node in self.qemu.ask("query-named-block-nodes", flat=True)]


class DiesOfSignals(Fault):
    """Does not end in order when a signal asks for it."""

    @classmethod
    def signalled(cls, number: int) -> int:  # noqa: ARG003
        """Return one that ends QEMU at once."""
        return signal.SIGABRT


class WritesWhatItMayOnlyRead(Fault):
    """Opens each image for writing, whatever it is told."""

    def command(self, command: Message) -> Message:
        if command["execute"] in ("blockdev-add", *REOPEN):
            for node in nodes_of(command):
                if "read-only" in node and "force-share" not in node:
                    node["read-only"] = False
        line = command.get("arguments", {}).get("command-line", "")
        if line.startswith("drive_add"):
            command["arguments"]["command-line"] = line.replace("read-only=on", "read-only=off")
        return command


class ChangesReadOnly(Fault):
    """Answers what it refuses since an image is read-only, as if it had been granted."""

    def reply(self, command: Message, reply: Message) -> Message:
        words = reply.get("error", {}).get("desc", "")
        return {"return": {}} if any(part in words for part in ("readonly", "write access", "read-only")) else reply


class NoReadOnlyBackups(Fault):
    """Refuses each backup of a drive that is read-only."""

    def command(self, command: Message) -> Message | None:
        for name, arguments in actions_of(command):
            if name == "blockdev-backup":
                nodes = self.qemu.ask("query-named-block-nodes", flat=True)
                return None if any(n["node-name"] == arguments["device"] and n["ro"] for n in nodes) else command
        return command

    def answer(self, command: Message) -> Message:
        return {"error": {"class": "GenericError", "desc": "this drive is read-only"}}


class LocksNothing(Fault):
    """Opens images by blockdev-add without any lock."""

    def command(self, command: Message) -> Message:
        file = command.get("arguments", {}).get("file")
        if command["execute"] == "blockdev-add" and isinstance(file, dict):
            file["locking"] = "off"
        return command


def never_reopens(qemu: Conversation) -> Fault:
    """Answer as if a node had been opened anew, whatever the command is called."""

    class Never(Fault):
        def command(self, command: Message) -> Message | None:
            return None if command["execute"] in REOPEN else command

    return Never(qemu)


def refuses_to_reopen(qemu: Conversation) -> Fault:
    """Refuse to open a node anew, whatever the command is called."""

    class Refuses(Fault):
        def command(self, command: Message) -> Message | None:
            return None if command["execute"] in REOPEN else command

        def answer(self, command: Message) -> Message:
            return {"error": {"class": "GenericError", "desc": "this cannot be done"}}

    return Refuses(qemu)


REOPENED = ("restart/reopened", "restart/writable_again", "restart/reopened_together")
READ_ONLY = ("restart/read_only", "restart/read_only_backups")

FAULTS = (
    FaultKind("never-reopens", "no node is opened anew", never_reopens, ("ead-only", "recording", "dirty"), REOPENED),
    FaultKind("refuses-to-reopen", "no node can be opened anew", refuses_to_reopen, ("refused",), REOPENED),
    FaultKind(
        "cleared-at-reopening",
        "the bitmaps of a drive that becomes read-only are emptied",
        ClearedAtReopening,
        ("dirty", "changed", "hold"),
        (*REOPENED, "restart/full_store"),
    ),
    FaultKind(
        "disabled-at-reopening",
        "the bitmaps of a drive that becomes writable again do not record",
        DisabledAtReopening,
        ("recording",),
        REOPENED,
    ),
    FaultKind(
        "never-writable-again",
        "a drive does not become writable again",
        ForgottenAtReopening,
        ("ead-only", "not permitted", "inconsistent"),
        REOPENED,
    ),
    FaultKind(
        "cleared-at-unplugging",
        "the bitmaps of a drive that is unplugged are emptied before they are stored",
        AtClosing,
        ("dirty", "changed"),
        ("restart/unplugged",),
    ),
    FaultKind(
        "disabled-at-unplugging",
        "the bitmaps of a drive that is unplugged are stored as such that do not record",
        DisabledAtClosing,
        ("recording",),
        ("restart/unplugged",),
    ),
    FaultKind(
        "cleared-by-human-quit",
        "the bitmaps are emptied when a person tells QEMU to quit",
        ClearedByHumanQuit,
        ("dirty",),
        ("restart/ends",),
    ),
    FaultKind(
        "dies-of-signals",
        "QEMU does not end in order when a signal asks for it",
        DiesOfSignals,
        ("SIGABRT",),
        ("restart/ends", "restart/full_store"),
    ),
    FaultKind(
        "writes-what-it-may-read",
        "images are opened for writing, whatever QEMU is told",
        WritesWhatItMayOnlyRead,
        ("written although", "carried out", "granted", "inconsistent", "lock"),
        (*READ_ONLY, "restart/opened_twice"),
    ),
    FaultKind(
        "changes-read-only",
        "what is refused since an image is read-only, is answered as if it had been granted",
        ChangesReadOnly,
        ("granted",),
        (*READ_ONLY, *REOPENED),
    ),
    FaultKind(
        "no-read-only-backups",
        "no drive can be backed up that is read-only",
        NoReadOnlyBackups,
        ("refused",),
        READ_ONLY,
    ),
    FaultKind(
        "locks-nothing", "images are opened without a lock", LocksNothing, ("granted",), ("restart/opened_twice",)
    ),
    FaultKind(
        "shares-nothing",
        "no image can be shared by force",
        with_arguments(("blockdev-add",), dropped("force-share")),
        ("refused",),
        ("restart/opened_twice",),
    ),
    FaultKind(
        "no-powerdown",
        "nothing tells that the machine was to power down",
        ignored("system_powerdown"),
        ("POWERDOWN",),
        ("restart/ends",),
    ),
)
