"""In which order the features of a run are taken, and which scenarios a quick run takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Finished, Project

from testbed.base.problems import AuthorError
from testbed.run.order import QUICK, Finder, Order

FEATURE = """
    Feature: Number {number}
      Scenario: Good {number}
        Given a state

      Scenario Outline: Bad
        Given a state
        Then it should hold

        Examples: Numbers
          | case   |
          | {number} |
          | other  |
"""

FIRST = Finder("c", "One", 0.5, ("lost", "late"))
SECOND = Finder("b", "Two", 1.0, ("wrong",))
ORDER = Order([FIRST, SECOND], 4, {"a": 0.1, "b": 1.0, "c": 0.5, "d": 3.0})


def file(number: int) -> str:
    return f"features/life/number{number}.feature"


def files_of(finished: Finished) -> list[str]:
    return list(dict.fromkeys(outcome["file"] for outcome in finished.summary()["outcomes"]))


@pytest.fixture
def four(new_project: Callable[[], Project]) -> Project:
    """Return a project of four features, of which the last finds most and the second takes longest."""
    project = new_project()
    for number in range(4):
        project.write(file(number), FEATURE.format(number=number))
    best = Finder(file(3), "Bad [3]", 0.1, ("lost", "late", "wrong"))
    good = Finder(file(0), "Good 0", 0.1, ("odd",))
    project.write("features/order.json", Order([best, good], 5, {file(1): 7.0}).text)
    return project


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_text(ORDER.text, encoding="utf-8")
    assert Order.read(path) == ORDER
    json.loads(replace(ORDER, finders=[], costs={}).text)


def test_where_nothing_was_measured_nothing_is_known(tmp_path: Path) -> None:
    assert Order.read(tmp_path / "order.json") == Order()


@pytest.mark.parametrize("text", ["", "[]", '{"known faults": 3}', '{"scenarios": [{"feature": "a"}]}'])
def test_what_is_no_order_is_an_error_of_its_author(tmp_path: Path, text: str) -> None:
    path = tmp_path / "order.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AuthorError, match="not as the proof writes it"):
        Order.read(path)


def test_as_many_scenarios_are_quick_as_fit_into_the_time() -> None:
    half = replace(FIRST, seconds=QUICK / 2)
    assert Order([half, half]).quick == [half, half]
    assert Order([half, half, replace(half, seconds=0.01)]).quick == [half, half]
    assert Order([replace(FIRST, seconds=QUICK + 1)]).quick == []


def test_sureness_counts_what_has_passed_alone() -> None:
    assert ORDER.sureness([("c", "One"), ("b", "Two")]) == "These 2 scenarios find 3 of 4 known faults"
    assert ORDER.sureness([("c", "One"), ("c", "Two")]) == "These 1 scenarios find 2 of 4 known faults"


def test_several_processes_take_leaders_first_and_then_the_longest() -> None:
    """The second feature finds something, too; but what the first finds is enough."""
    order = replace(ORDER, finders=[replace(FIRST, finds=("lost", "late", "odd")), SECOND])
    assert order.for_several({"a": 1, "b": 1, "c": 1, "d": 1, "unknown": 20}) == ["c", "d", "unknown", "b", "a"]
    assert order.for_one({"a": 1, "b": 1, "c": 1, "d": 1}) == ["c", "a", "b", "d"]


def test_leaders_are_as_many_as_find_enough() -> None:
    assert ORDER.leaders({"a": 1, "b": 1, "c": 1}) == ["c", "b"]
    assert ORDER.leaders({"a": 1, "b": 1}) == ["b"]
    assert ORDER.leaders({"a": 1}) == []
    assert ORDER.leaders({"b": 1, "c": 30}) == ["b", "c"], "for its time, it finds little when it is long"


def test_where_nothing_is_known_the_largest_features_come_first() -> None:
    assert Order().for_several({"a": 1, "b": 3, "c": 2}) == ["b", "c", "a"]
    assert Order().for_one({"a": 1, "b": 3, "c": 2}) == ["a", "b", "c"]


def test_one_process_begins_with_the_features_that_find_most(four: Project) -> None:
    assert files_of(four.run()) == [file(3), file(0), file(1), file(2)]


def test_several_processes_begin_with_them_and_go_on_with_the_longest(four: Project) -> None:
    """The fourth is asked for by one process, and whichever asks next gets the first or the longest."""
    finished = four.run("--jobs", "2")
    assert sorted(files_of(finished)) == [file(number) for number in range(4)]
    assert finished.stdout.index("Number 3") < finished.stdout.index("Number 2")


def test_a_dry_run_keeps_the_order_of_the_files(four: Project) -> None:
    finished = four.run("--dry-run", "--format", "plain")
    assert [finished.stdout.index(f"Number {number}") for number in range(4)] == sorted(
        finished.stdout.index(f"Number {number}") for number in range(4)
    )


def run_quickly(project: Project, *arguments: str) -> Finished:
    return project.run("--runner", "testbed.run.quick:QuickRunner", *arguments)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_quick_run_takes_the_quick_scenarios_alone(four: Project, jobs: str) -> None:
    finished = run_quickly(four, "--jobs", jobs)
    assert finished.status == 1
    assert {(outcome["file"], outcome["scenario"]) for outcome in finished.summary()["outcomes"]} == {
        (file(3), "Bad [3]"),
        (file(0), "Good 0"),
    }
    assert finished.files == ["TEST-life.number0.xml", "TEST-life.number3.xml"]
    assert "known faults" not in finished.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_green_quick_run_says_how_sure_it_is(four: Project, jobs: str) -> None:
    finished = run_quickly(four, "--jobs", jobs, file(0), file(1))
    assert (finished.status, finished.stderr) == (0, "")
    assert finished.stdout.endswith(
        "\nThese 1 scenarios find 1 of 5 known faults; make accept runs all that there are.\n"
    )


@pytest.mark.parametrize("path", ["{home}/{file}", "./{file}", "{home}/features/life/../life/number0.feature:2"])
def test_a_quick_run_finds_a_file_however_it_is_spelt(four: Project, path: str) -> None:
    finished = run_quickly(four, path.format(home=four.home, file=file(0)))
    assert (finished.status, finished.stderr) == (0, "")
    assert [outcome["scenario"] for outcome in finished.summary()["outcomes"]] == ["Good 0"]


def test_a_quick_run_finds_what_is_in_a_folder_with_an_absolute_path(four: Project) -> None:
    assert files_of(run_quickly(four, str(four.home / "features"))) == [file(3), file(0)]


@pytest.mark.parametrize("others", [[file(1)], ["--name", "Good 1"]], ids=["another file", "another name"])
def test_where_nothing_is_quick_a_quick_run_says_so(four: Project, others: list[str]) -> None:
    finished = run_quickly(four, *others)
    assert (finished.status, finished.stdout) == (1, "")
    assert "no quick scenario is selected: make accept runs the others; or is a tag," in finished.stderr


def test_what_is_not_applicable_makes_nobody_sure(four: Project) -> None:
    four.write(
        "environment.py",
        """
        def before_scenario(context, scenario):
            if "Bad" in scenario.name:
                scenario.skip("this build has no such thing")
        """,
    )
    finished = run_quickly(four)
    assert (finished.status, finished.summary()["counts"]) == (0, {"passed": 1, "not applicable": 1})
    assert "\nThese 1 scenarios find 1 of 5 known faults" in finished.stdout


def test_a_quick_run_reads_no_feature_that_it_does_not_need(four: Project) -> None:
    four.write("features/life/broken.feature", "Nonsense\n")
    assert run_quickly(four, "--name", "Good").status == 0
    assert four.run("--name", "Good").status == 1


def test_a_plain_run_says_nothing_of_the_kind(four: Project) -> None:
    assert "known faults" not in four.run("--name", "Good").stdout


def test_a_quick_run_without_an_order_is_an_error(four: Project) -> None:
    (four.home / "features/order.json").unlink()
    finished = run_quickly(four)
    assert finished.status == 1
    assert "names no quick scenarios: make prove ARGS=--update-quick writes it" in finished.stderr
