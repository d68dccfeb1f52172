"""Runs that are cut short on purpose, and what is left of them."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent

BOUND = 20.0
"""Seconds after which nobody waits for the end of a process any longer."""

START_BOUND = 60.0
"""Seconds within which a process must have come as far as to tell its number."""


@contextmanager
def running(script: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run a Python script until it has written a line, and yield the process and that line's words.

    The script must go on until it is told to end by a line on its stdin or is killed.
    """
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split("\t")
        finally:
            process.kill()


def comes(condition: Callable[[], object]) -> bool:
    """Poll until a condition holds, for at most BOUND seconds, and tell whether it does: for what sends no event."""
    deadline = time.monotonic() + BOUND
    while not (holds := bool(condition())) and time.monotonic() < deadline:
        time.sleep(0.002)
    return holds


def has_ended(pid: int) -> bool:
    """Wait for the end of any process, for at most BOUND seconds, and tell whether it came."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(BOUND * 1000))
    finally:
        os.close(descriptor)


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def processes_in(folder: Path) -> list[int]:
    """Return the processes that work in a folder or were told of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            traces = f"{os.readlink(process / 'cwd')}\n{(process / 'cmdline').read_bytes()!r}"  # noqa: PTH115
        except OSError:  # it has ended, or is somebody else's
            continue
        if str(folder) in traces:
            found.append(int(process.name))
    return found


def assert_nothing_is_left(folder: Path) -> None:
    """Check that no process and no file of any run is left in a folder; the cleaner may need a moment."""
    comes(lambda: not processes_in(folder) and not any(folder.iterdir()))
    assert processes_in(folder) == []
    assert list(folder.iterdir()) == []


def assert_nobody_works_in(folder: Path) -> None:
    """Check that no process works in a folder; one that has been told to end may need a moment."""
    comes(lambda: not processes_in(folder))
    assert processes_in(folder) == []


class Told:
    """A pipe by which processes tell their numbers."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._pipe = os.open(path, os.O_RDWR)
        self.command = f"echo $$ >'{path}'"

    def numbers(self, count: int) -> list[int]:
        """Wait until so many processes have told theirs; raise TimeoutError when one has not within START_BOUND."""
        said, deadline = b"", time.monotonic() + START_BOUND
        while said.count(b"\n") < count:
            left = max(deadline - time.monotonic(), 0)
            if not select.select([self._pipe], [], [], left)[0]:
                raise TimeoutError(f"{count} processes should have told their numbers; these have: {said.decode()}")
            said += os.read(self._pipe, 1024)
        return [int(number) for number in said.split()]

    def close(self) -> None:
        os.close(self._pipe)
