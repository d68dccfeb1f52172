"""What the models know of a job by its events, and what they foresee of what is asked of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from without_qemu import ended_machine, state

from testbed.base.problems import AuthorError
from testbed.domain.job import Job
from testbed.domain.lifecycle import FOLLOWS
from testbed.domain.request import Outlook, Refusal, Request
from testbed.qemu.monitor import Event

STATES = tuple(FOLLOWS)
"""In the order in which QEMU's job.c has them."""

TABLE = {
    # undefined, created, running, paused, ready, standby, waiting, pending, aborting, concluded, null
    "cancel": "-yyyyyyy---",
    "pause": "-yyyyy-----",
    "resume": "-yyyyy-----",
    "set-speed": "-yyyyy-----",
    "complete": "----y------",
    "finalize": "-------y---",
    "dismiss": "---------y-",
}
"""Which verb a job takes in which state, as the table in job.c says it."""

ASK: dict[str, Callable[[Job, str], Request]] = {
    "cancel": Job.cancel,
    "pause": Job.pause,
    "complete": Job.complete,
    "finalize": Job.finalize_at_once,
    "dismiss": Job.dismiss_at_once,
}

STOPS = Event("BLOCK_JOB_ERROR", {"device": "job0", "action": "stop"}, 0.0)


def job_in(status: str) -> Job:
    """Return a job that is in a state."""
    return Job(ended_machine([] if status == "undefined" else [state("job0", status)]), "job0")


def foreseen(request: Request) -> Refusal | None:
    """Return how QEMU must refuse a request; the models know what will come."""
    outlook = Outlook()
    refusal = request.forecast(outlook)
    assert not outlook.is_open
    return refusal


def refusal_of(verb: str, family: str, status: str, *, takes: bool) -> Refusal | None:
    """Return how QEMU words that a job in a state is gone, or does not take a verb."""
    if status in ("undefined", "null"):
        if family == "block-job":
            return Refusal("Block job 'job0' not found", "DeviceNotActive")
        return Refusal("Job not found")
    return None if takes else Refusal(f"Job 'job0' in state '{status}' cannot accept command verb '{verb}'")


@pytest.mark.parametrize("family", ["job", "block-job"])
@pytest.mark.parametrize("verb", ASK)
def test_each_state_takes_its_verbs(verb: str, family: str) -> None:
    for status, mark in zip(STATES, TABLE[verb], strict=True):
        refusal = refusal_of(verb, family, status, takes=mark == "y")
        assert foreseen(ASK[verb](job_in(status), family)) == refusal, status


def test_each_state_takes_a_speed_as_it_takes_its_verbs() -> None:
    below = Refusal("Parameter 'speed' expects a non-negative value")
    for status, mark in zip(STATES, TABLE["set-speed"], strict=True):
        refusal = refusal_of("set-speed", "block-job", status, takes=mark == "y")
        assert foreseen(job_in(status).set_speed(1)) == refusal, status
        assert foreseen(job_in(status).set_speed(-1)) == (refusal or below), status


def test_each_state_takes_a_cancel_by_force_as_it_takes_one_without() -> None:
    for status, mark in zip(STATES, TABLE["cancel"], strict=True):
        refusal = refusal_of("cancel", "block-job", status, takes=mark == "y")
        assert foreseen(job_in(status).cancel_by_force()) == refusal, status


# A job that was told to rest, or was stopped by an error, rests until it is resumed, whatever its state.

RESTLESS = Refusal("Can't resume a job that was not paused")


@pytest.mark.parametrize("family", ["job", "block-job"])
def test_each_state_takes_a_resume_only_of_a_job_that_rests(family: str) -> None:
    for status, mark in zip(STATES, TABLE["resume"], strict=True):
        job = job_in(status)
        gone = status in ("undefined", "null")
        refusal = refusal_of("resume", family, status, takes=mark == "y")
        assert foreseen(job.resume(family)) == (refusal if gone else RESTLESS), status
        job.pause().granted()
        assert foreseen(job.resume(family)) == refusal, status


def rests(job: Job) -> bool:
    return job.rests


def test_job_rests_from_its_pause_to_its_resumption() -> None:
    job = job_in("running")
    assert not rests(job)
    job.pause().granted()
    assert rests(job)
    assert foreseen(job.pause()) == Refusal("Job is already paused")
    job.resume().granted()  # even if it has told of neither yet
    assert not rests(job)
    assert foreseen(job.pause()) is None
    assert foreseen(job.resume()) == RESTLESS


def test_job_that_an_error_stops_rests_too() -> None:
    job = job_in("running")
    job.machine.monitor.events += [STOPS, state("job0", "paused")]
    assert rests(job)
    assert foreseen(job.resume()) is None
    job.resume().granted()
    assert not rests(job)
    job.machine.monitor.events.append(STOPS)
    assert rests(job)


def test_error_of_another_job_or_one_that_is_only_reported_lets_a_job_go_on() -> None:
    job = job_in("running")
    for data in ({"device": "job1", "action": "stop"}, {"device": "job0", "action": "report"}):
        job.machine.monitor.events.append(Event("BLOCK_JOB_ERROR", data, 0.0))
    assert not rests(job)


def test_job_that_rests_is_not_cancelled_by_the_older_command_without_force() -> None:
    job = job_in("paused")
    job.pause().granted()
    assert foreseen(job.cancel("block-job")) == Refusal("The block job for device 'job0' is currently paused")
    assert foreseen(job.cancel()) is None
    assert foreseen(job.cancel_by_force()) is None
    job.machine.monitor.events.append(state("job0", "null"))
    gone = Refusal("Block job 'job0' not found", "DeviceNotActive")
    assert foreseen(job.cancel("block-job")) == gone


def test_state_is_the_newest_that_the_job_itself_has_told_of() -> None:
    told = [state("job0", "running"), state("job0", "pending"), state("job1", "concluded")]
    job = Job(ended_machine(told), "job0")
    assert foreseen(job.finalize_at_once()) is None
    assert foreseen(job.dismiss_at_once()) == refusal_of("dismiss", "job", "pending", takes=False)


@pytest.mark.parametrize(
    ("asked", "command", "arguments"),
    [
        (lambda job: job.pause(), "job-pause", {"id": "job0"}),
        (lambda job: job.pause("block-job"), "block-job-pause", {"device": "job0"}),
        (lambda job: job.dismiss_at_once("block-job"), "block-job-dismiss", {"id": "job0"}),
        (lambda job: job.finalize_at_once("block-job"), "block-job-finalize", {"id": "job0"}),
        (lambda job: job.cancel_by_force(), "block-job-cancel", {"device": "job0", "force": True}),
        (lambda job: job.set_speed(5), "block-job-set-speed", {"device": "job0", "speed": 5}),
    ],
)
def test_each_family_of_commands_names_the_job_in_its_own_way(
    asked: Callable[[Job], Request], command: str, arguments: dict[str, object]
) -> None:
    job = job_in("running")
    made = asked(job)
    assert (made.command, made.arguments, made.machine) == (command, arguments, job.machine)


def test_speed_is_known_when_it_was_granted() -> None:
    job = job_in("running")
    asked = job.set_speed(5)
    assert job.speed is None
    asked.granted()
    assert job.speed == 5


def test_job_that_nothing_holds_cannot_be_let_go() -> None:
    job = job_in("running")
    with pytest.raises(AuthorError, match='nothing holds the job "job0" in a state'):
        job.let_go()
    job.holder = job.cancel
    assert job.let_go().command == "job-cancel"
    with pytest.raises(AuthorError):
        job.let_go()


# What it has told.


def test_events_end_with_the_job_and_begin_with_its_start() -> None:
    other = state("job1", "running")
    told = [state("job0", "created"), state("job0", "running"), other, state("job0", "null"), state("job0", "created")]
    job = Job(ended_machine(told), "job0", start=1)
    assert job.events == [told[1], told[3]]
    assert job.is_gone
    assert not Job(ended_machine(told[:2]), "job0").is_gone


def test_job_is_named_by_its_events_in_two_ways() -> None:
    job = job_in("running")
    assert job.mine(Event("BLOCK_JOB_COMPLETED", {"device": "job0"}, 0.0))
    assert job.mine(Event("JOB_STATUS_CHANGE", {"id": "job0"}, 0.0))
    assert not job.mine(Event("BLOCK_JOB_COMPLETED", {"device": "job1"}, 0.0))
    assert not job.mine(Event("DEVICE_DELETED", {"device": "job0"}, 0.0))


RESTS = [state("job0", status) for status in ("created", "running", "paused", "running", "waiting")]


def test_rest_that_nobody_asked_for_is_not_told() -> None:
    assert Job(ended_machine(RESTS), "job0").lifecycle.states == ["created", "running", "waiting"]


def test_rest_that_was_asked_for_is_told() -> None:
    machine = ended_machine(RESTS[:2])
    job = Job(machine, "job0")
    job.pause().granted()
    machine.monitor.events += RESTS[2:]
    assert job.lifecycle.states == [state.data["status"] for state in RESTS]


def test_rest_after_an_error_that_stops_it_is_told() -> None:
    job = Job(ended_machine([*RESTS[:2], STOPS, *RESTS[2:]]), "job0")
    assert str(job.lifecycle).startswith("created; running; BLOCK_JOB_ERROR")
    assert job.lifecycle.states == [state.data["status"] for state in RESTS]
    reports = Event("BLOCK_JOB_ERROR", {"device": "job0", "action": "report"}, 0.0)
    job = Job(ended_machine([*RESTS[:2], reports, *RESTS[2:]]), "job0")
    assert "paused" not in job.lifecycle.states
