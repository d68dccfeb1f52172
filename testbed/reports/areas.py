"""How much of each area a run has tried: a green run that has passed most of an area over says little of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from testbed.base.gherkin import override
from testbed.reports.outcome import Outcome, Status


@dataclass(frozen=True)
class Area:
    """An area, a folder of features: so many scenarios were tried, and so many passed over as not applicable."""

    name: str
    tried: int
    passed_over: int

    @property
    def is_mostly_passed_over(self) -> bool:
        """Tell whether less was tried than passed over."""
        return self.passed_over > self.tried

    @override
    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.name}: {self.tried} of {self.tried + self.passed_over} tried"


def areas_of(outcomes: Iterable[Outcome]) -> list[Area]:
    """Return the areas of which something was passed over, by their names; what was not run counts as neither."""
    outcomes = list(outcomes)
    passed_over = Counter(one.area for one in outcomes if one.status is Status.NOT_APPLICABLE)
    run = Counter(one.area for one in outcomes if one.status is not Status.NOT_RUN)
    return [Area(name or "features", run[name] - passed_over[name], passed_over[name]) for name in sorted(passed_over)]
