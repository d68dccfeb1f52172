from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from without_qemu import ended_machine, state

from testbed.qemu.monitor import Event
from testbed.scenario.hearing import Hearing
from testbed.scenario.machines import Machines
from testbed.scenario.world import World

ERROR = Event("BLOCK_JOB_ERROR", {"device": "drive0", "action": "report"}, 0.0)
RESUME = Event("RESUME", {}, 0.0)


@pytest.fixture
def machines() -> Machines:
    """Return two machines that have ended; the first one has told of some things."""
    machines = Machines(ended_machine([state("drive0", "created"), RESUME, ERROR]))
    machines.started.append(ended_machine())
    return machines


def test_each_event_is_heard_once_and_changes_of_state_are_none(machines: Machines) -> None:
    hearing = Hearing(machines)
    assert hearing.unheard() == [RESUME, ERROR]
    assert hearing.unheard() == []
    again = Event("RESUME", {}, 0.0)  # equal to the first, and another one
    machines.current.monitor.events.append(again)
    assert [event is again for event in hearing.unheard()] == [True]


def test_each_machine_is_heard(machines: Machines) -> None:
    hearing, other = Hearing(machines), machines.started[1]
    hearing.unheard()
    other.monitor.events.append(ERROR)
    assert hearing.unheard() == []  # the very event that was heard already
    told = Event("BLOCK_JOB_ERROR", dict(ERROR.data), 1.0)
    other.monitor.events.append(told)
    assert hearing.unheard() == [told]


def test_what_somebody_has_spoken_of_or_a_guest_has_caused_is_not_new(machines: Machines) -> None:
    hearing = Hearing(machines)
    hearing.heard([ERROR])
    machines.current.monitor.events.append(Event("RESET", {"guest": True}, 0.0))
    machines.current.monitor.events.append(Event("GUEST_PANICKED", {"action": "run"}, 0.0))
    machines.current.monitor.events.append(told := Event("RESET", {"guest": False}, 0.0))
    assert hearing.unheard() == [RESUME, told]


def test_jobs_that_end_and_never_ran_are_odd_on_each_machine(machines: Machines) -> None:
    hearing, odd = Hearing(machines), Event("BLOCK_JOB_CANCELLED", {"device": "drive0"}, 0.0)
    assert hearing.odd_ends() == []
    for machine in machines:
        machine.monitor.events.append(odd)
    assert hearing.odd_ends() == [odd, odd]


def test_what_comes_again_and_again_is_waited_for_twice_and_heard_for_good(world: World) -> None:
    for command in ("cont", "stop", "cont", "stop"):
        world.machine.execute(command)
    world.hearing.hear_again_and_again("STOP", {})
    world.machine.execute("cont")
    world.machine.execute("stop")
    assert [event.name for event in world.hearing.new_events()] == ["RESUME"] * 3


@dataclass
class Told:
    """A disk of a machine that is asked nothing: what it has told stands in its monitor."""

    machine: Any
    name: str = "drive0"


def first_told(*names: str) -> str:
    """Return the name of the event that is taken for a disk's error, of a machine that has told of these."""
    machine = ended_machine([Event(name, {}, 0.0) for name in names])

    def wait_for(_what: str, wanted: Callable[[Event], bool], start: int = 0) -> Event:
        return next(event for event in machine.monitor.events[start:] if wanted(event))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "wait_for", wait_for)
        disk: Any = Told(machine)
        return Hearing(Machines(machine)).error_of_disk(disk).name


def test_error_of_a_disk_is_looked_for_since_the_guest_was_last_let_run() -> None:
    assert first_told("BLOCK_IO_ERROR") == "BLOCK_IO_ERROR"
    assert first_told("RESUME", "BLOCK_IO_ERROR", "STOP", "RESUME", "BLOCK_IO_ERROR", "STOP") == "BLOCK_IO_ERROR"


def test_pause_that_comes_before_its_error_is_what_is_told_of_the_disk() -> None:
    assert first_told("RESUME", "BLOCK_IO_ERROR", "STOP", "RESUME", "STOP", "BLOCK_IO_ERROR") == "STOP"
