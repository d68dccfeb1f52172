"""One QEMU process: booted, spoken to, shut down; and blamed by name when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from testbed.base.problems import NotOffered
from testbed.base.process import Child, ToolFailed, describe_ending, run_tool
from testbed.base.processor import Wait
from testbed.base.units import in_units
from testbed.build.promised import COMMANDS, COMMANDS_OF_MACHINES, Withdrawn
from testbed.qemu.monitor import ConnectionLost, Event, Monitor, NoAnswer, Refused
from testbed.qemu.wording import as_said

T = TypeVar("T")

BOOT = ("-S", "-nodefaults", "-no-user-config", "-display", "none")
"""What each machine starts with."""

BARE = ("-machine", "none")
"""Hardware that has no guest but the whole block layer, on every target architecture."""

MONITOR_OBJECT = "monitor-qmp"
"""The type of an object that is a QMP monitor."""

UNKNOWN = "CommandNotFound"
"""The class of the error by which QEMU answers a command that it does not have (QMP protocol specification)."""

FIRST = "qemu"
"""The name of a scenario's first machine: how the names of all files begin that it writes."""


WAITING = ("-incoming", "defer")
"""What tells a machine to wait for a guest that comes from another one."""

GAVE_UP = 1
"""The exit status of a machine whose guest has not come."""


class MachineDied(AssertionError):
    """QEMU ended although nobody asked it to."""


class GuestRequestFailed(AssertionError):
    """A read, write, discard or flush inside the machine did not do what was asked."""

    @classmethod
    def unless_done(cls, verdict: str, request: str, success: str) -> None:
        """Raise it unless qemu-io's verdict on a request is that it was carried out; see Machine.guest_request."""
        # "read failed" begins as "read" does: only a count of bytes, and of all, is a success.
        done = re.match(rf"{success} (\d+)/\1 bytes ", verdict) if success else not verdict
        if not done:
            raise cls(f"the guest's request {in_units(request)} was not carried out; QEMU said: {verdict or 'nothing'}")


class DriveNotTaken(AssertionError):
    """QEMU did not give the guest a drive that it was told to."""


class MachineHung(AssertionError):
    """QEMU did not answer or did not do what was awaited within its bound; it has been killed."""


@dataclass(eq=False)
class Machine:
    """A QEMU called `name`, whose working directory is `home`, so that its files have short, plain names.

    Several may work there at once. `bound` is the longest wait for anything it should do, in seconds.
    """

    qemu: Path
    home: Path
    bound: float
    name: str = FIRST
    command_line: tuple[str, ...] = field(init=False)
    child: Child = field(init=False)
    monitor: Monitor = field(init=False)
    observer: Monitor = field(init=False)
    monitors: Sequence[Monitor] = field(init=False)
    dismissed: bool = field(init=False)
    has_quit: bool = field(init=False)
    is_serving: bool = field(init=False)
    _ends: Sequence[socket.socket] = field(init=False, repr=False)
    _wait: Wait = field(init=False, repr=False)
    _seen: Mapping[Hashable, Any] | None = field(default=None, init=False, repr=False)

    bare: ClassVar[Sequence[str]] = BARE
    promised: ClassVar[Collection[str]] = COMMANDS | COMMANDS_OF_MACHINES

    @classmethod
    def boot(cls, qemu: Path, home: Path, bound: float, name: str = FIRST, more: Sequence[str] = ()) -> Self:
        """Make a machine in the directory `home` and start it on bare hardware; see `start` for what it raises.

        `more` are arguments of the command line besides.
        """
        machine = cls(qemu, home, bound, name)
        machine.start([*cls.bare, *more])
        return machine

    @property
    def stdout(self) -> Path:
        """The file that has what it writes to stdout."""
        return self.home / f"{self.name}.stdout"

    @property
    def stderr(self) -> Path:
        """The file that has what it writes to stderr."""
        return self.home / f"{self.name}.stderr"

    @property
    def exports_socket(self) -> str:
        """Where it serves exports: a name in the working directory, since a longer one may not fit an address."""
        return f"{self.name}.exports"

    def start(self, hardware: Sequence[str]) -> None:
        """Start QEMU and connect to it; `hardware` are the arguments of the command line that say what it emulates.

        Raises what `launch` and `meet` do.
        """
        self.launch(hardware)
        self.meet()

    def launch(self, hardware: Sequence[str]) -> None:
        """Start QEMU, and leave it to itself until it is met; `hardware` is as in `start`.

        Two monitors hang on socket pairs that QEMU inherits: no socket has a path that could be too long or be left
        behind. Raises ToolFailed when QEMU cannot be started.
        """
        ours, theirs = zip(*(socket.socketpair() for _ in range(2)), strict=True)
        monitors = {name: end.fileno() for name, end in zip(("qmp", "observer"), theirs, strict=True)}
        self.command_line = (str(self.qemu), *self.arguments(hardware, monitors))
        try:
            self.child = Child.start(
                self.command_line,
                cwd=self.home,
                stdout=self.stdout,
                stderr=self.stderr,
                pass_fds=tuple(end.fileno() for end in theirs),
            )
        except BaseException:
            for end in ours:
                end.close()
            raise
        finally:
            for end in theirs:
                end.close()
        self._wait = Wait.from_birth("QEMU", self.child.pid)
        self._ends, self.monitors = ours, ()
        self.dismissed = self.has_quit = self.is_serving = False

    def meet(self) -> None:
        """Connect to a QEMU that has been launched.

        Raises MachineDied when QEMU ends at once, and MachineHung when it does not greet within the bound.
        """
        self.monitors = [Monitor(end, self.bound) for end in self._ends]
        self.monitor, self.observer = self.monitors
        try:
            self._guard(self.monitor.connect)
        except BaseException:
            self.kill()
            raise

    def move(self, home: Path) -> None:
        """Make `home`, an empty directory, the one that QEMU works in, in the place of the one it was launched in."""
        self.home.rename(home)
        self.home = home

    def arguments(self, hardware: Sequence[str], monitors: Mapping[str, int]) -> Sequence[str]:
        """Return the command line without the program; `monitors` are file descriptors of sockets by their names."""
        words = [*hardware, *BOOT]
        for name, descriptor in monitors.items():
            words += ["-chardev", f"socket,id={name},fd={descriptor}", *_monitor_on(name, self.qemu, self.bound)]
        return words

    def execute(self, command: str, arguments: Mapping[str, object] | None = None) -> Any:
        """Send a QMP command and return the answer.

        Raises Refused when QEMU refuses it, NotOffered when the build does not have it and says so, Withdrawn when it
        should, MachineDied or MachineHung when QEMU does not survive it, EnvironmentUnusable when it was starved.
        """
        self._seen = None if self._seen is None else {}
        try:
            return self._guard(lambda: self.monitor.execute(command, arguments))
        except Refused as refusal:
            if refusal.kind == UNKNOWN and not self._offers(command):
                if command in self.promised:
                    raise Withdrawn(f"command {command}") from None
                raise NotOffered(f"this build has no command {command}") from None
            raise

    def look(self, query: str, arguments: Mapping[str, Hashable] | None = None) -> Any:
        """Make a query as `execute` does; `at_one_moment`, the answer is that of the first time, and not to be changed.

        Raises what `execute` does.
        """
        seen, question = self._seen, (query, frozenset((arguments or {}).items()))
        if seen is None:
            return self.execute(query, arguments)
        if question not in seen:
            seen = {**seen, question: self.execute(query, arguments)}
            self._seen = seen
        return seen[question]

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Make each query of `look` once only until the end of this, or until something else is said to QEMU.

        It is for who asks several things of a machine that nobody uses meanwhile.
        """
        self._seen = {}
        try:
            yield
        finally:
            self._seen = None

    def _offers(self, command: str) -> bool:
        """Tell whether QEMU lists a command among those that it has."""
        offered = self._guard(lambda: self.monitor.execute("query-commands"))
        return any(entry["name"] == command for entry in offered)

    def wait_for(self, what: str, wanted: Callable[[Event], bool], *, start: int = 0) -> Event:
        """Return the first wanted event from place `start` on; see Monitor.wait_for for what it raises."""
        return self._guard(lambda: self.monitor.wait_for(what, wanted, start=start))

    def watch(self) -> None:
        """Let a second monitor listen from now on, who is told what the first has heard; raises what `start` does."""
        heard = list(self.all_events())
        self._guard(self.observer.connect)
        self.observer.events += heard

    def lose_monitor(self) -> None:
        """Close the first monitor, and go on with the second, which must be listening."""
        self.monitor.close()
        self.monitor = self.observer

    def heard_by_both(self) -> list[list[str]]:
        """Return what each of the two monitors has heard so far; both must be listening. Raises what `execute` does."""
        self._guard(lambda: [monitor.execute("query-version") for monitor in self.monitors])
        return [[str(event) for event in monitor.collect()] for monitor in self.monitors]

    def serve(self) -> None:
        """Let QEMU serve exports over NBD, at `exports_socket`, if it does not yet; raises what `execute` does."""
        if not self.is_serving:
            (self.home / self.exports_socket).unlink(missing_ok=True)  # one that another machine of this name has left
            self.execute("nbd-server-start", {"addr": {"type": "unix", "data": {"path": self.exports_socket}}})
            self.is_serving = True

    def ask_until(self, what: str, query: str, wanted: Callable[[Any], bool]) -> None:
        """Make a query again and again until its answer is wanted, as is good for what no event tells.

        `what` names it for the message of MachineHung, which is raised after the bound, or of EnvironmentUnusable where
        QEMU was starved; see also `execute`.
        """
        wait = self._begin_wait()
        deadline = time.monotonic() + self.bound
        while not wanted(answer := self.execute(query)):
            if time.monotonic() > deadline:
                late = f"{what} did not come within {self.bound:g} s; {query} said last: {as_said('', answer)}"
                raise MachineHung(self._given_up(late, wait))

    def wait_at_most(self, bound: float) -> None:
        """Give QEMU no more than `bound` seconds for anything from now on."""
        self.bound = min(self.bound, bound)
        for monitor in self.monitors:
            monitor.bound = self.bound

    def act(self, command: str, event: str) -> None:
        """Send a QMP command that acts on the whole machine, and wait for the event that tells of it.

        A guest may cause an event of that name, too; that is another one.
        """
        start = len(self.all_events())
        self.execute(command)
        self.wait_for(f"{event} after {command}", lambda e: e.name == event and not e.data.get("guest"), start=start)

    def pause(self) -> None:
        """Stop the guest, unless it has stopped by itself, as one may that panics or shuts down; raises as `act`."""
        start = len(self.all_events())
        if self.execute("query-status")["running"]:
            self.execute("stop")
            self.wait_for("STOP after stop", lambda event: event.name == "STOP", start=start)

    def resume(self) -> None:
        """Let the guest run; one that has shut down by itself is reset first, as QEMU wants it. Raises as `act`."""
        if self.execute("query-status")["status"] == "shutdown":
            self.act("system_reset", "RESET")
        self.act("cont", "RESUME")

    def human(self, line: str) -> str:
        """Give a command to the human monitor; return all that it said, in its reply and on QEMU's stdout.

        Up to 11.1 the verdict of HMP qemu-io goes to stdout only, and is there when the reply arrives.
        """
        said_before = self.stdout.stat().st_size
        reply = str(self.execute("human-monitor-command", {"command-line": line}))
        with self.stdout.open("rb") as file:
            file.seek(said_before)
            return reply + file.read().decode(errors="replace")

    def add_drive(self, options: str) -> None:
        """Give the guest a drive, with the options of -drive; raises DriveNotTaken, with QEMU's words."""
        answer = self.human(f'drive_add 0 "{options}"').strip()
        if answer != "OK":
            raise DriveNotTaken(f"QEMU did not take a drive with the options {options}; it said: {answer or 'nothing'}")

    def guest_request(self, front: str, request: str, success: str) -> None:
        """Let the device `front` make a request in qemu-io's words, as a guest would.

        `success` is the word with which qemu-io reports one that was carried out, empty where success is silent.
        Raises GuestRequestFailed with QEMU's own words.
        """
        verdict = self.human(f'qemu-io {front} "{request}"').strip()
        GuestRequestFailed.unless_done(verdict, f'"{request}" on {front}', success)

    def all_events(self) -> list[Event]:
        """Return the events since the start: with all that QEMU sent before it answered one more command, or ended."""
        if not self.has_quit:
            self.execute("query-version")
        return self.monitor.collect()

    def heard(self) -> list[Event]:
        """Return the events since the start, with all that QEMU sent before its last answer; asks nothing."""
        return self.monitor.collect()

    def check_alive(self) -> None:
        """Raise MachineDied, with how QEMU ended and the end of its stderr, if it has ended and was not told to."""
        if not self.dismissed and (ending := self.child.ending()) is not None:
            self.kill()
            raise MachineDied(f"QEMU {ending}{self._last_words()}")

    def quit(self) -> None:
        """Shut QEMU down cleanly and wait until it has ended.

        Raises MachineDied when it ends otherwise than with exit status 0, MachineHung when it does not end,
        EnvironmentUnusable when it was starved.
        """
        self._end("the quit command", lambda: self.monitor.execute("quit"))

    def quit_on_human_monitor(self) -> None:
        """Do the same by the command of the human monitor."""
        ask = {"command-line": "quit"}
        self._end("quit on the human monitor", lambda: self.monitor.execute("human-monitor-command", ask))

    def end_by(self, sent: signal.Signals) -> None:
        """Do the same by a signal that asks QEMU to end."""
        self._end(sent.name, lambda: os.kill(self.child.pid, sent))

    def _end(self, what: str, ask: Callable[[], object]) -> None:
        self.dismissed = True
        wait = self._begin_wait()
        with contextlib.suppress(ConnectionLost, NoAnswer):
            ask()
        code = self.child.wait(self.bound)
        if code is not None:
            self.monitor.hear_out()
        self._close_monitors()
        if code is None:
            late = f"QEMU did not end within {self.bound:g} s of {what}"
            raise MachineHung(f"{self._given_up(late, wait)}{self._last_words()}")
        if code != 0:
            raise MachineDied(f"QEMU {describe_ending(code)} after {what}{self._last_words()}")
        self.has_quit = True

    def wait_for_failure(self) -> str:
        """Wait until QEMU has ended by itself with an error, as it should; return the end of its stderr.

        Raises MachineDied when it ends in another way, and MachineHung when it does not end.
        """
        wait = self._begin_wait()
        code = self.child.wait(self.bound)
        if code is None:
            raise MachineHung(self._given_up(f"QEMU should have given up, and did not within {self.bound:g} s", wait))
        self.monitor.hear_out()
        self.kill()  # what is left of it: our ends of the monitors
        if code != GAVE_UP:
            raise MachineDied(f"QEMU {describe_ending(code)}, and should have given up{self._last_words()}")
        return self.last_words

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
        """Add the QMP conversation to a file, one JSON object a line, with seconds since QEMU's start."""
        said = [(line.seconds, number, line) for number, m in enumerate(self.monitors, 1) for line in m.transcript]
        lines = (
            json.dumps({"seconds": round(seconds, 6), "monitor": number, line.kind: line.body}, ensure_ascii=False)
            for seconds, number, line in sorted(said, key=lambda one: one[:2])
        )
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(f"{line}\n" for line in lines)

    def _close_monitors(self) -> None:
        for monitor in self.monitors:
            monitor.close()
        for end in self._ends:
            end.close()

    def _guard(self, talk: Callable[[], T]) -> T:
        """Do something with the monitor; turn its loss into a statement about QEMU, unless QEMU was starved."""
        wait = self._begin_wait()
        try:
            return talk()
        except ConnectionLost as lost:
            has_ended = self.child.wait(self.bound) is not None
            self.kill()  # what it has left, if it has ended: its children, our ends of the monitors
            if not has_ended:
                raise MachineHung(f"{lost}, but QEMU did not end; it has been killed{self._last_words()}") from None
            raise MachineDied(f"QEMU {self.child.ending()}{self._last_words()}; {lost}") from None
        except NoAnswer as silence:
            told = self._given_up(str(silence), wait)
            raise MachineHung(f"{told}; QEMU has been killed{self._last_words()}") from None

    def _begin_wait(self) -> Wait:
        """Return a wait that begins now, or began a tenth of the bound ago at most: to read takes a while itself."""
        if time.monotonic() - self._wait.process.at > self.bound / 10:
            self._wait = Wait.begun("QEMU", self.child.pid)
        return self._wait

    def _given_up(self, late: str, wait: Wait) -> str:
        """Kill a QEMU that is late, and return what was `late` with what QEMU got meanwhile; see Wait.explained."""
        try:
            return wait.explained(late)
        finally:
            self.kill()

    def _last_words(self) -> str:
        """Return the end of QEMU's stderr, worded to follow a sentence."""
        text = self.last_words
        return f"; the end of its stderr:\n{text}" if text else "; it wrote nothing to stderr"

    @property
    def warnings(self) -> list[str]:
        """What QEMU has warned of on stderr so far, each without the name of the program."""
        said = self.stderr.read_text(encoding="utf-8", errors="replace") if self.stderr.exists() else ""
        return re.findall(r"^(?:\S+: )?warning: (.+)$", said, re.MULTILINE)

    @property
    def last_words(self) -> str:
        """The end of what QEMU wrote to stderr."""
        with self.stderr.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 2000))
            return file.read().decode(errors="replace").strip()


def _monitor_on(chardev: str, qemu: Path, bound: float) -> Sequence[str]:
    """Return the arguments that give a QEMU a QMP monitor on a character device, without a warning from any release."""
    if _lists_monitor_objects(qemu, bound):
        return ("-object", f"{MONITOR_OBJECT},id={chardev},chardev={chardev}")
    return ("-mon", f"chardev={chardev},mode=control")


_LISTS_MONITORS: dict[Path, bool] = {}
"""Of which QEMU it is known whether it lists objects that are monitors: each is asked once in a run."""


def _lists_monitor_objects(qemu: Path, bound: float) -> bool:
    """Tell whether a QEMU lists objects that are monitors, as from 11.1 on, where -mon is deprecated.

    A QEMU that does not answer within the bound, in seconds, is told of by whoever starts it.
    """
    if qemu not in _LISTS_MONITORS:
        try:
            listed = run_tool([str(qemu), "-object", "help"], cwd=Path("/"), bound=bound).stdout
        except ToolFailed:
            listed = ""
        _LISTS_MONITORS[qemu] = MONITOR_OBJECT in listed.split()
    return _LISTS_MONITORS[qemu]
