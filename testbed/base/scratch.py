"""The run's scratch directory, which is gone when the run is, whatever ended it.

A *cleaner* sees to that: a shell in a session of its own, which waits on a pipe until behave closes it or is no
more, ends what still works in the directory, and removes it. If somebody kills the cleaner too, the next run
removes the directory: each run holds a lock on its own, and one that nobody holds is stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from testbed.base.problems import EnvironmentUnusable, Problem

PREFIX = "qemu-accept-"
"""How the names of all scratch directories begin."""

TEMPLATES = "templates"
"""Name of the directory in it that all scenarios share."""

ROOM = 1 << 30
"""Free bytes that a memory-backed directory must have."""

MEMORY = Path("/dev/shm")  # noqa: S108 - only a directory of our own is made in it

CLEANER_BOUND = 30.0
"""Seconds that the cleaner may take for its work."""

# Whatever works in the directory without a terminal is a process of the run: one that was just being started when
# behave died and does not hang on its lifeline yet, or one that made itself a daemon. The loop is for what such a
# process wrote last.
CLEANER = """
trap "" HUP INT TERM
read -r _

has_terminal() {
    read -r facts <"$1/stat" || return
    set -- ${facts##*)}
    [ "$5" != 0 ]
}

while
    for home in "$1" "$1"/*; do
        for process in /proc/[0-9]*; do
            if [ "$process/cwd" -ef "$home" ] && ! has_terminal "$process"; then
                kill -KILL "${process#/proc/}"
            fi
        done
    done
    rm -rf -- "$1"
    [ -d "$1" ] && [ $((tries += 1)) -lt 100 ]
do :; done
"""
"""What the cleaner does, as a shell script whose $1 is the directory."""


@dataclass
class Scratch:
    """The scratch directory of a run, `path`. Leaving its context closes it."""

    path: Path
    _lock: int = field(repr=False)
    _cleaner: _Cleaner = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    @classmethod
    def make(cls, chosen: Path | None) -> Scratch:
        """Make one in the directory `chosen`; by default in memory if there is room, else in TMPDIR.

        Directories that earlier runs had to leave there are removed. Raises EnvironmentUnusable when `chosen` is
        missing or cannot be written to.
        """
        parent = (chosen or _default_parent()).absolute()
        try:
            _sweep(parent)
            # Nobody takes it for a stale one before it has its lock: only then does it get its name.
            unlocked = Path(tempfile.mkdtemp(prefix=f".{PREFIX}{os.getpid()}-", dir=parent))
            lock = os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY)
            with contextlib.suppress(OSError):  # on a file system without locks, where nobody can sweep either
                fcntl.flock(lock, fcntl.LOCK_SH)
            path = unlocked.rename(unlocked.with_name(unlocked.name.removeprefix(".")))
            (path / TEMPLATES).mkdir()
        except OSError as error:
            what = f"no scratch directory can be made in {parent}: {error.strerror}"
            remedy = "name a directory that you may write to, with -D scratch=DIRECTORY"
            raise EnvironmentUnusable([Problem(what, remedy)]) from error
        return cls(path, lock, _Cleaner.start(path))

    @property
    def templates(self) -> Path:
        """The directory for what the scenarios of a run have in common; there from the start."""
        return self.path / TEMPLATES

    @property
    def free(self) -> int:
        """The bytes that are free where it is."""
        system = os.statvfs(self.path)
        return system.f_bavail * system.f_frsize

    def directory_for(self, scenario_name: str) -> Path:
        """Make a fresh, empty directory for a scenario; return its path, which tells the scenario's name."""
        words = re.sub(r"[^a-z0-9]+", "-", scenario_name.lower()).strip("-")
        path = self.path / f"{next(self._numbers):03}-{words[:60]}"
        path.mkdir()
        return path

    def discard(self, path: Path) -> None:
        """Remove a directory that `directory_for` made, with all that is in it. Raises OSError."""
        if path.parent != self.path:
            raise ValueError(f"{path} is not a directory of this run, {self.path}")
        shutil.rmtree(path)

    def close(self) -> None:
        """Remove the directory, and end what may still work in it. Raises OSError when it cannot be removed."""
        self._cleaner.finish()
        os.close(self._lock)
        if self.path.exists():
            shutil.rmtree(self.path)

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@dataclass
class _Cleaner:
    """The shell that clears up when this process is no more, and the pipe by which it notices."""

    shell: subprocess.Popen[bytes]
    pipe: int

    @classmethod
    def start(cls, path: Path) -> _Cleaner:
        reading, writing = os.pipe()
        try:
            shell = subprocess.Popen(
                ["/bin/sh", "-c", CLEANER, "cleaner", str(path)],
                cwd="/",
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(reading)
        return cls(shell, writing)

    def finish(self) -> None:
        """Let the cleaner do its work now, and wait for its end."""
        os.close(self.pipe)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.shell.wait(CLEANER_BOUND)


def _default_parent() -> Path:
    with contextlib.suppress(OSError):
        memory = os.statvfs(MEMORY)
        if memory.f_bavail * memory.f_frsize >= ROOM and os.access(MEMORY, os.W_OK | os.X_OK):
            return MEMORY
    return Path(tempfile.gettempdir())


def _sweep(parent: Path) -> None:
    """Remove the directories of this user's runs that are over."""
    with os.scandir(parent) as entries:
        siblings = [entry.path for entry in entries if entry.name.startswith(PREFIX)]
    for sibling in siblings:
        # Somebody else's, one whose run lives, or one that is being removed this very moment.
        with contextlib.suppress(OSError):
            _remove_if_stale(sibling)


def _remove_if_stale(path: str) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(directory).st_uid == os.geteuid():
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(directory)
