"""The order in which scenarios are run: those first that find most, then what takes longest.

What each finds, and how long it takes, the proof has measured; it is kept in one file beside the features.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from pathlib import Path

from testbed.base.problems import AuthorError

ORDER = Path("features/order.json")
"""Where it is kept, from the project's folder on."""

QUICK = 15.0
"""Seconds that the quick scenarios may take one after the other: two processes are through with them in 10 s, the start
included."""

ENOUGH = 0.75
"""The part of the faults, of all that are found, that the leading features find."""

USUAL = 0.15
"""Seconds that a scenario of a feature takes of which nothing has been measured."""


@dataclass(frozen=True)
class Finder:
    """A scenario, by its feature's file and its title, and the names of the faults that it finds; it takes `seconds`.

    In an order it has only those that none before it finds.
    """

    feature: str
    scenario: str
    seconds: float
    finds: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """The scenarios in the order in which they find most for their time.

    `known` is how many faults the proof knows, and `costs` how many seconds a scenario of a feature takes, by its file.
    """

    finders: Sequence[Finder] = ()
    known: int = 0
    costs: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path = ORDER) -> Order:
        """Read it; where there is none, nothing is known. Raises AuthorError for what is no such file."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            finders = [Finder(**{**each, "finds": tuple(each["finds"])}) for each in told["scenarios"]]
            return cls(finders, told["known faults"], told["seconds for a scenario"])
        except FileNotFoundError:
            return cls()
        except (KeyError, TypeError, ValueError) as error:
            raise AuthorError(f"{path} is not as the proof writes it: {error!r}; write it anew") from error

    @property
    def text(self) -> str:
        """Return what the file says: a line for each scenario, and for each feature."""
        costs = [f"{json.dumps(feature)}: {seconds}" for feature, seconds in sorted(self.costs.items())]
        finders = [json.dumps({**vars(each), "finds": each.finds}, ensure_ascii=False) for each in self.finders]
        return (
            f'{{\n"known faults": {self.known},\n'
            f'"scenarios": [\n{_lines(finders)}\n],\n"seconds for a scenario": {{\n{_lines(costs)}\n}}\n}}\n'
        )

    @property
    def quick(self) -> Sequence[Finder]:
        """Return the scenarios that come first, as many as may be called quick."""
        ends = accumulate(finder.seconds for finder in self.finders)
        return [finder for finder, _ in takewhile(lambda pair: pair[1] <= QUICK, zip(self.finders, ends, strict=True))]

    def sureness(self, scenarios: Iterable[tuple[str, str]]) -> str:
        """Say how sure it is that all is well where these pass, by their features' files and titles."""
        passed = set(scenarios)
        finds = [finder.finds for finder in self.finders if (finder.feature, finder.scenario) in passed]
        return f"These {len(finds)} scenarios find {sum(map(len, finds))} of {self.known} known faults"

    def seconds(self, feature: str, scenarios: int) -> float:
        """Return how long so many scenarios of a feature will take, as far as it is known."""
        return self.costs.get(feature, USUAL) * scenarios

    def leaders(self, sizes: Mapping[str, int]) -> Sequence[str]:
        """Return the features that find most for their time; `sizes` tells how many scenarios each has, by its file.

        Together they find enough of what all of these find.
        """
        gains = dict.fromkeys(sizes, 0)
        for finder in self.finders:
            if finder.feature in gains:
                gains[finder.feature] += len(finder.finds)
        best = sorted(gains, key=lambda feature: -gains[feature] / self.seconds(feature, sizes[feature]))
        before = accumulate((gains[feature] for feature in best), initial=0)
        enough = ENOUGH * sum(gains.values())
        return [feature for feature, found in zip(best, before, strict=False) if found < enough]

    def for_one(self, sizes: Mapping[str, int]) -> Sequence[str]:
        """Return the features as one process runs them: the leaders first, the others as they come."""
        leaders = self.leaders(sizes)
        return [*leaders, *(feature for feature in sizes if feature not in leaders)]

    def for_several(self, sizes: Mapping[str, int]) -> Sequence[str]:
        """Return the features as several processes take them: after the leaders the longest, which else end last."""
        leaders = self.leaders(sizes)
        others = (feature for feature in sizes if feature not in leaders)
        return [*leaders, *sorted(others, key=lambda feature: -self.seconds(feature, sizes[feature]))]


def _lines(items: Iterable[str]) -> str:
    """Return the items of a JSON list or object, each on a line."""
    return ",\n".join(f"  {item}" for item in items)
