"""What trying the faults has shown: the verdicts, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from testbed.base.text import one_line
from testbed.campaign.proof.faultkind import NOTHING, FaultKind
from testbed.campaign.runs import EndedRun
from testbed.reports.outcome import Outcome


@dataclass(frozen=True)
class Red:
    """A scenario that a fault made red: its location in the features, its name, and what it said, on one line."""

    location: str
    scenario: str
    said: str


@dataclass(frozen=True)
class Finding:
    """What the suite said of one fault.

    `red_when_silenced` is what it still said without the oracle that alone can see it; `unfinished` says what kept a
    run from coming to its end, and `inapplicable` why the fault cannot be shown with this build, so that it was not
    tried.
    """

    fault: FaultKind
    red: Sequence[Red] = ()
    red_when_silenced: Sequence[Red] = ()
    unfinished: str = ""
    inapplicable: str = ""

    def with_run(self, run: EndedRun) -> Finding:
        """Return it with what a further run has found."""
        return replace(self, red=[*self.red, *red_in(run)], unfinished=self.unfinished or lack_of_end(run))

    def with_silenced_run(self, run: EndedRun) -> Finding:
        """Return it with what a run has found in which the oracle was silenced."""
        return replace(self, red_when_silenced=list(red_in(run)), unfinished=self.unfinished or lack_of_end(run))

    @property
    def leading(self) -> Sequence[Red]:
        """Return those whose message leads to the fault."""
        clues = self.fault.clues or ("",)
        return [red for red in self.red if any(clue in red.said for clue in clues)]

    @property
    def verdict(self) -> str:
        """Say in a few words what came of it."""
        if self.inapplicable:
            return "not applicable"
        if self.unfinished:
            return "a run came to no end"
        if self.fault is NOTHING:
            return "a false alarm" if self.red else "rightly nothing"
        if not self.red:
            return "NOT FOUND"
        if not self.leading:
            return "found, in words that do not lead to it"
        return f"seen without the oracle of {self.fault.seen_only_by}, too" if self.red_when_silenced else "found"

    @property
    def is_right(self) -> bool:
        """Tell whether it is what it should be."""
        return self.verdict in ("found", "rightly nothing", "not applicable")

    @property
    def shown(self) -> Red:
        """Return the red scenario that tells most of it, or what is wrong with the run."""
        if self.inapplicable:
            return Red("", "", self.inapplicable)
        if self.unfinished:
            return Red("", "the run", self.unfinished)
        return next(iter([*self.leading, *self.red]), Red("", "", ""))


def red_in(run: EndedRun) -> Iterator[Red]:
    """Yield what a run has found, in the order of the features."""
    for error in run.summary.errors if run.summary else ():
        yield Red("", f"the run ({error.name})", one_line(error.message))
    for outcome in run.outcomes:
        if outcome.status.is_red:
            yield Red(location_of(outcome), outcome.name, one_line(outcome.message))


def lack_of_end(run: EndedRun) -> str:
    """Say what kept a run from coming to its end, or nothing if it did come there."""
    if run.summary and not run.problems:
        return ""
    return one_line(f"{'; '.join(run.problems) or 'behave left no summary'}. It said: {run.last_words or 'nothing'}")


def location_of(outcome: Outcome) -> str:
    """Return the words by which behave finds a scenario again."""
    return f"{outcome.file}:{outcome.line}"


def made_to_fail(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """Return which faults have made which scenarios fail, by location, in words that lead to them.

    A fault that no scenario can survive shows nothing of any.
    """
    return found_by(finding for finding in findings if finding.fault.is_survivable)


def found_by(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """Return which scenarios have found which faults, by location, in words that lead to them."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        for red in finding.leading:
            if finding.fault.name not in found.setdefault(red.location, []):
                found[red.location].append(finding.fault.name)
    return found


@dataclass(frozen=True)
class Proof:
    """All that was tried: the faults, and the scenarios, by location, that pass where nothing is wrong.

    `failed` tells, for each scenario that a fault has made fail in words that lead to it, the names of those faults.
    `qemu` is the version that stood behind the faults, `judged` says in lines all of that build and of what was chosen,
    `when` the time at which it was begun, in UTC. `trials` are the findings and what was tried besides for the sake of
    scenarios, and `sound` is what became of these where nothing is wrong.
    """

    findings: Sequence[Finding]
    scenarios: Mapping[str, str]
    qemu: str
    when: datetime
    seconds: float
    failed: Mapping[str, Sequence[str]]
    judged: Sequence[str] = ()
    trials: Sequence[Finding] = ()
    sound: Sequence[Outcome] = ()

    @property
    def faults(self) -> list[Finding]:
        """Return the findings of faults that can be shown with this build."""
        return [finding for finding in self.findings if finding.fault is not NOTHING and not finding.inapplicable]

    @property
    def inapplicable(self) -> list[Finding]:
        """Return the findings of faults that cannot be shown with this build."""
        return [finding for finding in self.findings if finding.inapplicable]

    @property
    def unproven(self) -> dict[str, str]:
        """Return the scenarios that no fault has made fail, by location."""
        return {location: name for location, name in self.scenarios.items() if location not in self.failed}

    @property
    def problems(self) -> list[str]:
        """Say what must not be: a fault that is not found as it should be, a scenario that nothing makes fail."""
        return [
            *(f"{finding.fault.name}: {finding.verdict}" for finding in self.findings if not finding.is_right),
            *(f"{location}: no fault makes it fail: {name}" for location, name in self.unproven.items()),
        ]

    @property
    def total(self) -> str:
        """Sum it up in one sentence."""
        found = sum(finding.is_right for finding in self.faults)
        shown = len(self.scenarios) - len(self.unproven)
        alone = Counter(
            finding.fault.seen_only_by for finding in self.faults if finding.fault.seen_only_by and finding.is_right
        )
        by_one = ", ".join(f"{count} by that of {oracle}" for oracle, count in sorted(alone.items()))
        apart = f"{len(self.inapplicable)} not applicable to this build; " if self.inapplicable else ""
        return (
            f"{found} of {len(self.faults)} faults found in words that lead to them; {apart}"
            f"{shown} of {len(self.scenarios)} scenarios made to fail by a fault that they speak of; "
            f"seen by one oracle alone: {by_one or 'none'}"
        )
