"""What trying the faults has shown as a page, and in short for this project's README."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from testbed.campaign.pages.document import Block, Cell, Document, Heading, Item, Items, Paragraph, Row, Table, Words
from testbed.campaign.proof.findings import Finding, Proof
from testbed.reports.outcome import Status

HEADINGS = ("fault", "verdict", "only seen by", "the scenario that found it", "what it said")

SHOWN = 300
"""How many characters of a message the table shows."""


def document(proof: Proof) -> Document:
    """Return all that is known of each fault and each scenario."""
    return Document("What the suite finds", list(_blocks(proof)))


def summary(proof: Proof) -> Sequence[Block]:
    """Return what the README says of it."""
    about = f"Tried on {proof.when:%d %B %Y at %H:%M} UTC with QEMU {proof.qemu}, in {proof.seconds / 60:.0f} minutes"
    return [Paragraph(f"{about}: {proof.total}.")]


def _blocks(proof: Proof) -> Iterator[Block]:
    judged = Items([Item(line) for line in proof.judged])
    yield from (*summary(proof), judged)
    # Those first that are not as they should be.
    rows = [_row(finding) for finding in sorted(proof.findings, key=lambda finding: finding.is_right)]
    yield from (Heading("Faults"), Table(HEADINGS, rows))
    yield Heading("Scenarios that no fault made fail")
    yield _list(f"{name} ({location})" for location, name in proof.unproven.items())
    yield Heading("Scenarios, and the faults that made them fail")
    yield _list(
        f"{name} ({location}): {', '.join(proof.failed[location])}"
        for location, name in proof.scenarios.items()
        if location in proof.failed
    )
    yield from (Heading("Judged"), judged)


def _row(finding: Finding) -> Row:
    verdict = Words(finding.verdict, status=Status.PASSED if finding.is_right else Status.FAILED)
    said = finding.shown.said
    short = said if len(said) <= SHOWN else f"{said[:SHOWN]} ..."
    return finding.fault.description, Cell(verdict), finding.fault.seen_only_by, finding.shown.scenario, short


def _list(lines: Iterable[str]) -> Block:
    items = [Item(line) for line in lines]
    return Items(items) if items else Paragraph("None.")
