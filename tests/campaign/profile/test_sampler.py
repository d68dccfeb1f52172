"""The sampler: no time is left out, and it belongs to whom it should."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, process_time

import pytest

from testbed.base.process import Child, run_tool
from testbed.campaign.profile.ledger import Ledger, Section
from testbed.campaign.profile.sampler import BEFORE, BETWEEN, OWN, PROCESSOR, START, Sampler

pytestmark = pytest.mark.whole

BOUND = 20.0

BUSY = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done"


@pytest.fixture
def sampler() -> Iterator[Sampler]:
    """Return one that has forgotten what it took to start these tests."""
    sampler = fresh()
    before = signal.getsignal(signal.SIGALRM)
    yield sampler
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def fresh() -> Sampler:
    """Return one that knows of nothing up to now."""
    sampler = Sampler(monotonic())
    sampler.ledger.entries.clear()
    return sampler


def work(seconds: float) -> None:
    """Use so much processor time."""
    end = process_time() + seconds
    while process_time() < end:
        sum(range(1000))


def waited(ledger: Ledger, what: str) -> float:
    """Return how long something was waited for."""
    cost = ledger.by_thing(Section.WAITING).get(what)
    return cost.waited if cost else 0.0


def test_all_wall_time_and_all_processor_time_of_python_is_entered(tmp_path: Path) -> None:
    since, used = monotonic(), process_time()
    sampler = fresh()
    with sampler.sampling():
        work(0.3)
        run_tool(["sleep", "0.2"], cwd=tmp_path, bound=BOUND)
    assert sampler.ledger.wall == pytest.approx(monotonic() - since, rel=0.03)
    assert sampler.ledger.total(Section.PYTHON).processor == pytest.approx(process_time() - used, rel=0.03)
    assert sampler.ledger.by_thing(Section.PYTHON)[OWN].processor > 0


def test_wait_for_a_tool_that_sleeps_is_idle(sampler: Sampler, tmp_path: Path) -> None:
    with sampler.sampling():
        run_tool(["sleep", "0.4"], cwd=tmp_path, bound=BOUND)
    tool = sampler.ledger.by_thing(Section.WAITING)["a tool"]
    assert tool.waited > 0.3
    assert tool.idle > 0.9 * tool.waited


def test_wait_for_a_tool_that_works_is_not(sampler: Sampler, tmp_path: Path) -> None:
    with sampler.sampling():
        run_tool(["sh", "-c", BUSY], cwd=tmp_path, bound=BOUND)
    tool = sampler.ledger.by_thing(Section.WAITING)["a tool"]
    used = sampler.ledger.by_thing(Section.PROCESSES)["sh"]
    assert used.number == 1
    assert used.processor > 0.1
    # On a busy machine, the tool is idle where it waits for a processor.
    assert tool.waited - tool.idle == pytest.approx(min(used.processor, tool.waited), rel=0.15)


def test_wait_for_the_end_of_a_process_is_not_one_for_a_tool(sampler: Sampler, tmp_path: Path) -> None:
    with sampler.sampling():
        child = Child.start(["sleep", "0.2"], cwd=tmp_path, stdout=tmp_path / "out", stderr=tmp_path / "err")
        assert child.wait(BOUND) == 0
    assert waited(sampler.ledger, "a QEMU to end") > 0.1 > waited(sampler.ledger, "a tool")


def test_costs_are_those_of_the_scenario_that_runs(sampler: Sampler, tmp_path: Path) -> None:
    with sampler.sampling():
        sampler.scenario_begins("a.feature:3")
        work(0.2)
        sampler.scenario_ends()
        run_tool(["true"], cwd=tmp_path, bound=BOUND)
        sampler.scenario_begins("b.feature:5")
        work(0.05)
        sampler.scenario_ends()
    by_scenario = sampler.ledger.by_scenario(Section.PYTHON)
    assert list(by_scenario)[:2] == ["a.feature:3", "b.feature:5"]
    assert by_scenario["a.feature:3"].processor == pytest.approx(0.2, rel=0.1)
    assert {*by_scenario} <= {"a.feature:3", "b.feature:5", BEFORE, BETWEEN}
    assert sampler.ledger.by_scenario(Section.PROCESSES)[BETWEEN].number == 1


def test_what_python_took_to_start_is_an_entry_of_its_own() -> None:
    sampler = Sampler(monotonic() - 3600)
    (used,) = sampler.ledger.by_thing(Section.PYTHON).items()
    assert used[0] == START
    assert used[1].processor == pytest.approx(process_time(), rel=0.1)
    assert waited(sampler.ledger, START) == pytest.approx(3600 - used[1].processor, rel=0.01)


def test_ledger_is_closed_with_what_all_have_used(sampler: Sampler, tmp_path: Path) -> None:
    with sampler.sampling():
        run_tool(["sh", "-c", BUSY], cwd=tmp_path, bound=BOUND)
    closed = sampler.ledger.closed
    assert closed.at == pytest.approx(monotonic(), abs=0.5)
    assert closed.user + closed.kernel > process_time() + 0.05


def test_a_wait_for_a_processor_is_none_for_anything_else(sampler: Sampler) -> None:
    with sampler.sampling():
        work(0.2)
    others = {what: cost for what, cost in sampler.ledger.by_thing(Section.WAITING).items() if what != PROCESSOR}
    assert sum(cost.waited for cost in others.values()) < 0.05
