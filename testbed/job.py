"""A background job: its life as events tell it, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testbed.machine import Machine
from testbed.monitor import Event
from testbed.request import Request

FOLLOWS: Mapping[str, frozenset[str]] = {
    "undefined": frozenset({"created"}),
    "created": frozenset({"running", "aborting", "null"}),
    "running": frozenset({"paused", "ready", "waiting", "aborting"}),
    "paused": frozenset({"running"}),
    "ready": frozenset({"standby", "waiting", "aborting"}),
    "standby": frozenset({"ready"}),
    "waiting": frozenset({"pending", "aborting"}),
    "pending": frozenset({"aborting", "concluded"}),
    "aborting": frozenset({"aborting", "concluded"}),
    "concluded": frozenset({"null"}),
    "null": frozenset(),
}
"""Which states may follow which (JobStatus in the QMP reference manual)."""

STATUSES = tuple(status for status in FOLLOWS if status != "undefined")
"""The states that a job can tell of."""

ENDINGS = ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED")


class WrongLife(AssertionError):
    """A job's events tell of a life that no job may have."""


@dataclass(frozen=True)
class JobEnd:
    """How a job ended: "completed", "failed" or "cancelled", with the error's text; progress in bytes."""

    how: str
    error: str | None
    offset: int
    length: int

    def __str__(self) -> str:
        """Say it in words that fit after "the job"."""
        return f'{self.how} with "{self.error}"' if self.error else self.how


@dataclass
class Job:
    """The job `name` of the machine; its events stand from place `start` on in the machine's list.

    `kind` is the job's type as QEMU names it.
    """

    machine: Machine
    name: str
    kind: str = "backup"
    start: int = 0
    begun: bool = False
    end: JobEnd | None = None
    _resumed: int = 0

    @property
    def running(self) -> bool:
        """Tell whether the job was started and has not been seen to be over."""
        return self.begun and self.end is None

    def mine(self, event: Event) -> bool:
        """Tell whether an event speaks of this job; JOB_* events name it `id`, BLOCK_JOB_* events `device`."""
        return self.name in (event.data.get("id"), event.data.get("device")) and "JOB" in event.name

    @property
    def events(self) -> list[Event]:
        """Return the events of this job so far; what comes after its end is about another job of that name."""
        mine = [event for event in self.machine.monitor.events[self.start :] if self.mine(event)]
        last = next((place for place, event in enumerate(mine) if event.data.get("status") == "null"), len(mine))
        return mine[: last + 1]

    @property
    def is_gone(self) -> bool:
        """Tell whether the job has told that it is over and forgotten."""
        return "null" in self.statuses

    @property
    def statuses(self) -> list[str]:
        """Return the states that the job has told of, in their order."""
        return [str(event.data["status"]) for event in self.events if event.name == "JOB_STATUS_CHANGE"]

    def wait_until(self, status: str, *, after: Event | None = None) -> None:
        """Wait until the job has been in a state, after an event if one is given.

        Raises MachineHung or MachineDied.
        """
        events = self.machine.monitor.events
        self.machine.wait_for(
            f'the state "{status}" of job {self.name}',
            lambda event: self.mine(event) and event.data.get("status") == status,
            start=events.index(after) if after else self.start,
        )

    def wait_until_stopped(self) -> None:
        """Wait until the job has stopped at an error, since it was last resumed; raises MachineHung or MachineDied.

        A job may pause for a moment at its start, too: only a pause after the error's event is the one.
        """
        error = self.machine.wait_for(
            f"BLOCK_JOB_ERROR of job {self.name} with the action stop",
            lambda event: self.mine(event) and event.data.get("action") == "stop",
            start=max(self.start, self._resumed),
        )
        self.wait_until("paused", after=error)

    def wait(self) -> JobEnd:
        """Wait until the job is over and gone, and return how it ended.

        Raises WrongLife when its events do not tell of one orderly life, MachineHung or MachineDied as any wait does.
        """
        self.wait_until("null")
        self.end = self._end()
        return self.end

    def resume(self) -> Request:
        """Make the request that lets a paused job go on."""
        told = len(self.machine.all_events())  # before the request: the job may go on before QEMU answers it

        def granted() -> None:
            self._resumed = told

        return Request("block-job-resume", {"device": self.name}, granted)

    @property
    def io_status(self) -> str:
        """Return what QEMU says of the errors that the job has met since it was last resumed; it must not be over."""
        jobs: list[Mapping[str, Any]] = self.machine.execute("query-block-jobs")
        return next(str(job["io-status"]) for job in jobs if job["device"] == self.name)

    def cancel(self) -> Request:
        """Make the request that gives a job up."""
        return Request("block-job-cancel", {"device": self.name})

    def cancel_by_force(self) -> Request:
        """Make the request that gives a job up although it is paused, or does not answer."""
        return Request("block-job-cancel", {"device": self.name, "force": True})

    def finalize(self) -> Request:
        """Wait until the job has done all but that, and make the request that lets it end."""
        self.wait_until("pending")
        return self.finalize_at_once()

    def finalize_at_once(self) -> Request:
        """Make the request that lets the job end, whether it is ready for that or not."""
        return Request("job-finalize", {"id": self.name})

    def dismiss(self) -> Request:
        """Wait until the job has ended, and make the request that forgets it."""
        self.wait_until("concluded")
        return self.dismiss_at_once()

    def dismiss_at_once(self) -> Request:
        """Make the request that forgets the job, whether it has ended or not."""
        return Request("job-dismiss", {"id": self.name})

    def set_speed(self, speed: int) -> Request:
        """Make the request that limits the job to `speed` bytes a second, or to none when that is 0."""
        return Request("block-job-set-speed", {"device": self.name, "speed": speed})

    def _end(self) -> JobEnd:
        told = [event for event in self.events if event.name in ENDINGS]
        if len(told) != 1:
            raise WrongLife(f"job {self.name} should tell of its end once; it told: {_listed(told)}")
        data: Mapping[str, Any] = told[0].data
        for before, after in zip(("undefined", *self.statuses), self.statuses, strict=False):
            if after not in FOLLOWS[before]:
                raise WrongLife(f"job {self.name} went from {before} to {after}; its states: {self.statuses}")
        if data["type"] != self.kind:
            raise WrongLife(f'job {self.name} should be of type "{self.kind}": {told[0]}')
        if told[0].name == "BLOCK_JOB_CANCELLED":
            return JobEnd("cancelled", None, data["offset"], data["len"])
        if "error" in data:
            return JobEnd("failed", data["error"], data["offset"], data["len"])
        if data["offset"] != data["len"]:
            raise WrongLife(f"job {self.name} completed, but its offset is not its len: {told[0]}")
        return JobEnd("completed", None, data["offset"], data["len"])


def _listed(events: list[Event]) -> str:
    return "; ".join(str(event) for event in events) or "nothing"
