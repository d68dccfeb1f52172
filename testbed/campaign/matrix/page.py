"""The comparison of several builds as a page, and in short for this project's README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from testbed.campaign.matrix.comparison import Case, Change, Comparison, Result, Trial, Upgrade
from testbed.campaign.pages.document import (
    Block,
    Cell,
    Details,
    Document,
    Heading,
    Item,
    Items,
    Paragraph,
    Row,
    Section,
    Table,
    Verbatim,
    Words,
)
from testbed.reports.outcome import Status

COUNTED = (Status.PASSED, Status.FAILED, Status.ERROR, Status.KNOWN_DEFECT, Status.NOT_APPLICABLE)
"""The statuses that tables of builds have columns for."""


def document(comparison: Comparison, when: datetime) -> Document:
    """Return the whole comparison; `when` is the time at which it was begun, in UTC."""
    return Document("Builds of QEMU compared", list(_blocks(comparison, when)), "Why scenarios ended so")


def summary(comparison: Comparison, when: datetime) -> Sequence[Block]:
    """Return what the README says of the builds that were tried."""
    headings = ("QEMU", "build", *(status.value for status in COUNTED), "time")
    rows: list[Row] = [
        [
            trial.version or trial.verdict,
            f"{trial.build} {trial.package}",
            *_counts(trial),
            Cell(f"{trial.seconds:.0f} s", is_number=True),
        ]
        for trial in comparison.trials
    ]
    about = Paragraph(f"Tried on {when:%d %B %Y}, {len(comparison.cases)} scenarios:")
    return about, Table(headings, rows)


def _blocks(comparison: Comparison, when: datetime) -> Iterator[Block]:
    yield Paragraph(f"{len(comparison.cases)} scenarios, tried on {when:%d %B %Y at %H:%M} UTC.")
    judged = Items([Item(line) for line in comparison.judged])
    yield from (judged, _builds(comparison.trials))
    for trial in comparison.trials:
        if trial.problems:
            yield Paragraph([Words(trial.label, is_strong=True), f": {trial.verdict}"])
            yield Verbatim("\n".join(trial.problems))
    if comparison.red:
        yield from (Heading("What fails"), _results(comparison.red, comparison.ran))
    if upgrades := list(comparison.upgrades):
        yield Heading("From one build to another")
        yield from map(_upgrade, upgrades)
    if comparison.differing:
        yield from (Heading("Where the builds differ"), _results(comparison.differing, comparison.ran))
    yield Heading("All scenarios")
    yield Details(f"{len(comparison.cases)} scenarios", [_results(comparison.cases, comparison.ran)])
    yield from (Heading("Judged"), judged)


def _builds(trials: Sequence[Trial]) -> Table:
    headings = ("build", "QEMU", "package", "verdict", *(status.value for status in COUNTED), "time", "reports")
    rows: list[Row] = [
        [
            trial.build,
            trial.version,
            trial.package,
            Cell(Words(trial.verdict, status=Status.PASSED if trial.is_green else Status.FAILED)),
            *_counts(trial),
            Cell(f"{trial.seconds:.1f} s", is_number=True),
            Cell(Words("reports", trial.folder)),
        ]
        for trial in trials
    ]
    return Table(headings, rows)


def _counts(trial: Trial) -> Iterator[Cell]:
    for status in COUNTED:
        yield Cell(str(trial.count(status)), is_number=True)


def _upgrade(upgrade: Upgrade) -> Block:
    title = (Words(f"From {upgrade.old.label} to {upgrade.new.label}", is_strong=True), f": {upgrade.summary}")
    if not upgrade.changes:
        return Paragraph(title)
    return Details(title, [Items([_of_one_kind(words, reasons) for words, reasons in upgrade.changes.items()])])


def _of_one_kind(words: str, reasons: Mapping[str, Sequence[Change]]) -> Item:
    """Return changes of one kind, below what explains them where anything does."""
    inner: list[Item] = []
    for why, changes in reasons.items():
        items = [_change(change) for change in changes]
        inner += [Item(why, items)] if why else items
    return Item([Words(f"{sum(map(len, reasons.values()))} {words}", is_strong=True)], inner)


def _change(change: Change) -> Item:
    return Item([f"{change.case.scenario}: ", _words(change.old), " → ", _words(change.new)])


def _results(cases: Sequence[Case], trials: Sequence[Trial]) -> Table:
    """Return what became of scenarios in these trials, by feature and rule."""
    rows: list[Row | Section] = []
    for (area, feature), of_feature in groupby(cases, key=lambda case: (case.area, case.feature)):
        rows.append(Section(f"{area}: {feature}" if area else feature))
        for rule, of_rule in groupby(of_feature, key=lambda case: case.rule):
            rows += [Section(rule, is_inner=True)] if rule else []
            rows += [_row(case, trials) for case in of_rule]
    return Table(("scenario", *(trial.label for trial in trials)), rows)


def _row(case: Case, trials: Sequence[Trial]) -> Row:
    results = (trial.result(case) for trial in trials)
    cells = (Cell(_words(result), remark=result.why if result else "") for result in results)
    return Cell(case.scenario, hint=case.location), *cells


def _words(result: Result | None) -> Words:
    if result is None:
        return Words(Status.NOT_RUN.value, status=Status.NOT_RUN)
    return Words(result.status.value, result.more, result.status)
