"""Faults of background jobs: what they are like when they are asked for it, and whether they do as they are told."""

from __future__ import annotations

from collections.abc import Callable

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind, always_refused, does_nothing, never_refused
from testbed.campaign.proof.spoiling import BACKUPS, dropped, setting, with_arguments


class JobStays(Fault):
    """Goes on listing a job that is over."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.over: list[str] = []

    def event(self, event: Message) -> list[Message]:
        if event.get("data", {}).get("status") == "null":
            self.over.append(event["data"]["id"])
        return [event]

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] == "query-jobs":
            for job in self.over:
                ghost = {"id": job, "type": "backup", "status": "concluded"}
                reply["return"].append({**ghost, "current-progress": 0, "total-progress": 0})
        return reply


def in_answer(query: str, change: Callable[[Message], object]) -> Callable[[Conversation], Fault]:
    """Make a fault that tells otherwise of each thing that a query lists."""

    class Answers(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            if command["execute"] == query and "return" in reply:
                for item in reply["return"]:
                    change(item)
            return reply

    return Answers


def unlisted(query: str) -> Callable[[Conversation], Fault]:
    """Make a fault that lists nothing in the answer to a query."""

    class Unlisted(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            return {"return": []} if command["execute"] == query else reply

    return Unlisted


FAULTS = (
    # How jobs are started.
    FaultKind(
        "speed-ignored",
        "the speed limit is ignored",
        with_arguments(BACKUPS, lambda a: a.pop("speed", None)),
        ("speed should be",),
        features=("job/speed",),
    ),
    FaultKind(
        "finalize-ignored",
        "no job waits for its finalization",
        with_arguments(BACKUPS, lambda a: a.pop("auto-finalize", None)),
        ("BLOCK_JOB_PENDING", "auto-finalize is"),
        features=("job/states",),
    ),
    FaultKind(
        "dismiss-ignored",
        "no job waits for its dismissal",
        with_arguments(BACKUPS, lambda a: a.pop("auto-dismiss", None)),
        ("concluded", "auto-dismiss is"),
        features=("job/states",),
    ),
    FaultKind(
        "filter-name-ignored",
        "the filter of a backup has not the name that was asked for",
        with_arguments(BACKUPS, dropped("filter-node-name")),
        ("filters over",),
        ("job/filter", "job/nodes_in_use"),
    ),
    # What is told of them to who asks.
    FaultKind("job-stays-listed", "a job that is over is still listed", JobStays, ("job",)),
    *(
        FaultKind(
            f"{member}-in-{query}",
            f"{query} tells another {member}",
            in_answer(query, setting(**{key: value})),
            clues,
            features,
        )
        for query, member, key, value, clues, features in (
            ("query-jobs", "status", "status", "created", ("contradicts",), ("job/progress", "job/states")),
            ("query-jobs", "progress", "current_progress", 1, ("contradicts",), ("job/progress",)),
            ("query-block-jobs", "status", "status", "created", ("contradicts",), ("job/progress", "job/states")),
            ("query-block-jobs", "offset", "offset", 1, ("contradicts", "did not come", "offset"), ("job/progress",)),
            ("query-block-jobs", "len", "len", 1, ("contradicts", "len"), ("job/progress",)),
            ("query-block-jobs", "speed", "speed", 7, ("speed",), ("job/speed",)),
            (
                "query-block-jobs",
                "io-status",
                "io_status",
                "failed",
                ("io-status", "failed"),
                ("failure/error_policies",),
            ),
            ("query-block-jobs", "good-io-status", "io_status", "ok", ("io-status", "ok"), ("failure/error_policies",)),
            ("query-block-jobs", "type", "type", "mirror", ("contradicts", "type"), ("job/progress",)),
            ("query-block-jobs", "paused", "paused", True, ("paused",), ("job/paused", "job/progress")),
            ("query-block-jobs", "busy", "busy", True, ("busy",), ("job/paused", "job/progress")),
            (
                "query-block-jobs",
                "auto-finalize",
                "auto_finalize",
                True,
                ("auto-finalize",),
                ("job/states", "job/progress"),
            ),
        )
    ),
    *(
        FaultKind(
            f"{query}-empty", f"{query} lists nothing", unlisted(query), ("should list", "did not come"), features
        )
        for query, features in (
            ("query-jobs", ("job/progress", "job/remembered_end")),
            ("query-block-jobs", ("job/progress",)),
        )
    ),
    # Whether they do as they are told.
    does_nothing("job-pause", "did not come within", "job/paused"),
    does_nothing("job-resume", "did not come within", "job/paused", "job/states"),
    does_nothing("job-cancel", "did not come within", "job/cancelled"),
    does_nothing("job-finalize", "did not come within", "job/states"),
    does_nothing("job-dismiss", "did not come within", "job/states", "job/remembered_end"),
    does_nothing("block-job-set-speed", "speed", "job/speed", "job/progress"),
    does_nothing("block-job-cancel", "did not come within", "job/cancelled"),
    does_nothing("block-job-resume", "did not come within", "job/paused"),
    does_nothing("block-job-finalize", "did not come within", "job/states"),
    does_nothing("block-job-dismiss", "did not come within", "job/states"),
    always_refused("job-pause", "job/paused"),
    always_refused("job-finalize", "job/states"),
    always_refused("job-dismiss", "job/states"),
    always_refused("block-job-set-speed", "job/speed"),
    never_refused("job-pause", "job/refused_commands"),
    never_refused("job-finalize", "job/refused_commands"),
    never_refused("job-dismiss", "job/refused_commands"),
    never_refused("block-job-set-speed", "job/refused_commands", "refusal/job_arguments"),
    never_refused("block-job-cancel", "job/refused_commands"),
    never_refused("block-job-resume", "job/refused_commands"),
)
