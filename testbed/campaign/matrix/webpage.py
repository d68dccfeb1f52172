"""The comparison of several builds as one HTML page, which needs nothing but itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from testbed.campaign.matrix.comparison import Case, Change, Comparison, Result, Upgrade
from testbed.campaign.matrix.compatibility import COUNTED
from testbed.reports.outcome import Status

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d5d9de, #444a52); --page: light-dark(#fff, #16191d); }
body { font: 15px/1.45 system-ui, sans-serif; background: var(--page); }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: .7rem 0 1.5rem; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top; }
#scenarios thead th { position: sticky; top: 0; background: var(--page); box-shadow: 0 1px var(--line); }
td.number { text-align: right; }
td.number, td a, li a { white-space: nowrap; }
tr.feature th { background: light-dark(#eef1f4, #22272e); }
tr.rule th { font-weight: normal; font-style: italic; padding-left: 1.2rem; }
tr.case > th { font-weight: normal; padding-left: 2.2rem; }
td a, li a { color: inherit; }
.passed { background: light-dark(#e4f5e6, #16361f); }
.failed, .error { background: light-dark(#fbd9d5, #5b1d18); font-weight: bold; }
.known-defect { background: light-dark(#fdeec8, #4d3c0c); }
.not-applicable, .not-run { background: light-dark(#eef0f3, #2a2f36); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
.why { opacity: .8; }
li span { padding: 0 .3rem; border-radius: 3px; }
body:has(#all:not(:checked)) .same { display: none; }
pre { overflow-x: auto; }
"""
"""How the page looks, in light and in dark; scenarios that end alike everywhere are shown when they are asked for."""


def page(comparison: Comparison, place: Path, when: datetime) -> str:
    """Return the whole comparison as an HTML document; `place` is the folder that its links start from."""
    return "\n".join(_Page(comparison, place).lines(when)) + "\n"


class _Page:
    """One document."""

    def __init__(self, comparison: Comparison, place: Path) -> None:
        self.comparison = comparison
        self.place = place
        self.remarkable = {*comparison.differing, *comparison.red}

    def lines(self, when: datetime) -> Iterator[str]:
        yield '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">'
        yield '<meta name="viewport" content="width=device-width">'
        yield f"<title>Builds of QEMU compared</title>\n<style>{STYLE}</style>"
        yield "<h1>Builds of QEMU compared</h1>"
        yield f"<p>{len(self.comparison.cases)} scenarios, tried on {when:%d %B %Y at %H:%M} UTC.</p>"
        yield from self._builds()
        if len(self.comparison.ran) > 1:
            yield "<h2>From one build to another</h2>"
            for upgrade in self.comparison.upgrades:
                yield from self._upgrade(upgrade)
        yield "<h2>Scenarios</h2>"
        yield '<p><label><input type="checkbox" id="all"> also those that end well and alike on all builds</label></p>'
        yield from self._scenarios()
        yield "</html>"

    def _builds(self) -> Iterator[str]:
        headings = ("build", "QEMU", "package", "verdict", *(status.value for status in COUNTED), "time", "reports")
        yield f"<table>\n<tr>{''.join(f'<th>{heading}</th>' for heading in headings)}</tr>"
        for trial in self.comparison.trials:
            style = "passed" if trial.is_green else "failed"
            counts = "".join(f'<td class="number">{trial.count(status)}</td>' for status in COUNTED)
            yield (
                f"<tr><th>{escape(trial.build)}</th><td>{escape(trial.version)}</td><td>{escape(trial.package)}</td>"
                f'<td class="{style}">{escape(trial.verdict)}</td>{counts}<td class="number">{trial.seconds:.1f} s</td>'
                f"<td>{self._link('reports', trial.folder)}</td></tr>"
            )
        yield "</table>"
        for trial in self.comparison.trials:
            if trial.problems:
                yield f"<p><b>{escape(trial.label)}</b>: {escape(trial.verdict)}</p>"
                yield f"<pre>{escape(chr(10).join(trial.problems))}</pre>"

    def _upgrade(self, upgrade: Upgrade) -> Iterator[str]:
        title = f"<b>From {escape(upgrade.old.label)} to {escape(upgrade.new.label)}</b>: {escape(upgrade.summary)}"
        if not upgrade.changes:
            yield f"<p>{title}</p>"
            return
        yield f"<details>\n<summary>{title}</summary>\n<ul>"
        for told, reasons in upgrade.changes.items():
            yield f"<li><b>{sum(map(len, reasons.values()))} {escape(told)}</b>\n<ul>"
            for why, changes in reasons.items():
                yield from self._changes(why, changes)
            yield "</ul>"
        yield "</ul>\n</details>"

    def _changes(self, why: str, changes: Sequence[Change]) -> Iterator[str]:
        if why:
            yield f'<li><span class="why">{escape(why)}</span>\n<ul>'
        for change in changes:
            results = " → ".join(
                f'<span class="{_style(result)}">{self._word(result)}</span>' for result in (change.old, change.new)
            )
            yield f"<li>{escape(change.case.scenario)}: {results}"
        if why:
            yield "</ul>"

    def _scenarios(self) -> Iterator[str]:
        headings = "".join(f"<th>{escape(trial.label)}</th>" for trial in self.comparison.ran)
        width = len(self.comparison.ran) + 1
        yield f'<table id="scenarios">\n<thead><tr><th>scenario</th>{headings}</tr></thead>'
        for (area, feature), members in groupby(self.comparison.cases, key=lambda case: (case.area, case.feature)):
            cases = list(members)
            heading = escape(f"{area}: {feature}" if area else feature)
            yield f'<tr class="feature{self._same(cases)}"><th colspan="{width}">{heading}</th></tr>'
            for rule, group in groupby(cases, key=lambda case: case.rule):
                yield from self._rule(rule, list(group), width)
        yield "</table>"

    def _rule(self, rule: str, cases: Sequence[Case], width: int) -> Iterator[str]:
        if rule:
            yield f'<tr class="rule{self._same(cases)}"><th colspan="{width}">{escape(rule)}</th></tr>'
        for case in cases:
            results = (trial.result(case) for trial in self.comparison.ran)
            cells = "".join(f'<td class="{_style(result)}">{self._cell(result)}</td>' for result in results)
            title = f'<th title="{escape(case.place)}">{escape(case.scenario)}</th>'
            yield f'<tr class="case{self._same([case])}">{title}{cells}</tr>'

    def _same(self, cases: Sequence[Case]) -> str:
        return "" if self.remarkable.intersection(cases) else " same"

    def _cell(self, result: Result | None) -> str:
        why = f'<div class="why">{escape(result.why)}</div>' if result and result.why else ""
        return f"{self._word(result)}{why}"

    def _word(self, result: Result | None) -> str:
        return self._link(result.status.value, result.more) if result else Status.NOT_RUN.value

    def _link(self, word: str, target: Path) -> str:
        return f'<a href="{escape(quote(os.path.relpath(target, self.place)))}">{escape(word)}</a>'


def _style(result: Result | None) -> str:
    return (result.status if result else Status.NOT_RUN).value.replace(" ", "-")
