from __future__ import annotations

import os
import signal

import pytest
from without_qemu import state

from testbed.domain.job import Job
from testbed.domain.lifecycle import JobEnd, Lifecycle, ends_without_a_run
from testbed.qemu.machine import Machine, MachineDied
from testbed.qemu.monitor import Event


def end(name: str) -> Event:
    return Event("BLOCK_JOB_CANCELLED", {"device": name}, 0.0)


def test_job_that_has_run_may_end() -> None:
    assert ends_without_a_run([state("a", "created"), state("a", "running"), end("a"), state("a", "null")]) == []


def test_job_that_was_called_off_before_it_ran_has_no_end_to_tell_of() -> None:
    assert ends_without_a_run([state("a", "created"), told := end("a"), state("a", "null")]) == [told]


def test_run_of_an_earlier_job_of_that_name_does_not_count() -> None:
    first = [state("a", "running"), end("a"), state("a", "null")]
    assert ends_without_a_run([*first, state("a", "created"), told := end("a")]) == [told]


def test_run_of_another_job_does_not_count() -> None:
    assert ends_without_a_run([state("a", "running"), told := end("b")]) == [told]


def test_whoever_waits_for_a_job_is_told_that_its_qemu_had_died_before(machine: Machine) -> None:
    os.kill(machine.child.pid, signal.SIGKILL)
    machine.child.wait(machine.bound)
    with pytest.raises(MachineDied, match=r"^QEMU killed by SIGKILL"):
        Job(machine, "job0").wait()


# The life as a whole.

TOLD = {"type": "backup", "device": "a", "offset": 1, "len": 1, "speed": 0}

ENDED = Event("BLOCK_JOB_COMPLETED", TOLD, 0.0)

ASKS = Event("BLOCK_JOB_PENDING", {"type": "backup", "id": "a"}, 0.0)


def states(*names: str) -> list[Event]:
    return [state("a", name) for name in names]


ORDERLY = [*states("created", "running", "waiting", "pending"), ENDED, *states("concluded", "null")]


def wrongs(
    events: list[Event], *, auto_finalize: bool = True, speed: int | None = 0, kind: str = "backup"
) -> list[str]:
    return list(Lifecycle(kind, events).wrongs(last=("null",), auto_finalize=auto_finalize, speed=speed))


def with_end(**members: object) -> list[Event]:
    """Return an orderly life whose end has other members."""
    return [Event(ENDED.name, {**TOLD, **members}, 0.0) if event is ENDED else event for event in ORDERLY]


def test_orderly_life_has_nothing_wrong() -> None:
    assert wrongs(ORDERLY) == []
    asked = [*ORDERLY[:4], ASKS, *ORDERLY[4:]]
    assert wrongs(asked, auto_finalize=False) == []
    assert wrongs(with_end(speed=7), speed=None) == []
    cancelled = Event("BLOCK_JOB_CANCELLED", {**TOLD, "offset": 0}, 0.0)
    assert wrongs([*states("created", "running", "aborting"), cancelled, *states("concluded", "null")]) == []


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        ([*ORDERLY[:2], *ORDERLY[3:]], "it went from running to pending"),
        (ORDERLY[:-1], "it should come to the state null"),
        ([*states("created", "running", "ready"), *ORDERLY[2:]], "a backup job is never ready"),
        ([*ORDERLY[:4], *states("aborting"), *ORDERLY[4:]], "it completed, and was aborting"),
        (with_end(error="no"), "it failed, and was never aborting"),
        (with_end(offset=0), "it completed, but its offset is 0, not its len 1"),
        (with_end(offset=2), "its offset is 2 B, beyond its len 1 B"),
        (with_end(speed=5), "it should have the speed 0, and says 5"),
        (with_end(type="mirror"), 'it should be of the type "backup", and says "mirror"'),
        ([*ORDERLY[:3], ENDED, ORDERLY[3], *ORDERLY[5:]], "should be the last that it tells before it is concluded"),
        ([*ORDERLY[:4], ASKS, *ORDERLY[4:]], "it should never ask to be finalized, and did so 1 times"),
    ],
)
def test_each_thing_that_is_wrong_is_said(events: list[Event], wrong: str) -> None:
    assert wrong in "; ".join(wrongs(events))


def test_job_that_has_to_be_finalized_asks_for_it_at_once() -> None:
    assert wrongs(ORDERLY, auto_finalize=False) == ["it should once ask to be finalized, and did so 0 times"]
    late = [*ORDERLY[:5], ASKS, *ORDERLY[5:]]
    assert "it should ask to be finalized as soon as it is pending" in wrongs(late, auto_finalize=False)


def test_end_is_known_when_the_job_is_concluded() -> None:
    assert Lifecycle("backup", ORDERLY[:5]).end is None
    assert Lifecycle("backup", ORDERLY[:6]).end == JobEnd("completed", None, 1, 1)
    assert str(JobEnd.told(with_end(error="no space")[4])) == 'failed with "no space"'


# The life of a job that gets ready.

READY = Event("BLOCK_JOB_READY", {**TOLD, "type": "mirror"}, 0.0)

MIRROR_ENDED = Event(ENDED.name, {**TOLD, "type": "mirror"}, 0.0)


def mirrored(*ready: Event) -> list[Event]:
    """Return the life of a mirror that tells by these events that it is ready."""
    begun, rest = states("created", "running", "ready"), states("waiting", "pending")
    return [*begun, *ready, *rest, MIRROR_ENDED, *states("concluded", "null")]


def ready_with(**members: object) -> Event:
    return Event(READY.name, {**READY.data, **members}, 0.0)


def test_job_tells_once_that_it_is_ready() -> None:
    assert wrongs(mirrored(READY), kind="mirror") == []
    for told in ([], [READY, READY]):
        (wrong,) = wrongs(mirrored(*told), kind="mirror")
        assert wrong.endswith(f"that it is ready, as soon as it is, and did so {len(told)} times")


def test_job_tells_that_it_is_ready_as_soon_as_it_is() -> None:
    late = [event for event in mirrored(READY) if event is not READY]
    late.insert(4, READY)
    assert "as soon as it is" in "; ".join(wrongs(late, kind="mirror"))


def test_job_that_never_gets_ready_does_not_tell_so() -> None:
    assert "a backup job is never ready" in "; ".join(wrongs([*ORDERLY[:2], ready_with(type="backup"), *ORDERLY[2:]]))


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"speed": 5}, "when it was ready, its speed was 5 B and should have been 0"),
        ({"offset": 0}, "when it was ready, its offset was 0 and should have been 1 B"),
        ({"len": 2, "offset": 2}, "when it was ready, its len was 2 B and should have been 1 B"),
        ({"type": "backup"}, 'it should be of the type "mirror"'),
    ],
)
def test_what_a_ready_job_says_of_itself_is_what_it_says_in_the_end(members: dict[str, object], wrong: str) -> None:
    assert wrong in "; ".join(wrongs(mirrored(ready_with(**members)), kind="mirror"))
