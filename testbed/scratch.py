"""The run's scratch directory, which is gone when the run is, whatever ended it.

Three hands see to that. `Scratch.close` removes the directory. If behave was killed, its *warden* does: a
shell in a session of its own that waits on a pipe until behave is no more. If that was killed too, the next
run does: each run holds a lock on its directory, and one that nobody holds is stale.
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

from testbed.outcome import EnvironmentUnusable, Problem

PREFIX = "qemu-accept-"
"""How the names of all scratch directories begin."""

TEMPLATES = "templates"

MARK = "QEMU_ACCEPT_RUN"
"""Environment variable that all processes of a run carry, with the name of its scratch directory."""

ROOM = 1 << 30
"""Free bytes that a memory-backed directory must have."""

MEMORY = Path("/dev/shm")  # noqa: S108 - only a directory of our own is made in it

WARDEN_BOUND = 30.0
"""Seconds that the warden gets for removing what nobody else could."""

# Processes that slipped through when behave died would fill the directory again, hence the loop.
WARDEN = """
trap "" HUP INT TERM
read -r _
while [ -d "$1" ] && [ $((tries += 1)) -le 100 ]; do
    for environment in $(grep -lzFx -e "$2" /proc/[0-9]*/environ); do
        process=${environment%/environ}
        kill -KILL "${process##*/}"
    done
    rm -rf -- "$1"
done
"""
"""What the warden does, as a shell script: $1 is the directory, $2 the mark of the run's processes."""


@dataclass
class Scratch:
    """The scratch directory of a run, `path`. Leaving its context closes it."""

    path: Path
    _lock: int = field(repr=False)
    _warden: _Warden = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    @classmethod
    def make(cls, chosen: Path | None) -> Scratch:
        """Make one in the directory `chosen`; by default in memory if there is room, else in TMPDIR.

        Directories that earlier runs had to leave there are removed. Raises EnvironmentUnusable when the
        place is missing or cannot be written to.
        """
        place = (chosen or _default_place()).absolute()
        try:
            _sweep(place)
            # Nobody takes it for a stale one before it has its lock: only then does it get its name.
            unlocked = Path(tempfile.mkdtemp(prefix=f".{PREFIX}{os.getpid()}-", dir=place))
            lock = os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY)
            with contextlib.suppress(OSError):  # a place without locks, where nobody can sweep either
                fcntl.flock(lock, fcntl.LOCK_SH)
            path = unlocked.rename(unlocked.with_name(unlocked.name.removeprefix(".")))
            (path / TEMPLATES).mkdir()
        except OSError as error:
            what = f"no scratch directory can be made in {place}: {error.strerror}"
            remedy = "name a directory that you may write to, with -D scratch=DIRECTORY"
            raise EnvironmentUnusable([Problem(what, remedy)]) from error
        warden = _Warden.over(path)
        os.environ[MARK] = path.name
        return cls(path, lock, warden)

    @property
    def templates(self) -> Path:
        """The directory for what the scenarios of a run have in common; there from the start."""
        return self.path / TEMPLATES

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
        """Remove the directory. Raises OSError when it is still there afterwards."""
        os.environ.pop(MARK, None)
        shutil.rmtree(self.path, ignore_errors=True)
        self._warden.dismiss()
        os.close(self._lock)
        if self.path.exists():
            raise OSError(f"the scratch directory {self.path} cannot be removed; something may still use it")

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@dataclass
class _Warden:
    """The shell that removes a directory when this process is no more, and the pipe by which it notices."""

    shell: subprocess.Popen[bytes]
    pipe: int

    @classmethod
    def over(cls, path: Path) -> _Warden:
        reading, writing = os.pipe()
        try:
            shell = subprocess.Popen(
                ["/bin/sh", "-c", WARDEN, "warden", str(path), f"{MARK}={path.name}"],
                cwd="/",
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(reading)
        return cls(shell, writing)

    def dismiss(self) -> None:
        """Let the warden do what is left to do, and go."""
        os.close(self.pipe)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.shell.wait(WARDEN_BOUND)


def _default_place() -> Path:
    with contextlib.suppress(OSError):
        memory = os.statvfs(MEMORY)
        if memory.f_bavail * memory.f_frsize >= ROOM and os.access(MEMORY, os.W_OK | os.X_OK):
            return MEMORY
    return Path(tempfile.gettempdir())


def _sweep(place: Path) -> None:
    """Remove the directories of this user's runs that are over."""
    with os.scandir(place) as entries:
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
