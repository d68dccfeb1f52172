"""The ledger: what is entered is added up, by whatever one asks for, and comes back from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.campaign.profile.ledger import Cost, Ledger, Mark, Section

PROCESSES, PYTHON, WAITING = Section.PROCESSES, Section.PYTHON, Section.WAITING


@pytest.fixture
def ledger() -> Ledger:
    """Return one of two scenarios."""
    ledger = Ledger(closed=Mark(9.0, 1.0, 0.5))
    ledger.enter("a:1", PROCESSES, "QEMU", Cost(1, 0.5, 0.25))
    ledger.enter("a:1", PROCESSES, "QEMU", Cost(1, 0.5, 0.25))
    ledger.enter("b:2", PROCESSES, "qemu-io", Cost(1, 2.0, 0.5))
    ledger.enter("b:2", PYTHON, "behave", Cost(user=0.125, kernel=0.125))
    ledger.enter("b:2", WAITING, "an event", Cost(waited=2.0, idle=1.0))
    return ledger


def test_equal_things_are_added_up(ledger: Ledger) -> None:
    assert ledger.by_thing(PROCESSES) == {"QEMU": Cost(2, 1.0, 0.5), "qemu-io": Cost(1, 2.0, 0.5)}
    assert ledger.total(PROCESSES) == Cost(3, 3.0, 1.0)
    assert ledger.total() == Cost(3, 3.125, 1.125, 2.0, 1.0)


def test_the_costliest_comes_first(ledger: Ledger) -> None:
    assert list(ledger.by_thing(PROCESSES)) == ["qemu-io", "QEMU"]
    assert list(ledger.by_scenario().items()) == [
        ("b:2", Cost(1, 2.125, 0.625, 2.0, 1.0)),
        ("a:1", Cost(2, 1.0, 0.5)),
    ]
    assert list(ledger.by_scenario(WAITING)) == ["b:2"]


def test_wall_time_is_what_python_ran_and_waited(ledger: Ledger) -> None:
    assert ledger.wall == 2.25


def test_it_comes_back_from_a_file(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write(tmp_path / "ledger.json")
    assert Ledger.read(tmp_path / "ledger.json") == ledger


def test_another_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"closed": [1, 2, 3], "entries": [["a", "holidays", "x"]]}')
    with pytest.raises(ValueError, match="holidays"):
        Ledger.read(tmp_path / "other.json")
