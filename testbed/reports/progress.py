"""How far a run has come: one line that changes on a terminal, and a line every so often in a log."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from testbed.base.gherkin import override
from testbed.reports.console import Printer
from testbed.reports.outcome import Listener, Outcome, RunSummary

EVERY = 30.0
"""Seconds after which a log has another line."""

PERIOD = 1.0
"""Seconds after which a terminal's line is told anew, and it is seen whether a log needs one."""

END_BOUND = 5.0
"""Seconds that the thread which ticks may take to end."""

IN_MINUTES = 90
"""Seconds from which on the time left is given in minutes."""

_SAID = re.compile(r"^\.\.\. (?P<done>\d+)/(?P<total>\d+) done, (?P<red>\d+) ", re.MULTILINE)


@dataclass(frozen=True)
class Share:
    """How far something is that runs: in words, as a part of the whole from 0 to 1, and how much of it is red."""

    words: str
    part: float = 0.0
    red: int = 0

    @classmethod
    def read(cls, log: str) -> Share | None:
        """Read from a log of a run how far it is, or return None where it does not say so yet."""
        said = list(_SAID.finditer(log))
        if not said:
            return None
        done, total, red = (int(said[-1][name]) for name in ("done", "total", "red"))
        return cls(f"{done}/{total}", done / total if total else 0.0, red)


class Line:
    """Tells done and total, red so far, the time left, and what runs; several threads may use it.

    A library for progress bars would need to know of every line that others print; this needs less than its adapter.
    """

    def __init__(self, printer: Printer, total: int, red: str = "red", now: Callable[[], float] = monotonic) -> None:
        """Write with a printer; `total` is how much there is to do, `red` what is counted, `now` gives seconds."""
        self.turn = threading.RLock()
        """Whoever holds it is the only one who prints."""
        self._printer = printer
        self._total = total
        self._what = red
        self._now = now
        self._begun = self._told = now()
        self._done = self._red = 0
        self._running: dict[Hashable, tuple[str, Callable[[], Share | None]]] = {}

    def began(self, key: Hashable, name: str, how_far: Callable[[], Share | None] = lambda: None) -> None:
        """Tell that something runs; `how_far` is asked whenever the line is told."""
        with self.turn:
            self._running[key] = (name, how_far)
            self._tell()

    def ended(self, key: Hashable, red: int) -> None:
        """Tell that something is over, with so much that was red in it."""
        with self.turn:
            self._running.pop(key, None)
            self._done += 1
            self._red += red
            self._tell()

    def say(self, text: str) -> None:
        """Print something for good, above the line."""
        with self.turn:
            self.clear()
            self._printer.line(text)
            if self._printer.is_terminal:
                self._tell()

    def clear(self) -> None:
        """Leave the terminal's line to others."""
        with self.turn:
            if self._printer.is_terminal:
                self._printer.take_back()

    def tick(self) -> None:
        """Tell how far it is now, though nothing has begun or ended."""
        with self.turn:
            self._tell()

    @contextmanager
    def ticking(self, period: float = PERIOD) -> Iterator[None]:
        """Tick until the block ends, in a thread of its own; `period` is in seconds."""
        over = threading.Event()

        def tick() -> None:
            while not over.wait(period):
                with self.turn:
                    if not over.is_set():  # it may have waited for its turn until after the end
                        self.tick()

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(END_BOUND)  # an interrupt may have come at any place
            self.clear()

    def _tell(self) -> None:
        if not self._printer.is_terminal and self._now() - self._told < EVERY:
            return
        self._told = self._now()
        running = [(name, how_far()) for name, how_far in self._running.values()]
        shares = [share for _, share in running if share is not None]
        names = [f"{name} {share.words}" if share else name for name, share in running]
        red = self._red + sum(share.red for share in shares)
        left = self._left(self._done + sum(share.part for share in shares))
        what = f"; running: {' | '.join(names)}" if names else ""
        line = f"{min(self._done, self._total)}/{self._total} done, {red} {self._what}{left}{what}"
        if self._printer.is_terminal:
            self._printer.take_back()
            self._printer.write(line[: shutil.get_terminal_size().columns - 1])
        else:
            self._printer.line(f"... {line}")

    def _left(self, done: float) -> str:
        """Estimate how long the rest takes, from how long what is done has taken."""
        if not 0 < done < self._total:
            return ""
        seconds = (self._now() - self._begun) / done * (self._total - done)
        return f", about {seconds / 60:.0f} min left" if seconds >= IN_MINUTES else f", about {seconds:.0f} s left"


class Progress(Listener):
    """Tells on a line how far the scenarios are; it must hear after those that print outcomes."""

    def __init__(self, printer: Printer, total: int, now: Callable[[], float] = monotonic) -> None:
        """Write with a printer; `total` is how many scenarios there are, `now` gives seconds."""
        self.line = Line(printer, total, now=now)

    @override
    def run_started(self, remarks: Sequence[str]) -> None:
        """Say nothing yet."""

    @override
    def scenario_started(self, outcome: Outcome) -> None:
        """Tell that it runs."""
        self.line.began((outcome.file, outcome.line), outcome.scenario)

    @override
    def scenario_finished(self, outcome: Outcome) -> None:
        """Tell that it is over."""
        self.line.ended((outcome.file, outcome.line), int(outcome.status.is_red))

    @override
    def run_finished(self, _summary: RunSummary) -> None:
        """Leave the terminal's line to others."""
        self.line.clear()


class InTurn(Listener):
    """Lets another listener print only while a line does not, which ticks in a thread of its own."""

    def __init__(self, listener: Listener, line: Line) -> None:
        self._listener = listener
        self._line = line

    @override
    def run_started(self, remarks: Sequence[str]) -> None:
        """Pass it on."""
        with self._line.turn:
            self._listener.run_started(remarks)

    @override
    def scenario_started(self, outcome: Outcome) -> None:
        """Pass it on."""
        with self._line.turn:
            self._listener.scenario_started(outcome)

    @override
    def scenario_finished(self, outcome: Outcome) -> None:
        """Pass it on."""
        with self._line.turn:
            self._listener.scenario_finished(outcome)

    @override
    def run_finished(self, summary: RunSummary) -> None:
        """Pass it on."""
        with self._line.turn:
            self._listener.run_finished(summary)
