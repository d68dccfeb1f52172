"""How faults are tried: which runs it takes, and which scenarios they are of."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aftermath import BOUND

from testbed.base.scratch import Scratch
from testbed.build.toolchain import Tool, Toolchain
from testbed.campaign.proof.__main__ import NothingPasses, _sound, _widened
from testbed.campaign.proof.faultkind import NOTHING, FaultKind
from testbed.campaign.proof.faults import FAULTS, WIDE
from testbed.campaign.proof.findings import Finding, Red
from testbed.campaign.proof.proving import FaultTrials, how_far_against, write_stand_in
from testbed.campaign.proof.standin import LACKS
from testbed.campaign.proof.subject import Subject, Unusable
from testbed.campaign.runs import CONSOLE, EndedRun, Runs
from testbed.qemu.machine import Machine, MachineDied
from testbed.reports.outcome import Outcome, RunSummary, Status
from testbed.reports.progress import Share

QEMU = Tool(Path("/nowhere/qemu"), (7, 2, 22), "QEMU emulator version 7.2.22")
BUILD = Subject("QEMU 7.2.22", QEMU, {"set-active": "this build has no blockdev-set-active command"})

WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)

LOST = replace(NOTHING, name="lost", clues=("no such bitmap",), features=("bitmap/life", "bitmap/several"))
FEATURES = ["features/bitmap/life.feature", "features/bitmap/several.feature"]


def outcome(line: int, said: str) -> Outcome:
    status = Status.FAILED if said else Status.PASSED
    name = f"Case {line}"
    return Outcome("", "a", "a", "A", None, name, name, "a.feature", line, (), "", WHEN, status=status, message=said)


def run_that_says(*said: str) -> EndedRun:
    """Return a run whose scenarios, on lines from 1 on, failed and said this, or passed where nothing is said."""
    outcomes = tuple(outcome(line, text) for line, text in enumerate(said, 1))
    return EndedRun(Path("/r"), RunSummary(outcomes, (), WHEN, 1.0), "")


class Recorded(FaultTrials):
    """Trials whose runs end as they are told to; what is asked for is taken down."""

    def ending(self, *ends: EndedRun) -> Recorded:
        self.__dict__.update(ends=iter(ends), asked=[])
        return self

    @property
    def asked(self) -> list[tuple[str, Sequence[str], str]]:
        return list(self.__dict__["asked"])

    def run(self, fault: FaultKind, *arguments: str, silenced: str = "") -> EndedRun:
        self.__dict__["asked"].append((fault.name, list(arguments), silenced))
        ended: EndedRun = next(self.__dict__["ends"])
        return ended


@pytest.fixture
def trials(tmp_path: Path) -> Iterator[Recorded]:
    with Scratch.make(tmp_path) as scratch, Runs(BOUND) as runs:
        yield Recorded(scratch, runs, BUILD, [])


LEADS, ASTRAY = "it has no such bitmap", "it is away"


def test_fault_that_is_found_at_once_takes_one_run(trials: Recorded) -> None:
    finding = trials.ending(run_that_says("", LEADS)).look_for(LOST)
    assert finding == Finding(LOST, [Red("a.feature:2", "Case 2", LEADS)])
    assert trials.asked == [("lost", [*FEATURES, "--stop"], "")]


def test_fault_that_is_found_in_other_words_is_looked_for_to_the_end(trials: Recorded) -> None:
    finding = trials.ending(run_that_says(ASTRAY), run_that_says(ASTRAY, "", LEADS)).look_for(LOST)
    assert finding.verdict == "found"
    assert trials.asked == [("lost", [*FEATURES, "--stop"], ""), ("lost", FEATURES, "")]


def test_fault_is_looked_for_to_the_end_where_all_that_finds_it_is_wanted(trials: Recorded) -> None:
    finding = trials.ending(run_that_says(LEADS, "", LEADS)).look_everywhere(LOST)
    assert [red.location for red in finding.leading] == ["a.feature:1", "a.feature:3"]
    assert trials.asked == [("lost", FEATURES, "")]


def test_fault_that_one_oracle_alone_sees_is_tried_without_it(trials: Recorded) -> None:
    alone = replace(LOST, seen_only_by="content")
    finding = trials.ending(run_that_says(LEADS), run_that_says(ASTRAY)).look_for(alone)
    assert finding.red_when_silenced == [Red("a.feature:1", "Case 1", ASTRAY)]
    assert trials.asked[-1] == ("lost", FEATURES, "content")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (replace(LOST, needs=("block-graph", "set-active")), "this build has no blockdev-set-active command"),
        (
            replace(LOST, defect="given-back-while-written"),
            "QEMU 7.2.22 has this fault by itself: known defect given-back-while-written",
        ),
    ],
)
def test_fault_that_this_build_cannot_show_is_not_tried(trials: Recorded, fault: FaultKind, reason: str) -> None:
    finding = trials.ending().look_for(fault)
    assert (finding.verdict, finding.shown.said) == ("not applicable", reason)
    assert trials.asked == []


@pytest.mark.parametrize(
    "fault", [replace(LOST, needs=("block-graph",)), replace(LOST, defect="backup-of-nothing")], ids=["need", "defect"]
)
def test_fault_that_this_build_can_show_is_tried(trials: Recorded, fault: FaultKind) -> None:
    assert trials.ending(run_that_says(LEADS)).look_for(fault).verdict == "found"


def test_release_of_which_nobody_knows_a_defect_shows_no_fault_that_is_one() -> None:
    untried = replace(BUILD, qemu=replace(QEMU, version=(8, 0, 0)))
    why = untried.why_not(replace(LOST, defect="given-back-while-written"))
    assert why == "QEMU 8.0.0 may have this fault by itself: known defect given-back-while-written"


def test_nothing_is_looked_for_once(trials: Recorded) -> None:
    assert trials.ending(run_that_says("", "")).look_for(NOTHING).verdict == "rightly nothing"
    assert len(trials.asked) == 1


def test_what_becomes_of_scenarios_without_a_fault_is_told(
    trials: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    finding, outcomes = _sound(trials.ending(run_that_says("", ASTRAY, "")), 2)
    assert finding.verdict == "a false alarm"
    assert [outcome.status for outcome in outcomes] == [Status.PASSED, Status.FAILED, Status.PASSED]
    assert trials.asked == [("none", ["--jobs", "2"], "")]
    assert capsys.readouterr().out.startswith("a false alarm  ")


@pytest.mark.parametrize("run", [run_that_says(ASTRAY), EndedRun(Path("/r"), None, "", last_words=ASTRAY)])
def test_where_nothing_passes_nothing_can_be_proven(trials: Recorded, run: EndedRun) -> None:
    with pytest.raises(NothingPasses, match=ASTRAY):
        _sound(trials.ending(run), 2)


def test_scenarios_that_nothing_made_fail_are_left_for_wide_faults(trials: Recorded) -> None:
    clue = FAULTS[WIDE[0]].clues[0]
    scenarios = {f"a.feature:{line}": f"Case {line}" for line in (1, 2, 3)}
    found = [Finding(LOST, [Red("a.feature:2", "Case 2", LEADS)])]
    wide = _widened(
        trials.ending(run_that_says(clue), run_that_says("", "", ASTRAY), *[run_that_says()] * (len(WIDE) - 2)),
        found,
        scenarios,
        2,
    )
    assert trials.asked[:2] == [
        (WIDE[0], ["--jobs", "2", "a.feature:1", "a.feature:3"], ""),
        (WIDE[1], ["--jobs", "2", "a.feature:3"], ""),
    ]
    assert len(wide) == len(WIDE)


def test_wide_faults_are_tried_no_longer_than_a_scenario_is_left(trials: Recorded) -> None:
    clue = FAULTS[WIDE[0]].clues[0]
    wide = _widened(trials.ending(run_that_says(clue)), [], {"a.feature:1": "Case 1"}, 2)
    assert [finding.fault.name for finding in wide] == [WIDE[0]]


def test_stand_in_is_called_as_qemu_is_and_ends_as_it_does(tmp_path: Path) -> None:
    real = tmp_path / "it's a qemu"
    real.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    real.chmod(0o755)
    program = tmp_path / "stand-in"
    write_stand_in(program, "never-busy", real)
    done = subprocess.run([program, "--version", "a b"], capture_output=True, text=True, check=False, cwd="/")
    assert (done.stdout, done.returncode) == ("--version|a b|", 7)


@pytest.fixture
def real_trials(tmp_path: Path) -> Iterator[Callable[..., FaultTrials]]:
    with Scratch.make(tmp_path) as scratch, Runs(BOUND) as runs:
        yield lambda *arguments: FaultTrials(scratch, runs, BUILD, arguments)


def test_run_that_leaves_no_summary_makes_its_finding_unfinished(
    real_trials: Callable[..., FaultTrials],
) -> None:
    trials = real_trials("--no-such-option")
    finding = trials.look_for(LOST)
    assert finding.verdict == "a run came to no end"
    assert "unrecognized arguments: --no-such-option" in finding.shown.said
    assert list(trials.scratch.path.glob("*lost*")) == []


@pytest.mark.whole
def test_build_tells_what_it_is_and_what_it_lacks(toolchain: Toolchain, tmp_path: Path) -> None:
    program = tmp_path / "qemu-system-old"
    write_stand_in(program, f"{LACKS}blockdev-set-active", toolchain.qemu.path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fault = replace(LOST, needs=("set-active", "blockdev-backup"))
    with Runs(BOUND) as runs:
        build = Subject.surveyed(runs, program, ["-D", f"scratch={scratch}", "--stop"], [fault])
    assert build.qemu == replace(toolchain.qemu, path=program)
    assert list(build.lacking) == ["set-active"]
    assert build.why_not(fault).startswith("this build has no blockdev-set-active command (")
    assert build.line.startswith(f"QEMU {toolchain.qemu.release} (")
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stand_in_passes_signals_on_and_a_fault_may_change_them(
    toolchain: Toolchain, tmp_path: Path, number: signal.Signals
) -> None:
    for fault in ("never-busy", "dies-of-signals"):
        program = tmp_path / fault
        write_stand_in(program, fault, toolchain.qemu.path)
        machine = Machine.boot(program, tmp_path, BOUND, fault)
        if fault == "never-busy":
            machine.end_by(number)
            assert machine.has_quit
        else:
            with pytest.raises(MachineDied, match="SIGABRT"):
                machine.end_by(number)


def test_build_that_no_scenario_could_be_run_on_is_said_with_the_remedy(tmp_path: Path) -> None:
    with Runs(BOUND) as runs, pytest.raises(Unusable, match="does not exist\n  remedy: name one with -D qemu=PATH"):
        Subject.surveyed(runs, tmp_path / "qemu", [], [])


# How far a run is.


@pytest.mark.parametrize(("fault", "red"), [(NOTHING, 5), (LOST, 0)], ids=["without a fault", "against a fault"])
def test_red_in_a_run_is_no_fault_unfound_but_where_nothing_is_wrong(
    tmp_path: Path, fault: FaultKind, red: int
) -> None:
    (tmp_path / CONSOLE).write_text("... 7/20 done, 5 red; running: a case\n")
    assert how_far_against(fault, tmp_path) == Share("7/20", 0.35, red)


def test_run_that_has_not_begun_is_nowhere(tmp_path: Path) -> None:
    assert how_far_against(LOST, tmp_path) is None
