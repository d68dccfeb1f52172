"""Takes down what a run costs while it goes on, in the process that runs the scenarios.

A timer interrupts that process some hundred times in a second, also while it waits. What it has used of the processors
since the time before is entered under the layer of Python that is at work, and the rest under what it waits for: no
time is left out, and only whom it belongs to is as coarse as the timer. That is why no profiler that counts calls does
this: it would make calls dearer than they are, and tells nothing of waiting. What processes use, the kernel tells when
they are reaped. What the sampler itself takes is an entry of its own.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import clock_gettime, monotonic
from types import FrameType

from testbed.base.process import Child, watched_by
from testbed.campaign.profile.ledger import Cost, Ledger, Mark, Section
from testbed.campaign.profile.stacks import Place, kind_of, place_of

PERIOD = 0.004
"""Seconds between two looks."""

START, END = "start of Python", "end of Python"
OWN = "the profile itself"
PROCESSOR = "a processor"
"""Entries that no stack tells."""

BEFORE, BETWEEN = "before the first scenario", "between scenarios and after the last"
"""What stands in the place of a scenario's location when there is none."""

NANOSECONDS = 1e9


@dataclass(frozen=True)
class Moment:
    """What this process has had up to a moment `at` of the monotonic clock; all times are in seconds."""

    at: float
    user: float
    kernel: float
    queued: float


@dataclass
class Sampler:
    """Enters what a run costs into a ledger; `born` is when this process was started, on the monotonic clock."""

    born: float
    ledger: Ledger = field(default_factory=Ledger)
    _scenario: str = BEFORE
    _alive: dict[int, float] = field(default_factory=dict)
    """The processor time that each process which runs has had when it was looked at last, by number."""
    _left: float = 0.0
    """What processes that have ended since the last look had used since then."""
    _queue: int | None = None
    """The file in which the kernel tells how long this process has had to wait for a processor."""

    _is_looking: bool = False

    def __post_init__(self) -> None:
        """Enter what it took to start Python."""
        with contextlib.suppress(OSError):  # a kernel that does not tell
            self._queue = os.open("/proc/self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        self._last = self._look()
        self._enter(Section.PYTHON, START, Cost(user=self._last.user, kernel=self._last.kernel))
        # Python starts with its parent's queueing behind it: what it does not use is reading of files, or waiting.
        waited = self._last.at - self.born - self._last.user - self._last.kernel
        self._enter(Section.WAITING, START, Cost(waited=max(0.0, waited), idle=max(0.0, waited)))

    @contextlib.contextmanager
    def sampling(self) -> Iterator[None]:
        """Look at this process, and watch those that it starts, until the block ends."""
        before = signal.signal(signal.SIGALRM, lambda _number, frame: self.sample(frame))
        signal.setitimer(signal.ITIMER_REAL, PERIOD, PERIOD)
        try:
            with watched_by(self):
                yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            self.sample(sys._getframe())  # noqa: SLF001 (the way to one's own stack)
            if self._queue is not None:
                os.close(self._queue)
            self.ledger.closed = _mark()

    def scenario_begins(self, location: str) -> None:
        """Enter all that comes from now on as the cost of a scenario."""
        self._turn_to(location)

    def scenario_ends(self) -> None:
        """Enter all that comes from now on as the cost of no scenario."""
        self._turn_to(BETWEEN)

    def started(self, child: Child) -> None:
        """Look at the processor time of a process from now on."""
        self._alive[child.pid] = 0.0

    def ended(self, child: Child, user: float, kernel: float) -> None:
        """Enter what a process has used."""
        self._left += max(0.0, user + kernel - self._alive.pop(child.pid, 0.0))
        self._enter(Section.PROCESSES, kind_of(child.argv), Cost(1, user, kernel))

    def sample(self, frame: FrameType | None) -> None:
        """Enter what there was since the last look; `frame` is the innermost of where Python is."""
        if self._is_looking:  # the timer has come again meanwhile, as on a busy machine: that time must not count twice
            return
        self._is_looking = True
        try:
            self._take_down(place_of(frame))
        finally:
            self._is_looking = False

    def _take_down(self, place: Place) -> None:
        now, last = self._look(), self._last
        used = Cost(user=now.user - last.user, kernel=now.kernel - last.kernel)
        self._enter(Section.PYTHON, place.layer, used)
        waited = max(0.0, now.at - last.at - used.processor)
        # While something is awaited, it is the timer that makes Python ask for a processor: that is no wait for one.
        queued = 0.0 if place.wait else min(max(0.0, now.queued - last.queued), waited)
        idle = max(0.0, waited - queued - self._used_by_others())
        self._enter(Section.WAITING, PROCESSOR, Cost(waited=queued))
        what = place.wait or f"something else, in {place.layer}"
        self._enter(Section.WAITING, what, Cost(waited=waited - queued, idle=idle))
        self._last = self._look()
        own = Cost(user=self._last.user - now.user, kernel=self._last.kernel - now.kernel)
        self._enter(Section.PYTHON, OWN, own)
        interrupted = max(0.0, self._last.at - now.at - own.processor)
        self._enter(Section.WAITING, place.wait or PROCESSOR, Cost(waited=interrupted))

    def _turn_to(self, scenario: str) -> None:
        self.sample(sys._getframe(2))  # noqa: SLF001 (the way to one's own stack)
        self._scenario = scenario

    def _enter(self, section: Section, what: str, cost: Cost) -> None:
        self.ledger.enter(self._scenario, section, what, cost)

    def _look(self) -> Moment:
        used = resource.getrusage(resource.RUSAGE_SELF)
        queued = 0.0
        if self._queue is not None:
            queued = int(os.pread(self._queue, 100, 0).split()[1]) / NANOSECONDS
        return Moment(monotonic(), used.ru_utime, used.ru_stime, queued)

    def _used_by_others(self) -> float:
        """Return the processor time, since the last look, of the processes that this one has started."""
        used, self._left = self._left, 0.0
        for pid, before in list(self._alive.items()):
            with contextlib.suppress(OSError):  # it is no more, and `ended` comes
                self._alive[pid] = clock_gettime(_clock_of(pid))
                used += self._alive[pid] - before
        return used


def _mark() -> Mark:
    """Return what this process and all that it has reaped have used up to now."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Mark(monotonic(), sum(each.ru_utime for each in used), sum(each.ru_stime for each in used))


def _clock_of(pid: int) -> int:
    """Return the kernel's number for the clock of the processor time of a process, as clock_getcpuclockid(3) does."""
    return (~pid << 3) | 2


def location_of(filename: str, line: int) -> str:
    """Return the location of a scenario as it is entered."""
    return f"{Path(filename).as_posix()}:{line}"
