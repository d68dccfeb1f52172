"""Which scenarios are run first: the greedy cover of what the proof has seen."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from testbed.campaign.proof import __main__ as program
from testbed.campaign.proof.conversation import Fault
from testbed.campaign.proof.cover import cover, joined, order_of, true_order
from testbed.campaign.proof.faultkind import NOTHING, FaultKind
from testbed.campaign.proof.faults import FAULTS
from testbed.campaign.proof.findings import Finding, Proof, Red
from testbed.reports.outcome import Outcome, Status
from testbed.run.order import ORDER, QUICK, Finder, Order
from testbed.upkeep import docs


def finder(scenario: str, seconds: float, finds: str, feature: str = "a.feature") -> Finder:
    """Return a scenario that finds faults with names of one letter."""
    return Finder(feature, scenario, seconds, tuple(finds))


def told(finders: Iterable[Finder]) -> list[str]:
    return [f"{each.scenario} {''.join(each.finds)}" for each in finders]


@pytest.mark.parametrize(
    ("candidates", "order"),
    [
        ([finder("little", 1, "a"), finder("much", 1, "abc")], ["much abc"]),
        ([finder("long", 10, "abc"), finder("short", 1, "a")], ["short a", "long bc"]),
        ([finder("one", 1, "abc"), finder("two", 1, "cd"), finder("other", 1, "de")], ["one abc", "other de"]),
        ([finder("b", 1, "x"), finder("a", 1, "x")], ["a x"]),
        ([finder("idle", 1, "")], []),
        ([], []),
    ],
    ids=["most first", "for its time", "only what is new counts", "of equals the first", "nothing found", "nothing"],
)
def test_next_is_what_adds_most_for_its_time(candidates: list[Finder], order: list[str]) -> None:
    assert told(cover(candidates)) == order


FINDERS = some.builds(
    finder, some.sampled_from("stuvw"), some.sampled_from([0.1, 0.2, 0.3, 1.0]), some.sets(some.sampled_from("abcdefg"))
)


@given(some.lists(FINDERS, unique_by=lambda each: each.scenario))
def test_cover_finds_all_each_once_and_is_its_own_cover(candidates: list[Finder]) -> None:
    """So it can be seen of what is kept, which is the cover alone, that it is in its right order."""
    covering = cover(candidates)
    faults = [fault for each in covering for fault in each.finds]
    assert sorted(faults) == sorted({fault for each in candidates for fault in each.finds})
    assert cover(reversed(covering)) == covering


# What a proof calls for.

TRIED = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def outcome(scenario: str, line: int, seconds: float, status: Status = Status.PASSED) -> Outcome:
    return Outcome(
        area="a",
        suite="a.A",
        report="a",
        feature="A",
        rule="R",
        scenario=scenario,
        name=f"R: {scenario}",
        file="a.feature",
        line=line,
        tags=(),
        repeat="",
        started=TRIED,
        seconds=seconds,
        status=status,
    )


def fault(name: str, *, is_survivable: bool = True) -> FaultKind:
    return FaultKind(name, name, Fault, ("clue",), is_survivable=is_survivable)


def red(line: int, said: str = "a clue") -> Red:
    return Red(f"a.feature:{line}", "R: S", said)


def proof_of(*trials: Finding) -> Proof:
    sound = [outcome("One", 3, 0.104), outcome("Two", 5, 0.3), outcome("Lacks", 7, 0.0, Status.NOT_APPLICABLE)]
    return Proof(trials, {}, "7.2", TRIED, 1.0, {}, trials=trials, sound=sound)


def test_order_is_made_of_what_was_found_where_and_how_long_it_takes_where_nothing_is_wrong() -> None:
    trials = [Finding(fault("lost"), [red(3), red(5), red(7)]), Finding(fault("late"), [red(5)])]
    one, two = finder("One", 0.1, ""), finder("Two", 0.3, "")
    assert order_of(proof_of(*trials), 9) == Order(
        [Finder("a.feature", one.scenario, 0.1, ("lost",)), Finder("a.feature", two.scenario, 0.3, ("late",))],
        9,
        {"a.feature": 0.2},
    )


def test_fault_that_no_scenario_survives_is_found_too() -> None:
    order = order_of(proof_of(Finding(fault("death", is_survivable=False), [red(3)])), 1)
    assert [each.finds for each in order.finders] == [("death",)]


@pytest.mark.parametrize(
    "finding",
    [
        Finding(fault("lost"), [red(3, "it leads astray")]),
        Finding(fault("lost"), [red(7)]),
        Finding(fault("lost"), [Red("", "the run", "a clue")]),
    ],
    ids=["words that do not lead to it", "a scenario that does not pass without it", "the run as a whole"],
)
def test_what_shows_nothing_of_a_scenario_does_not_count(finding: Finding) -> None:
    assert order_of(proof_of(finding), 1).finders == []


def test_what_is_no_more_is_taken_out_of_an_order() -> None:
    finders = [finder("gone", 0.1, "abx"), finder("stays", 0.2, "de"), finder("next", 0.2, "fgh")]
    order = true_order(
        Order(finders, 8, {"a.feature": 0.2, "b.feature": 0.3}), {("a.feature", "stays"), ("a.feature", "next")}, "defx"
    )
    assert order == Order([finder("stays", 0.2, "de"), finder("next", 0.2, "f")], 4, {"a.feature": 0.2})


@pytest.mark.parametrize("is_wanted", [True, False])
def test_order_is_written_where_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, is_wanted: bool
) -> None:
    (tmp_path / "features").mkdir()
    monkeypatch.setattr(program, "ROOT", tmp_path)
    options = Namespace(reports=tmp_path, faults="", update_readme=False, update_quick=is_wanted)
    program._conclude(proof_of(Finding(fault("lost"), [red(3)])), options)
    assert (tmp_path / ORDER).exists() is is_wanted
    found = [each.scenario for each in Order.read(tmp_path / ORDER).finders]
    assert found == ["One"] * is_wanted
    assert ("These 1 scenarios find 1 of " in capsys.readouterr().out) is is_wanted


# What is kept.


@pytest.mark.whole
def test_order_that_is_kept_is_true() -> None:
    """Each scenario and each fault is there, in the order of the cover, and the faults are counted as they are now."""
    kept = docs.ROOT / ORDER
    assert kept.read_text(encoding="utf-8") == docs.order().text, f"{ORDER} is out of date: run make docs"


def test_quick_scenarios_are_quick_and_find_something() -> None:
    quick = docs.order().quick
    assert 0 < sum(each.seconds for each in quick) <= QUICK
    assert docs.order().known == sum(fault is not NOTHING for fault in FAULTS.values())
    assert docs.quick().startswith(f"These {len(quick)} scenarios find ")


def test_quick_scenarios_find_three_quarters_of_all_faults() -> None:
    order = docs.order()
    assert sum(len(each.finds) for each in order.quick) >= 0.75 * order.known


def test_what_is_learnt_of_some_faults_joins_what_is_known_of_the_others() -> None:
    before = Order([finder("much", 1, "abc"), finder("old", 1, "d")], 4, {"a.feature": 1.0, "b.feature": 2.0})
    order = joined(Order([finder("new", 1, "xyzv"), finder("old", 9, "x")], 8, {"a.feature": 3.0}), before)
    assert told(order.finders) == ["new vxyz", "much abc", "old d"]
    assert (order.known, order.costs) == (8, {"a.feature": 3.0, "b.feature": 2.0})
