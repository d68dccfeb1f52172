from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from behave.configuration import Configuration
from conftest import ROOT, Project

from testbed.base.gherkin import Config, StreamOpener
from testbed.base.keeping import Keeping
from testbed.base.problems import CALLER
from testbed.reports.console import Printer, Story, complain, print_summary
from testbed.reports.directory import EVIDENCE
from testbed.reports.outcome import Outcome, RunError, RunSummary, Sentence, Status
from testbed.reports.progress import Progress

BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

PASSED = Outcome(
    area="chain",
    suite="chain.Chains",
    report="chain.chains",
    feature="Chains",
    rule="Each backup restores",
    scenario="Three backups",
    name="Each backup restores: Three backups",
    file="features/chain/chains.feature",
    line=7,
    tags=(),
    repeat="behave features/chain/chains.feature:7",
    started=BEGUN,
    seconds=0.256,
)

FAILED = replace(
    PASSED,
    status=Status.FAILED,
    scenario="Small granularity",
    kind="AssertionError",
    headline="inc1 differs at 65536",
    message="Then it restores (features/chain/chains.feature:9)\ninc1 differs at 65536\nfound 0x00",
    step=Sentence("Then it restores", "features/chain/chains.feature", 9),
    evidence=Path("reports/evidence/small").absolute(),
)

UNFIT = replace(PASSED, status=Status.NOT_APPLICABLE, scenario="Merging", reasons=("needs merge", "needs more"))

ON_RECORD = replace(FAILED, status=Status.KNOWN_DEFECT, reasons=("known defect D1: it dies",))

UNRUN = replace(PASSED, status=Status.NOT_RUN, scenario="Late", reasons=("the run was interrupted by SIGINT",))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.StringIO):
    encoding = "ascii"


class Broken(io.StringIO):
    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def write(self, _text: str) -> int:
        raise OSError(self._number, os.strerror(self._number))


def config(*args: str) -> Config:
    return cast("Config", Configuration(list(args), load_config=False))


def told(*outcomes: Outcome, stream: io.StringIO, args: tuple[str, ...] = ()) -> str:
    opener = cast("StreamOpener", SimpleNamespace(stream=stream, open=lambda: stream))
    story = Story(opener, config(*args))
    for outcome in outcomes:
        story.scenario_started(outcome)
        story.scenario_finished(outcome)
    return stream.getvalue()


NOWHERE = Path("nowhere").absolute()
"""Reports that are not there: what they left out is not told."""


def summed_up(*outcomes: Outcome, in_earnest: bool = True, reports: Path = NOWHERE) -> str:
    stream = io.StringIO()
    summary = RunSummary(outcomes, (), BEGUN, 12.34, in_earnest, reports)
    print_summary(summary, Printer(stream, config()))
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


# Progress.


def test_a_scenario_is_one_line_below_its_feature_and_rule() -> None:
    second = replace(PASSED, scenario="Four backups", rule="Another rule")
    assert told(PASSED, PASSED, second, stream=io.StringIO()) == (
        "\nChains  features/chain/chains.feature\n"
        "  Each backup restores\n"
        "    passed             0.26 s  Three backups\n"
        "    passed             0.26 s  Three backups\n"
        "  Another rule\n"
        "    passed             0.26 s  Four backups\n"
    )


def test_a_failure_is_told_at_once() -> None:
    assert told(FAILED, stream=io.StringIO()).partition("restores\n")[2] == (
        "    FAILED             0.26 s  Small granularity\n"
        "        Then it restores (features/chain/chains.feature:9)\n"
        "        inc1 differs at 65536\n"
        "        found 0x00\n"
        "        evidence: reports/evidence/small\n"
        "        repeat:   behave features/chain/chains.feature:7\n"
    )


@pytest.mark.parametrize(("outcome", "label"), [(UNFIT, "not applicable"), (ON_RECORD, "known defect")])
def test_reasons_are_told_at_once(outcome: Outcome, label: str) -> None:
    text = told(outcome, stream=io.StringIO())
    assert f"    {label} " in text
    assert text.endswith("".join(f"        {reason}\n" for reason in outcome.reasons))


def test_what_was_not_run_gets_a_line_only_in_a_dry_run() -> None:
    assert told(UNRUN, stream=io.StringIO()) == ""
    assert "    not run " in told(UNRUN, stream=io.StringIO(), args=("--dry-run",))


def test_a_terminal_has_the_headings_before_the_scenario_ends() -> None:
    before, headings, after = told(PASSED, stream=Terminal()).split("\r\x1b[K")
    assert before == ""
    assert PASSED.file in headings
    assert PASSED.file not in after
    assert PASSED.scenario not in headings
    assert "\x1b[32m    passed" in after


@pytest.mark.parametrize(
    ("variable", "value", "args", "is_coloured"),
    [
        ("TERM", "xterm", (), True),
        ("TERM", "dumb", (), False),
        ("NO_COLOR", "1", (), False),
        ("NO_COLOR", "", (), True),
        ("NO_COLOR", "1", ("--color=always",), True),
        ("TERM", "xterm", ("--color=never",), False),
        ("TERM", "xterm", ("--no-color",), False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, args: tuple[str, ...], *, is_coloured: bool
) -> None:
    monkeypatch.setenv(variable, value)
    assert ("\x1b[32m" in told(PASSED, stream=Terminal(), args=args)) == is_coloured


def test_without_a_terminal_there_are_plain_lines() -> None:
    text = told(PASSED, FAILED, UNFIT, stream=io.StringIO())
    assert text.isprintable() or not set(text) - set(map(chr, range(32, 127))) - {"\n"}


# Narrow terminals, and places that take no escapes.

WIDE = replace(
    FAILED,
    feature="A feature whose name alone takes the better part of a line of a terminal",
    rule="A rule which is so long that it cannot stand in one line of any terminal of eighty columns",
    scenario="A scenario with a title that goes on and on until there is no more room for it in a line of the terminal",
    headline="drive0-1.qcow2: the byte at offset 256 KiB should be 0x41 and is 0x00, in the full backup of drive0",
    message="Then it should restore (features/a.feature:9)\n" + "drive0.qcow2 should be as it was at that moment; " * 3,
    repeat="cd /a/folder/of/length && python -m behave features/chain/chains.feature:7 -D qemu=/usr/bin/qemu",
    evidence=None,
)


def everything(stream: io.StringIO, *args: str) -> str:
    """Return all that the console is told of a red run."""
    error = RunError(
        "environment", "EnvironmentUnusable", "", "a word of the problem " * 12 + "\n  remedy: " + "mend it " * 20
    )
    outcomes = (WIDE, UNFIT, ON_RECORD, UNRUN, PASSED, replace(PASSED, status=Status.ERROR, headline="it is broken"))
    printer = Printer(stream, config(*args))
    progress = Progress(printer, 3)
    progress.scenario_started(WIDE)
    told(*outcomes, stream=stream, args=args)
    summary = RunSummary(outcomes, (), BEGUN, 12.34, reports=Path("reports").absolute(), subject="QEMU 7.2 " * 20)
    progress.run_finished(summary)
    print_summary(summary, printer)
    complain(error, printer)
    return stream.getvalue()


def test_nothing_is_wrapped_in_the_midst_of_a_word() -> None:
    shown = everything(Terminal(), "--color=never")
    lines = [line.rpartition("\r")[2] for line in shown.splitlines() if line.rpartition("\r")[2]]
    wide = [line.strip() for line in lines if len(line) > 80]
    assert wide == [f"repeat:   {WIDE.repeat}"] * 2
    whole = " ".join(" ".join(lines).split())
    for said in (
        WIDE.scenario,
        str(WIDE.rule),
        WIDE.headline,
        "mend it " * 19 + "mend it",
        "QEMU 7.2 " * 19 + "QEMU 7.2",
    ):
        assert said in whole
    assert "passed 1, failed 1, error 1, not applicable 1, known defect 1, not run 1" in whole


def test_in_a_pipe_lines_stay_whole() -> None:
    assert f"  {WIDE.headline}\n" in everything(io.StringIO())


@pytest.mark.parametrize(
    ("stream", "variable", "value"),
    [(io.StringIO, "TERM", "xterm"), (Terminal, "TERM", "dumb"), (Terminal, "NO_COLOR", "1")],
)
def test_where_no_escapes_are_wanted_there_are_none(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert "\x1b" not in everything(stream())


def test_a_terminal_that_takes_escapes_has_some() -> None:
    assert "\x1b[K" in everything(Terminal())


# Odd characters.

ODD = "a NUL \x00, an \x1b[2J, a lone \udc80, an ü"


def test_nothing_in_a_text_reaches_the_terminal_as_a_command() -> None:
    text = told(replace(FAILED, scenario=ODD, message=ODD), stream=io.StringIO())
    assert text.count(r"a NUL \x00, an \x1b[2J, a lone \udc80, an ü") == 2


def test_what_a_stream_cannot_encode_is_escaped() -> None:
    assert r"a lone \udc80, an \xfc" in told(replace(PASSED, scenario=ODD), stream=Ascii())


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO])
def test_a_reader_may_leave(number: int) -> None:
    assert told(PASSED, FAILED, stream=Broken(number)) == ""


def test_a_full_disk_is_not_passed_over() -> None:
    with pytest.raises(OSError, match="No space left"):
        told(PASSED, stream=Broken(errno.ENOSPC))


# The end.


def test_the_end_has_everything_that_needs_a_reader() -> None:
    text = summed_up(PASSED, FAILED, UNFIT, replace(UNFIT, scenario="Clearing"), ON_RECORD)
    assert text == (
        "\nNot applicable\n"
        "  needs merge\n"
        "  needs more\n"
        "    Merging (features/chain/chains.feature:7)\n"
        "    Clearing (features/chain/chains.feature:7)\n"
        "\nAreas of which something was passed over\n"
        "  chain: 3 of 5 tried\n"
        "\nKnown defects of QEMU\n"
        "  known defect D1: it dies\n"
        "    Small granularity (features/chain/chains.feature:7)\n"
        "\nFailures\n"
        "  FAILED: Chains\n"
        "    Each backup restores\n"
        "    Small granularity\n"
        "    Then it restores (features/chain/chains.feature:9)\n"
        "    inc1 differs at 65536\n"
        "    evidence: reports/evidence/small\n"
        "    repeat:   behave features/chain/chains.feature:7\n"
        "\n5 scenarios in 12.3 s: passed 1, failed 1, not applicable 2, known defect 1\n"
        "Reports are in nowhere/\n"
    )


@pytest.mark.parametrize(
    ("caller", "option"), [("behave", "-D keep_mb=NUMBER"), ("make accept", "make accept ARGS='-D keep_mb=NUMBER'")]
)
def test_the_end_says_what_was_left_out_of_the_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caller: str, option: str
) -> None:
    monkeypatch.setenv(CALLER, caller)
    folder = tmp_path / EVIDENCE
    folder.mkdir()
    (tmp_path / "image").write_bytes(b"\1")
    Keeping(folder, 0).keep(tmp_path / "image", folder / "image")
    *_, told, where = summed_up(PASSED, reports=tmp_path).splitlines()
    assert told == f"1 image of 1 B left out of the evidence: a run keeps 0 MiB of images; {option} raises that"
    assert where == f"Reports are in {tmp_path}/"


def test_failures_of_one_cause_are_told_once_and_fit_on_a_screen() -> None:
    like_it = [
        replace(
            FAILED, scenario=f"Case {number} {'x' * 90} [row {number}]", headline=f"inc{number} differs at {number}"
        )
        for number in range(30)
    ]
    other = replace(FAILED, headline="QEMU died of SIGSEGV")
    text = summed_up(FAILED, other, *like_it).partition("\nFailures\n")[2]
    assert text.count("differs at") == 1
    assert "    inc1 differs at 65536\n" in text
    assert "  and 30 scenarios of which the same is to be said, but for numbers:\n" in text
    assert text.index("differs at") < text.index("Case 0") < text.index("SIGSEGV")
    assert text.count("evidence:") == 2, "one cause, one folder to look into"
    named = [line.partition("[row ")[2] for line in text.splitlines() if "Case" in line]
    assert named == [f"{number}]" for number in range(20)]
    assert f"    features/chain/chains.feature:{','.join(['7'] * 10)}\n" in text
    assert len(text.splitlines()) <= 40
    assert max(map(len, text.splitlines())) <= 80


def test_the_slowest_five_are_named_when_there_are_more() -> None:
    outcomes = [replace(PASSED, seconds=number / 10, scenario=f"S{number}") for number in range(6)]
    assert "Slowest" not in summed_up(*outcomes[:5])
    slowest = summed_up(*outcomes).partition("Slowest\n")[2].splitlines()[:5]
    assert [line.split()[2] for line in slowest] == ["S5", "S4", "S3", "S2", "S1"]


def test_what_was_not_run_is_counted_with_its_reason_only_in_earnest() -> None:
    assert "Not run\n  1 scenario: the run was interrupted by SIGINT\n" in summed_up(UNRUN)
    assert "Not run\n  7 scenarios: the run was interrupted by SIGINT\n" in summed_up(*[UNRUN] * 7)
    assert "Slowest" not in summed_up(*[UNRUN] * 7)
    assert "SIGINT" not in summed_up(UNRUN, in_earnest=False)
    assert "1 scenario in 12.3 s: not run 1" in summed_up(UNRUN)


def test_a_complaint_is_told_once() -> None:
    stream = io.StringIO()
    complain(
        RunError("environment", "OSError", "no", "OSError: no", "Traceback ...\nOSError: no"), Printer(stream, config())
    )
    assert stream.getvalue() == "\nERROR (environment)\n  Traceback ...\n  OSError: no\n"


# As behave starts it.


def test_the_story_is_told_by_default(project: Project) -> None:
    project.write("features/a.feature", "Feature: F ü\n  Scenario: S\n    Given a state\n")
    script = Path(sys.executable).with_name("behave")
    finished = subprocess.run(
        [script],
        cwd=project.home,
        env={"PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    assert b"    passed" in finished.stdout
    assert b"F \\xfc  features/a.feature" in finished.stdout
    assert b"1 scenario in" in finished.stdout
    assert b"\x1b" not in finished.stdout


def test_another_formatter_still_gets_the_end_report(project: Project) -> None:
    project.write("features/a.feature", "Feature: F\n  Scenario: S\n    Given a state\n    Then it should hold\n")
    finished = project.run("-f", "json", "-o", "out.json")
    assert finished.status == 1
    assert "offset 65536 holds 0x00, not 0xab" in finished.stderr
    assert "1 scenario in" in finished.stderr


def test_a_story_may_go_to_a_file(project: Project) -> None:
    project.write("features/a.feature", "Feature: F\n  Scenario: S\n    Given a state\n")
    assert project.run("-f", "story", "-o", "out.txt").status == 0
    assert "1 scenario in" in (project.home / "out.txt").read_text(encoding="utf-8")
