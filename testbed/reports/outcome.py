"""How a scenario, and the run as a whole, turned out: the values that every report is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from testbed.base.gherkin import Scenario, override
from testbed.build.defects import Comparison


class Status(Enum):
    """How one scenario ended. The values are the words of the reports."""

    PASSED = "passed"
    FAILED = "failed"
    """A promise was broken: a check said no."""
    ERROR = "error"
    """Nobody can tell: a step, a hook, a clean-up or the environment went wrong."""
    NOT_APPLICABLE = "not applicable"
    KNOWN_DEFECT = "known defect"
    """A promise was broken in the way that is on record for this build."""
    NOT_RUN = "not run"
    """Selected, but the run ended before it."""

    @property
    def is_red(self) -> bool:
        """Whether one such scenario makes the run a failure."""
        return self in (Status.FAILED, Status.ERROR)


@dataclass(frozen=True)
class Sentence:
    """A step as the feature says it, and where it stands."""

    text: str
    file: str
    line: int

    @override
    def __str__(self) -> str:
        return f"{self.text} ({self.file}:{self.line})"


@dataclass(frozen=True)
class Outcome:
    """How one scenario, or one row of an outline, ended."""

    area: str
    """Folder below features/, with dots for slashes; empty for a feature right in there."""
    suite: str
    """Area and feature, unique in a run: the class of JUnit."""
    report: str
    """Area and name of the feature file, unique in a run and fit for a file's name."""
    feature: str
    rule: str | None
    scenario: str
    """Title; for a row of an outline it says which row."""
    name: str
    """Rule and scenario, unique in the suite."""
    file: str
    line: int
    tags: tuple[str, ...]
    """Those of feature and rule included, without the at sign."""
    repeat: str
    """The line of shell that repeats just this, from any folder."""
    started: datetime
    """In UTC, before the first hook."""
    seconds: float = 0.0
    """Wall-clock time, from before the first hook until after the last clean-up."""
    status: Status = Status.PASSED
    kind: str = ""
    """Class of the exception, or a word for what happened, if the status is red."""
    headline: str = ""
    """One line that says what went wrong."""
    message: str = ""
    """All that a reader of nothing else must know: what went wrong, in which step, and what after that."""
    details: str = ""
    """Tracebacks."""
    step: Sentence | None = None
    """The step that failed."""
    reasons: tuple[str, ...] = ()
    """Why it is not applicable, was not run, or is a known defect; what there is to remark if it passed."""
    output: str = ""
    """What is worth reading in JUnit's system-out."""
    evidence: Path | None = None
    warnings: tuple[str, ...] = ()
    """What the build warned of meanwhile, in its own words."""


@dataclass
class ScenarioNotes:
    """What those who run a scenario and those who report it tell each other."""

    folder: str = ""
    """A name for the scenario's evidence, unique in the run. Given."""
    repeat: str = ""
    """The program that repeats just this scenario, from any folder. Given."""
    failure: str = ""
    """What went wrong so far, as it will be reported; empty while nothing did. Given."""
    is_cut_off: bool = False
    """Whether the run was told to end in the midst of the scenario, and nothing had gone wrong before. Given."""
    evidence: Path | None = None
    """Folder or file with what was kept. For hooks to set, like all that follows."""
    log: list[str] = field(default_factory=list)
    """Lines for JUnit's system-out."""
    lacking: str = ""
    """What the build turned out not to have in the midst of the scenario: then it is not applicable."""
    known_defect: str | None = None
    """Identifier of the defect on record that the failure is due to: to be set when it failed just so."""
    known_defect_text: str = ""
    """One sentence about the defect."""
    remarks: list[str] = field(default_factory=list)
    """What a reader should know of the scenario if it passed."""
    unexpected: str | None = None
    """What did not happen although it is on record: an unexpected pass."""
    teardown_errors: list[str] = field(default_factory=list)
    """What went wrong on the way out and could not be raised there."""
    warnings: list[str] = field(default_factory=list)
    """What the build warned of, in its own words."""
    excuse: str = ""
    """What is wrong with the environment, and its remedy, if a failure may be due to that: then nobody can tell."""

    def hold_against_record(self, found: Comparison) -> None:
        """Take note of how the scenario compares with the known defects of the build."""
        if found.shown:
            self.known_defect, self.known_defect_text = found.shown.name, found.shown.what + found.first
        self.unexpected = found.unexpected
        self.remarks += found.remarks
        self.log += found.log


_NOTES = "_testbed_notes"


def notes_of(scenario: Scenario) -> ScenarioNotes:
    """Return the notes on a scenario of behave's; the same object each time, empty at first."""
    notes: ScenarioNotes | None = getattr(scenario, _NOTES, None)
    if notes is None:
        notes = ScenarioNotes()
        setattr(scenario, _NOTES, notes)
    return notes


@dataclass(frozen=True)
class RunError:
    """Something that went wrong with the run as a whole and not with one scenario."""

    name: str
    """One or two words: the name of its test case in JUnit."""
    kind: str
    headline: str
    message: str
    details: str = ""
    """A traceback, where it can help."""


@dataclass(frozen=True)
class RunSummary:
    """All that is to be said of a run when it is over."""

    outcomes: tuple[Outcome, ...]
    errors: tuple[RunError, ...]
    started: datetime
    """In UTC."""
    seconds: float
    in_earnest: bool = True
    """False for a dry run, in which nothing is meant to run."""
    reports: Path | None = None
    """Where everything was written, if anything was."""
    subject: str | None = None
    """One line on the build that was judged, if one was found."""

    @property
    def failed(self) -> bool:
        """Whether anything went wrong: then the exit status is 1."""
        unrun = self.in_earnest and any(outcome.status is Status.NOT_RUN for outcome in self.outcomes)
        return bool(self.errors) or unrun or any(outcome.status.is_red for outcome in self.outcomes)

    def counts(self) -> dict[Status, int]:
        """Return how many scenarios ended in each way that occurred, in the order of Status."""
        counted = Counter(outcome.status for outcome in self.outcomes)
        return {status: counted[status] for status in Status if counted[status]}


@runtime_checkable
class Listener(Protocol):
    """Is told how the run goes on. What it cannot write, it raises as OSError."""

    def run_started(self, remarks: Sequence[str]) -> None:
        """Learn what is to be said before the first scenario."""

    def scenario_started(self, outcome: Outcome) -> None:
        """Learn what would have to be said if the run ended here and now."""

    def scenario_finished(self, outcome: Outcome) -> None:
        """Learn how a scenario ended; it need not have been started."""

    def run_finished(self, summary: RunSummary) -> None:
        """Learn how it all ended."""
