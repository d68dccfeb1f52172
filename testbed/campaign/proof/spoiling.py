"""How the stand-in plays faults: what is common to many of them, to be put together in the table of faults."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from testbed.campaign.proof.conversation import HIDDEN, Conversation, Fault, Message

BACKUPS = ("drive-backup", "blockdev-backup")
SHADOW = f"{HIDDEN}-shadow"


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


# How bitmaps are reported.


def misreport(spoil: Callable[[Message], None]) -> Callable[[Conversation], Fault]:
    """Make a fault that reports each named bitmap otherwise than it is."""

    class Misreport(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            for bitmap in bitmaps_in(reply.get("return")):
                spoil(bitmap)
            return reply

    return Misreport


def setting(**members: object) -> Callable[[Message], None]:
    """Make a function that sets members of a report or of arguments; a _ in a name stands for a -."""
    named = {name.replace("_", "-"): value for name, value in members.items()}
    return lambda report: report.update(named)


def count_off(by: int) -> Callable[[Message], None]:
    """Make a function that reports `by` granules more than there are, where there are any."""

    def spoil(bitmap: Message) -> None:
        if bitmap["count"]:
            bitmap["count"] += by * bitmap["granularity"]

    return spoil


# How guests' requests are recorded.


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

    def bitmaps(self, node: str) -> list[Message]:
        """Return what QEMU says of the named bitmaps of a node."""
        nodes = self.qemu.ask("query-named-block-nodes", flat=True)
        return [bitmap for found in nodes if found["node-name"] == node for bitmap in bitmaps_in(found)]

    def switch(self, node: str, names: list[str], act: str) -> None:
        """Enable or disable bitmaps."""
        for name in names:
            self.qemu.ask(f"block-dirty-bitmap-{act}", node=node, name=name)

    def unrecorded(self, node: str, request: str) -> None:
        """Make a request of the guest that no bitmap records."""
        names = [bitmap["name"] for bitmap in self.bitmaps(node) if bitmap["recording"] and not bitmap["busy"]]
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
        names = [bitmap["name"] for bitmap in self.bitmaps(node) if not bitmap["recording"] and not bitmap["busy"]]
        self.switch(node, names, "enable")
        self.io(node, f"{verb}{flags} {at} {length}")
        self.switch(node, names, "disable")


class WritesElsewhere(Recording):
    """Writes short requests 512 bytes further on."""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        shift = 512 if verb == "write" and length == 512 else 0
        self.io(node, f"{verb}{flags} {at + shift} {length}")


# What is done to bitmaps.


def instead(of: str, act: str) -> Callable[[Conversation], Fault]:
    """Make a fault that does one thing to a bitmap when another is asked for, in transactions, too."""

    class Instead(Fault):
        def command(self, command: Message) -> Message:
            if command["execute"] == of:
                command["execute"] = act
            for action in command.get("arguments", {}).get("actions", ()):
                if action["type"] == of:
                    action["type"] = act
            return command

    return Instead


def with_arguments(names: tuple[str, ...], change: Callable[[Message], object]) -> Callable[[Conversation], Fault]:
    """Make a fault that changes the arguments of commands, in transactions, too."""

    class Changed(Fault):
        def command(self, command: Message) -> Message:
            for name, arguments in actions_of(command):
                if name in names:
                    change(arguments)
            return command

    return Changed


def also(after: str, act: str) -> Callable[[Conversation], Fault]:
    """Make a fault that does another thing to the bitmap, too, when one was done."""

    class Also(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            for name, arguments in actions_of(command):
                if name == after and "return" in reply:
                    self.qemu.ask(act, node=arguments["node"], name=arguments.get("name", arguments.get("target")))
            return reply

    return Also


def not_undone(kind: str) -> Callable[[Conversation], Fault]:
    """Make a fault that leaves what an action of a failed transaction has done."""

    class NotUndone(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            if command["execute"] == "transaction" and "error" in reply:
                for name, arguments in actions_of(command):
                    if name == kind:
                        self.qemu.ask(name, **arguments)
            return reply

    return NotUndone


class GroupsIgnored(Fault):
    """Lets each job of a group end on its own."""

    def command(self, command: Message) -> Message:
        if command["execute"] == "transaction":
            command["arguments"].pop("properties", None)
        return command


# Backups.


class Backups(Fault):
    """A fault about backups: knows what job was started with which arguments, and when it is over."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.jobs: dict[str, Message] = {}
        self.failed: dict[str, bool] = {}

    def command(self, command: Message) -> Message | None:
        for name, arguments in actions_of(command):
            if name in BACKUPS:
                self.jobs[arguments["job-id"]] = arguments
                self.prepare(arguments)
        return command

    def event(self, event: Message) -> list[Message]:
        data = event.get("data", {})
        job = self.jobs.get(data.get("id") or data.get("device"))
        if job is not None and event["event"] in ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"):
            self.failed[job["job-id"]] = event["event"] == "BLOCK_JOB_CANCELLED" or "error" in data
        if job is not None and data.get("status") == "null":
            self.over(job, failed=self.failed.get(job["job-id"], True))
        return [event]

    def prepare(self, arguments: Message) -> None:
        """Do something before a backup is asked for, or change what is asked."""

    def over(self, arguments: Message, *, failed: bool) -> None:
        """Do something when its job is gone, before anybody hears of it."""


class KeepsBitmap(Backups):
    """Does not clear the bitmap of a backup that succeeded."""

    def prepare(self, arguments: Message) -> None:
        if "bitmap" in arguments:
            node = arguments["device"]
            self.qemu.ask("block-dirty-bitmap-add", node=node, name=SHADOW, disabled=True, granularity=65536)
            self.qemu.ask("block-dirty-bitmap-merge", node=node, target=SHADOW, bitmaps=[arguments["bitmap"]])

    def over(self, arguments: Message, *, failed: bool) -> None:
        if "bitmap" in arguments:
            node = arguments["device"]
            self.qemu.ask("block-dirty-bitmap-merge", node=node, target=arguments["bitmap"], bitmaps=[SHADOW])
            self.qemu.ask("block-dirty-bitmap-remove", node=node, name=SHADOW)


class LosesBitmap(Backups):
    """Clears the bitmap of a backup that failed."""

    def over(self, arguments: Message, *, failed: bool) -> None:
        if "bitmap" in arguments and failed:
            self.qemu.ask("block-dirty-bitmap-clear", node=arguments["device"], name=arguments["bitmap"])


class DisablesBitmap(Backups):
    """Leaves the bitmap of a backup disabled."""

    def over(self, arguments: Message, *, failed: bool) -> None:
        if "bitmap" in arguments:
            self.qemu.ask("block-dirty-bitmap-disable", node=arguments["device"], name=arguments["bitmap"])


class CopiesNothing(Backups):
    """Copies nothing into an increment."""

    def prepare(self, arguments: Message) -> None:
        if "bitmap" in arguments:
            self.qemu.ask("block-dirty-bitmap-clear", node=arguments["device"], name=arguments["bitmap"])


class CopiesEverything(Backups):
    """Copies the whole drive into an increment, and clears the bitmap."""

    def prepare(self, arguments: Message) -> None:
        if arguments.get("sync") == "incremental" and "bitmap" in arguments:
            arguments["sync"], arguments["bitmap-mode"] = "full", "on-success"


class WritesIntoTarget(Backups):
    """Spoils the target when the backup is over: `request` is made of its node."""

    request = "write -P 0x99 3145728 512"

    def over(self, arguments: Message, *, failed: bool) -> None:
        if "target" in arguments and not failed:
            self.qemu.ask("human-monitor-command", command_line=f'qemu-io {arguments["target"]} "{self.request}"')


class LeavesOutTail(WritesIntoTarget):
    request = "write -z 33570816 4096"


class ResizesTarget(WritesIntoTarget):
    request = "truncate 134217728"


class CopiesOneMore(WritesIntoTarget):
    """Holds a cluster more, of zeros where the drive has zeros."""

    request = "write -z 2097152 65536"


class Leaks(Backups):
    """Lets what the guest writes during a backup into the target, if the backup goes by no bitmap."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.writes: list[str] = []

    def command(self, command: Message) -> Message | None:
        line = str(command.get("arguments", {}).get("command-line", ""))
        if self.jobs and (found := re.fullmatch(r'qemu-io guest-\S+ "(write .*)"', line)):
            self.writes.append(found[1])
        return super().command(command)

    def over(self, arguments: Message, *, failed: bool) -> None:
        for write in self.writes:
            self.qemu.ask("human-monitor-command", command_line=f'qemu-io {arguments.get("target")} "{write}"')
        self.jobs.clear()
        self.writes.clear()


# Answers and events.


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


def reworded(change: Callable[[str], str]) -> Callable[[Conversation], Fault]:
    """Make a fault that words refusals otherwise."""

    class Reworded(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            if "error" in reply:
                reply["error"]["desc"] = change(reply["error"]["desc"])
            return reply

    return Reworded


def events(change: Callable[[Message], list[Message]]) -> Callable[[Conversation], Fault]:
    """Make a fault in what QEMU reports by itself."""

    class Events(Fault):
        def event(self, event: Message) -> list[Message]:
            return change(event)

    return Events


def dropping(name: str, **data: object) -> Callable[[Message], list[Message]]:
    """Make a function that drops events of a name and with such data."""
    return lambda event: [] if _is(event, name, data) else [event]


def doubling(name: str, **data: object) -> Callable[[Message], list[Message]]:
    """Make a function that doubles events of a name and with such data."""
    return lambda event: [event, event] if _is(event, name, data) else [event]


def adding(name: str, other: str) -> Callable[[Message], list[Message]]:
    """Make a function that adds another event, without data, after events of a name."""
    return lambda event: [event, {**event, "event": other, "data": {}}] if event["event"] == name else [event]


def altering(name: str, **data: object) -> Callable[[Message], list[Message]]:
    """Make a function that puts other data into events of a name, where they have such data."""

    def change(event: Message) -> list[Message]:
        if event["event"] == name:
            event["data"].update({key: value for key, value in data.items() if key in event["data"]})
        return [event]

    return change


def _is(event: Message, name: str, data: Mapping[str, object]) -> bool:
    return bool(event["event"] == name and data.items() <= event.get("data", {}).items())


class Swaps(Fault):
    """Reports the end of a job only after its last state."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.held: list[Message] = []

    def event(self, event: Message) -> list[Message]:
        if event["event"] == "JOB_STATUS_CHANGE" and event["data"]["status"] in ("waiting", "pending"):
            self.held.append(event)
            return []
        held, self.held = self.held[::-1], []
        return [*held, event]


class JobStays(Fault):
    """Goes on listing a job that is over."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.over: list[str] = []

    def event(self, event: Message) -> list[Message]:
        if event.get("data", {}).get("status") == "null":
            self.over.append(event["data"]["id"])
        return [event]

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] == "query-jobs":
            for job in self.over:
                ghost = {"id": job, "type": "backup", "status": "concluded"}
                reply["return"].append({**ghost, "current-progress": 0, "total-progress": 0})
        return reply


# Commands that do not do what they should.


def ignored(command_name: str) -> Callable[[Conversation], Fault]:
    """Make a fault that answers a command as if it had been carried out, and does nothing."""

    class Ignored(Fault):
        def command(self, command: Message) -> Message | None:
            return None if command["execute"] == command_name else command

    return Ignored


class GrantsAll(Fault):
    """Answers each refusal as if it had been granted, but for what the testbed asks to learn something."""

    def reply(self, command: Message, reply: Message) -> Message:
        return {"return": {}} if "error" in reply and not command["execute"].startswith("query-") else reply


def in_actions(change: Callable[[list[Message]], list[Message]]) -> Callable[[Conversation], Fault]:
    """Make a fault that carries out other actions than those of a transaction with several."""

    class Actions(Fault):
        def command(self, command: Message) -> Message:
            if command["execute"] == "transaction" and len(command["arguments"]["actions"]) > 1:
                command["arguments"]["actions"] = change(command["arguments"]["actions"])
            return command

    return Actions


class GroupsImposed(Fault):
    """Lets the jobs of every transaction end together."""

    def command(self, command: Message) -> Message:
        if command["execute"] == "transaction":
            command["arguments"]["properties"] = {"completion-mode": "grouped"}
        return command


def bitmap_mode(instead_of: str, mode: str) -> Callable[[Message], None]:
    """Make a function that gives a backup another bitmap-mode, where it has that one."""

    def change(arguments: Message) -> None:
        if "bitmap" in arguments and arguments.get("bitmap-mode", "on-success") == instead_of:
            arguments["bitmap-mode"] = mode
            arguments["sync"] = "bitmap" if arguments["sync"] == "incremental" else arguments["sync"]

    return change


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

    class Clears(Recording):
        def reply(self, command: Message, reply: Message) -> Message:
            for name, arguments in actions_of(command):
                if name == command_name and "return" in reply:
                    place = node(arguments)
                    for bitmap in self.bitmaps(place):
                        self.qemu.ask("block-dirty-bitmap-clear", node=place, name=bitmap["name"])
            return reply

        def command(self, command: Message) -> Message:
            return command

    return Clears


def guest_writes(change: Callable[[str], str]) -> Callable[[Conversation], Fault]:
    """Make a fault that changes the flags, the pattern among them, of each write of the guest."""

    class OtherBytes(Recording):
        def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
            self.io(node, f"{verb}{change(flags)} {at} {length}")

    return OtherBytes


def in_answer(query: str, change: Callable[[Message], object]) -> Callable[[Conversation], Fault]:
    """Make a fault that tells otherwise of each thing that a query lists."""

    class Answers(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            if command["execute"] == query and "return" in reply:
                for item in reply["return"]:
                    change(item)
            return reply

    return Answers


def unlisted(query: str) -> Callable[[Conversation], Fault]:
    """Make a fault that lists nothing in the answer to a query."""

    class Unlisted(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            return {"return": []} if command["execute"] == query else reply

    return Unlisted


# The end of QEMU.


class StoresNothing(Fault):
    """Empties the persistent bitmaps before it stores them."""

    def command(self, command: Message) -> Message:
        """Do it when QEMU is told to quit."""
        if command["execute"] == "quit":
            for node in self.qemu.ask("query-named-block-nodes"):
                for bitmap in bitmaps_in(node.get("dirty-bitmaps")):
                    if bitmap["persistent"]:
                        self.qemu.ask("block-dirty-bitmap-clear", node=node["node-name"], name=bitmap["name"])
        return command


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
