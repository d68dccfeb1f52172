"""What trying the faults has shown: the verdicts, what is wrong with them, and the reports for people."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from testbed.campaign.proof.faults import Kind

MARKERS = re.compile(
    r"(?P<begin><!-- sensitivity: written by make prove -->\n).*?(?P<end><!-- end of sensitivity -->)", re.DOTALL
)
"""Between which lines of the README the totals stand."""

HEADINGS = ("fault", "verdict", "only seen by", "the scenario that found it", "what it said")

TITLE = "What the suite finds"

SHOWN = 300
"""How many characters of a message the tables show."""


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


def rows(proof: Proof) -> Iterator[tuple[str, ...]]:
    """Yield the table, those first that are not as they should be."""
    for finding in sorted(proof.findings, key=lambda finding: finding.is_right):
        red = finding.shown
        said = red.said if len(red.said) <= SHOWN else f"{red.said[:SHOWN]} ..."
        yield finding.kind.words, finding.verdict, finding.kind.alone, red.scenario, said


def about(proof: Proof) -> str:
    """Say when it was tried, with what, and how long that took."""
    return f"Tried on {proof.when:%d %B %Y at %H:%M} UTC with QEMU {proof.qemu}, in {proof.seconds / 60:.0f} minutes"


def readme_part(proof: Proof) -> str:
    """Return what the README says of it, in Markdown."""
    return f"{about(proof)}: {proof.total}.\n"


def rewritten(readme: str, proof: Proof) -> str:
    """Return the README with its totals made anew; raise LookupError if it has no place for them."""
    if not MARKERS.search(readme):
        raise LookupError("the README has no lines <!-- sensitivity: written by make prove --> to write between")
    return MARKERS.sub(lambda part: f"{part['begin']}{readme_part(proof)}{part['end']}", readme)


def markdown(proof: Proof) -> str:
    """Return the whole report as a Markdown document."""
    table = "\n".join(
        f"| {' | '.join(map(_plain, row))} |" for row in (HEADINGS, ["---"] * len(HEADINGS), *rows(proof))
    )
    parts = [f"# {TITLE}", f"{about(proof)}: {proof.total}.", "## Faults", table.replace(r"\---", "---")]
    for heading, lines in _lists(proof):
        parts += [f"## {heading}", "\n".join(f"- {_plain(line)}" for line in lines) or "None."]
    return "\n\n".join(parts) + "\n"


def webpage(proof: Proof) -> str:
    """Return the whole report as an HTML document that needs nothing else."""
    head = _row("th", HEADINGS, "")
    body = "\n".join(_row("td", row, "" if row[1] in ("found", "rightly nothing") else "wrong") for row in rows(proof))
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">',
        f"<title>{TITLE}</title>\n<style>{STYLE}</style>\n<h1>{TITLE}</h1>",
        f"<p>{html.escape(about(proof))}: {html.escape(proof.total)}.</p>\n<h2>Faults</h2>",
        f"<table>{head}\n{body}</table>",
    ]
    for heading, lines in _lists(proof):
        items = "".join(f"<li>{html.escape(line)}</li>\n" for line in lines)
        parts.append(f"<h2>{html.escape(heading)}</h2>\n<ul>{items}</ul>")
    return "\n".join(parts) + "\n</html>\n"


STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { border: 1px solid #8888; padding: .25rem .6rem; text-align: left; vertical-align: top; }
tr.wrong { background: light-dark(#fbd9d5, #5b1d18); }
"""
"""How the page looks, in light and in dark."""


def _lists(proof: Proof) -> Iterator[tuple[str, Iterable[str]]]:
    yield "Scenarios that no fault made fail", [f"{name} ({place})" for place, name in proof.unproven.items()]
    made = [
        f"{name} ({place}): {', '.join(proof.failed[place])}"
        for place, name in proof.scenarios.items()
        if place in proof.failed
    ]
    yield "Scenarios, and the faults that made them fail", made


def _row(tag: str, cells: Iterable[str], style: str) -> str:
    return f'<tr class="{style}">' + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(text.split()))
