"""What people see of a run: progress as it goes on, and at the end what to do about it."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from textwrap import indent
from typing import IO, Protocol

from testbed.base.files import shown
from testbed.base.gherkin import Config, Formatter, StreamOpener, override
from testbed.base.keeping import left_out_of
from testbed.base.problems import in_words_of_caller
from testbed.base.text import folded, printable
from testbed.reports.areas import areas_of
from testbed.reports.causes import by_cause
from testbed.reports.directory import EVIDENCE
from testbed.reports.outcome import Outcome, RunError, RunSummary, Status
from testbed.reports.repetition import ways_of
from testbed.reports.warnings import warnings_of

SLOWEST = 5
"""How many of the slowest scenarios the end of a run names."""

MOST_NAMES = 20
"""How many failures of one cause are named: with the first in full they fit on a screen."""

NARROWEST = 60
"""Columns that are used at least."""

COPIED = ("evidence: ", "repeat: ")
"""How lines begin that are there to be copied, and so stay whole."""

_BOLD = "1"
_FAINT = "2"
_RED = "1;31"
"""What a terminal takes between ESC [ and m."""

_LABELS = {
    Status.PASSED: ("passed", "32"),
    Status.FAILED: ("FAILED", _RED),
    Status.ERROR: ("ERROR", _RED),
    Status.NOT_APPLICABLE: ("not applicable", "36"),
    Status.KNOWN_DEFECT: ("known defect", "33"),
    Status.NOT_RUN: ("not run", "35"),
}
_COLUMN = max(len(label) for label, _ in _LABELS.values())


class Colours(Protocol):
    """Whether there are to be colours, as behave understood its command line."""

    color: str

    def has_colored_mode(self, file: IO[str]) -> bool:
        """Tell whether options and stream call for colours."""


class Printer:
    """Writes to a stream, whatever the text holds, whatever the stream can take, and though nobody reads."""

    def __init__(self, stream: IO[str], config: Colours) -> None:
        self.is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        """Whether a line can be taken back."""
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._has_reader = True
        # The command line overrules the environment.
        is_plain = config.color == "auto" and (os.environ.get("NO_COLOR") or not self.is_terminal)
        self._is_coloured = not is_plain and config.has_colored_mode(stream)

    def write(self, text: str, colour: str = "") -> None:
        """Write text with escapes for what cannot be shown. Raises OSError, but not when nobody reads on."""
        plain = printable(text).encode(self._encoding, "backslashreplace").decode(self._encoding)
        self._put(f"\x1b[{colour}m{plain}\x1b[0m" if colour and self._is_coloured else plain)

    @property
    def width(self) -> int | None:
        """How many columns a terminal has; None where lines may have any length."""
        return shutil.get_terminal_size().columns if self.is_terminal else None

    def line(self, text: str = "", colour: str = "", column: int = 0) -> None:
        """Write a line, several, or the rest of one in which so many characters, `column`, stand already.

        On a terminal they are folded at the ends of words, but for what is there to be copied.
        """
        first, *others = text.split("\n")
        self.write("\n".join([self._fitting(first, column), *map(self._fitting, others)]), colour)
        self._put("\n")

    def take_back(self) -> None:
        """Remove what stands in the terminal's current line, without escapes where none are wanted."""
        self._put("\r\x1b[K" if self._is_coloured else f"\r{' ' * ((self.width or 1) - 1)}\r")

    def _fitting(self, line: str, column: int = 0) -> str:
        width = self.width
        return line if width is None or line.lstrip().startswith(COPIED) else folded(line, width, column)

    def _put(self, text: str) -> None:
        if not self._has_reader:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
            # Whoever ran `behave | head` has seen enough, or the terminal is gone; the run and its reports go on.
            self._has_reader = False


class Story(Formatter):
    """Tells the run as a story: each scenario when it has ended, with what went wrong at once."""

    name = "story"
    description = "One line for each scenario, failures at once, and a report at the end"

    def __init__(self, stream_opener: StreamOpener, config: Config) -> None:
        super().__init__(stream_opener, config)
        self.printer = Printer(stream_opener.open(), config)
        self._lists_unrun = bool(config.dry_run)
        self._file: str | None = None
        self._rule: str | None = None

    @override
    def close(self) -> None:
        """Do nothing: the end of the run is still to be told."""

    def run_started(self, remarks: Sequence[str]) -> None:
        """Print the remarks."""
        for remark in remarks:
            self.printer.line(remark)

    def scenario_started(self, outcome: Outcome) -> None:
        """Print the headings where somebody looks on; what runs, the line of the run's progress tells."""
        if self.printer.is_terminal:
            self.printer.take_back()
            self._print_headings(outcome)

    def scenario_finished(self, outcome: Outcome) -> None:
        """Print the scenario, and what there is to be said of it; one that was not run only counts in the end."""
        if self.printer.is_terminal:
            self.printer.take_back()
        if outcome.status is Status.NOT_RUN and not self._lists_unrun:
            return
        self._print_headings(outcome)
        label, colour = _LABELS[outcome.status]
        known, took = f"    {label:{_COLUMN}}", f"  {outcome.seconds:7.2f} s  "
        self.printer.write(known, colour)
        self.printer.write(took)
        self.printer.line(outcome.scenario, column=len(known + took))
        account = (outcome.message, outcome.details, *ways_of(outcome))
        for text in account if outcome.status.is_red else outcome.reasons:
            if text:
                self.printer.line(indent(text, " " * 8))

    def run_finished(self, summary: RunSummary) -> None:
        """Print the end report."""
        print_summary(summary, self.printer)
        self.stream_opener.close()

    def _print_headings(self, outcome: Outcome) -> None:
        if outcome.file != self._file:
            self.printer.line()
            self.printer.write(outcome.feature, _BOLD)
            fits = self.printer.width is None or len(f"{outcome.feature}  {outcome.file}") <= self.printer.width
            self.printer.line(f"  {outcome.file}" if fits else f"\n  {outcome.file}", _FAINT)
            self._rule = None
        if outcome.rule is not None and outcome.rule != self._rule:
            self.printer.line(f"  {outcome.rule}")
        self._file, self._rule = outcome.file, outcome.rule


def print_summary(summary: RunSummary, printer: Printer) -> None:
    """Print what remains to be said when a run is over: the failures last but for the counts."""
    sections = {
        "Not applicable": _by_reason(summary, Status.NOT_APPLICABLE),
        "Areas of which something was passed over": [str(area) for area in areas_of(summary.outcomes)],
        "Not run": _unrun(summary) if summary.in_earnest else [],
        "Known defects of QEMU": _by_reason(summary, Status.KNOWN_DEFECT),
        "Passed, to be remarked": _by_reason(summary, Status.PASSED),
        "QEMU warned of": [str(warned) for warned in warnings_of(summary.outcomes)],
        "Slowest": _slowest(summary),
        "Failures": [line for group in by_cause(_red(summary)) for line in _failures(group)],
    }
    for title, lines in sections.items():
        if lines:
            printer.line(f"\n{title}", _BOLD)
            printer.line(indent("\n".join(lines), "  "))
    _print_counts(summary, printer)
    for area in areas_of(summary.outcomes):
        if area.is_mostly_passed_over:
            printer.line(f"MOSTLY PASSED OVER: {area}; this run says little of that area", _RED)
    if summary.subject is not None:
        printer.line(f"Judged: {summary.subject}")
    if summary.reports is not None:
        if left_out := left_out_of(summary.reports / EVIDENCE):
            printer.line(in_words_of_caller(left_out, os.environ))
        printer.line(f"Reports are in {shown(summary.reports)}/")


def _print_counts(summary: RunSummary, printer: Printer) -> None:
    """Print how many scenarios ended in which way, each in its colour, in a line or as many as a terminal needs."""
    said = f"{_scenarios(len(summary.outcomes))} in {summary.seconds:.1f} s"
    printer.write(f"\n{said}")
    column, separator = len(said), ": "
    for status, count in summary.counts().items():
        told = f"{status.value} {count}"
        if printer.width is not None and column + len(f"{separator}{told},") > printer.width:
            column, separator = 0, f"{separator.rstrip()}\n  "
        printer.write(separator)
        printer.write(told, _LABELS[status][1])
        column, separator = column + len(f"{separator}{told}"), ", "
    printer.line()


def complain(error: RunError, printer: Printer) -> None:
    """Print something that went wrong with the run as a whole."""
    printer.write("\nERROR", _RED)
    printer.line(f" ({error.name})")
    # A traceback ends with the message.
    printer.line(indent(error.details or error.message, "  "))


def _red(summary: RunSummary) -> list[Outcome]:
    return [outcome for outcome in summary.outcomes if outcome.status.is_red]


def _failures(group: Sequence[Outcome]) -> Iterator[str]:
    """Give failures of one cause: the first in a few lines, the others by name, and where the rest are."""
    first, *others = group
    yield from _failure(first)
    if not others:
        return
    width = max(shutil.get_terminal_size().columns, NARROWEST)
    yield f"  and {_scenarios(len(others))} of which the same is to be said, but for numbers:"
    for outcome in others[:MOST_NAMES]:
        # What tells the rows of an outline apart stands at the end.
        yield "    " + _middle_left_out(outcome.scenario, width - 8)
    places: dict[str, list[str]] = {}
    for outcome in others[MOST_NAMES:]:
        places.setdefault(outcome.file, []).append(str(outcome.line))
    yield from (f"    {file}:{','.join(lines)}" for file, lines in places.items())


def _middle_left_out(text: str, width: int) -> str:
    """Return a text in at most so many characters, with the middle left out if it has more."""
    kept = width - len(" ... ")
    return text if len(text) <= width else f"{text[: kept // 2]} ... {text[-(kept - kept // 2) :]}"


def _failure(outcome: Outcome) -> Iterator[str]:
    """Give a failure in a few lines."""
    yield f"{_LABELS[outcome.status][0]}: {outcome.feature}"
    for line in (outcome.rule, outcome.scenario, str(outcome.step or ""), outcome.headline, *ways_of(outcome)):
        if line:
            yield f"  {line}"


def _by_reason(summary: RunSummary, status: Status) -> list[str]:
    """Give each set of reasons with the scenarios that it holds for."""
    found = [outcome for outcome in summary.outcomes if outcome.status is status and outcome.reasons]
    lines = []
    for reasons, outcomes in groupby(sorted(found, key=attrgetter("reasons")), key=attrgetter("reasons")):
        lines += [*reasons, *(f"  {_where(outcome)}" for outcome in outcomes)]
    return lines


def _unrun(summary: RunSummary) -> list[str]:
    """Give each set of reasons with the number of scenarios that it kept from being run, which may be nearly all."""
    reasons = Counter("; ".join(outcome.reasons) for outcome in summary.outcomes if outcome.status is Status.NOT_RUN)
    return [f"{_scenarios(count)}: {why}" for why, count in reasons.items()]


def _scenarios(count: int) -> str:
    return f"{count} scenario{'s' if count != 1 else ''}"


def _slowest(summary: RunSummary) -> list[str]:
    """Give the slowest scenarios, unless those would be all."""
    tried = [outcome for outcome in summary.outcomes if outcome.status is not Status.NOT_RUN]
    ran = sorted(tried, key=lambda outcome: outcome.seconds, reverse=True)
    return [f"{outcome.seconds:7.2f} s  {_where(outcome)}" for outcome in ran[:SLOWEST]] if len(ran) > SLOWEST else []


def _where(outcome: Outcome) -> str:
    return f"{outcome.scenario} ({outcome.file}:{outcome.line})"
