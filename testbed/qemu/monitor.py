"""A QMP monitor, synchronous on the outside: the one place with asyncio, over qemu.qmp.

qemu.qmp waits without a bound, and its listeners are not woken when QEMU dies. Here every wait has a bound, ends when
the connection does, and says what it waited for and what it saw last; and every event is kept from the moment of
connecting, so that none is lost between a command and the wait for what the command causes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from qemu.qmp import EventListener, ExecuteError, QMPClient, QMPError, Runstate
from qemu.qmp.message import Message

from testbed.qemu.wording import members

T = TypeVar("T")

logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)  # what it has to say is raised, too, and said better

LARGEST_REPLY = 256 * 1024 * 1024
"""Bytes that one reply may have: a drive with tens of thousands of bitmaps has long listings."""


class QuietClient(QMPClient):
    """A client that says no more than it must.

    It does not write out each message for a log that nobody reads: the transcript has them all. It numbers its
    commands in few letters, because QEMU takes in a command byte by byte, each with a look at all that may have come:
    about 4 microseconds for a byte, which is a third of what a small scenario costs. And it hands a command to the
    connection itself instead of waking a task that does.
    """

    def _get_exec_id(self) -> str:
        self._execute_id += 1
        return str(self._execute_id)

    async def _issue(self, msg: Message) -> str | None:
        number = str(msg["id"])
        await self._send(msg)
        self._pending[number] = asyncio.Queue(maxsize=1)  # before anything else can run, so before the answer is read
        return number

    def _cb_outbound(self, msg: Message) -> Message:
        return msg

    def _cb_inbound(self, msg: Message) -> Message:
        return msg


class Refused(Exception):
    """QEMU answered a command with an error: `command`, the error's `kind` (class) and its `text`."""

    def __init__(self, command: str, kind: str, text: str) -> None:
        super().__init__(f"QEMU refused {command}: {text} ({kind})")
        self.command = command
        self.kind = kind
        self.text = text


class ConnectionLost(Exception):
    """The monitor's connection ended while something was expected from it."""


class NoAnswer(Exception):
    """What was awaited did not come within its bound."""


@dataclass(frozen=True)
class Event:
    """An event that QEMU sent: its name and data, and the time in seconds since the connection was made."""

    name: str
    data: Mapping[str, Any]
    seconds: float

    def __str__(self) -> str:
        """Write the event on one line."""
        return f"{self.name} with {members(self.data)}" if self.data else self.name

    @property
    def is_error(self) -> bool:
        """Tell whether the event speaks of an error."""
        return self.name.endswith("_ERROR")


@dataclass(frozen=True)
class Line:
    """One line of the transcript: when (seconds since the connection was made), which way, and what was said."""

    seconds: float
    kind: str
    body: object


@dataclass
class Monitor:
    """One QMP connection over a connected socket.

    `bound` is the longest wait for an answer, in seconds.
    """

    connection: socket.socket
    bound: float
    events: list[Event] = field(default_factory=list)
    transcript: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare the client; nothing is sent before `connect`."""
        self._client = QuietClient(readbuflen=LARGEST_REPLY)
        self._listener = EventListener()
        self._client.register_listener(self._listener)
        self._started = time.monotonic()

    def connect(self) -> None:
        """Take QEMU's greeting and negotiate capabilities.

        Raises NoAnswer when QEMU does not greet within the bound, ConnectionLost when it ends before it does.
        """
        self.connection.settimeout(0)
        self._started = time.monotonic()
        self._run(self._client.connect(self.connection), "QEMU's greeting")

    def execute(self, command: str, arguments: Mapping[str, object] | None = None) -> Any:
        """Send a command and return what QEMU answers.

        Raises Refused for an error answer, NoAnswer after the bound, ConnectionLost when QEMU goes away.
        """
        self._say("command", {"execute": command, "arguments": dict(arguments or {})})
        try:
            answer = self._run(self._client.execute(command, arguments), f"the answer to {command}")
        except ExecuteError as error:
            refusal = error.error.error
            self._say("error", {"class": refusal.class_, "desc": refusal.desc})
            raise Refused(command, refusal.class_, refusal.desc) from None
        self._say("answer", answer)
        return answer

    def wait_for(self, what: str, wanted: Callable[[Event], bool], *, start: int = 0) -> Event:
        """Return the first event that is wanted, from the place `start` in `events` on, waiting for it if need be.

        `what` names the event for the message of NoAnswer, which is raised after the bound and says what came last;
        ConnectionLost is raised when QEMU goes away first.
        """
        self.collect()
        place = start
        deadline = time.monotonic() + self.bound
        while True:
            for event in self.events[place:]:
                if wanted(event):
                    return event
            place = len(self.events)
            self._run(self._one_more_event(), what, until=deadline)

    def collect(self) -> list[Event]:
        """Take in the events that have arrived and return all events so far, oldest first."""
        if self._client.runstate == Runstate.RUNNING:
            _loop().run_until_complete(asyncio.sleep(0))
        while not self._listener.empty():
            self._keep(_loop().run_until_complete(self._listener.get()))
        return self.events

    def hear_out(self) -> None:
        """Take in all that QEMU said before it ended, which it has; NoAnswer if the connection does not end with it."""
        with contextlib.suppress(ConnectionLost):
            while True:
                self._run(self._one_more_event(), "the end of the connection")

    def close(self) -> None:
        """End the connection, whatever state it is in."""
        with contextlib.suppress(EOFError, OSError, QMPError, ValueError, TimeoutError):
            _loop().run_until_complete(_bounded(self._client.disconnect(), self.bound))
        self.connection.close()

    async def _one_more_event(self) -> None:
        arrival = asyncio.ensure_future(self._listener.get())
        ended = asyncio.ensure_future(self._client.runstate_changed())
        try:
            await asyncio.sleep(0)  # both wait from here on: what changes earlier, runstate_changed() does not tell
            if self._client.runstate == Runstate.RUNNING:
                await asyncio.wait((arrival, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:  # a wait that is given up at its bound must not take the next event with it
            ended.cancel()
            arrival.cancel()
            if arrival.done():
                self._keep(arrival.result())
        if not arrival.done():
            raise ConnectionLost

    def _keep(self, message: Mapping[str, Any]) -> None:
        event = Event(str(message["event"]), message.get("data", {}), time.monotonic() - self._started)
        self.events.append(event)
        self.transcript.append(Line(event.seconds, "event", dict(message)))

    def _say(self, kind: str, body: object) -> None:
        self.transcript.append(Line(time.monotonic() - self._started, kind, body))

    def _run(self, work: Coroutine[Any, Any, T], what: str, *, until: float | None = None) -> T:
        bound = self.bound if until is None else max(until - time.monotonic(), 0)
        loop = _loop()
        task = loop.create_task(work)
        # Whoever interrupts the wait does not want to hear how the work ends then; asyncio would tell.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        timer = loop.call_later(bound, task.cancel)
        try:
            return loop.run_until_complete(task)
        except asyncio.CancelledError:
            seen = str(self.events[-1]) if self.events else "no event at all"
            raise NoAnswer(f"{what} did not come within {self.bound:g} s; seen last: {seen}") from None
        except ExecuteError:
            raise
        except (QMPError, EOFError, OSError, AssertionError, ConnectionLost) as error:
            # qemu.qmp asserts that a connection does not end just when it has been made.
            raise ConnectionLost(f"the connection to QEMU ended while waiting for {what}") from error
        finally:
            timer.cancel()


async def _bounded(work: Coroutine[Any, Any, T], bound: float) -> T:
    async with asyncio.timeout(bound):
        return await work


_LOOPS: list[asyncio.AbstractEventLoop] = []
_LOOPS_OF_PARENT: list[asyncio.AbstractEventLoop] = []


def _leave_loops_to_parent() -> None:
    """Use no loop in a forked process that was made before: what it waits with is the parent's, too.

    Neither is it closed, which would be felt there.
    """
    _LOOPS_OF_PARENT.extend(_LOOPS)
    _LOOPS.clear()


os.register_at_fork(after_in_child=_leave_loops_to_parent)


def _loop() -> asyncio.AbstractEventLoop:
    """Return the one event loop of the run: what qemu.qmp makes belongs to the loop it was made in."""
    if not _LOOPS:
        _LOOPS.append(asyncio.new_event_loop())
    return _LOOPS[0]
