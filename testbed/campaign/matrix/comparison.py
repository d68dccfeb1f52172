"""What became of each scenario on each of several builds, and what changes from one build to another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from testbed.campaign.runs import CONSOLE, EndedRun
from testbed.reports.outcome import Outcome, Status


@dataclass(frozen=True)
class Case:
    """A scenario or row of an outline, as all builds know it; `suite` and `name` are unique in a run."""

    suite: str
    name: str
    area: str
    feature: str
    rule: str
    scenario: str
    location: str


@dataclass(frozen=True)
class Result:
    """What became of a scenario on one build: its status, why in a few words, and the file or folder that says more."""

    status: Status
    why: str
    more: Path


@dataclass(frozen=True)
class Trial:
    """The run of the suite on one build.

    `version` is QEMU's and `package` what its banner has in parentheses, empty where nobody knows; `problems` are what
    kept the run from starting or from coming to its end; `seconds` is the time it took; `folder` has its reports.
    `subject` says in a line what was judged. On a pair of builds only those scenarios are run that need both.
    """

    build: str
    folder: Path
    version: str = ""
    package: str = ""
    seconds: float = 0.0
    results: Mapping[Case, Result] = field(default_factory=dict)
    problems: Sequence[str] = ()
    subject: str = ""
    is_pair: bool = False

    @classmethod
    def of(cls, build: str, run: EndedRun, *, is_pair: bool = False) -> Trial:
        """Return the trial of a build, or of a pair, from what its run has left."""
        if run.summary is None:
            unknown = f"the run came to no end; {CONSOLE} is what it said"
            return cls(build, run.reports, problems=run.problems or [unknown], is_pair=is_pair)
        program, _, rest = run.banner.partition(" version ")
        version, _, package = rest.partition(" ")
        stand_in = "" if program == "QEMU emulator" else program
        return cls(
            build,
            run.reports,
            version,
            ", ".join(filter(None, (package.strip("()"), stand_in))),
            run.summary.seconds,
            {_case(outcome): _result(outcome, run.reports) for outcome in run.outcomes},
            [*run.problems, *(error.message for error in run.summary.errors)],
            run.subject,
            is_pair,
        )

    @property
    def judged(self) -> str:
        """What was judged, in a line: the name, version, package, target and path of the build."""
        return f"{self.build}: {self.subject or 'nobody knows what it is'}"

    @property
    def label(self) -> str:
        """The build's name, with its version."""
        return f"{self.build} ({self.version})" if self.version else self.build

    @property
    def red(self) -> Mapping[Case, Result]:
        """The scenarios that failed, or of which nobody can tell."""
        return {case: result for case, result in self.results.items() if result.status.is_red}

    def count(self, status: Status) -> int:
        """Return how many scenarios ended so."""
        return sum(result.status is status for result in self.results.values())

    def result(self, case: Case) -> Result | None:
        """Return what became of a scenario, or None if the run does not know it."""
        return self.results.get(case)

    @property
    def is_green(self) -> bool:
        """Whether the run ended well, and all promises were kept that apply."""
        return bool(self._tried) and not (self.red or self.problems)

    @property
    def verdict(self) -> str:
        """The run in a few words."""
        red = [f"{self.count(status)} {status.value}" for status in Status if status.is_red and self.count(status)]
        if self.problems:
            red.append("did not end well" if self.results else "could not be tried")
        if not (red or self._tried):
            red.append("no scenario applies")
        known = self.count(Status.KNOWN_DEFECT)
        return ", ".join(red) or f"promises kept{f', but for {known} by known defects' if known else ''}"

    @property
    def _tried(self) -> int:
        return self.count(Status.PASSED) + self.count(Status.KNOWN_DEFECT)


def _case(outcome: Outcome) -> Case:
    return Case(
        suite=outcome.suite,
        name=outcome.name,
        area=outcome.area,
        feature=outcome.feature,
        rule=outcome.rule or "",
        scenario=outcome.scenario,
        location=f"{outcome.file}:{outcome.line}",
    )


def _result(outcome: Outcome, folder: Path) -> Result:
    why = outcome.headline if outcome.status.is_red else "; ".join(outcome.reasons)
    report = folder / "junit" / f"TEST-{outcome.report}.xml"
    return Result(outcome.status, why, outcome.evidence or report)


@dataclass(frozen=True)
class Change:
    """A scenario that ends differently on two builds; either result is None where it was not run."""

    case: Case
    old: Result | None
    new: Result | None

    @property
    def why(self) -> str:
        """The words that explain it: of the new result or, where that has none, of the old one."""
        return next((result.why for result in (self.new, self.old) if result is not None and result.why), "")


@dataclass(frozen=True)
class ChangeKind:
    """A kind of change: what is said of scenarios that change so, and which statuses before and after belong to it."""

    words: str
    belongs: Callable[[Status, Status], bool]


CHANGE_KINDS = (
    ChangeKind("fail now", lambda old, new: new.is_red and not old.is_red),
    ChangeKind("show a known defect now", lambda _, new: new is Status.KNOWN_DEFECT),
    ChangeKind("do not fail any more", lambda old, new: old.is_red and new is Status.PASSED),
    ChangeKind(
        "do not show a known defect any more", lambda old, new: old is Status.KNOWN_DEFECT and new is Status.PASSED
    ),
    ChangeKind("apply now, and pass", lambda _, new: new is Status.PASSED),
    ChangeKind("do not apply any more", lambda _, new: new is Status.NOT_APPLICABLE),
    ChangeKind("end in another way", lambda _old, _new: True),
)
"""All kinds of changes, those first that a reader must not miss. A change is of the first kind that it belongs to."""


@dataclass(frozen=True)
class Upgrade:
    """The way from one build to another, and what it changes, by kind and then by what explains it."""

    old: Trial
    new: Trial

    @cached_property
    def changes(self) -> Mapping[str, Mapping[str, Sequence[Change]]]:
        """The changes, by the words of their kind."""
        found: dict[str, dict[str, list[Change]]] = {kind.words: {} for kind in CHANGE_KINDS}
        for case in cases((self.old, self.new)):
            change = Change(case, self.old.result(case), self.new.result(case))
            old, new = (result.status if result else Status.NOT_RUN for result in (change.old, change.new))
            if old is not new:
                kind = next(kind for kind in CHANGE_KINDS if kind.belongs(old, new))
                found[kind.words].setdefault(change.why, []).append(change)
        return {words: reasons for words, reasons in found.items() if reasons}

    @property
    def summary(self) -> str:
        """How many scenarios change in which way, in one line."""
        counts = ((words, sum(map(len, reasons.values()))) for words, reasons in self.changes.items())
        return "; ".join(f"{count} {words}" for words, count in counts) or "nothing changes"


@dataclass(frozen=True)
class Comparison:
    """The trials of several builds, in the order in which the user named these.

    `arguments` says what behave was given besides.
    """

    trials: Sequence[Trial]
    arguments: str = ""

    @property
    def judged(self) -> Sequence[str]:
        """What was judged, and with which arguments, in lines."""
        return [*(trial.judged for trial in self.trials), *filter(None, [self.arguments])]

    @cached_property
    def ran(self) -> Sequence[Trial]:
        """The trials in which scenarios were run."""
        return [trial for trial in self.trials if trial.results]

    @cached_property
    def cases(self) -> Sequence[Case]:
        """All scenarios that any build was tried with, in the order of the features."""
        return list(cases(self.ran))

    @cached_property
    def red(self) -> Sequence[Case]:
        """The scenarios that failed on some build, or of which nobody can tell."""
        results = {case: [trial.result(case) for trial in self.ran] for case in self.cases}
        return [case for case, found in results.items() if any(result and result.status.is_red for result in found)]

    @cached_property
    def differing(self) -> Sequence[Case]:
        """The scenarios that do not end in the same way on all builds that were tried, and all pairs that know them."""
        known = {case: [trial for trial in self.ran if trial.result(case) or not trial.is_pair] for case in self.cases}
        return [case for case, trials in known.items() if len({_status(trial.result(case)) for trial in trials}) > 1]

    @property
    def upgrades(self) -> Iterator[Upgrade]:
        """Each build with each later one of those that were tried, neighbours first; a pair is compared with none."""
        single = [trial for trial in self.ran if not trial.is_pair]
        for distance in range(1, len(single)):
            yield from (Upgrade(old, new) for old, new in zip(single, single[distance:], strict=False))


def cases(trials: Iterable[Trial]) -> Iterator[Case]:
    """Return all scenarios of the trials, each once, those of a feature together."""
    found = dict.fromkeys(case for trial in trials for case in trial.results)
    features: dict[str, list[Case]] = {}
    for case in found:
        features.setdefault(case.suite, []).append(case)
    for members in features.values():
        yield from members


def _status(result: Result | None) -> Status | None:
    return result.status if result else None
