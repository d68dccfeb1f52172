"""Runs: how they are started, what they leave, and that none of them stays when they are left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aftermath import BOUND, Told, has_ended

from testbed.base.process import ToolFailed
from testbed.campaign.options import defines_in
from testbed.campaign.runs import CONSOLE, EndedRun, Interrupted, Run, Runs, Stopped, interruptible
from testbed.reports.directory import Reports
from testbed.reports.outcome import Outcome, RunError, RunSummary, Sentence, Status

WHEN = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)

SUMMARY = RunSummary(
    outcomes=(
        Outcome(
            area="backup",
            suite="backup.Chains",
            report="backup.chains",
            feature="Chains",
            rule=None,
            scenario="One",
            name="One",
            file="features/backup/chains.feature",
            line=7,
            tags=("backup", "slow"),
            repeat="behave features/backup/chains.feature:7",
            started=WHEN,
            seconds=0.25,
            status=Status.FAILED,
            kind="AssertionError",
            headline="no",
            message="no\nand no",
            step=Sentence("Then it should", "features/backup/chains.feature", 9),
            reasons=("why", "and why"),
            evidence=Path("/reports/evidence/One"),
        ),
        Outcome("", "b", "b", "b", "rule", "Two", "rule: Two", "b.feature", 1, (), "", WHEN),
    ),
    errors=(RunError("after_all", "OSError", "left", "left a file", "Traceback"),),
    started=WHEN,
    seconds=4.25,
    reports=Path("/reports"),
)


@pytest.fixture
def runs() -> Iterator[Runs]:
    with Runs(BOUND) as runs:
        yield runs


def script(folder: Path, text: str, **chosen: Any) -> Run:
    """Return a run of a shell script in behave's place, whose $0 is the folder of the reports."""
    python = f"import os; os.execv('/bin/sh', ['sh', '-c', {text!r}, {str(folder)!r}])"
    return Run(folder, {}, program=("-c", python), **chosen)


# What a run has left.


def test_all_that_is_written_of_a_run_is_read_back(tmp_path: Path) -> None:
    reports = Reports(tmp_path, tmp_path / "junit")
    reports.write_summary(SUMMARY)
    reports.describe_environment({"qemu": {"banner": "QEMU emulator version 7.2"}})
    (tmp_path / CONSOLE).write_text("it said\n")
    run = EndedRun.read(tmp_path, ["a problem"])
    assert run == EndedRun(tmp_path, SUMMARY, "QEMU emulator version 7.2", ["a problem"], "it said")
    assert run.outcomes == SUMMARY.outcomes


@pytest.mark.parametrize("left", [None, "", '{"outcomes": ['])
def test_summary_that_is_not_there_or_not_whole_is_none(tmp_path: Path, left: str | None) -> None:
    if left is not None:
        (tmp_path / "summary.json").write_text(left)
        (tmp_path / "environment.json").write_text(left)
    run = EndedRun.read(tmp_path)
    assert run == EndedRun(tmp_path, None, "")
    assert run.outcomes == ()


def test_environment_that_knows_no_qemu_has_no_banner(tmp_path: Path) -> None:
    (tmp_path / "environment.json").write_text('{"host": {}}')
    assert EndedRun.read(tmp_path).banner == ""


# How a run is started.


def test_options_come_last_and_hidden_variables_are_not_seen(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QEMU_IMG_PROG", "/nowhere")
    monkeypatch.setenv("SEEN", "yes")
    show = "import os, sys; print(sys.argv[1:], os.environ.get('SEEN'), os.environ.get('QEMU_IMG_PROG'))"
    wanted = Run(tmp_path / "r", {"qemu": "/a b"}, ["--stop"], ("-c", show), hidden={"QEMU_IMG_PROG"})
    run = runs.run(wanted)
    arguments = ["--stop", "-D", "qemu=/a b", "-D", f"reports={tmp_path / 'r'}"]
    assert run.last_words == f"{arguments} yes None"
    assert "None" not in runs.run(replace(wanted, reports=tmp_path / "s", hidden=())).last_words


def test_run_is_behave_in_the_checkout(runs: Runs, tmp_path: Path) -> None:
    run = runs.run(Run(tmp_path, {}, ["--version"]))
    assert run.last_words.startswith("behave 1.")
    assert run.problems == []


# How a run ends.


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("exit 0", []),
        ("echo oh; exit 1", []),
        ("exit 3", ["behave ended with status 3"]),
        ("kill -SEGV $$", ["behave was killed by SIGSEGV (signal 11)"]),
    ],
)
def test_ending_that_behave_itself_would_not_choose_is_a_problem(
    runs: Runs, tmp_path: Path, text: str, problems: list[str]
) -> None:
    run = runs.run(script(tmp_path, text))
    assert run.problems == problems
    assert run.summary is None


def test_run_that_does_not_end_in_time_is_killed_with_its_children(tmp_path: Path) -> None:
    with Runs(0.5) as runs:
        run = runs.run(script(tmp_path, "echo $$; sh -c 'echo $$; sleep 100'"))
    assert run.problems == ["the run did not end within 0.5 s and was killed"]
    started = [int(line) for line in run.last_words.split()]
    assert len(started) == 2
    assert all(has_ended(number) for number in started)


def test_run_that_cannot_be_started_is_a_problem(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (problem,) = runs.run(Run(tmp_path / "r", {})).problems
    assert "could not be started" in problem


def test_folder_that_cannot_be_made_is_an_error(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        runs.run(script(tmp_path / "file" / "below", "exit 0"))


# Several at a time.


def test_each_item_is_done_once_and_comes_with_its_result(runs: Runs) -> None:
    assert dict(runs.each(lambda number: number * number, range(20), 3)) == {n: n * n for n in range(20)}
    assert list(runs.each(str, (), 3)) == []


def test_no_more_are_at_work_than_may_be(runs: Runs) -> None:
    at_work = threading.Semaphore(2)
    both = threading.Barrier(2)

    def act(_item: int) -> bool:
        free = at_work.acquire(blocking=False)
        both.wait(BOUND)
        at_work.release()
        return free

    assert [result for _, result in runs.each(act, range(10), 2)] == [True] * 10


def test_results_come_as_soon_as_they_are_there(runs: Runs) -> None:
    first_was_told = threading.Event()
    results = runs.each(lambda item: item == "first" or first_was_told.wait(BOUND), ["second", "first"], 2)
    assert next(results) == ("first", True)
    first_was_told.set()
    assert list(results) == [("second", True)]


def test_what_goes_wrong_with_an_item_is_raised(runs: Runs) -> None:
    def act(item: str) -> str:
        raise OSError(f"{item} is full")

    with pytest.raises(OSError, match="disk is full"):
        list(runs.each(act, ["disk"], 1))


# Nothing stays.


def test_runs_are_killed_when_they_are_left(tmp_path: Path, told: Told) -> None:
    stuck = f"{told.command}; exec sleep 100"
    ended = threading.Event()

    def work(runs: Runs) -> None:
        try:
            list(runs.each(lambda name: runs.run(script(tmp_path / name, stuck)), ["a", "b", "c"], 2))
        except Stopped:
            ended.set()

    with Runs(10 * BOUND) as runs:
        threading.Thread(target=work, args=(runs,)).start()
        numbers = told.numbers(2)
    assert all(has_ended(number) for number in numbers)
    assert ended.wait(BOUND)
    assert not (tmp_path / "c").exists()


def test_tools_are_killed_when_runs_are_left(tmp_path: Path, told: Told) -> None:
    failures: list[BaseException] = []

    def work(runs: Runs) -> None:
        try:
            runs.run_tool(["/bin/sh", "-c", f"{told.command}; exec sleep 100"], cwd=tmp_path, bound=BOUND)
        except (ToolFailed, Stopped) as error:
            failures.append(error)

    with Runs(BOUND) as runs:
        worker = threading.Thread(target=work, args=(runs,))
        worker.start()
        (number,) = told.numbers(1)
    worker.join(BOUND)
    assert has_ended(number)
    assert "killed by SIGKILL" in str(failures[0])


def test_tool_says_what_it_has_to_say(runs: Runs, tmp_path: Path) -> None:
    assert runs.run_tool(["/bin/sh", "-c", "pwd"], cwd=tmp_path, bound=BOUND).stdout == f"{tmp_path}\n"
    with pytest.raises(ToolFailed, match="exited with status 4"):
        runs.run_tool(["/bin/sh", "-c", "exit 4"], cwd=tmp_path, bound=BOUND)


@pytest.mark.parametrize("start", [Runs.run, lambda runs, run: runs.run_tool(["true"], cwd=run.reports, bound=1)])
def test_nothing_is_started_any_more_when_runs_were_left(tmp_path: Path, start: Callable[[Runs, Run], object]) -> None:
    with Runs(BOUND) as runs:
        pass
    with pytest.raises(Stopped):
        start(runs, script(tmp_path, "touch $0/started"))
    assert not (tmp_path / "started").exists()


# Signals.


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_interrupts_and_gives_the_status_that_a_shell_knows(number: signal.Signals, status: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught, interruptible():
        signal.raise_signal(number)
    assert caught.value.status == status
    assert signal.getsignal(number) is before


def test_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_options_for_behave_are_read_from_its_arguments() -> None:
    given = ["--tags", "bitmap", "-D", "format=raw", "-Dscratch=/a=b", "--define", "format=qcow2", "--stop"]
    assert defines_in(given) == {"format": "qcow2", "scratch": "/a=b"}
