"""What a process gets of the processors: whoever gets hardly any cannot answer in time, and is not to blame for it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from testbed.base.problems import EnvironmentUnusable, Problem

HARDLY_ANY = 0.1
"""The part of a wait below which the processor time of a process is hardly any."""

MOST_QUEUED = 0.5
"""The part of a wait for which a process may queue for a processor before its silence means nothing."""

MORE_PATIENCE = "try it when less is going on, with fewer processes (--jobs, JOBS=), or with -D patience=3"
"""What to do on a machine that has too much to do."""

NANOSECONDS = 1e9

RUNNABLE = "R"
"""How /proc writes the state of a process that has a processor or waits for one."""


@dataclass(frozen=True)
class Reading:
    """What some processes have had so far; all times are in seconds.

    `at` is when that was read, on the monotonic clock; `got` the processor time, of users and kernel, and `queued` the
    longest that one of its threads could have run and did not, as far as that is over; `sleeps` how often its threads
    have gone to sleep, and `is_runnable` tells whether one of them wants to run.
    """

    at: float
    got: float
    queued: float
    sleeps: int
    is_runnable: bool

    @classmethod
    def of(cls, processes: Iterable[int]) -> Reading:
        """Read what there is of processes, given by their numbers, which may have ended."""
        got, queued, sleeps, states = 0.0, 0.0, 0, ""
        for process in processes:
            with contextlib.suppress(OSError):
                # The name may hold anything, blanks and parentheses too; the state follows it.
                state, *fields = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                got += (int(fields[10]) + int(fields[11])) / os.sysconf("SC_CLK_TCK")
                states += state
            for thread in Path(f"/proc/{process}/task").glob("*"):
                with contextlib.suppress(OSError, LookupError):  # it has ended, or this kernel does not tell
                    queued = max(queued, int((thread / "schedstat").read_text("ascii").split()[1]) / NANOSECONDS)
                    told = (thread / "status").read_text("utf-8", "replace")
                    sleeps += int(told.partition("\nvoluntary_ctxt_switches:")[2].partition("\n")[0] or 0)
        return cls(monotonic(), got, queued, sleeps, RUNNABLE in states)


@dataclass(frozen=True)
class Share:
    """What a process got of the processors while it was waited for; all times are in seconds."""

    waited: float
    got: float
    queued: float
    sleeps: int
    is_runnable: bool

    @classmethod
    def between(cls, first: Reading, last: Reading) -> Share:
        """Return what came from one reading of a process to a later one."""
        waited, got, queued = last.at - first.at, last.got - first.got, last.queued - first.queued
        return cls(waited, got, queued, last.sleeps - first.sleeps, last.is_runnable)

    @property
    def is_starved(self) -> bool:
        """Tell whether it could have run and hardly ever did, which says nothing of what it would have done."""
        # The kernel counts a wait for a processor when it is over; one that lasts still is seen in the state alone.
        still_queues = self.is_runnable and not self.sleeps
        return self.got <= HARDLY_ANY * self.waited and (still_queues or self.queued >= MOST_QUEUED * self.waited)

    def __str__(self) -> str:
        """Say it in words that follow the name of the process."""
        state = "wants to run" if self.is_runnable else "does not want to run"
        got = f"got {self.got:.2f} s of processor time in {self.waited:.1f} s"
        return f"{got}, queued for {self.queued:.2f} s more, and now {state}"


@dataclass(frozen=True)
class Wait:
    """A wait for the process `pid`, which messages call `name`; `process` and `suite` are from when it began."""

    name: str
    pid: int
    process: Reading
    suite: Reading

    @classmethod
    def begun(cls, name: str, pid: int) -> Wait:
        """Begin to wait for a process that has run for a while."""
        return cls(name, pid, Reading.of(_family(pid)), _SUITE.reading())

    @classmethod
    def from_birth(cls, name: str, pid: int) -> Wait:
        """Begin to wait for a process that has just been started."""
        return cls(name, pid, Reading(monotonic(), 0.0, 0.0, 0, is_runnable=False), _SUITE.reading())

    def explained(self, late: str) -> str:
        """Return `late`, which says what has not come in time, with what the process got, and how busy the machine is.

        To be asked while the process is there. Raises EnvironmentUnusable when it was starved, or this suite was.
        """
        share = Share.between(self.process, Reading.of(_family(self.pid)))
        own = Share.between(self.suite, Reading.of([os.getpid()]))
        load = f"the load is {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
        told = f"{late}; meanwhile {self.name} {share}; {load}; -D patience= gives more time"
        if share.is_starved:
            raise EnvironmentUnusable([Problem(told, MORE_PATIENCE)])
        if own.is_starved:
            raise EnvironmentUnusable([Problem(f"{told}; this suite itself {own}", MORE_PATIENCE)])
        return told


@dataclass
class _Suite:
    """This process, which is read once for all waits that begin in the same second, as reading takes a while itself."""

    _readings: dict[int, Reading] = field(default_factory=dict)

    def reading(self) -> Reading:
        """Return what it has had so far, or had less than a second ago."""
        own = os.getpid()
        known = self._readings.get(own)
        if known is None or monotonic() - known.at >= 1:
            known = Reading.of([own])
            self._readings = {own: known}
        return known


_SUITE = _Suite()


def _family(pid: int) -> Iterator[int]:
    """Yield a process and what it has started, and so on, as far as the kernel tells."""
    yield pid
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
            yield from _family(int(child))
