"""What a run has cost: entries for each scenario and for each thing that took time, to be added up as one likes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from enum import Enum
from pathlib import Path

from testbed.base.files import write_json


class Section(Enum):
    """The parts of a profile: what took processor time, and what was waited for."""

    PROCESSES = "processes"
    PYTHON = "Python"
    WAITING = "waiting"


@dataclass
class Cost:
    """What something has cost; all times are in seconds.

    `user` and `kernel` are processor time; `waited` is wall time in which the suite did nothing, and `idle` that part
    of it in which no process that it had started did anything either.
    """

    number: int = 0
    user: float = 0.0
    kernel: float = 0.0
    waited: float = 0.0
    idle: float = 0.0

    @property
    def processor(self) -> float:
        """All processor time."""
        return self.user + self.kernel

    def add(self, other: Cost) -> None:
        """Add what something else has cost."""
        self.number += other.number
        self.user += other.user
        self.kernel += other.kernel
        self.waited += other.waited
        self.idle += other.idle

    @classmethod
    def of(cls, costs: Iterable[Cost]) -> Cost:
        """Return the sum of some."""
        total = cls()
        for cost in costs:
            total.add(cost)
        return total


Entry = tuple[str, Section, str]
"""What something is entered as: the location of the scenario that it was for, the part, and what it was."""


@dataclass(frozen=True)
class Mark:
    """The moment `at` which a ledger was closed, in seconds of the monotonic clock.

    `user` and `kernel` are what the process that kept it, and all that it had reaped, had used by then, in seconds.
    """

    at: float
    user: float
    kernel: float


@dataclass
class Ledger:
    """All that a run has cost; `closed` is when it was closed."""

    entries: dict[Entry, Cost] = field(default_factory=dict)
    closed: Mark = Mark(0.0, 0.0, 0.0)

    def enter(self, scenario: str, section: Section, what: str, cost: Cost) -> None:
        """Add a cost to what there is of its kind."""
        self.entries.setdefault((scenario, section, what), Cost()).add(cost)

    def total(self, *sections: Section) -> Cost:
        """Return what there is in some parts, or in all."""
        chosen = sections or tuple(Section)
        return Cost.of(cost for (_, section, _), cost in self.entries.items() if section in chosen)

    def by_thing(self, section: Section) -> Mapping[str, Cost]:
        """Return what there is in a part, by what it was, the costliest first."""
        return self._grouped(lambda entry: entry[2] if entry[1] is section else None)

    def by_scenario(self, *sections: Section) -> Mapping[str, Cost]:
        """Return what there is in some parts, or in all, by the locations of the scenarios, the costliest first."""
        chosen = sections or tuple(Section)
        return self._grouped(lambda entry: entry[0] if entry[1] in chosen else None)

    @property
    def wall(self) -> float:
        """The wall time that is accounted for: Python either ran or waited."""
        return self.total(Section.PYTHON).processor + self.total(Section.WAITING).waited

    def _grouped(self, key_of: Callable[[Entry], str | None]) -> Mapping[str, Cost]:
        groups: dict[str, list[Cost]] = {}
        for entry, cost in self.entries.items():
            if (key := key_of(entry)) is not None:
                groups.setdefault(key, []).append(cost)
        sums = {key: Cost.of(costs) for key, costs in groups.items()}
        return dict(sorted(sums.items(), key=lambda pair: -(pair[1].processor + pair[1].waited)))

    def write(self, path: Path) -> None:
        """Write it as JSON. Raises OSError."""
        entries = [
            [scenario, part.value, what, *astuple(cost)] for (scenario, part, what), cost in self.entries.items()
        ]
        write_json(path, {"closed": astuple(self.closed), "entries": entries})

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """Read what was written. Raises OSError, and ValueError when it is something else."""
        told = json.loads(path.read_text(encoding="utf-8"))
        entries = {(scenario, Section(part), what): Cost(*cost) for scenario, part, what, *cost in told["entries"]}
        return cls(entries, Mark(*told["closed"]))
