"""One QEMU process: booted, spoken to, shut down; and blamed by name when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from testbed.monitor import ConnectionLost, Event, Monitor, NoAnswer
from testbed.process import Child, describe_ending

T = TypeVar("T")

BOOT = ("-machine", "none", "-S", "-nodefaults", "-no-user-config", "-display", "none")
"""What each machine starts with: the whole block layer, no guest, on every target architecture."""

STDOUT_NAME = "qemu.stdout"
STDERR_NAME = "qemu.stderr"


class MachineDied(AssertionError):
    """QEMU ended although nobody asked it to."""


class GuestRequestFailed(AssertionError):
    """A read, write, discard or flush inside the machine did not do what was asked."""


class MachineHung(AssertionError):
    """QEMU did not answer or did not do what was awaited within its bound; it has been killed."""


@dataclass
class Machine:
    """A running QEMU whose working directory is `home`, so that its files have short, plain names.

    `bound` is the longest wait for anything it should do, in seconds.
    """

    command_line: tuple[str, ...]
    home: Path
    bound: float
    child: Child
    monitor: Monitor
    observer: Monitor
    dismissed: bool = False

    @classmethod
    def boot(cls, qemu: Path, home: Path, bound: float, extra: tuple[str, ...] = ()) -> Machine:
        """Start QEMU in the directory `home` and connect to it.

        Two monitors hang on socket pairs that QEMU inherits: no socket has a path that could be too long or be left
        behind. `extra` are further arguments of the command line; `bound` is in seconds. Raises MachineDied when QEMU
        ends at once and MachineHung when it does not greet within the bound.
        """
        ours, theirs = zip(*(socket.socketpair() for _ in range(2)), strict=True)
        arguments = [str(qemu), *BOOT]
        for name, end in zip(("qmp", "observer"), theirs, strict=True):
            arguments += [
                "-chardev",
                f"socket,id={name},fd={end.fileno()}",
                "-mon",
                f"chardev={name},mode=control",
            ]
        command_line = (*arguments, *extra)
        child = Child.start(
            command_line,
            cwd=home,
            stdout=home / STDOUT_NAME,
            stderr=home / STDERR_NAME,
            pass_fds=tuple(end.fileno() for end in theirs),
        )
        for end in theirs:
            end.close()
        monitor, observer = (Monitor(end, bound) for end in ours)
        machine = cls(command_line, home, bound, child, monitor, observer)
        try:
            machine._guard(monitor.connect)
        except BaseException:
            machine.kill()
            raise
        return machine

    def execute(self, command: str, arguments: Mapping[str, object] | None = None) -> Any:
        """Send a QMP command and return the answer.

        Raises Refused when QEMU refuses it, MachineDied or MachineHung when QEMU does not survive it.
        """
        return self._guard(lambda: self.monitor.execute(command, arguments))

    def wait_for(self, what: str, wanted: Callable[[Event], bool], *, start: int = 0) -> Event:
        """Return the first wanted event from place `start` on; see Monitor.wait_for for what it raises."""
        return self._guard(lambda: self.monitor.wait_for(what, wanted, start=start))

    def human(self, line: str) -> str:
        """Give a command to the human monitor; return all that it said, in its reply and on QEMU's stdout.

        Up to 11.1 the verdict of HMP qemu-io goes to stdout only, and is there when the reply arrives.
        """
        stdout = self.home / STDOUT_NAME
        said_before = stdout.stat().st_size
        reply = str(self.execute("human-monitor-command", {"command-line": line}))
        with stdout.open("rb") as file:
            file.seek(said_before)
            return reply + file.read().decode(errors="replace")

    def guest_request(self, front: str, request: str, success: str) -> None:
        """Let the device `front` make a request in qemu-io's words, as a guest would.

        `success` is how the verdict of one that was carried out begins, empty where success is silent.
        Raises GuestRequestFailed with QEMU's own words.
        """
        verdict = self.human(f'qemu-io {front} "{request}"').strip()
        done = verdict.startswith(success) if success else not verdict
        if not done:
            raise GuestRequestFailed(
                f'the guest\'s request "{request}" on {front} was not carried out; QEMU said: {verdict or "nothing"}'
            )

    def all_events(self) -> list[Event]:
        """Return the events since the start, with all that QEMU sent before it answered one more command."""
        self.execute("query-status")
        return self.monitor.collect()

    def check_alive(self) -> None:
        """Raise MachineDied, with how QEMU ended and the end of its stderr, if it has ended and was not told to."""
        if not self.dismissed and (ending := self.child.ending()) is not None:
            raise MachineDied(f"QEMU {ending}{self._last_words()}")

    def quit(self) -> None:
        """Shut QEMU down cleanly and wait until it has ended.

        Raises MachineDied when it ends otherwise than with exit status 0, MachineHung when it does not end.
        """
        self.dismissed = True
        with contextlib.suppress(ConnectionLost):
            self.monitor.execute("quit")
        code = self.child.wait(self.bound)
        self._close_monitors()
        if code is None:
            self.kill()
            raise MachineHung(f"QEMU did not end within {self.bound:g} s of the quit command{self._last_words()}")
        if code != 0:
            raise MachineDied(f"QEMU {describe_ending(code)} after the quit command{self._last_words()}")

    def kill(self) -> None:
        """End QEMU at once, whatever it is doing, and reap it."""
        self.dismissed = True
        self.child.kill_and_reap(self.bound)
        self._close_monitors()

    @property
    def running(self) -> bool:
        """Tell whether the process is still there."""
        return self.child.ending() is None

    def write_transcript(self, path: Path) -> None:
        """Write the QMP conversation to a file, one JSON object a line, with seconds since QEMU's start."""
        lines = (
            json.dumps({"seconds": round(line.seconds, 6), line.kind: line.body}, ensure_ascii=False)
            for line in self.monitor.transcript
        )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="backslashreplace")

    def _close_monitors(self) -> None:
        for monitor in (self.monitor, self.observer):
            monitor.close()

    def _guard(self, talk: Callable[[], T]) -> T:
        """Do something with the monitor; turn its loss into a statement about QEMU."""
        try:
            return talk()
        except ConnectionLost as lost:
            if self.child.wait(self.bound) is None:
                self.kill()
                raise MachineHung(f"{lost}, but QEMU did not end; it has been killed{self._last_words()}") from None
            raise MachineDied(f"QEMU {self.child.ending()}{self._last_words()}; {lost}") from None
        except NoAnswer as silence:
            self.kill()
            raise MachineHung(f"{silence}; QEMU has been killed{self._last_words()}") from None

    def _last_words(self) -> str:
        """Return the end of QEMU's stderr, worded to follow a sentence."""
        with (self.home / STDERR_NAME).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 2000))
            text = file.read().decode(errors="replace").strip()
        return f"; the end of its stderr:\n{text}" if text else "; it wrote nothing to stderr"
