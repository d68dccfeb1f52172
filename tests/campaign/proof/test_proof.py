"""A sample of faults, each of which the suite must find in words that lead to it; and the gates of the proof."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from testbed.campaign.proof.__main__ import failed_by, red_in
from testbed.campaign.proof.conversation import Fault
from testbed.campaign.proof.faults import CASES, FAULTS, KINDS, WIDE, Kind
from testbed.campaign.proof.findings import Finding, Proof, Red, markdown, rewritten, webpage
from testbed.campaign.proof.silencers import SILENCERS

ROOT = Path(__file__).parents[3]


SAMPLE = (
    "none",
    "count-one-less",
    "never-busy",
    "forgets-last-granule",
    "bitmap-kept-after-success",
    "bitmap-lost-after-failure",
    "copies-everything",
    "target-lacks-tail",
    "completed-twice",
    "error-event-write",
    "crash-at-backup",
)


def run_proof(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the proof as make does: by a PATH that names the environment as seen from the project."""
    environment = os.path.relpath(Path(sys.executable).parent, ROOT)
    return subprocess.run(
        ["python", "-m", "testbed.campaign.proof", *arguments],
        env={**os.environ, "PATH": f"{environment}:{os.environ['PATH']}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="no qemu-system-x86_64 on PATH to stand in for")
def test_a_sample_of_faults_is_found(tmp_path: Path) -> None:
    proof = run_proof("--faults", ",".join(SAMPLE), "--reports", str(tmp_path), "--tags=blockdev-backup")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert "10 of 10 faults found" in proof.stdout
    assert (tmp_path / "sensitivity.html").stat().st_size > 1000


def test_a_proof_where_even_the_real_qemu_fails_ends_at_once_and_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "qemu-system-broken"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo QEMU emulator version 7.2.0 || exit 3\n')
    broken.chmod(0o755)
    proof = run_proof("--qemu", str(broken), "--reports", str(tmp_path))
    assert proof.returncode == 1, proof.stdout + proof.stderr
    assert "Without a fault, no scenario passes" in proof.stderr
    assert "QEMU exited with status 3" in proof.stderr


# The table of faults.


def test_no_two_faults_have_one_name_or_one_description() -> None:
    assert len(FAULTS) == len(KINDS)
    assert len({kind.words for kind in KINDS}) == len(KINDS)


def test_each_fault_has_words_that_lead_to_it() -> None:
    assert [kind.name for kind in KINDS if not kind.leads] == ["none"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_fault_is_looked_for_in_features_that_there_are(kind: Kind) -> None:
    missing = [name for name in kind.where if not (ROOT / "features" / f"{name}.feature").exists()]
    assert not missing
    assert kind.alone in ("", *SILENCERS)


@pytest.mark.parametrize("oracle", SILENCERS)
def test_each_oracle_alone_sees_some_fault(oracle: str) -> None:
    assert any(kind.alone == oracle for kind in KINDS)


def test_wide_faults_are_in_the_table_and_can_show_something() -> None:
    assert all(FAULTS[name].shows and FAULTS[name].leads for name in WIDE)
    assert CASES


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


# The reports.


@pytest.mark.parametrize("page", [markdown, webpage])
def test_report_names_the_fault_its_oracle_and_what_was_said(page: Any) -> None:
    text = page(proof_of([Finding(replace(LOST, alone="content"), [LEADS])]))
    for words in ("a bitmap is lost", "content", "A bitmap stays", "it has no such bitmap", "1 of 1 faults found"):
        assert words in text


def test_report_names_what_is_not_proven() -> None:
    assert "- A bitmap stays (a.feature:3)" in markdown(proof_of([]))


def test_readme_gets_the_totals_and_keeps_the_rest() -> None:
    text = "before\n<!-- sensitivity: written by make prove -->\nstale\n<!-- end of sensitivity -->\nafter\n"
    written = rewritten(text, proof_of([Finding(LOST, [LEADS])]))
    assert "Tried on 02 January 2026 at 03:04 UTC with QEMU 7.2, in 2 minutes: 1 of 1 faults found" in written
    assert "stale" not in written
    assert written.startswith("before\n")
    assert written.endswith("-->\nafter\n")


def test_readme_without_a_place_is_an_error() -> None:
    with pytest.raises(LookupError, match="has no lines"):
        rewritten("nothing", proof_of([]))
