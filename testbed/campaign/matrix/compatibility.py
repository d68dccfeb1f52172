"""The comparison of several builds as Markdown, for people who read text and for this project's README."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from testbed.campaign.matrix.comparison import Case, Change, Comparison, Result, Upgrade
from testbed.reports.outcome import Status

MARKERS = re.compile(
    r"(?P<begin><!-- compatibility: written by make matrix -->\n).*?(?P<end><!-- end of compatibility -->)",
    re.DOTALL,
)
"""Between which lines of the README its table of builds stands."""

COUNTED = (Status.PASSED, Status.FAILED, Status.ERROR, Status.KNOWN_DEFECT, Status.NOT_APPLICABLE)
"""The statuses that tables of builds have columns for."""


def page(comparison: Comparison, place: Path, when: datetime) -> str:
    """Return the whole comparison as a Markdown document; `place` is the folder that its links start from."""
    return "\n".join(_Page(comparison, place).lines(when)) + "\n"


def readme_table(comparison: Comparison, when: datetime) -> str:
    """Return what the README says of the builds that were tried, in Markdown."""
    lines = [f"Tried on {when:%d %B %Y}, {len(comparison.cases)} scenarios:", ""]
    headings = ("QEMU", "build", *(status.value for status in COUNTED), "time")
    rows = (
        (
            trial.version or trial.verdict,
            escape(" ".join((trial.build, trial.package))),
            *(str(trial.count(status)) for status in COUNTED),
            f"{trial.seconds:.0f} s",
        )
        for trial in comparison.trials
    )
    return "\n".join([*lines, *_table(headings, rows)]) + "\n"


def rewritten(readme: str, comparison: Comparison, when: datetime) -> str:
    """Return the README with its table of builds made anew; raise LookupError if it has no place for one."""
    if not MARKERS.search(readme):
        raise LookupError("the README has no lines <!-- compatibility: written by make matrix --> to write between")
    table = readme_table(comparison, when)
    return MARKERS.sub(lambda part: f"{part['begin']}{table}{part['end']}", readme)


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(text.split()))


def _table(headings: Iterable[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    columns = list(headings)
    for cells in (columns, ["---"] * len(columns), *rows):
        yield f"| {' | '.join(cells)} |"


class _Page:
    """One document. Reasons are numbered when they are first referred to, and told at its end."""

    def __init__(self, comparison: Comparison, place: Path) -> None:
        self.comparison = comparison
        self.place = place
        self.reasons: dict[str, int] = {}

    def lines(self, when: datetime) -> Iterator[str]:
        yield from ("# Builds of QEMU compared", "")
        yield from (f"{len(self.comparison.cases)} scenarios, tried on {when:%d %B %Y at %H:%M} UTC.", "")
        yield from self._builds()
        yield from self._problems()
        if self.comparison.red:
            yield from ("## What fails", "", *self._results(self.comparison.red))
        if len(self.comparison.ran) > 1:
            yield from ("## From one build to another", "")
            for upgrade in self.comparison.upgrades:
                yield from self._upgrade(upgrade)
        if self.comparison.differing:
            yield from ("## Where the builds differ", "", *self._results(self.comparison.differing))
        yield from ("## All scenarios", "", *self._results(self.comparison.cases))
        yield from self._reasons()

    def _builds(self) -> Iterator[str]:
        headings = ("build", "QEMU", "package", "verdict", *(status.value for status in COUNTED), "time", "reports")
        rows = (
            (
                escape(trial.build),
                trial.version,
                escape(trial.package),
                trial.verdict if trial.is_green else f"**{trial.verdict}**",
                *(str(trial.count(status)) for status in COUNTED),
                f"{trial.seconds:.1f} s",
                self._link("reports", trial.folder),
            )
            for trial in self.comparison.trials
        )
        yield from (*_table(headings, rows), "")

    def _problems(self) -> Iterator[str]:
        for trial in self.comparison.trials:
            if trial.problems:
                yield from (f"**{escape(trial.label)}**: {trial.verdict}", "")
                yield from ("```text", *"\n".join(trial.problems).splitlines(), "```", "")

    def _upgrade(self, upgrade: Upgrade) -> Iterator[str]:
        title = f"<b>From {upgrade.old.label} to {upgrade.new.label}</b>: {upgrade.summary}"
        if not upgrade.changes:
            yield from (title, "")
            return
        yield from (f"<details><summary>{title}</summary>", "")
        for told, reasons in upgrade.changes.items():
            yield f"- **{sum(map(len, reasons.values()))} {told}**"
            for why, changes in reasons.items():
                yield from self._changes(why, changes)
        yield from ("", "</details>", "")

    def _changes(self, why: str, changes: Sequence[Change]) -> Iterator[str]:
        indent = "  "
        if why:
            yield f"{indent}- {escape(why)}"
            indent += "  "
        for change in changes:
            results = " → ".join(self._cell(result) for result in (change.old, change.new))
            yield f"{indent}- {escape(change.case.scenario)}: {results}"

    def _results(self, cases: Sequence[Case]) -> Iterator[str]:
        headings = ("scenario", *(escape(trial.label) for trial in self.comparison.ran))
        for (area, feature), members in groupby(cases, key=lambda case: (case.area, case.feature)):
            yield from (f"### {escape(f'{area}: {feature}' if area else feature)}", "")
            rows = (
                (escape(case.scenario), *(self._cell(trial.result(case)) for trial in self.comparison.ran))
                for case in members
            )
            yield from (*_table(headings, rows), "")

    def _cell(self, result: Result | None) -> str:
        if result is None:
            return "not run"
        word = f"**{result.status.value}**" if result.status.is_red else result.status.value
        if result.status in (Status.NOT_APPLICABLE, Status.NOT_RUN):
            number = self.reasons.setdefault(result.why, len(self.reasons) + 1)
            return f"[{word}](#why-{number})"
        return self._link(word, result.more)

    def _reasons(self) -> Iterator[str]:
        if self.reasons:
            yield from ("## Why scenarios do not apply", "")
            for why, number in self.reasons.items():
                yield f'- <a id="why-{number}"></a>{escape(why)}'

    def _link(self, word: str, target: Path) -> str:
        return f"[{word}](<{os.path.relpath(target, self.place)}>)"
