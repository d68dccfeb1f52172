"""Faults of what moves between the layers of a drive: snapshots, commits, streams, mirrors that the guest moves to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind, does_nothing
from testbed.campaign.proof.spoiling import actions_of, bitmaps_in, bitmaps_of, clears_after, ignored

COMMIT, STREAM, MIRROR = "block-commit", "block-stream", "blockdev-mirror"
"""The commands that start what moves data."""

CHANGED = {COMMIT: "base-node", STREAM: "device", MIRROR: "target"}
"""What each of them calls the node that it writes to."""


class Spoils(Fault):
    """Does something to the bitmaps of a node when a job that the command starts is about to write to it, or has ended.

    `at_start` and `at_end` are verbs of block-dirty-bitmap commands, and the flag "recording" that a bitmap must have
    for them; `of` is whose bitmaps are meant, the node's that is written to if None.
    """

    def __init__(
        self,
        qemu: Conversation,
        command: str,
        at_start: tuple[str, bool] | None = None,
        at_end: tuple[str, bool] | None = None,
    ) -> None:
        super().__init__(qemu)
        self.starts, self.at_start, self.at_end = command, at_start, at_end
        self.node, self.job, self.is_over = "", "", False
        self.touched: list[str] = []

    def command(self, command: Message) -> Message:
        if command["execute"] == self.starts:
            arguments = command["arguments"]
            self.node, self.job = arguments[CHANGED[self.starts]], arguments["job-id"]
            self.touched = self.change(self.at_start)
        elif self.is_over:
            self.is_over = False
            self.change(self.at_end, self.touched)
        return command

    def event(self, event: Message) -> list[Message]:
        if event["event"] == "BLOCK_JOB_COMPLETED" and event["data"]["device"] == self.job:
            self.is_over = True
        return [event]

    def change(self, how: tuple[str, bool] | None, names: Sequence[str] = ()) -> list[str]:
        """Carry it out for the bitmaps of these names, or all if there are none; return the names."""
        if how is None:
            return []
        verb, recording = how
        found = [
            bitmap["name"]
            for bitmap in bitmaps_of(self.qemu, self.node)
            if bitmap["recording"] is recording and (not names or bitmap["name"] in names)
        ]
        for name in found:
            self.qemu.ask(f"block-dirty-bitmap-{verb}", node=self.node, name=name)
        return found


def spoils(
    command: str, at_start: tuple[str, bool] | None = None, at_end: tuple[str, bool] | None = None
) -> Callable[[Conversation], Fault]:
    """Make such a fault of the jobs that a command starts."""
    return lambda qemu: Spoils(qemu, command, at_start, at_end)


class SnapshotDropsBitmaps(Fault):
    """Removes the persistent bitmaps of a drive of which a snapshot is taken."""

    def command(self, command: Message) -> Message:
        for name, arguments in actions_of(command):
            if name == "blockdev-snapshot":
                for bitmap in bitmaps_of(self.qemu, arguments["node"]):
                    if bitmap["persistent"]:
                        self.qemu.ask("block-dirty-bitmap-remove", node=arguments["node"], name=bitmap["name"])
        return command


class MoveDropsBitmaps(Fault):
    """Removes the persistent bitmaps of a drive that is about to be mirrored."""

    def command(self, command: Message) -> Message:
        if command["execute"] == MIRROR:
            source = command["arguments"]["device"]
            for bitmap in bitmaps_of(self.qemu, source):
                self.qemu.ask("block-dirty-bitmap-remove", node=source, name=bitmap["name"])
        return command


class Monitor(Fault):
    """Says of a command of the human monitor that it was carried out, or was not, whatever came of it."""

    words = ""

    def reply(self, command: Message, reply: Message) -> Message:
        asked = command.get("arguments", {}).get("command-line", "")
        return {"return": self.words} if asked.startswith("loadvm") else reply


class NeverGoesBack(Monitor):
    """Refuses to load any saved state."""

    words = "Error: Device has no use for that\r\n"


class ReopeningDropsBitmaps(Fault):
    """Removes the bitmaps of an image that was opened anew for writing."""

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"].endswith("blockdev-reopen"):
            arguments = command["arguments"]
            node = arguments.get("options", [arguments])[0]["node-name"]
            for bitmap in bitmaps_of(self.qemu, node):
                self.qemu.ask("block-dirty-bitmap-remove", node=node, name=bitmap["name"])
        return reply


class TrustsAll(Fault):
    """Reports bitmaps that a crash has left as if they were valid."""

    def reply(self, command: Message, reply: Message) -> Message:
        for bitmap in bitmaps_in(reply.get("return")):
            if bitmap.pop("inconsistent", False):
                bitmap["recording"] = True
        return reply


class TrustsNone(Fault):
    """Reports the bitmaps of images that are only read as inconsistent."""

    def reply(self, command: Message, reply: Message) -> Message:
        for node in reply["return"] if command["execute"] == "query-named-block-nodes" else ():
            for bitmap in bitmaps_in(node) if node["ro"] else ():
                bitmap.update(inconsistent=True, recording=False)
        return reply


class WithoutReason(Fault):
    """Refuses to move data, and does not say why."""

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] in CHANGED and "error" in reply:
            reply["error"]["desc"] = "This cannot be done"
        return reply


class StateJobsSucceed(Fault):
    """Tells of no error of a job that was to go back to a saved state."""

    def reply(self, command: Message, reply: Message) -> Message:
        for job in reply["return"] if command["execute"] == "query-jobs" else ():
            if job["type"] == "snapshot-load":
                job.pop("error", None)
        return reply


class AllWritable(Fault):
    """Reports each node as if it were open for writing."""

    def reply(self, command: Message, reply: Message) -> Message:
        for node in reply["return"] if command["execute"] == "query-named-block-nodes" else ():
            node["ro"] = False
        return reply


RECORDING, STILL = True, False

TWO_JOBS = "layers/two_jobs"
MORE_JOBS = (TWO_JOBS, "layers/failing_commit")

FAULTS = (
    FaultKind(
        "commit-not-recorded",
        "what a commit writes is recorded by no bitmap",
        spoils(COMMIT, ("disable", RECORDING), ("enable", STILL)),
        ("dirty",),
        ("layers/commit", "layers/several_overlays", "layers/restarted", "layers/chain", "layers/stream", *MORE_JOBS),
    ),
    FaultKind(
        "commit-recorded-by-all",
        "what a commit writes is recorded by bitmaps that are disabled, too",
        spoils(COMMIT, ("enable", STILL), ("disable", RECORDING)),
        ("dirty",),
        ("layers/commit", "layers/several_overlays", "layers/restarted", "layers/chain"),
    ),
    FaultKind(
        "base-rests-after-commit",
        "the bitmaps of a base do not record any more after a commit into it",
        spoils(COMMIT, at_end=("disable", RECORDING)),
        ("dirty", "recording", "byte"),
        ("layers/commit", "layers/several_overlays", "layers/restarted", "layers/chain"),
    ),
    FaultKind(
        "bitmaps-cleared-by-stream",
        "a stream clears the bitmaps of the image that it writes to",
        spoils(STREAM, at_end=("clear", RECORDING)),
        ("dirty",),
        ("layers/stream",),
    ),
    FaultKind(
        "bitmaps-rest-after-stream",
        "the bitmaps of an image do not record any more after a stream into it",
        spoils(STREAM, at_end=("disable", RECORDING)),
        ("dirty", "recording", "byte"),
        ("layers/stream",),
    ),
    FaultKind(
        "bitmaps-rest-after-move",
        "the bitmaps of a copy do not record any more when the guest uses it",
        spoils(MIRROR, at_end=("disable", RECORDING)),
        ("dirty", "recording", "byte"),
        ("layers/mirrored", TWO_JOBS),
    ),
    FaultKind(
        "bitmaps-lost-by-move",
        "the bitmaps of a copy are gone when the guest uses it",
        spoils(MIRROR, at_end=("remove", RECORDING)),
        ("dirty", "no such bitmap", "not found"),
        ("layers/mirrored",),
    ),
    FaultKind(
        "snapshot-drops-bitmaps",
        "a snapshot removes the persistent bitmaps of the base",
        SnapshotDropsBitmaps,
        ("no such bitmap", "not found", "store"),
        ("layers/commit", "layers/several_overlays", "layers/restarted", "layers/chain", "layers/stream"),
    ),
    FaultKind(
        "move-drops-bitmaps",
        "a mirror removes the bitmaps of the drive that it copies",
        MoveDropsBitmaps,
        ("no such bitmap", "not found", "store"),
        ("layers/mirrored",),
    ),
    FaultKind(
        "cleared-by-internal-snapshot",
        "an internal snapshot clears the bitmaps of its drive",
        clears_after("blockdev-snapshot-internal-sync", lambda arguments: str(arguments["device"])),
        ("dirty",),
        ("layers/internal",),
    ),
    FaultKind(
        "cleared-by-deleting-snapshot",
        "the deletion of an internal snapshot clears the bitmaps of its drive",
        clears_after("blockdev-snapshot-delete-internal-sync", lambda arguments: str(arguments["device"])),
        ("dirty",),
        ("layers/internal",),
    ),
    FaultKind(
        "goes-back-unasked",
        "going back to a saved state is never refused",
        Monitor,
        ("should refuse", "active dirty bitmaps", "byte"),
        ("layers/internal",),
        needs=("human-monitor",),
    ),
    FaultKind(
        "never-goes-back",
        "going back to a saved state is always refused",
        NeverGoesBack,
        ("should have gone back", "active dirty bitmaps"),
        ("layers/internal",),
        needs=("human-monitor",),
    ),
    FaultKind(
        "crashed-bitmaps-trusted",
        "bitmaps that a crash has left are reported as valid",
        TrustsAll,
        ("inconsistent",),
        ("layers/restarted", "layers/mirrored", "offline/kept_bitmaps"),
    ),
    FaultKind(
        "read-bitmaps-distrusted",
        "bitmaps of images that are only read are reported as inconsistent",
        TrustsNone,
        ("inconsistent",),
        ("layers/restarted", "layers/commit", "layers/several_overlays", "layers/stream", "offline/named_otherwise"),
    ),
    FaultKind(
        "all-open-for-writing",
        "images that are only read are reported as open for writing",
        AllWritable,
        ("open for reading only",),
        ("layers/commit", "layers/several_overlays", "layers/stream"),
    ),
    FaultKind(
        "opened-anew-drops-bitmaps",
        "an image that is opened anew has no bitmaps any more",
        ReopeningDropsBitmaps,
        ("no such bitmap", "not found", "store"),
        ("layers/opened_anew",),
        needs=("reopen",),
    ),
    FaultKind(
        "second-job-refused-for-nothing",
        "jobs that move data are refused without a word of what is in the way",
        WithoutReason,
        ("refuse",),
        (TWO_JOBS,),
    ),
    FaultKind(
        "cleared-by-saving-job",
        "a job that saves the state of the machine clears the bitmaps of its drive",
        clears_after("snapshot-save", lambda arguments: str(arguments["vmstate"])),
        ("dirty",),
        ("layers/internal",),
        needs=("state-jobs",),
    ),
    FaultKind(
        "goes-back-by-job-unasked",
        "a job that goes back to a saved state never says that it failed",
        StateJobsSucceed,
        ("active dirty bitmaps",),
        ("layers/internal",),
        needs=("state-jobs",),
    ),
    does_nothing("blockdev-snapshot-internal-sync", "snapshot", "layers/internal"),
    FaultKind(
        "blockdev-snapshot-ignored",
        "blockdev-snapshot does nothing",
        ignored("blockdev-snapshot"),
        ("overlay0", "passed, although"),
        ("layers/during_backup",),
    ),
)
