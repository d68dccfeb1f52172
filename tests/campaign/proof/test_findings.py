"""What is made of a trial of the faults: its verdicts, its gates, and its page."""

from __future__ import annotations

import re
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
from testbed.campaign.proof.faultkind import NOTHING, FaultKind
from testbed.campaign.proof.findings import Finding, Proof, Red, made_to_fail, red_in
from testbed.campaign.runs import EndedRun
from testbed.reports.outcome import Outcome, RunError, RunSummary, Status

# The gates, each seen to shut.

LOST = FaultKind("lost", "a bitmap is lost", Fault, ("no such bitmap",))
AT_DEATH = replace(LOST, name="death", is_survivable=False)
LEADS = Red("a.feature:3", "A bitmap stays", "it has no such bitmap")
ASTRAY = Red("a.feature:9", "A drive stays", "Connection refused")
TRIED = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
SCENARIOS = {LEADS.location: LEADS.scenario}


def proof_of(findings: Sequence[Finding], scenarios: dict[str, str] | None = None) -> Proof:
    return Proof(findings, SCENARIOS if scenarios is None else scenarios, "7.2", TRIED, 120.0, made_to_fail(findings))


def test_found_faults_and_proven_scenarios_are_no_problem() -> None:
    assert proof_of([Finding(NOTHING), Finding(LOST, [ASTRAY, LEADS])]).problems == []


@pytest.mark.parametrize(
    ("finding", "problem"),
    [
        (Finding(LOST, []), "lost: NOT FOUND"),
        (Finding(LOST, [LEADS], unfinished="it was killed"), "lost: a run came to no end"),
        (Finding(NOTHING, unfinished="it was killed"), "none: a run came to no end"),
        (Finding(LOST, [ASTRAY]), "lost: found, in words that do not lead to it"),
        (Finding(NOTHING, [ASTRAY]), "none: a false alarm"),
        (
            Finding(replace(LOST, seen_only_by="content"), [LEADS], red_when_silenced=[ASTRAY]),
            "lost: seen without the oracle of content, too",
        ),
    ],
)
def test_finding_that_is_not_as_it_should_be_is_a_problem(finding: Finding, problem: str) -> None:
    assert proof_of([finding], {}).problems == [problem]


def test_fault_that_does_not_apply_is_counted_apart_and_is_no_problem() -> None:
    proof = proof_of([Finding(LOST, [LEADS]), Finding(AT_DEATH, inapplicable="this build has no such command")])
    assert proof.problems == []
    assert proof.total.startswith(
        "1 of 1 faults found in words that lead to them; 1 not applicable to this build; 1 of"
    )


@pytest.mark.parametrize(
    "findings",
    [
        [],
        [Finding(LOST, [replace(ASTRAY, location=LEADS.location)])],
        [Finding(AT_DEATH, [LEADS])],
        [Finding(LOST, [replace(LEADS, location="b.feature:3")])],
    ],
    ids=["nothing was tried", "its message leads elsewhere", "nothing survives the fault", "another one failed"],
)
def test_scenario_that_no_fault_makes_fail_is_a_problem(findings: list[Finding]) -> None:
    assert "a.feature:3: no fault makes it fail: A bitmap stays" in proof_of(findings).problems


def outcome(status: Status) -> Outcome:
    return Outcome(
        area="a",
        suite="a.A",
        report="a",
        feature="A",
        rule=None,
        scenario="One",
        name="One",
        file="a.feature",
        line=3,
        tags=(),
        repeat="",
        started=TRIED,
        status=status,
        message="it\n  broke",
    )


RED = Red("a.feature:3", "One", "it broke")


def ended(*statuses: Status, errors: Sequence[RunError] = (), problems: Sequence[str] = ()) -> EndedRun:
    summary = RunSummary(tuple(map(outcome, statuses)), tuple(errors), TRIED, 1.0)
    return EndedRun(Path("/reports"), summary, "", problems)


def test_only_what_is_red_is_read_from_a_run() -> None:
    error = RunError("after_all", "OSError", "left a file", "left\na file")
    assert list(red_in(ended(*Status, errors=[error]))) == [Red("", "the run (after_all)", "left a file"), RED, RED]


def test_finding_gathers_what_several_runs_have_found() -> None:
    finding = Finding(LOST).with_run(ended(Status.FAILED)).with_run(ended(Status.PASSED, Status.ERROR))
    assert finding == Finding(LOST, [RED, RED])
    assert finding.with_silenced_run(ended(Status.FAILED)).red_when_silenced == [RED]


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (EndedRun(Path("/r"), None, ""), "behave left no summary. It said: nothing"),
        (EndedRun(Path("/r"), None, "", last_words="Error:\n  no"), "behave left no summary. It said: Error: no"),
        (ended(Status.FAILED, problems=["it was killed"]), "it was killed. It said: nothing"),
    ],
)
def test_run_that_came_to_no_end_is_no_finding_of_its_own(run: EndedRun, said: str) -> None:
    for finding in (Finding(LOST, [LEADS]).with_run(run), Finding(LOST, [LEADS]).with_silenced_run(run)):
        assert finding.unfinished == said
        assert not finding.is_right
        assert finding.shown.said == said
        assert finding.with_run(ended(Status.PASSED)).unfinished == said


# The page.


def as_markdown(proof: Proof) -> str:
    return markdown.page(page.document(proof), Path("/"))


def as_web_page(proof: Proof) -> str:
    return webpage.page(page.document(proof), Path("/"))


@pytest.mark.parametrize("show", [as_markdown, as_web_page])
def test_page_names_the_fault_its_oracle_and_what_was_said(show: Any) -> None:
    text = show(proof_of([Finding(replace(LOST, seen_only_by="content"), [LEADS])]))
    for words in ("a bitmap is lost", "content", "A bitmap stays", "it has no such bitmap", "1 of 1 faults found"):
        assert words in text


@pytest.mark.parametrize("show", [as_markdown, as_web_page])
def test_page_says_first_and_last_what_was_judged(show: Any) -> None:
    judged = ["Judged: QEMU 7.2.22 (package), target aarch64: /qemu", "Arguments of behave: --tags slow"]
    text = show(replace(proof_of([Finding(LOST, [LEADS])]), judged=judged))
    for line in judged:
        first, last = (found.start() for found in re.finditer(re.escape(line), text))
        assert first < text.index("a bitmap is lost") < last


@pytest.mark.parametrize("show", [as_markdown, as_web_page])
def test_page_says_why_a_fault_does_not_apply(show: Any) -> None:
    text = show(proof_of([Finding(LOST, inapplicable="this build has no such command")]))
    assert "not applicable" in text
    assert "this build has no such command" in text


def test_page_tells_first_what_is_not_as_it_should_be() -> None:
    read = Page(as_web_page(proof_of([Finding(NOTHING), Finding(LOST, [LEADS]), Finding(AT_DEATH, [ASTRAY])])))
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
