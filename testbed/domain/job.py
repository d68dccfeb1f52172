"""A background job: what is asked of it, what QEMU shows of it, and its life as events tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from testbed.base.problems import AuthorError, quoted
from testbed.base.units import format_size
from testbed.domain.lifecycle import JobEnd, Lifecycle, WrongLifecycle, state_of
from testbed.domain.request import Forecast, Outlook, Refusal, Request
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Event
from testbed.qemu.wording import as_said

TAKES: Mapping[str, frozenset[str]] = {
    "cancel": frozenset({"created", "running", "paused", "ready", "standby", "waiting", "pending"}),
    "pause": frozenset({"created", "running", "paused", "ready", "standby"}),
    "resume": frozenset({"created", "running", "paused", "ready", "standby"}),
    "set-speed": frozenset({"created", "running", "paused", "ready", "standby"}),
    "complete": frozenset({"ready"}),
    "finalize": frozenset({"pending"}),
    "dismiss": frozenset({"concluded"}),
}
"""In which states a job takes which verb (the table of verbs in QEMU's job.c)."""

BY_ID = ("finalize", "dismiss")
"""What the older family of commands, too, calls a job's name by: its id, and otherwise its device."""

SHOWN_TWICE = {
    "type": "type",
    "status": "status",
    "current-progress": "offset",
    "total-progress": "len",
    "error": "error",
}
"""What both queries tell of a job: in the words of query-jobs, and in those of query-block-jobs."""

_OF_STATE: Mapping[str, Mapping[str, object]] = {
    "paused": {"paused": True, "busy": False},
    "waiting": {"paused": False},
    "pending": {"paused": False},
    "concluded": {"paused": False},
}
"""What query-block-jobs shows of each job in a state: one that rests has no request under way."""


@dataclass
class Job:
    """The job `name` of the machine; its events stand from place `start` on in the machine's list.

    `kind` is the job's type as QEMU names it; `speed` what it is limited to, in bytes a second with 0 for no limit, or
    None where nobody keeps track; what it has to do `may_grow` when it is ready, as by a guest that writes on. `holder`
    makes the request that lets the job go on if it is held in some state.
    """

    machine: Machine
    name: str
    kind: str = "backup"
    start: int = 0
    auto_finalize: bool = True
    auto_dismiss: bool = True
    speed: int | None = None
    may_grow: bool = False
    begun: bool = False
    end: JobEnd | None = None
    holder: Callable[[], Request] | None = None
    _is_paused: bool = False
    _resumed: int = 0
    _pauses: list[int] = field(default_factory=list)

    # Its life.

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
        last = next((place for place, event in enumerate(mine) if state_of(event) == "null"), len(mine))
        return mine[: last + 1]

    @property
    def lifecycle(self) -> Lifecycle:
        """Return what the job has told, but for the pauses that nobody asked for.

        QEMU lets jobs rest for a moment when it changes the nodes below them, some versions more often than others.
        """
        told: list[Event] = []
        pauses, resting = list(self._pauses), False
        places = {id(event): place for place, event in enumerate(self.machine.monitor.events)}
        for event in self.events:
            if event.data.get("action") == "stop":
                pauses.append(places[id(event)])
            if state_of(event) == "paused":
                resting = not any(place <= places[id(event)] for place in pauses)
                pauses = [place for place in pauses if place > places[id(event)]]
            if not (resting and state_of(event) in ("paused", "running")):
                told.append(event)
            if state_of(event) == "running":
                resting = False
        return Lifecycle(self.kind, told)

    @property
    def is_gone(self) -> bool:
        """Tell whether the job has told that it is over and forgotten."""
        return any(state_of(event) == "null" for event in self.events)

    @property
    def rests(self) -> bool:
        """Tell whether somebody has paused the job, or an error has, and nobody has resumed it since."""
        told = self.machine.monitor.events[max(self.start, self._resumed) :]
        return self._is_paused or any(self.mine(event) and event.data.get("action") == "stop" for event in told)

    def wait_until(self, status: str) -> None:
        """Wait until the job has been in a state: paused, since it was last told to be.

        Raises MachineHung or MachineDied.
        """
        since = self._pauses[-1] if status == "paused" and self._pauses else self.start
        self._wait_for(f'the state "{status}"', lambda event: state_of(event) == status, since)

    def wait_until_stopped(self) -> None:
        """Wait until the job has stopped at an error, since it was last resumed; raises MachineHung or MachineDied.

        A job may pause for a moment at its start, too: only a pause after the error's event is the one.
        """
        error = self._wait_for(
            "BLOCK_JOB_ERROR with the action stop",
            lambda event: event.data.get("action") == "stop",
            max(self.start, self._resumed),
        )
        since = self.machine.monitor.events.index(error)
        self._wait_for('the state "paused"', lambda event: state_of(event) == "paused", since)

    def wait_until_copied(self, size: int) -> None:
        """Wait until the job has copied at least so many bytes; raises MachineHung or MachineDied."""
        self.machine.ask_until(
            f"{format_size(size)} copied by job {self.name}",
            "query-block-jobs",
            lambda jobs: any(job["device"] == self.name and job["offset"] >= size for job in jobs),
        )

    def wait(self) -> JobEnd:
        """Wait until the job is over and gone, and return how it ended; if QEMU has gone, just say how.

        Raises WrongLifecycle when its events do not tell of one orderly life, MachineHung or MachineDied as any wait.
        """
        self.machine.check_alive()
        if self.machine.running:
            self.wait_until("null")
        last = ("null",) if self.machine.running or self.auto_dismiss else ("concluded", "null")
        lifecycle = Lifecycle(self.kind, self.events)
        if len(lifecycle.told_of_end) != 1:
            raise WrongLifecycle(f"job {self.name} should tell of its end once; it told: {lifecycle}")
        wrongs = lifecycle.wrongs(last=last, auto_finalize=self.auto_finalize, speed=self.speed, may_grow=self.may_grow)
        if wrong := "; ".join(wrongs):
            raise WrongLifecycle(f"job {self.name} has led a wrong life: {wrong}\nall that it told: {lifecycle}")
        self.end = JobEnd.told(lifecycle.told_of_end[0])
        return self.end

    # What QEMU shows of it.

    @property
    def io_status(self) -> str:
        """Return what QEMU says of the errors that the job has met since it was last resumed; it must not be over."""
        return str(self._listed("query-block-jobs", "device")["io-status"])

    def shown(self) -> Mapping[str, Any]:
        """Return all that QEMU shows of the job, in the words of query-block-jobs; the job must come to rest.

        Raises WrongLifecycle when query-jobs shows anything else of it, when a query does not list it, and when
        what it shows cannot be true of a job that was started so and is in that state; MachineHung when it moves on.
        """
        shown, other = self._shown_at_rest()
        wrong = [
            f"{theirs} is {as_said(theirs, other.get(theirs))} in query-jobs, "
            f"and {ours} is {as_said(ours, shown.get(ours))} in query-block-jobs"
            for theirs, ours in SHOWN_TWICE.items()
            if other.get(theirs) != shown.get(ours)
        ]
        wrong += [
            f"{key} is {as_said(key, shown.get(key))} in query-block-jobs, "
            f"and cannot be of a job that is {shown['status']}"
            for key, value in self._certain(str(shown["status"])).items()
            if shown.get(key) != value
        ]
        if wrong:
            raise WrongLifecycle(f"QEMU contradicts itself about job {self.name}: {'; '.join(wrong)}")
        return shown

    def _shown_at_rest(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return what both queries show, in words of query-block-jobs and query-jobs, when nothing moved between them.

        One whose limit was changed may copy one more piece before it rests.
        """
        seen: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []

        def rests(jobs: Sequence[Mapping[str, Any]]) -> bool:
            shown = self._only_one("query-block-jobs", jobs, "device")
            if seen and seen[-1][0] == shown:
                return True
            seen.append((shown, self._listed("query-jobs", "id")))
            return False

        self.machine.ask_until(f"rest of job {self.name}", "query-block-jobs", rests)
        return seen[-1]

    def _certain(self, status: str) -> Mapping[str, object]:
        """Return what query-block-jobs must show of a job in this state; one that runs may be about to pause."""
        chosen = {"auto-finalize": self.auto_finalize, "auto-dismiss": self.auto_dismiss}
        return {**chosen, **_OF_STATE.get(status, {})}

    # What is asked of it, by a command of the one family or the other: "job" or "block-job".

    def pause(self, family: str = "job") -> Request:
        """Make the request that lets the job rest until it is resumed."""
        told = len(self.machine.all_events())

        def granted() -> None:
            self._is_paused = True
            self._pauses.append(told)

        return self._request("pause", family, granted)

    def resume(self, family: str = "job") -> Request:
        """Make the request that lets a paused job go on."""
        told = len(self.machine.all_events())  # before the request: the job may go on before QEMU answers it

        def granted() -> None:
            self._is_paused, self._resumed = False, told

        return self._request("resume", family, granted)

    def cancel(self, family: str = "job") -> Request:
        """Make the request that gives a job up; by a block-job command only one that is not paused."""
        request = self._request("cancel", family)
        if family == "job":
            return request

        def forecast(outlook: Outlook) -> Refusal | None:
            paused = Refusal(f"The block job for device '{self.name}' is currently paused")
            return paused if self.rests and not self.is_gone else request.forecast(outlook)

        return replace(request, forecast=forecast)

    def cancel_by_force(self) -> Request:
        """Make the request that gives a job up although it is paused, or does not answer."""
        arguments = {"device": self.name, "force": True}
        return Request(
            "block-job-cancel", arguments, forecast=self._forecast("cancel", "block-job"), machine=self.machine
        )

    def complete(self, family: str = "job") -> Request:
        """Make the request that ends a job which would go on for ever."""
        return self._request("complete", family)

    def finalize(self, family: str = "job") -> Request:
        """Wait until the job has done all but that, and make the request that lets it end."""
        self.wait_until("pending")
        return self.finalize_at_once(family)

    def finalize_at_once(self, family: str = "job") -> Request:
        """Make the request that lets the job end, whether it is ready for that or not."""
        return self._request("finalize", family)

    def dismiss(self, family: str = "job") -> Request:
        """Wait until the job has ended, and make the request that forgets it."""
        self.wait_until("concluded")
        return self.dismiss_at_once(family)

    def dismiss_at_once(self, family: str = "job") -> Request:
        """Make the request that forgets the job, whether it has ended or not."""
        return self._request("dismiss", family)

    def set_speed(self, speed: int) -> Request:
        """Make the request that limits the job to `speed` bytes a second, or to none when that is 0."""

        def granted() -> None:
            self.speed = speed

        def forecast(outlook: Outlook) -> Refusal | None:
            refusal = self._forecast("set-speed", "block-job")(outlook)
            return refusal or (Refusal("Parameter 'speed' expects a non-negative value") if speed < 0 else None)

        arguments = {"device": self.name, "speed": speed}
        return Request("block-job-set-speed", arguments, granted, forecast=forecast, machine=self.machine)

    def let_go(self) -> Request:
        """Make the request that lets a job go on which is held in some state; raise AuthorError when none is."""
        if self.holder is None:
            raise AuthorError(f'nothing holds the job "{self.name}" in a state: let the scenario keep it in one first')
        holder, self.holder = self.holder, None
        return holder()

    def _request(self, verb: str, family: str, granted: Callable[[], object] = lambda: None) -> Request:
        key = "device" if family == "block-job" and verb not in BY_ID else "id"
        forecast = self._forecast(verb, family)
        return Request(f"{family}-{verb}", {key: self.name}, granted, forecast=forecast, machine=self.machine)

    def _forecast(self, verb: str, family: str) -> Forecast:
        """Foresee what comes of a command for the job: not every verb goes with every state."""

        def forecast(_outlook: Outlook) -> Refusal | None:
            states = [state for event in self.events if (state := state_of(event))]
            state = states[-1] if states else "undefined"
            if state in ("undefined", "null"):
                gone = Refusal(f"Block job '{self.name}' not found", "DeviceNotActive")
                return gone if family == "block-job" else Refusal("Job not found")
            if verb == "resume" and not self.rests:
                return Refusal("Can't resume a job that was not paused")
            if state not in TAKES[verb]:
                return Refusal(f"Job '{self.name}' in state '{state}' cannot accept command verb '{verb}'")
            return Refusal("Job is already paused") if verb == "pause" and self.rests else None

        return forecast

    def _listed(self, query: str, key: str) -> Mapping[str, Any]:
        return self._only_one(query, self.machine.execute(query), key)

    def _only_one(self, query: str, listed: Sequence[Mapping[str, Any]], key: str) -> Mapping[str, Any]:
        found = [job for job in listed if job[key] == self.name]
        if len(found) != 1:
            known = quoted(str(job[key]) for job in listed)
            raise WrongLifecycle(f"{query} should list job {self.name} once; it lists {known or 'none'}")
        return found[0]

    def _wait_for(self, what: str, wanted: Callable[[Event], bool], start: int) -> Event:
        return self.machine.wait_for(
            f"{what} of job {self.name}", lambda event: self.mine(event) and wanted(event), start=start
        )
