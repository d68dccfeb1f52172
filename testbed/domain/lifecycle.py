"""The life of a background job: what its events must tell, in which order, and nothing of it twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from testbed.base.problems import quoted
from testbed.base.units import format_size
from testbed.qemu.monitor import Event
from testbed.qemu.wording import as_said

FOLLOWS: Mapping[str, frozenset[str]] = {
    "undefined": frozenset({"created"}),
    "created": frozenset({"running", "aborting", "null"}),
    "running": frozenset({"paused", "ready", "waiting", "aborting"}),
    "paused": frozenset({"running"}),
    "ready": frozenset({"standby", "waiting", "aborting"}),
    "standby": frozenset({"ready"}),
    "waiting": frozenset({"pending", "aborting"}),
    "pending": frozenset({"aborting", "concluded"}),
    "aborting": frozenset({"concluded"}),
    "concluded": frozenset({"null"}),
    "null": frozenset(),
}
"""Which states may follow which (JobStatus in the QMP reference manual)."""

STATUSES = tuple(status for status in FOLLOWS if status != "undefined")
"""The states that a job can tell of."""

ENDINGS = ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED")

ASKING = "BLOCK_JOB_PENDING"

GETTING_READY = "BLOCK_JOB_READY"

READY_KINDS = ("mirror", "commit")
"""The types of jobs that get ready, and then wait for the word to end."""


class WrongLifecycle(AssertionError):
    """A job tells of a life that no job may have."""


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

    @classmethod
    def told(cls, event: Event) -> JobEnd:
        """Read the event that tells of a job's end."""
        error = event.data.get("error")
        how = "cancelled" if event.name == "BLOCK_JOB_CANCELLED" else "completed" if error is None else "failed"
        return cls(how, error, event.data["offset"], event.data["len"])


@dataclass(frozen=True)
class Lifecycle:
    """What a job of the type `kind` has told of itself: all its events in their order."""

    kind: str
    events: Sequence[Event]

    def __str__(self) -> str:
        """List it in one line."""
        return "; ".join(state_of(event) or str(event) for event in self.events) or "nothing"

    @property
    def states(self) -> list[str]:
        """Return the states that the job has told of."""
        return [state for event in self.events if (state := state_of(event))]

    @property
    def told_of_end(self) -> list[Event]:
        """Return the events that tell of the job's end; there must be one."""
        return [event for event in self.events if event.name in ENDINGS]

    @property
    def end(self) -> JobEnd | None:
        """Return how the job ended, if it is known to have ended, be it forgotten yet or not."""
        return JobEnd.told(self.told_of_end[0]) if self.told_of_end and "concluded" in self.states else None

    def wrongs(
        self, *, last: Collection[str], auto_finalize: bool, speed: int | None, may_grow: bool = False
    ) -> Iterator[str]:
        """Say what is not as it must be in the life of a job that is over, which tells of its end once.

        `last` are states to one of which it must come; `speed` is what it is limited to in the end, in bytes a second
        with 0 for no limit, and None if nobody knows. It `may_grow` if it still got more to do when it was ready.
        """
        (told,) = self.told_of_end
        yield from self._wrong_states(last)
        yield from self._wrong_end(told)
        yield from self._wrong_asking(auto_finalize=auto_finalize)
        yield from self._wrong_members(told.data, speed)
        yield from self._wrong_readiness(told.data, may_grow=may_grow)

    def _wrong_states(self, last: Collection[str]) -> Iterator[str]:
        for before, after in pairwise(("undefined", *self.states)):
            if after not in FOLLOWS[before]:
                yield f"it went from {before} to {after}"
        if self.states[-1] not in last:
            yield f"it should come to the state {' or '.join(last)}"

    def _wrong_end(self, told: Event) -> Iterator[str]:
        end = JobEnd.told(told)
        if ("aborting" in self.states) is (end.how == "completed"):
            yield f"it {end.how}, and {'was' if end.how == 'completed' else 'was never'} aborting"
        if end.how == "completed" and end.offset != end.length:
            yield f"it completed, but its offset is {format_size(end.offset)}, not its len {format_size(end.length)}"
        if self._beside("concluded", -1) != told.name:
            yield f"{told.name} should be the last that it tells before it is concluded"

    def _wrong_asking(self, *, auto_finalize: bool) -> Iterator[str]:
        asks = sum(event.name == ASKING for event in self.events)
        should_ask = "pending" in self.states and not auto_finalize
        if asks != should_ask:
            yield f"it should {'once' if should_ask else 'never'} ask to be finalized, and did so {asks} times"
        if asks and self._beside("pending", 1) != ASKING:
            yield "it should ask to be finalized as soon as it is pending"

    def _wrong_members(self, end: Mapping[str, Any], speed: int | None) -> Iterator[str]:
        types = {event.data["type"] for event in self.events if "type" in event.data}
        if types != {self.kind}:
            yield f'it should be of the type "{self.kind}", and says {quoted(sorted(types)) or "none"}'
        if speed is not None and end["speed"] != speed:
            yield f"it should have the speed {as_said('speed', speed)}, and says {as_said('speed', end['speed'])}"
        if not 0 <= end["offset"] <= end["len"]:
            yield f"its offset is {as_said('offset', end['offset'])}, beyond its len {as_said('len', end['len'])}"

    def _wrong_readiness(self, end: Mapping[str, Any], *, may_grow: bool) -> Iterator[str]:
        told = [event.data for event in self.events if event.name == GETTING_READY]
        is_ready = "ready" in self.states
        if (is_ready or told) and self.kind not in READY_KINDS:
            yield f"a {self.kind} job is never ready"
        if len(told) != is_ready or (is_ready and self._beside("ready", 1) != GETTING_READY):
            yield f"it should tell by {GETTING_READY} that it is ready, as soon as it is, and did so {len(told)} times"
        for ready in told:
            # Nobody changes the limit of a job that is ready, and few write to its drive.
            length = min(ready["len"], end["len"]) if may_grow else end["len"]
            wanted = {"offset": ready["len"], "len": length, "speed": end["speed"]}
            for member in (member for member, value in wanted.items() if ready[member] != value):
                said, should = as_said(member, ready[member]), as_said(member, wanted[member])
                yield f"when it was ready, its {member} was {said} and should have been {should}"

    def _beside(self, state: str, step: int) -> str | None:
        """Return the name of the event that stands `step` places after the one that tells of a state."""
        place = next((place for place, event in enumerate(self.events) if state_of(event) == state), None)
        return None if place is None or not 0 <= place + step < len(self.events) else self.events[place + step].name


def state_of(event: Event) -> str:
    """Return the state that a job's event tells of, or nothing if it is another kind of event."""
    return str(event.data["status"]) if event.name == "JOB_STATUS_CHANGE" else ""


def ends_without_a_run(events: Iterable[Event]) -> list[Event]:
    """Return those of all jobs' events that tell of the end of a job which has never run, and so cannot end."""
    running: set[str] = set()
    odd = []
    for event in events:
        if state_of(event) == "running":
            running.add(event.data["id"])
        elif state_of(event) == "null":
            running.discard(event.data["id"])
        elif event.name in ENDINGS and event.data["device"] not in running:
            odd.append(event)
    return odd
