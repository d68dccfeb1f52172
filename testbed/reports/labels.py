"""What features and scenarios are called in the reports: names that are unique, stable and safe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path, PurePath

from testbed.base.gherkin import Feature, Scenario, rule_of, tags, title
from testbed.base.text import one_line
from testbed.reports.outcome import Outcome
from testbed.reports.repetition import Repetition

RUN = "environment"
"""The suite of what concerns the run as a whole; no feature gets this name."""

LONGEST_FOLDER = 100
"""Characters of a scenario's title that its folder is named after."""


@dataclass(frozen=True)
class _FeatureLabel:
    area: str
    suite: str
    report: str


class Labels:
    """The names of everything in the features of a run.

    A scenario's name depends on its own file only, and a feature's on no other file unless two
    claim one name: so a part of the suite is reported under the same names as the whole.
    """

    def __init__(self, features: Iterable[Feature]) -> None:
        self._features: dict[int, _FeatureLabel] = {}
        self._scenarios: dict[int, str] = {}
        self._folders: dict[int, str] = {}
        suites: set[str] = set()
        reports = {RUN}
        for feature in features:
            path = _below_features(feature.filename)
            area = ".".join(_safe(part) for part in path.parts[:-1])
            file = _joined(area, _safe(path.stem))
            heading = _joined(area, one_line(feature.name).replace(".", "_"))
            self._features[id(feature)] = _FeatureLabel(
                area,
                _claim(suites, chain([heading], _numbered(f"{heading} ({_safe(path.stem)})", " "))),
                _claim(reports, _numbered(file, "-")),
            )
            self._label_scenarios(feature)

    def _label_scenarios(self, feature: Feature) -> None:
        report = self._features[id(feature)].report
        names: set[str] = set()
        folders: set[str] = set()
        for scenario in feature.walk_scenarios():
            rule = rule_of(scenario)
            name = one_line(f"{rule.name}: {title(scenario)}" if rule else title(scenario))
            folder = f"{report}.{_safe(title(scenario))[:LONGEST_FOLDER]}"
            unlike = _numbered(f"{name} [line {scenario.line}]", " ")
            self._scenarios[id(scenario)] = _claim(names, chain([name], unlike))
            self._folders[id(scenario)] = _claim(folders, _numbered(folder, "-"))

    def folder(self, scenario: Scenario) -> str:
        """Return a name for a folder that is the scenario's own."""
        return self._folders[id(scenario)]

    def scenario(self, scenario: Scenario, options: Mapping[str, str]) -> Outcome:
        """Return all that can be said of a scenario when it begins.

        `options` are the -D options that it takes to repeat it.
        """
        rule = rule_of(scenario)
        label = self._features[id(scenario.feature)]
        return Outcome(
            area=label.area,
            suite=label.suite,
            report=label.report,
            feature=one_line(scenario.feature.name),
            rule=one_line(rule.name) if rule else None,
            scenario=one_line(title(scenario)),
            name=self._scenarios[id(scenario)],
            file=scenario.filename,
            line=scenario.line,
            tags=tags(scenario),
            repeat=self.repetition(scenario, options).command(),
            started=datetime.now(UTC),
        )

    def repetition(self, scenario: Scenario, options: Mapping[str, str]) -> Repetition:
        """Return what repeats just this scenario; `options` are the -D options that it takes."""
        return Repetition(f"{scenario.filename}:{scenario.line}", options, tags(scenario))

    def around(self, feature: Feature, what: str, options: Mapping[str, str]) -> Outcome:
        """Return the same for what is done around a feature's scenarios, such as a hook after the last."""
        label = self._features[id(feature)]
        return Outcome(
            area=label.area,
            suite=label.suite,
            report=label.report,
            feature=one_line(feature.name),
            rule=None,
            scenario=what,
            name=what,
            file=feature.filename,
            line=feature.line,
            tags=tuple(map(str, feature.tags)),
            repeat=Repetition(feature.filename, options).command(),
            started=datetime.now(UTC),
        )


def _below_features(filename: str) -> PurePath:
    """Return a file's path from the features folder on; of a file elsewhere, the last folder and the name."""
    path = PurePath(filename)
    if path.is_absolute() or ".." in path.parts:
        return PurePath(*Path(filename).resolve().parts[-2:])
    return PurePath(*path.parts[1:]) if path.parts[0] == "features" else path


def _safe(part: str) -> str:
    return re.sub(r"[^\w-]+", "_", part, flags=re.ASCII)


def _joined(area: str, name: str) -> str:
    return f"{area}.{name}" if area else name


def _numbered(name: str, separator: str) -> Iterator[str]:
    yield name
    yield from (f"{name}{separator}{number}" for number in count(2))


def _claim(taken: set[str], candidates: Iterator[str]) -> str:
    """Take the first name that is free."""
    name = next(name for name in candidates if name not in taken)
    taken.add(name)
    return name
