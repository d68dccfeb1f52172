"""Several processes that share the features of one run."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from conftest import Project

FEATURE = """
    Feature: Number {number}
      Scenario: The first of {number}
        Given a state
        When it happens

      Scenario: The second of {number}
        Given a state
        Then it should hold
"""

WAITING = """
    import os
    from behave import when

    @when("it waits")
    def waits(context):
        os.write(int(os.environ["READY"]), b"!")
        os.read(os.pipe()[0], 1)

    @when("it dies")
    def dies(context):
        os.kill(os.getpid(), 9)
"""


@pytest.fixture
def four(new_project: Callable[[], Project]) -> Project:
    project = new_project()
    for number in range(4):
        project.write(f"features/life/number{number}.feature", FEATURE.format(number=number))
    return project


def test_two_processes_report_what_one_reports(four: Project) -> None:
    alone = four.run()
    told = {name: sorted(str(case.name) for case in alone.suite(f"life.number{name}")) for name in range(4)}
    outcomes = sorted((outcome["scenario"], outcome["status"]) for outcome in alone.summary()["outcomes"])
    shared = four.run("--jobs", "2")
    assert shared.status == alone.status == 1
    assert shared.files == alone.files
    assert {name: sorted(str(case.name) for case in shared.suite(f"life.number{name}")) for name in range(4)} == told
    assert sorted((outcome["scenario"], outcome["status"]) for outcome in shared.summary()["outcomes"]) == outcomes
    assert "passed 4" in shared.stdout


def test_more_processes_than_features_do_no_harm(four: Project) -> None:
    assert four.run("--jobs", "9", "features/life/number1.feature").summary()["counts"] == {"passed": 1, "failed": 1}


def test_a_process_that_dies_is_told_and_the_others_go_on(four: Project) -> None:
    four.write("steps/waiting.py", WAITING)
    four.write("features/life/deadly.feature", "Feature: Deadly\n  Scenario: Dies\n    When it dies\n" * 1)
    finished = four.run("--jobs", "2")
    assert finished.status == 1
    assert "a process of the run was killed by SIGKILL" in finished.stderr
    assert finished.summary()["counts"]["passed"] == 4
    (dead,) = (outcome for outcome in finished.summary()["outcomes"] if outcome["scenario"] == "Dies")
    assert dead["status"] != "passed"


ASKING = """
    import os
    from pathlib import Path

    def before_load(context, words):
        context.known = {}

    def before_running(context, scenarios):
        context.known["asked by"] = os.getpid()
        Path("asked").write_text("\\n".join(scenario.name for scenario in scenarios))

    def before_all(context):
        assert context.known["asked by"] == os.getppid()
"""


def test_what_is_asked_before_they_are_forked_all_of_them_know(four: Project) -> None:
    four.write("environment.py", ASKING)
    finished = four.run("--jobs", "2", "--name", "The first of")
    assert finished.summary()["counts"] == {"passed": 4}
    assert (four.home / "asked").read_text().splitlines() == [f"The first of {number}" for number in range(4)]


@pytest.mark.parametrize(("args", "is_asked"), [(["--dry-run", "--jobs", "2"], False), (["--jobs", "1"], True)])
def test_all_is_asked_ahead_in_one_process_too_but_in_no_dry_run(
    four: Project, args: list[str], *, is_asked: bool
) -> None:
    four.write("environment.py", ASKING.split("    def before_all", maxsplit=1)[0])
    four.run(*args)
    assert (four.home / "asked").exists() == is_asked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_them_in_order(four: Project, number: signal.Signals) -> None:
    four.write("steps/waiting.py", WAITING)
    four.write("features/life/long.feature", "Feature: Long\n  Scenario: Waits\n    When it waits\n")
    finished = four.run_until_told(number, "--jobs", "2")
    assert finished.status == 1
    assert f"interrupted by {number.name}" in finished.stdout + finished.stderr
    (waiting,) = (outcome for outcome in finished.summary()["outcomes"] if outcome["scenario"] == "Waits")
    assert waiting["status"] == "not run"


def test_what_keeps_each_process_from_starting_is_told_once(four: Project) -> None:
    four.write("environment.py", "def before_all(context):\n    raise RuntimeError('no machine')\n")
    finished = four.run("--jobs", "2")
    assert finished.status == 1
    assert finished.stderr.count("RuntimeError: no machine") >= 1
    assert "passed" not in finished.summary()["counts"]
