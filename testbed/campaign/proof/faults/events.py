"""Faults of events: what QEMU reports by itself of jobs, of their states, their end and their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind


def events(change: Callable[[Message], list[Message]]) -> Callable[[Conversation], Fault]:
    """Make a fault in what QEMU reports by itself."""

    class Events(Fault):
        def event(self, event: Message) -> list[Message]:
            return change(event)

    return Events


def dropping(name: str, **data: object) -> Callable[[Message], list[Message]]:
    """Make a function that drops events of a name and with such data."""
    return lambda event: [] if _is(event, name, data) else [event]


def doubling(name: str, **data: object) -> Callable[[Message], list[Message]]:
    """Make a function that doubles events of a name and with such data."""
    return lambda event: [event, event] if _is(event, name, data) else [event]


def adding(name: str, other: str) -> Callable[[Message], list[Message]]:
    """Make a function that adds another event, without data, after events of a name."""
    return lambda event: [event, {**event, "event": other, "data": {}}] if event["event"] == name else [event]


def altering(name: str, **data: object) -> Callable[[Message], list[Message]]:
    """Make a function that puts other data into events of a name, where they have such data."""

    def change(event: Message) -> list[Message]:
        if event["event"] == name:
            event["data"].update({key: value for key, value in data.items() if key in event["data"]})
        return [event]

    return change


def _is(event: Message, name: str, data: Mapping[str, object]) -> bool:
    return bool(event["event"] == name and data.items() <= event.get("data", {}).items())


WRONG: Mapping[str, object] = {
    "type": "stream",
    "device": "another",
    "id": "another",
    "speed": 4097,
    "offset": 1,
    "len": 1 << 40,
    "error": "Unknown error",
}
"""What no job of any scenario tells of itself, by members of its events."""


class Swaps(Fault):
    """Reports the end of a job only after its last state."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.held: list[Message] = []

    def event(self, event: Message) -> list[Message]:
        if event["event"] == "JOB_STATUS_CHANGE" and event["data"]["status"] in ("waiting", "pending"):
            self.held.append(event)
            return []
        held, self.held = self.held[::-1], []
        return [*held, event]


class TellsOnce(Fault):
    """Reports only the first error of a guest's disk."""

    told = False

    def event(self, event: Message) -> list[Message]:
        is_error = event["event"] == "BLOCK_IO_ERROR"
        kept = [] if is_error and self.told else [event]
        self.told = self.told or is_error
        return kept


def device_as_path(event: Message) -> list[Message]:
    """Let an error of a guest's disk tell its path as its device, also where a release tells no path."""
    if event["event"] == "BLOCK_IO_ERROR":
        data = event["data"]
        data["device"] = data.get("qom-path", "/machine/peripheral/drive0/virtio-backend")
    return [event]


FAULTS = (
    # What they tell of their states.
    *(
        FaultKind(
            f"no-{state}-state",
            f"a job never tells of being {state}",
            events(dropping("JOB_STATUS_CHANGE", status=state)),
            ("went from", "did not come"),
            ("job/states", "job/cancelled"),
        )
        for state in ("created", "running", "waiting", "concluded", "aborting", "paused")
    ),
    *(
        FaultKind(
            f"{state}-twice",
            f"a job tells twice of being {state}",
            events(doubling("JOB_STATUS_CHANGE", status=state)),
            ("went from",),
            ("job/states", "job/cancelled"),
        )
        for state in ("created", "waiting", "pending", "concluded", "aborting", "paused")
    ),
    FaultKind(
        "no-pending-state",
        "a job never tells of being pending",
        events(dropping("JOB_STATUS_CHANGE", status="pending")),
        ("went from",),
    ),
    FaultKind(
        "running-twice",
        "a job tells twice that it runs",
        events(doubling("JOB_STATUS_CHANGE", status="running")),
        ("went from",),
    ),
    FaultKind(
        "states-swapped", "a job tells of its states in another order", Swaps, ("went from",), seen_only_by="answers"
    ),
    FaultKind(
        "states-of-another-job",
        "the states of a job are told with another id",
        events(altering("JOB_STATUS_CHANGE", id="another")),
        ("did not come",),
        ("job/states",),
    ),
    FaultKind(
        "job-never-gone",
        "a job never tells that it is gone",
        events(dropping("JOB_STATUS_CHANGE", status="null")),
        ("null",),
    ),
    # What they tell of their end.
    FaultKind(
        "no-completed-event", "the end of a job is not reported", events(dropping("BLOCK_JOB_COMPLETED")), ("end once",)
    ),
    FaultKind(
        "completed-twice",
        "the end of a job is reported twice",
        events(doubling("BLOCK_JOB_COMPLETED")),
        ("once",),
        seen_only_by="answers",
    ),
    FaultKind(
        "offset-not-len",
        "a completed job's offset is not its len",
        events(altering("BLOCK_JOB_COMPLETED", offset=1)),
        ("offset",),
    ),
    FaultKind(
        "len-one-too-many",
        "a completed job had one byte more to copy than there was",
        events(altering("BLOCK_JOB_COMPLETED", len=1 << 40)),
        ("len", "to copy"),
        ("job/states",),
    ),
    FaultKind(
        "wrong-type",
        "a job's end names another type",
        events(altering("BLOCK_JOB_COMPLETED", type="mirror")),
        ("type",),
        seen_only_by="answers",
    ),
    FaultKind(
        "wrong-speed",
        "a job's end names another speed",
        events(altering("BLOCK_JOB_COMPLETED", speed=4096)),
        ("speed",),
    ),
    FaultKind(
        "end-of-another-job",
        "the end of a job is told with another id",
        events(altering("BLOCK_JOB_COMPLETED", device="another")),
        ("end once",),
        ("job/states",),
    ),
    FaultKind(
        "no-cancelled-event",
        "a cancelled job is not reported",
        events(dropping("BLOCK_JOB_CANCELLED")),
        ("end once",),
        features=("job/cancelled",),
    ),
    FaultKind(
        "cancelled-twice",
        "a job tells twice that it was cancelled",
        events(doubling("BLOCK_JOB_CANCELLED")),
        ("once", "went from"),
        ("job/cancelled",),
    ),
    FaultKind(
        "no-pending-event",
        "a job that waits for its finalization does not ask for it",
        events(dropping("BLOCK_JOB_PENDING")),
        ("ask", "BLOCK_JOB_PENDING"),
        ("job/states",),
    ),
    FaultKind(
        "pending-event-twice",
        "a job asks twice to be finalized",
        events(doubling("BLOCK_JOB_PENDING")),
        ("ask", "BLOCK_JOB_PENDING"),
        ("job/states",),
    ),
    # What the members of these events say.
    *(
        FaultKind(
            f"{member}-of-{end}",
            f"the event of {what} tells another {member}",
            events(altering(event, **{member: WRONG[member]})),
            (clue,),
            (feature,),
        )
        for event, end, what, feature, clues in (
            (
                "BLOCK_JOB_CANCELLED",
                "cancelled",
                "a job that was cancelled",
                "job/cancelled",
                {"type": "type", "device": "end once", "speed": "speed", "offset": "offset", "len": "len"},
            ),
            (
                "BLOCK_JOB_COMPLETED",
                "failed",
                "a job that failed",
                "job/remembered_end",
                {"type": "type", "device": "end once", "error": "Unknown error"},
            ),
            (
                "BLOCK_JOB_READY",
                "ready",
                "a job that is ready",
                "bitmap/beside_a_mirror",
                {"type": "type", "device": "BLOCK_JOB_READY", "speed": "speed", "offset": "offset", "len": "len"},
            ),
            (
                "BLOCK_JOB_PENDING",
                "pending",
                "a job that asks to be finalized",
                "job/states",
                {"type": "type", "id": "pending"},
            ),
        )
        for member, clue in clues.items()
    ),
    FaultKind(
        "no-ready-event",
        "a job does not report that it is ready",
        events(dropping("BLOCK_JOB_READY")),
        ("BLOCK_JOB_READY",),
        ("bitmap/beside_a_mirror",),
    ),
    FaultKind(
        "ready-event-twice",
        "a job reports twice that it is ready",
        events(doubling("BLOCK_JOB_READY")),
        ("BLOCK_JOB_READY",),
        ("bitmap/beside_a_mirror",),
    ),
    # What they tell of errors.
    FaultKind(
        "no-error-event", "an error of a job is not reported", events(dropping("BLOCK_JOB_ERROR")), ("BLOCK_JOB_ERROR",)
    ),
    FaultKind(
        "error-event-twice",
        "an error of a job is reported twice",
        events(doubling("BLOCK_JOB_ERROR")),
        ("BLOCK_JOB_ERROR",),
    ),
    FaultKind(
        "error-event-write",
        "a read error is reported as a write error",
        events(altering("BLOCK_JOB_ERROR", operation="write")),
        ("operation",),
    ),
    FaultKind(
        "error-event-ignore",
        "an error is reported as ignored",
        events(altering("BLOCK_JOB_ERROR", action="ignore")),
        ("action",),
        features=("failure/error_policies", "failure/stopped_backup"),
    ),
    FaultKind(
        "error-of-another-job",
        "an error is told with another id",
        events(altering("BLOCK_JOB_ERROR", device="another")),
        ("BLOCK_JOB_ERROR",),
        ("failure/error_policies", "failure/stopped_backup"),
    ),
    *(
        FaultKind(
            f"disk-error-{name}",
            f"the event of an error of a guest's disk {what}",
            events(change),
            (clue,),
            ("failure/guest_disk",),
            needs=("guest-disk",),
        )
        for name, what, clue, change in (
            ("device-as-path", "tells a path as the device", "say device", device_as_path),
            ("node", "names another node", "node-name", altering("BLOCK_IO_ERROR", **{"node-name": "another"})),
            ("operation", "tells a read as a write", "operation", altering("BLOCK_IO_ERROR", operation="write")),
            ("action", "tells another action", "action", altering("BLOCK_IO_ERROR", action="report")),
            ("reason", "tells another reason", "reason", altering("BLOCK_IO_ERROR", reason="Unknown error")),
            ("nospace", "never tells of a full disk", "nospace", altering("BLOCK_IO_ERROR", nospace=False)),
            ("missing", "does not come", "did not come", dropping("BLOCK_IO_ERROR")),
        )
    ),
    FaultKind(
        "disk-error-once",
        "of the errors of a guest's disk only the first is told",
        TellsOnce,
        ("no error was told of",),
        ("failure/guest_disk",),
    ),
    FaultKind(
        "error-pauses-guest",
        "an error of a job pauses the guest",
        events(adding("BLOCK_JOB_ERROR", "STOP")),
        ("STOP",),
        ("failure/guest_policies",),
        needs=("guest-disk",),
    ),
)
