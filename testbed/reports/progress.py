"""How far a run has come: one line that changes on a terminal, and a line every so often in a log."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from time import monotonic

from testbed.base.gherkin import override
from testbed.reports.console import Printer
from testbed.reports.outcome import Listener, Outcome, RunSummary

EVERY = 30.0
"""Seconds after which a log has another line."""

IN_MINUTES = 90
"""Seconds from which on the time left is given in minutes."""


class Progress(Listener):
    """Tells done and total, red so far, the time left, and what runs; it must hear after those that print outcomes.

    A library for progress bars would need to know of every line that others print; this needs less than its adapter.
    """

    def __init__(self, printer: Printer, total: int, now: Callable[[], float] = monotonic) -> None:
        """Write with a printer; `total` is how many scenarios there are, `now` gives seconds."""
        self._printer = printer
        self._total = total
        self._now = now
        self._begun = self._told = now()
        self._done = self._red = 0
        self._running: dict[tuple[str, int], str] = {}

    @override
    def run_started(self, remarks: Sequence[str]) -> None:
        """Say nothing yet."""

    @override
    def scenario_started(self, outcome: Outcome) -> None:
        """Tell that it runs."""
        self._running[outcome.file, outcome.line] = outcome.scenario
        self._tell()

    @override
    def scenario_finished(self, outcome: Outcome) -> None:
        """Tell that it is over."""
        self._running.pop((outcome.file, outcome.line), None)
        self._done += 1
        self._red += outcome.status.is_red
        self._tell()

    @override
    def run_finished(self, _summary: RunSummary) -> None:
        """Leave the terminal's line to others."""
        if self._printer.is_terminal:
            self._printer.take_back()

    def _tell(self) -> None:
        line = f"{min(self._done, self._total)}/{self._total} done, {self._red} red{self._left()}"
        if self._printer.is_terminal:
            running = f"; running: {' | '.join(self._running.values())}" if self._running else ""
            self._printer.take_back()
            self._printer.write(f"{line}{running}"[: shutil.get_terminal_size().columns - 1])
        elif self._now() - self._told >= EVERY:
            self._told = self._now()
            self._printer.line(f"... {line}")

    def _left(self) -> str:
        """Estimate how long the rest takes, from how long what is done has taken."""
        if not 0 < self._done < self._total:
            return ""
        seconds = (self._now() - self._begun) / self._done * (self._total - self._done)
        return f", about {seconds / 60:.0f} min left" if seconds >= IN_MINUTES else f", about {seconds:.0f} s left"
