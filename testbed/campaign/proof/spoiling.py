"""How the stand-in plays faults: what those of several areas are put together from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from testbed.campaign.proof.conversation import HIDDEN, Conversation, Fault, Message

BACKUPS = ("drive-backup", "blockdev-backup")
"""The commands that take backups."""


def actions_of(command: Message) -> Iterator[tuple[str, Message]]:
    """Yield what a command asks for as (name, arguments): itself, or the actions of a transaction."""
    if command["execute"] == "transaction":
        for action in command["arguments"]["actions"]:
            yield action["type"], action.get("data", {})
    else:
        yield command["execute"], command.get("arguments", {})


def bitmaps_in(value: Any) -> Iterator[Message]:
    """Yield every report of a named bitmap in an answer."""
    if isinstance(value, dict):
        if "granularity" in value and "count" in value and value.get("name", HIDDEN) != HIDDEN:
            yield value
        else:
            for inner in value.values():
                yield from bitmaps_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from bitmaps_in(inner)


def bitmaps_of(qemu: Conversation, node: str) -> list[Message]:
    """Return what QEMU says of the named bitmaps of a node."""
    nodes = qemu.ask("query-named-block-nodes", flat=True)
    return [bitmap for found in nodes if found["node-name"] == node for bitmap in bitmaps_in(found)]


def setting(**members: object) -> Callable[[Message], None]:
    """Make a function that sets members of a report or of arguments; a _ in a name stands for a -."""
    named = {name.replace("_", "-"): value for name, value in members.items()}
    return lambda report: report.update(named)


def with_arguments(names: tuple[str, ...], change: Callable[[Message], object]) -> Callable[[Conversation], Fault]:
    """Make a fault that changes the arguments of commands, in transactions, too."""

    class Changed(Fault):
        def command(self, command: Message) -> Message:
            for name, arguments in actions_of(command):
                if name in names:
                    change(arguments)
            return command

    return Changed


def granted(command_name: str) -> Callable[[Conversation], Fault]:
    """Make a fault that answers a refused command as if it had been granted."""

    class Granted(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            return {"return": {}} if command["execute"] == command_name and "error" in reply else reply

    return Granted


def refused(command_name: str, when: Callable[[Message], bool] = lambda _arguments: True) -> Callable[..., Fault]:
    """Make a fault that refuses what should be granted."""

    class RefusedAll(Fault):
        def command(self, command: Message) -> Message | None:
            for name, arguments in actions_of(command):
                if name == command_name and when(arguments):
                    return None
            return command

        def answer(self, command: Message) -> Message:
            return {"error": {"class": "GenericError", "desc": "this cannot be done"}}

    return RefusedAll


def ignored(command_name: str) -> Callable[[Conversation], Fault]:
    """Make a fault that answers a command as if it had been carried out, and does nothing."""

    class Ignored(Fault):
        def command(self, command: Message) -> Message | None:
            return None if command["execute"] == command_name else command

    return Ignored


def dropped(*members: str) -> Callable[[Message], None]:
    """Make a function that leaves members out."""

    def change(arguments: Message) -> None:
        for member in members:
            arguments.pop(member, None)

    return change


def replaced(member: str, change: Callable[[Any], Any]) -> Callable[[Message], None]:
    """Make a function that changes one member, where it is there."""

    def replace(arguments: Message) -> None:
        if member in arguments:
            arguments[member] = change(arguments[member])

    return replace


def other_drive(name: str) -> str:
    """Return the name of the other one of two drives."""
    return {"drive0": "drive1", "drive1": "drive0"}.get(name, name)


def clears_after(command_name: str, node: Callable[[Message], str]) -> Callable[[Conversation], Fault]:
    """Make a fault that clears all bitmaps of a node, which the arguments of a granted command tell."""

    class Clears(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            for name, arguments in actions_of(command):
                if name == command_name and "return" in reply:
                    cleared = node(arguments)
                    for bitmap in bitmaps_of(self.qemu, cleared):
                        self.qemu.ask("block-dirty-bitmap-clear", node=cleared, name=bitmap["name"])
            return reply

    return Clears


def lacking(command_name: str) -> Callable[[Conversation], Fault]:
    """Make a build that has not got a command, and does not list it either: no fault, but another build."""

    class Lacking(Fault):
        def command(self, command: Message) -> Message | None:
            return None if command["execute"] == command_name else command

        def answer(self, command: Message) -> Message:
            text = f"The command {command_name} has not been found"
            return {"error": {"class": "CommandNotFound", "desc": text}}

        def reply(self, command: Message, reply: Message) -> Message:
            if command["execute"] in ("query-commands", "query-qmp-schema") and "return" in reply:
                reply["return"] = [entry for entry in reply["return"] if entry["name"] != command_name]
            return reply

    return Lacking
