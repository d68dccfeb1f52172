"""Processes that never outlive the run, and short tools that must answer within a bound.

Each process leads a session of its own, so that Ctrl-C in a terminal reaches only behave, and hangs on a
*lifeline*: a pipe of which behave alone has the writing end. When that end closes, the kernel kills the whole
process group, stopped or not. It closes when behave ends the process, and when behave itself ends, SIGKILL
included.

PR_SET_PDEATHSIG would do the same at a price. It must be set by the child itself: by a wrapper (setpriv, 1 ms
more for each start) or between fork and exec (3 ms and more, as Python cannot use vfork then). And it knows
neither the child's own children nor any thread but the one that started it. For a child that is just being
started when behave is killed, and for daemons, there is the cleaner of the scratch directory.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import shlex
import signal
import subprocess
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Protocol

from testbed.base.problems import Problem
from testbed.base.processor import Wait

LAST_WORDS = 2000
"""Bytes from the end of what a process wrote that a message repeats."""

MORE_ROOM = "free some space, or choose other places with -D scratch=DIRECTORY and -D reports=DIRECTORY"
"""What to do when a disk is full."""

_NO_SPACE = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))


class ToolFailed(AssertionError):
    """A program did not start, did not answer in time, or did not do what it was asked for."""


class OutOfSpace(ToolFailed):
    """A program did not do what it was asked for since a disk is full: that says nothing of the program."""


@dataclass(frozen=True)
class Finished:
    """A short tool that has ended: command line, return code as subprocess has it, and all that it wrote."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


@dataclass
class _Lifeline:
    """The pipe on which a process group hangs: when the writing end closes, the kernel kills the group."""

    reading: int
    writing: int
    _cutting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def ready(cls) -> _Lifeline:
        """Make one on which nothing hangs yet."""
        reading, writing = os.pipe()
        fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
        return cls(reading, writing)

    def hold(self, group: int) -> None:
        """Hang a process group, one of whose processes has inherited the reading end, on this lifeline."""
        fcntl.fcntl(self.reading, fcntl.F_SETOWN, -group)

    def cut(self) -> None:
        """Kill what hangs on it. Does nothing the second time, whichever threads the two are in."""
        with self._cutting:
            # The reading end goes last: it knows whom to kill, and there may be no other copy of it left.
            for end in (self.writing, self.reading):
                if end >= 0:
                    os.close(end)
            self.reading = self.writing = -1


class Watcher(Protocol):
    """Somebody who wants to know what processes cost: see `watched_by`."""

    def started(self, child: Child) -> None:
        """Hear of a process that has just been started."""

    def ended(self, child: Child, user: float, kernel: float) -> None:
        """Hear of one that has been reaped, and its processor time in seconds, with all that it has reaped itself."""


_WATCHERS: list[Watcher] = []


@contextlib.contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell somebody of each process that is started and reaped until the block ends."""
    _WATCHERS.append(watcher)
    try:
        yield
    finally:
        _WATCHERS.remove(watcher)


@dataclass
class Child:
    """A process that dies with the run, and takes its own children with it."""

    argv: tuple[str, ...]
    _process: subprocess.Popen[bytes] = field(repr=False)
    _lifeline: _Lifeline = field(repr=False)

    @classmethod
    def start(
        cls, argv: Sequence[str], *, cwd: Path, stdout: Path, stderr: Path, pass_fds: Collection[int] = ()
    ) -> Child:
        """Start a program in the directory `cwd`, with nothing to read on stdin.

        What it writes is appended to the files `stdout` and `stderr`; `pass_fds` are further descriptors that
        it inherits. Raises ToolFailed when it cannot be started, OSError when a file cannot be opened.
        """
        with stdout.open("ab") as out, stderr.open("ab") as err:
            return cls.attached(argv, cwd=cwd, stdout=out, stderr=err, pass_fds=pass_fds)

    @classmethod
    def attached(
        cls,
        argv: Sequence[str],
        *,
        cwd: Path,
        stdout: BinaryIO,
        stderr: BinaryIO,
        pass_fds: Collection[int] = (),
    ) -> Child:
        """Do as `start` does, with files that are open already."""
        lifeline = _Lifeline.ready()
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                pass_fds=(*pass_fds, lifeline.reading),
            )
        except OSError as error:
            lifeline.cut()
            raise ToolFailed(f"{shlex.join(argv)} could not be started: {error}") from None
        lifeline.hold(process.pid)
        child = cls(tuple(argv), process, lifeline)
        for watcher in _WATCHERS:
            watcher.started(child)
        return child

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        return self._process.pid

    def wait(self, bound: float) -> int | None:
        """Wait for the end of the process for at most `bound` seconds.

        Returns its return code as subprocess has it, negative for a signal, or None when it is still running.
        """
        if self._reaped() is None and bound > 0:
            self._await_end(bound)
        if (code := self._reaped()) is not None:
            self._lifeline.cut()
        return code

    def ending(self) -> str | None:
        """Tell how the process has ended, in words that follow its name, or None while it is running."""
        code = self.wait(0)
        return None if code is None else describe_ending(code)

    @property
    def was_killed(self) -> bool:
        """Tell whether the process has been ended by a signal, itself or what a shell has started for it."""
        code = self.wait(0)
        return code is not None and (code < 0 or describe_ending(code) != f"exited with status {code}")

    def kill(self) -> None:
        """End the process and all of its group at once, if they have not ended; any thread may do that.

        It is left to the thread that waits for the process to reap it.
        """
        self._lifeline.cut()

    def kill_and_reap(self, bound: float) -> None:
        """End the process and all of its group at once, if they have not ended, and reap it.

        What it has started in its group has then ended, too: a QEMU behind a wrapper has let go of its images. Raises
        TimeoutError when something is still there `bound` seconds later, which is then the kernel's doing.
        """
        with contextlib.ExitStack() as opened:
            others = [] if self.wait(0) is not None else list(_descendants(self.pid, self.pid, opened))
            self._lifeline.cut()
            deadline = monotonic() + bound
            have_ended = [self.wait(bound) is not None, *(_has_ended(one, deadline - monotonic()) for one in others)]
        if not all(have_ended):
            raise TimeoutError(
                f"{shlex.join(self.argv)} (process {self.pid}) was killed but has not ended for {bound:g} s; "
                "it hangs in the kernel, as on storage that does not answer"
            )

    def _reaped(self) -> int | None:
        """Reap the process if it has ended, and return its return code; None while it runs."""
        if _WATCHERS and self._process.returncode is None:
            # subprocess does not tell what a process has used; it takes a return code that it finds for its own.
            pid, status, used = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                for watcher in _WATCHERS:
                    watcher.ended(self, used.ru_utime, used.ru_stime)
        return self._process.poll()

    def _await_end(self, bound: float) -> None:
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            # Kernels before 5.3 and some sandboxes: subprocess looks again and again, a bit more slowly.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(bound)
            return
        try:
            _has_ended(descriptor, bound)
        finally:
            os.close(descriptor)


def _has_ended(descriptor: int, bound: float) -> bool:
    """Wait for the end of the process of a pidfd for at most `bound` seconds, and tell whether it came."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, bound) * 1000))


def _descendants(pid: int, group: int, opened: contextlib.ExitStack) -> Iterator[int]:
    """Yield pidfds of what a process has started, and so on, in a group, as far as the kernel tells."""
    with contextlib.suppress(OSError):  # a kernel without this list, or a process that has ended meanwhile
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()):
            with contextlib.suppress(OSError):
                descriptor = os.pidfd_open(child)
                opened.callback(os.close, descriptor)
                if os.getpgid(child) == group:
                    yield descriptor
            yield from _descendants(child, group, opened)


@dataclass(frozen=True)
class RunningTool:
    """A short tool at work; `result` must be called for each."""

    child: Child
    stdout: BinaryIO
    stderr: BinaryIO
    wait: Wait

    def result(self, bound: float, allowed: Collection[int] | None = (0,)) -> Finished:
        """Wait for the tool's end for at most `bound` seconds and return what it said.

        `allowed` are the return codes that are no failure, None allows all. Raises ToolFailed for other codes
        and, having killed it, for a tool that has not ended in time. The message has the command line, the
        ending and the end of what it said. If that is that no space was left, it is OutOfSpace, with its remedy; if the
        tool was starved, it is EnvironmentUnusable.
        """
        late = ""
        with self.stdout, self.stderr:
            try:
                code = self.child.wait(bound)
                if code is None:
                    late = self.wait.explained(f"did not end within {bound:g} s and was killed")
            finally:
                self.child.kill_and_reap(bound)
            stdout, stderr = (_text(file) for file in (self.stdout, self.stderr))
        if code is None:
            raise _failure(self.child.argv, late, stderr, stdout)
        if allowed is not None and code not in allowed:
            raise _failure(self.child.argv, describe_ending(code), stderr, stdout)
        return Finished(self.child.argv, code, stdout, stderr)


def start_tool(argv: Sequence[str], *, cwd: Path) -> RunningTool:
    """Start a short tool in the directory `cwd`; it may write as much as memory holds.

    Raises ToolFailed when it cannot be started.
    """
    with contextlib.ExitStack() as opened:
        # Files in memory: nobody has to read while the tool writes, or wait until its children close them.
        stdout, stderr = (opened.enter_context(os.fdopen(os.memfd_create(name), "rb")) for name in ("stdout", "stderr"))
        child = Child.attached(argv, cwd=cwd, stdout=stdout, stderr=stderr)
        opened.pop_all()
        return RunningTool(child, stdout, stderr, Wait.from_birth("it", child.pid))


def run_tool(argv: Sequence[str], *, cwd: Path, bound: float, allowed: Collection[int] | None = (0,)) -> Finished:
    """Run a short tool in the directory `cwd` and return what it said; for the rest see RunningTool."""
    return start_tool(argv, cwd=cwd).result(bound, allowed)


def describe_ending(code: int) -> str:
    """Say in words how a process ended whose return code is `code`: "killed by SIGSEGV (signal 11)"."""
    if code < 0:
        return f"killed by {_signal_name(-code)} (signal {-code})"
    if code > 128 and (name := _signal_name(code - 128)) != "an unknown signal":
        return f"exited with status {code}, as a shell does for {name}"
    return f"exited with status {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "an unknown signal"


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _failure(argv: Sequence[str], ending: str, stderr: str, stdout: str) -> ToolFailed:
    message = f"{shlex.join(argv)} {ending}"
    if said := stderr.strip()[-LAST_WORDS:]:
        message += f"; the end of its stderr:\n{said}"
    elif said := stdout.strip()[-LAST_WORDS:]:  # where qemu-io tells of a request that failed
        message += f"; its stderr is empty, and the end of its stdout:\n{said}"
    else:
        message += "; its stderr is empty"
    if any(words in said for words in _NO_SPACE):
        return OutOfSpace(str(Problem(message, MORE_ROOM)))
    return ToolFailed(message)
