"""Faults of exports over NBD and of what clients are shown there: other drives, other bitmaps, other moments."""

from __future__ import annotations

from collections.abc import Callable

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.spoiling import (
    bitmaps_of,
    dropped,
    granted,
    refused,
    setting,
    with_arguments,
)

EXPORT, UNEXPORT = ("block-export-add",), ("block-export-del",)
BITMAPS, EXPORTS, REMOVAL, CLIENTS, LAYERS, PULLS, DAYS = (
    f"pull/{name}" for name in ("bitmaps", "exports", "removal", "clients", "layers", "pulls", "pulled_days")
)

LIBNBD = ("libnbd", "libnbd-python", "block-export")
"""What shows these faults."""


def bitmaps_of_export(change: Callable[[Conversation, str, str], object]) -> Callable[[Conversation], Fault]:
    """Make a fault that does something to each bitmap of an export, given by node and name, before it is granted."""

    class Spoilt(Fault):
        def command(self, command: Message) -> Message:
            if command["execute"] in EXPORT:
                arguments = command["arguments"]
                for bitmap in arguments.get("bitmaps", []):
                    known = [node["node-name"] for node in self.qemu.ask("query-named-block-nodes", flat=True)]
                    name = bitmap if isinstance(bitmap, str) else bitmap["name"]
                    for node in known:
                        if any(found["name"] == name for found in bitmaps_of(self.qemu, node)):
                            change(self.qemu, str(node), str(name))
            return command

    return Spoilt


def cleared(qemu: Conversation, node: str, name: str) -> None:
    """Empty a bitmap."""
    qemu.ask("block-dirty-bitmap-clear", node=node, name=name)


def disabled(qemu: Conversation, node: str, name: str) -> None:
    """Stop a bitmap from recording."""
    qemu.ask("block-dirty-bitmap-disable", node=node, name=name)


class MergedBesides(Fault):
    """Shows with a bitmap what all other bitmaps of its node have recorded, too."""

    def command(self, command: Message) -> Message:
        if command["execute"] in EXPORT:
            node = command["arguments"]["node-name"]
            names = [str(bitmap["name"]) for bitmap in bitmaps_of(self.qemu, node)]
            for bitmap in command["arguments"].get("bitmaps", []):
                others = [name for name in names if name != bitmap]
                if isinstance(bitmap, str) and others:
                    self.qemu.ask("block-dirty-bitmap-merge", node=node, target=bitmap, bitmaps=others)
        return command


class LastBitmapForgotten(Fault):
    """Exports all bitmaps that are asked for but the last."""

    def command(self, command: Message) -> Message:
        if command["execute"] in EXPORT and command["arguments"].get("bitmaps"):
            command["arguments"]["bitmaps"].pop()
        return command


class ShowsNow(Fault):
    """Exports the drive itself where a view of a moment is asked for."""

    def command(self, command: Message) -> Message:
        if command["execute"] in EXPORT:
            name = command["arguments"]["node-name"]
            command["arguments"]["node-name"] = name.partition("-view-")[0]
        return command


class ShowsNothing(Fault):
    """Exports, with the bitmaps that are asked for, something in the drive's place that is nothing but zeros."""

    def command(self, command: Message) -> Message:
        if command["execute"] in EXPORT:
            arguments = command["arguments"]
            node, nothing = arguments["node-name"], f"nothing-{arguments['id']}"
            nodes = {known["node-name"]: known for known in self.qemu.ask("query-named-block-nodes", flat=True)}
            if node in nodes:
                size = nodes[node]["image"]["virtual-size"]
                zeros = {"driver": "null-co", "node_name": nothing, "size": size, "read_zeroes": True}
                self.qemu.ask("blockdev-add", **zeros)
                named = [
                    bitmap if isinstance(bitmap, dict) else {"node": node, "name": bitmap}
                    for bitmap in arguments.get("bitmaps", [])
                ]
                arguments.update({"node-name": nothing, "bitmaps": named})
        return command


class ClearsBeforeMerging(Fault):
    """Carries out the clearing of bitmaps before all else that a transaction asks for."""

    def command(self, command: Message) -> Message:
        if command["execute"] == "transaction":
            actions = command["arguments"]["actions"]
            actions.sort(key=lambda action: action["type"] != "block-dirty-bitmap-clear")
        return command


class ClearingForgotten(Fault):
    """Leaves out the clearing of bitmaps in transactions."""

    def command(self, command: Message) -> Message:
        if command["execute"] == "transaction":
            actions = command["arguments"]["actions"]
            command["arguments"]["actions"] = [one for one in actions if one["type"] != "block-dirty-bitmap-clear"]
        return command


class GoesWithoutWord(Fault):
    """Does not tell that an export is gone."""

    def event(self, event: Message) -> list[Message]:
        return [] if event["event"] == "BLOCK_EXPORT_DELETED" else [event]


class ServesOn(Fault):
    """Says that an export or the server is gone, and goes on to serve."""

    def command(self, command: Message) -> Message | None:
        return None if command["execute"] in (*UNEXPORT, "nbd-server-stop") else command

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] in UNEXPORT:
            self.told(str(command["arguments"]["id"]))
        elif command["execute"] == "nbd-server-stop":
            for export in self.qemu.ask("query-block-exports"):
                self.told(str(export["id"]))
        return reply

    def told(self, export: str) -> None:
        """Tell that an export is gone."""
        time = {"seconds": 0, "microseconds": 0}
        self.qemu.client.send({"event": "BLOCK_EXPORT_DELETED", "data": {"id": export}, "timestamp": time})


class ListsNone(Fault):
    """Lists no exports."""

    def reply(self, command: Message, reply: Message) -> Message:
        return {"return": []} if command["execute"] == "query-block-exports" else reply


NOT_TOLD = ("was not told to be",)

FAULTS = (
    FaultKind(
        "export-empties-bitmaps",
        "a bitmap that is exported reads as clean",
        bitmaps_of_export(cleared),
        NOT_TOLD,
        (BITMAPS, EXPORTS, CLIENTS, LAYERS, PULLS, DAYS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-stops-bitmaps",
        "a bitmap that is exported records no more",
        bitmaps_of_export(disabled),
        (*NOT_TOLD, "recording"),
        (BITMAPS, CLIENTS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-mixes-bitmaps",
        "a client is told of all bitmaps at once where it asks for one",
        MergedBesides,
        ("was told to be dirty, and is not", "is told to be"),
        (BITMAPS,),
        needs=LIBNBD,
    ),
    FaultKind(
        "client-shown-no-bitmaps",
        "an export shows no bitmaps",
        with_arguments(EXPORT, dropped("bitmaps")),
        ("not offered", "does not offer", "No such file", "dirty-bitmap", "in use"),
        (BITMAPS, EXPORTS, CLIENTS, LAYERS, PULLS, DAYS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-forgets-last-bitmap",
        "an export lacks the last bitmap that it was asked to show",
        LastBitmapForgotten,
        ("not offered", "does not offer", "dirty-bitmap"),
        (BITMAPS, EXPORTS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-always-writable",
        "a client may write to each export",
        with_arguments(EXPORT, setting(writable=True)),
        ("is_read_only", "a client wrote"),
        (EXPORTS, REMOVAL, CLIENTS, LAYERS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-never-writable",
        "no client may write to an export",
        with_arguments(EXPORT, setting(writable=False)),
        ("is_read_only", "incompatible with readonly export", "command failed"),
        (EXPORTS, REMOVAL, CLIENTS, LAYERS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-under-other-name",
        "an export is known to clients by its id, whatever name it was to have",
        with_arguments(EXPORT, dropped("name")),
        ("export-name", "Requested export not available", "exited with status"),
        (EXPORTS, REMOVAL),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-without-depth",
        "no client can ask for the allocation depth",
        with_arguments(EXPORT, dropped("allocation-depth")),
        ("not offered", "allocation-depth"),
        (EXPORTS, REMOVAL, CLIENTS, LAYERS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-refusals-hidden",
        "an export that cannot be is said to be there",
        granted("block-export-add"),
        ("granted",),
        (EXPORTS, REMOVAL),
        needs=("block-export",),
    ),
    FaultKind(
        "export-deleted-by-force",
        "an export that a client uses is deleted by whoever asks for it in order",
        with_arguments(UNEXPORT, setting(mode="hard")),
        ("granted block-export-del",),
        (EXPORTS, REMOVAL),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-never-deleted-by-force",
        "an export that a client uses cannot be deleted by force",
        with_arguments(UNEXPORT, dropped("mode")),
        ("still in use",),
        (EXPORTS, REMOVAL, CLIENTS, LAYERS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-goes-without-word",
        "QEMU does not tell that an export is gone",
        GoesWithoutWord,
        ("BLOCK_EXPORT_DELETED",),
        (EXPORTS, REMOVAL),
        needs=("block-export",),
    ),
    FaultKind(
        "exports-served-on",
        "an export that is said to be gone is served on",
        ServesOn,
        ("a client still finds", "in use", "busy", "already"),
        (EXPORTS, REMOVAL, PULLS, DAYS),
        needs=LIBNBD,
    ),
    FaultKind(
        "exports-not-listed",
        "QEMU lists no exports",
        ListsNone,
        ("not listed",),
        (EXPORTS, REMOVAL),
        needs=("block-export",),
    ),
    FaultKind(
        "server-started-twice",
        "a second server is said to be there",
        granted("nbd-server-start"),
        ("granted",),
        (EXPORTS, REMOVAL),
        needs=("block-export",),
    ),
    FaultKind(
        "server-stopped-twice",
        "a server that is not there is said to have been stopped",
        granted("nbd-server-stop"),
        ("granted",),
        (EXPORTS, REMOVAL),
        needs=("block-export",),
    ),
    FaultKind(
        "export-ends-hidden",
        "an export that is not there, or in use, is said to have been deleted",
        granted("block-export-del"),
        ("granted",),
        (EXPORTS, REMOVAL),
        needs=("block-export",),
    ),
    FaultKind(
        "view-of-now",
        "a client that reads a moment is shown what the drive holds now",
        ShowsNow,
        ("what the copies of", "not listed"),
        (PULLS, DAYS),
        needs=LIBNBD,
    ),
    FaultKind(
        "export-of-nothing",
        "a client reads nothing but zeros, and what it writes is lost",
        ShowsNothing,
        ("what a client has copied", "structured replies", "is zero, and", "to be zero", "at depth", "was not told"),
        (EXPORTS, CLIENTS, LAYERS),
        needs=(*LIBNBD, "export-any-bitmap"),
    ),
    FaultKind(
        "cleared-before-merged",
        "a bitmap is emptied before it is merged into another in the same transaction",
        ClearsBeforeMerging,
        ("changed was", "should be"),
        (PULLS, DAYS),
        needs=LIBNBD,
    ),
    FaultKind(
        "clearing-forgotten",
        "a bitmap that is emptied in a transaction keeps what it had recorded",
        ClearingForgotten,
        ("changed was", "should be"),
        (PULLS, DAYS),
        needs=LIBNBD,
    ),
    FaultKind(
        "exports-refused",
        "no export is ever granted",
        refused("block-export-add"),
        ("this cannot be done",),
        (BITMAPS, EXPORTS, CLIENTS, LAYERS, PULLS, DAYS),
        is_survivable=False,
        needs=("block-export",),
    ),
)
