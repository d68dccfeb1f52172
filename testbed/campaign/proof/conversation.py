"""The conversation of the suite with QEMU, with somebody in its middle who may spoil one thing: a fault."""

from __future__ import annotations

import codecs
import json
import re
import selectors
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]

MONITOR = re.compile(r"socket,id=(?P<id>\w+),fd=(?P<fd>\d+)")
"""How the testbed names a monitor on the command line."""

HIDDEN = "standin"
"""How the names of bitmaps begin that only the stand-in knows of."""


class Fault:
    """One thing that goes wrong. A fault overrides what it spoils; everything else passes as it is.

    `qemu` is the conversation with the real QEMU, by which a fault can make requests of its own.
    """

    def __init__(self, qemu: Conversation) -> None:
        self.qemu = qemu

    def command(self, command: Message) -> Message | None:
        """Return the command to pass on instead, or None if the fault answers by itself (see `answer`)."""
        return command

    def answer(self, command: Message) -> Message:
        """Return the answer to a command that was not passed on: {"return": ...} or {"error": ...}."""
        return {"return": {}}

    def reply(self, command: Message, reply: Message) -> Message:
        """Return the reply to pass on instead."""
        return reply

    def event(self, event: Message) -> list[Message]:
        """Return the events to pass on instead."""
        return [event]

    @classmethod
    def signalled(cls, number: int) -> int:
        """Return the signal to send to QEMU instead of one that asks it to end."""
        return number


@dataclass
class Connection:
    """A connection that carries JSON objects, with anything or nothing between them."""

    socket: socket.socket
    text: str = ""
    decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def messages(self) -> list[Message]:
        """Read what is there; raises EOFError at the end of the connection."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise EOFError
        rest, found = (self.text + self.decoder.decode(data)).lstrip(), []
        while rest:
            try:
                message, end = json.JSONDecoder().raw_decode(rest)
            except json.JSONDecodeError:
                break  # what is left of it is still to come
            found.append(message)
            rest = rest[end:].lstrip()
        self.text = rest
        return found

    def send(self, message: Message) -> None:
        """Write one message."""
        self.socket.sendall(json.dumps(message).encode() + b"\r\n")


@dataclass
class Conversation:
    """The conversation between the testbed (`client`) and the real QEMU, with a fault between them."""

    client: Connection
    qemu: Connection
    make_fault: Callable[[Conversation], Fault]
    _asked: int = 0
    _waiting: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fault = self.make_fault(self)

    def ask(self, command: str, **arguments: object) -> Any:
        """Make a request of the stand-in's own; return the answer, or None if QEMU refuses it."""
        self._asked += 1
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self._exchange({"execute": command, "arguments": named, "id": f"{HIDDEN}-{self._asked}"}).get("return")

    def from_client(self) -> None:
        """Pass the client's commands on, each with its reply."""
        for command in self.client.messages():
            wanted = self.fault.command(dict(command))
            reply = self.fault.answer(command) if wanted is None else self._exchange(wanted)
            reply = _without_hidden(self.fault.reply(command, reply))
            self.client.send({**reply, "id": command["id"]} if "id" in command else reply)
            self._pass_events()

    def from_qemu(self) -> None:
        """Pass on what QEMU says of itself: the greeting and events."""
        self._waiting += list(self.qemu.messages())
        self._pass_events()

    def _exchange(self, command: Message) -> Message:
        """Send a command to QEMU and return its reply; events that come before it are kept in their place."""
        self.qemu.send(command)
        reply = None
        while reply is None:
            for message in self.qemu.messages():
                if "return" in message or "error" in message:
                    reply = message
                    self._pass_events()
                else:
                    self._waiting.append(message)
        return reply

    def _pass_events(self) -> None:
        while self._waiting:
            message = self._waiting.pop(0)
            for event in self.fault.event(message) if "event" in message else [message]:
                self.client.send(event)


def _without_hidden(reply: Message) -> Message:
    """Return a reply without the bitmaps that only the stand-in knows of."""

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shown(inner) for key, inner in value.items()}
        if isinstance(value, list):
            kept = (item for item in value if not (isinstance(item, dict) and _is_hidden(item)))
            return [shown(item) for item in kept]
        return value

    return {key: shown(value) if key == "return" else value for key, value in reply.items()}


def _is_hidden(item: Message) -> bool:
    return "granularity" in item and str(item.get("name", "")).startswith(HIDDEN)


def stand_in(arguments: list[str], make_fault: Callable[[Conversation], Fault]) -> int:
    """Start the real QEMU, relay its monitors until it ends, and return how it ended, as subprocess has it."""
    selector = selectors.DefaultSelector()
    inherited: list[socket.socket] = []
    for position, argument in enumerate(arguments):
        if found := MONITOR.fullmatch(argument):
            ours, theirs = socket.socketpair()
            inherited.append(theirs)
            arguments[position] = f"socket,id={found['id']},fd={theirs.fileno()}"
            client = socket.socket(fileno=int(found["fd"]))
            for reader, attend in _attendants(found["id"], client, ours, make_fault):
                selector.register(reader, selectors.EVENT_READ, (attend, (client, ours)))
    qemu = subprocess.Popen(arguments, pass_fds=[end.fileno() for end in inherited])
    signalled = getattr(make_fault, "signalled", Fault.signalled)
    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, lambda number, _frame: qemu.send_signal(signalled(number)))
    for end in inherited:
        end.close()
    while selector.get_map():
        _relay_once(selector)
    return qemu.wait()


def _relay_once(selector: selectors.BaseSelector) -> None:
    """Pass on what has arrived first; when one side has gone, let the other notice, while other monitors may go on.

    What else has arrived may be read while that is passed on, so it must be asked for anew.
    """
    key, _ = selector.select()[0]
    attend, ends = key.data
    try:
        attend()
    except (EOFError, OSError):
        for end in ends:
            selector.unregister(end)
            end.close()


def _attendants(
    name: str, client: socket.socket, qemu: socket.socket, make_fault: Callable[[Conversation], Fault]
) -> list[tuple[socket.socket, Callable[[], None]]]:
    """Return the two ends of a monitor, each with what is to be done when something arrives there."""
    if name == "qmp":
        conversation = Conversation(Connection(client), Connection(qemu), make_fault)
        return [(client, conversation.from_client), (qemu, conversation.from_qemu)]
    return [(client, _Copy(client, qemu)), (qemu, _Copy(qemu, client))]


@dataclass
class _Copy:
    """Passes on whatever comes."""

    source: socket.socket
    sink: socket.socket

    def __call__(self) -> None:
        data = self.source.recv(1 << 20)
        if not data:
            raise EOFError
        self.sink.sendall(data)
