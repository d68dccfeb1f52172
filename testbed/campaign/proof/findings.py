"""What trying the faults has shown: the verdicts, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from testbed.campaign.proof.faults.bitmaps import Kind


@dataclass(frozen=True)
class Red:
    """A scenario that a fault made red: where it stands, its name, and what it said, on one line."""

    place: str
    scenario: str
    said: str


@dataclass(frozen=True)
class Finding:
    """What the suite said of one fault; `without` is what it still said without the oracle that alone can see it."""

    kind: Kind
    red: Sequence[Red]
    without: Sequence[Red] = ()

    @property
    def leading(self) -> Sequence[Red]:
        """Return those whose message leads to the fault."""
        words = self.kind.leads or ("",)
        return [red for red in self.red if any(word in red.said for word in words)]

    @property
    def verdict(self) -> str:
        """Say in a few words what came of it."""
        if self.kind.name == "none":
            return "a false alarm" if self.red else "rightly nothing"
        if not self.red:
            return "NOT FOUND"
        if not self.leading:
            return "found, in words that do not lead to it"
        return f"seen without the oracle of {self.kind.alone}, too" if self.without else "found"

    @property
    def is_right(self) -> bool:
        """Tell whether it is what it should be."""
        return self.verdict in ("found", "rightly nothing")

    @property
    def shown(self) -> Red:
        """Return the red scenario that tells most of it."""
        return next(iter([*self.leading, *self.red]), Red("", "", ""))


@dataclass(frozen=True)
class Proof:
    """All that was tried: the faults, and the scenarios, by place, that pass where nothing is wrong.

    `failed` tells, for each scenario that a fault has made fail in words that lead to it, the names of those faults.
    """

    findings: Sequence[Finding]
    scenarios: Mapping[str, str]
    qemu: str
    when: datetime
    seconds: float
    failed: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def faults(self) -> list[Finding]:
        """Return the findings but for that of the stand-in without a fault."""
        return [finding for finding in self.findings if finding.kind.name != "none"]

    @property
    def unproven(self) -> dict[str, str]:
        """Return the scenarios that no fault has made fail, by place."""
        return {place: name for place, name in self.scenarios.items() if place not in self.failed}

    @property
    def problems(self) -> list[str]:
        """Say what must not be: a fault that is not found as it should be, a scenario that nothing makes fail."""
        return [
            *(f"{finding.kind.name}: {finding.verdict}" for finding in self.findings if not finding.is_right),
            *(f"{place}: no fault makes it fail: {name}" for place, name in self.unproven.items()),
        ]

    @property
    def total(self) -> str:
        """Sum it up in one sentence."""
        found = sum(finding.is_right for finding in self.faults)
        shown = len(self.scenarios) - len(self.unproven)
        alone = Counter(finding.kind.alone for finding in self.faults if finding.kind.alone and finding.is_right)
        by_one = ", ".join(f"{count} by that of {oracle}" for oracle, count in sorted(alone.items()))
        return (
            f"{found} of {len(self.faults)} faults found in words that lead to them; "
            f"{shown} of {len(self.scenarios)} scenarios made to fail by a fault that they speak of; "
            f"seen by one oracle alone: {by_one or 'none'}"
        )
