"""What the build under test warned of in a run: each warning once, with the scenario that it came from first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from testbed.base.gherkin import override
from testbed.reports.outcome import Outcome

_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|/\S+|\d+")
"""What of a warning may be another one's in another scenario: names, paths, numbers."""


@dataclass(frozen=True)
class Warned:
    """A warning in QEMU's words, the scenario that it came from first, and in how many it came."""

    text: str
    first: Outcome
    often: int

    @override
    def __str__(self) -> str:
        """Say it in a line."""
        others = f", and in {self.often - 1} more" if self.often > 1 else ""
        return f"{self.text} (first in {self.first.scenario}, {self.first.file}:{self.first.line}{others})"


def warnings_of(outcomes: Iterable[Outcome]) -> list[Warned]:
    """Return the warnings of a run in the order in which they came; those that differ in names or numbers are one."""
    came: dict[str, list[tuple[str, Outcome]]] = {}
    for outcome in sorted(outcomes, key=lambda one: one.started):  # several processes end their scenarios as they like
        for text in {_PARTICULAR.sub("#", text): text for text in reversed(outcome.warnings)}.values():
            came.setdefault(_PARTICULAR.sub("#", text), []).append((text, outcome))
    return [Warned(*found[0], len(found)) for found in came.values()]
