"""What is made of a trial of the faults: its verdicts, its gates, and its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from webpages import Page

from testbed.campaign.pages import markdown, webpage
from testbed.campaign.proof import page
from testbed.campaign.proof.conversation import Fault
from testbed.campaign.proof.faults.bitmaps import Kind
from testbed.campaign.proof.findings import Finding, Proof, Red
from testbed.campaign.proof.proving import failed_by, red_in

# The gates, each seen to shut.

LOST = Kind("lost", "a bitmap is lost", Fault, ("no such bitmap",))
NOTHING = replace(LOST, name="none")
AT_DEATH = replace(LOST, name="death", shows=False)
LEADS = Red("a.feature:3", "A bitmap stays", "it has no such bitmap")
ASTRAY = Red("a.feature:9", "A drive stays", "Connection refused")
SCENARIOS = {LEADS.place: LEADS.scenario}


def proof_of(findings: Sequence[Finding], scenarios: dict[str, str] | None = None) -> Proof:
    tried = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return Proof(findings, SCENARIOS if scenarios is None else scenarios, "7.2", tried, 120.0, failed_by(findings))


def test_found_faults_and_proven_scenarios_are_no_problem() -> None:
    assert proof_of([Finding(NOTHING, []), Finding(LOST, [ASTRAY, LEADS])]).problems == []


@pytest.mark.parametrize(
    ("finding", "problem"),
    [
        (Finding(LOST, []), "lost: NOT FOUND"),
        (Finding(LOST, [ASTRAY]), "lost: found, in words that do not lead to it"),
        (Finding(NOTHING, [ASTRAY]), "none: a false alarm"),
        (
            Finding(replace(LOST, alone="content"), [LEADS], without=[ASTRAY]),
            "lost: seen without the oracle of content, too",
        ),
    ],
)
def test_finding_that_is_not_as_it_should_be_is_a_problem(finding: Finding, problem: str) -> None:
    assert proof_of([finding], {}).problems == [problem]


@pytest.mark.parametrize(
    "findings",
    [
        [],
        [Finding(LOST, [replace(ASTRAY, place=LEADS.place)])],
        [Finding(AT_DEATH, [LEADS])],
        [Finding(LOST, [replace(LEADS, place="b.feature:3")])],
    ],
    ids=["nothing was tried", "its message leads elsewhere", "nothing survives the fault", "another one failed"],
)
def test_scenario_that_no_fault_makes_fail_is_a_problem(findings: list[Finding]) -> None:
    assert "a.feature:3: no fault makes it fail: A bitmap stays" in proof_of(findings).problems


def test_only_what_is_red_is_read_from_a_run() -> None:
    outcome: dict[str, Any] = {"file": "a.feature", "line": 3, "name": "One", "message": "it\n  broke"}
    statuses = ("passed", "known defect", "not applicable", "failed", "error")
    summary = {
        "errors": [{"name": "after_all", "message": "left a file"}],
        "outcomes": [{**outcome, "status": status} for status in statuses],
    }
    red = Red("a.feature:3", "One", "it broke")
    assert list(red_in(summary)) == [Red("", "the run (after_all)", "left a file"), red, red]


# The page.


def as_markdown(proof: Proof) -> str:
    return markdown.page(page.document(proof), Path("/"))


def as_web_page(proof: Proof) -> str:
    return webpage.page(page.document(proof), Path("/"))


@pytest.mark.parametrize("show", [as_markdown, as_web_page])
def test_page_names_the_fault_its_oracle_and_what_was_said(show: Any) -> None:
    text = show(proof_of([Finding(replace(LOST, alone="content"), [LEADS])]))
    for words in ("a bitmap is lost", "content", "A bitmap stays", "it has no such bitmap", "1 of 1 faults found"):
        assert words in text


def test_page_tells_first_what_is_not_as_it_should_be() -> None:
    read = Page(as_web_page(proof_of([Finding(NOTHING, []), Finding(LOST, [LEADS]), Finding(AT_DEATH, [ASTRAY])])))
    verdicts = [cell for cell in read.texts["td"] if cell.startswith(("found", "rightly"))]
    assert verdicts == ["found, in words that do not lead to it", "rightly nothing", "found"]
    assert [style for style in read.styles if style in ("passed", "failed")] == ["failed", "passed", "passed"]


def test_page_shows_the_beginning_of_what_was_said_at_length() -> None:
    said = "it has no such bitmap " + "x" * page.SHOWN
    text = as_markdown(proof_of([Finding(LOST, [replace(LEADS, said=said)])]))
    assert f"| {said[: page.SHOWN]} ... |" in text


def test_page_names_what_is_not_proven() -> None:
    assert "- A bitmap stays (a.feature:3)\n" in as_markdown(proof_of([]))


def test_page_names_the_faults_that_made_a_scenario_fail() -> None:
    text = as_markdown(proof_of([Finding(LOST, [LEADS])]))
    assert "## Scenarios that no fault made fail\n\nNone.\n" in text
    assert "- A bitmap stays (a.feature:3): lost\n" in text


def test_summary_for_the_readme() -> None:
    text = markdown.part(page.summary(proof_of([Finding(LOST, [LEADS])])), Path("/"))
    assert text.startswith("Tried on 02 January 2026 at 03:04 UTC with QEMU 7.2, in 2 minutes: 1 of 1 faults found")
    assert text.endswith("seen by one oracle alone: none.\n")
