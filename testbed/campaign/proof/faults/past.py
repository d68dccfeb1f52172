"""Faults that releases of QEMU have had: each shows what users saw of a bug of the past, where its tag is claimed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping

from testbed.campaign.proof.conversation import Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.faults.backups import Leaks, LosesBitmap
from testbed.campaign.proof.faults.bitmaps import misreport
from testbed.campaign.proof.faults.endings import at, dies_by, hangs
from testbed.campaign.proof.faults.recording import Forgets, Recording
from testbed.campaign.proof.faults.refusals import reworded
from testbed.campaign.proof.faults.transactions import BackupsRefused
from testbed.campaign.proof.spoiling import BACKUPS, actions_of, bitmaps_of, clears_after, granted, ignored, refused

CLUSTER = 65536
"""Bytes that a backup copies at a time where nothing asks for more."""

Arguments = Message

crashes = dies_by(signal.SIGSEGV)
aborts = dies_by(signal.SIGABRT)


def when_asked(
    act: Callable[[], object], wanted: Callable[[Conversation, str, Arguments], bool]
) -> Callable[[Conversation], Fault]:
    """Make a fault that befalls QEMU when it is asked for something: a command or an action, with its arguments."""

    class Asked(Fault):
        def command(self, command: Message) -> Message:
            if any(wanted(self.qemu, name, arguments) for name, arguments in actions_of(command)):
                act()
            return command

    return Asked


def when_refused(
    act: Callable[[], object], wanted: Callable[[Conversation, list[tuple[str, Arguments]], str], bool]
) -> Callable[[Conversation], Fault]:
    """Make a fault that befalls QEMU when it refuses actions in such words."""

    class Refuses(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            if "error" in reply and wanted(self.qemu, list(actions_of(command)), reply["error"]["desc"]):
                act()
            return reply

    return Refuses


class AbortsAfterRefusal(Fault):
    """Aborts at its end if it has ever refused a backup."""

    has_refused = False

    def command(self, command: Message) -> Message:
        if command["execute"] == "quit" and self.has_refused:
            aborts()
        return command

    def reply(self, command: Message, reply: Message) -> Message:
        asked = {name for name, _ in actions_of(command)}
        self.has_refused = self.has_refused or ("error" in reply and not asked.isdisjoint(BACKUPS))
        return reply


class HangsInIothread(Fault):
    """Answers nothing any more when a job has ended whose drive lives in an iothread."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.elsewhere: set[str] = set()

    def command(self, command: Message) -> Message:
        if "iothread" in command.get("arguments", {}):
            self.elsewhere.add(command["arguments"]["node-name"])
        return command

    def event(self, event: Message) -> list[Message]:
        if event["event"] == "BLOCK_JOB_COMPLETED" and event["data"]["device"] in self.elsewhere:
            hangs()
        return [event]


class AbortsAtError(Fault):
    """Aborts when a job meets an error."""

    def event(self, event: Message) -> list[Message]:
        if event["event"] == "BLOCK_JOB_ERROR":
            aborts()
        return [event]


class CrashesWhenFinalizedTwice(Fault):
    """Crashes when a job is to be finalized that has concluded."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.states: dict[str, str] = {}

    def command(self, command: Message) -> Message:
        is_asked = command["execute"] in ("job-finalize", "block-job-finalize")
        if is_asked and self.states[command["arguments"]["id"]] == "concluded":
            crashes()
        return command

    def event(self, event: Message) -> list[Message]:
        if event["event"] == "JOB_STATUS_CHANGE":
            self.states[event["data"]["id"]] = event["data"]["status"]
        return [event]


class EmptiedByDiscards(Recording):
    """Takes for clean what the guest has discarded, and all else with it."""

    def guest(self, node: str, verb: str, flags: str, at: int, length: int) -> None:
        super().guest(node, verb, flags, at, length)
        if verb == "discard":
            for bitmap in bitmaps_of(self.qemu, node):
                self.qemu.ask("block-dirty-bitmap-clear", node=node, name=bitmap["name"])


class ForgetsCompressed(Forgets):
    """Does not record compressed writes."""

    flag = "-c"


class LosesWhatWasMerged(Fault):
    """Takes a bitmap into which another one was merged for an empty one when it is merged itself."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.merged: set[object] = set()

    def command(self, command: Message) -> Message | None:
        if command["execute"] != "block-dirty-bitmap-merge":
            return command
        arguments = command["arguments"]
        arguments["bitmaps"] = [source for source in arguments["bitmaps"] if _named(source) not in self.merged]
        self.merged.add(arguments["target"])
        return command if arguments["bitmaps"] else None


def _named(source: object) -> object:
    return source["name"] if isinstance(source, dict) else source


def granting(words: str) -> Callable[[Conversation], Fault]:
    """Make a fault that answers a refusal in such words as if it had been granted."""

    class Granting(Fault):
        def reply(self, command: Message, reply: Message) -> Message:
            return {"return": {}} if words in reply.get("error", {}).get("desc", "") else reply

    return Granting


class TotalOfNothing(Fault):
    """Shows of each job that runs that it has nothing to copy in all."""

    def reply(self, command: Message, reply: Message) -> Message:
        totals: Mapping[str, str] = {"query-block-jobs": "len", "query-jobs": "total-progress"}
        if command["execute"] in totals and "return" in reply:
            for job in reply["return"]:
                job[totals[command["execute"]]] = 0
        return reply


def size_of(qemu: Conversation, node: object) -> int:
    """Return how long a node is, in bytes; 0 if there is none."""
    nodes = qemu.ask("query-named-block-nodes", flat=True)
    return next((int(found["image"]["virtual-size"]) for found in nodes if found["node-name"] == node), 0)


def driver_of(qemu: Conversation, node: object) -> str:
    """Return by what a node is driven; nothing if there is none."""
    nodes = qemu.ask("query-named-block-nodes", flat=True)
    return next((str(found["drv"]) for found in nodes if found["node-name"] == node), "")


def _backs_up(name: str) -> bool:
    return name in BACKUPS


def _clears_one_that_does_not_record(qemu: Conversation, actions: list[tuple[str, Arguments]]) -> bool:
    return any(
        not bitmap["recording"]
        for name, arguments in actions
        if name in ("block-dirty-bitmap-clear", "block-dirty-bitmap-merge")
        for bitmap in bitmaps_of(qemu, arguments["node"])
        if bitmap["name"] == arguments.get("name", arguments.get("target"))
    )


def past(number: str, what: str, make: Callable[[Conversation], Fault], clue: str, *features: str) -> list[FaultKind]:
    """Return what users saw of a bug of the past as faults, one for each of the features that claim it.

    `number` is the bug's, as its tag has it; the rest is as in FaultKind.
    """
    return [
        FaultKind(
            f"{number}-in-{feature.partition('/')[2].replace('_', '-')}",
            f"{what}, as releases of the past did ({feature})",
            make,
            (clue,),
            (feature,),
        )
        for feature in features
    ]


FAULTS = (
    *past(
        "B01",
        "a mirror of a drive empties its bitmaps",
        clears_after("blockdev-mirror", lambda arguments: str(arguments["device"])),
        "dirty",
        "bitmap/beside_a_mirror",
    ),
    *past(
        "B02",
        "what the guest discards empties the bitmaps of its drive",
        EmptiedByDiscards,
        "dirty",
        "bitmap/recording",
    ),
    *past("B04", "compressed writes are not recorded", ForgetsCompressed, "dirty", "bitmap/recording"),
    *past(
        "B08",
        "what was merged into a bitmap is lost when that one is merged",
        LosesWhatWasMerged,
        "dirty",
        "bitmap/merging",
    ),
    *past(
        "B13",
        "no bitmap can be stored in large granules",
        refused(
            "block-dirty-bitmap-add",
            lambda arguments: bool(arguments.get("persistent")) and arguments.get("granularity", 0) >= CLUSTER,
        ),
        "this cannot be done",
        "refusal/persistent_bitmap",
    ),
    *past("B14", "names may be too long to be stored", granting("too long"), "granted", "refusal/bitmap_name"),
    *past(
        "B15",
        "names are given again",
        granting("Bitmap already exists"),
        "granted",
        "refusal/bitmap_name",
        "refusal/inconsistent_bitmap",
    ),
    *past(
        "B21",
        "bitmaps are to be stored in images that cannot",
        granting("Cannot store dirty bitmaps in qcow2 v2 files"),
        "granted",
        "refusal/persistent_bitmap",
    ),
    *past(
        "B37",
        "a cancelled backup empties its bitmap",
        LosesBitmap,
        "dirty",
        "failure/bitmap_modes",
        "job/cancelled",
    ),
    *past("B43", "what the guest writes during a backup is in it", Leaks, "should be", "backup/guest_writes"),
    *past(
        "B58",
        "it is not said why a target cannot be opened",
        reworded(lambda text: "An error has occurred" if "Could not" in text else text),
        "says",
        "refusal/backup_arguments",
        "target/made_by_qemu",
    ),
    *past(
        "B64",
        "a merge that fails is told as done",
        granted("block-dirty-bitmap-merge"),
        "granted",
        "refusal/missing_bitmap",
    ),
    *past(
        "B76",
        "what is in use can be changed",
        granting("is currently in use"),
        "granted",
        "refusal/busy_bitmap",
    ),
    *past(
        "B76",
        "what is inconsistent can be changed",
        granting("is inconsistent"),
        "granted",
        "refusal/inconsistent_bitmap",
        "refusal/inconsistent_backup",
        "restart/way_out",
    ),
    *past(
        "B79",
        "QEMU crashes when a job is cancelled that waits for its limit",
        at("job-cancel", crashes),
        "SIGSEGV",
        "job/cancelled",
    ),
    *past(
        "B33",
        "QEMU crashes when a persistent bitmap is removed",
        when_asked(
            crashes,
            lambda qemu, name, arguments: (
                name == "block-dirty-bitmap-remove"
                and any(
                    bitmap["persistent"]
                    for bitmap in bitmaps_of(qemu, arguments["node"])
                    if bitmap["name"] == arguments["name"]
                )
            ),
        ),
        "SIGSEGV",
        "bitmap/persistent",
    ),
    *past(
        "B38",
        "QEMU aborts at a backup of a drive in a node that copies on read, or stands on storage with large blocks",
        when_asked(
            aborts,
            lambda qemu, name, _arguments: (
                _backs_up(name)
                and any(
                    found["drv"] in ("copy-on-read", "blkdebug")
                    for found in qemu.ask("query-named-block-nodes", flat=True)
                )
            ),
        ),
        "SIGABRT",
        "backup/copy_on_read",
        "target/storage",
    ),
    *past(
        "B40",
        "no backup can go to another machine",
        lambda qemu: refused(
            "blockdev-backup", lambda arguments: driver_of(qemu, arguments["target"]) in ("qcow2", "nbd")
        )(qemu),
        "this cannot be done",
        "target/another_machine",
    ),
    *past(
        "B41",
        "QEMU aborts at its end when it has refused a backup",
        AbortsAfterRefusal,
        "SIGABRT",
        "job/shut_down",
        "refusal/bitmap_and_mode",
    ),
    *past(
        "B46",
        "no backup can be compressed",
        refused("blockdev-backup", lambda arguments: bool(arguments.get("compress"))),
        "this cannot be done",
        "target/compression",
    ),
    *past(
        "B48",
        "a transaction of several requests hangs in which a backup cannot begin",
        when_refused(
            hangs, lambda _qemu, actions, _words: len(actions) > 1 and any(_backs_up(name) for name, _ in actions)
        ),
        "did not come within",
        "backup/iothreads",
        "transaction/failing_requests",
        "transaction/refused_backups",
        "transaction/undone_requests",
    ),
    *past(
        "B49",
        "QEMU crashes when the filter of a backup cannot be put in",
        when_refused(
            crashes,
            lambda _qemu, actions, words: (
                any(_backs_up(name) for name, _ in actions)
                and any(
                    word in words for word in ("conflict", "Duplicate node", "in use by block job", "Conflicts with")
                )
            ),
        ),
        "SIGSEGV",
        "job/nodes_in_use",
        "refusal/backup_arguments",
        "refusal/backup_target",
    ),
    *past(
        "B50",
        "the backup of a drive in an iothread hangs in the end",
        HangsInIothread,
        "did not come within",
        "backup/iothreads",
    ),
    *past("B52", "a job has nothing to copy in all", TotalOfNothing, "len", "job/progress"),
    *past(
        "B53",
        "QEMU aborts at a backup whose target is of another size",
        when_refused(aborts, lambda _qemu, _actions, words: "different sizes" in words),
        "SIGABRT",
        "refusal/backup_target",
    ),
    *past("B54", "QEMU aborts when a backup meets an error", AbortsAtError, "SIGABRT", "failure/error_policies"),
    *past(
        "B55",
        "QEMU aborts at a backup of a drive that is no whole number of clusters",
        when_asked(
            aborts,
            lambda qemu, name, arguments: _backs_up(name) and size_of(qemu, arguments["device"]) % CLUSTER != 0,
        ),
        "SIGABRT",
        "target/formats",
    ),
    *past(
        "B61",
        "QEMU aborts when it is asked for more workers than 32 bits can count",
        when_asked(
            aborts,
            lambda _qemu, name, arguments: (
                _backs_up(name) and arguments.get("x-perf", {}).get("max-workers", 1) >= 1 << 31
            ),
        ),
        "SIGABRT",
        "refusal/backup_arguments",
    ),
    *past(
        "B74",
        "QEMU crashes when a transaction fails before it has come to a clearing",
        when_refused(
            crashes,
            lambda _qemu, actions, _words: "block-dirty-bitmap-clear" in [name for name, _ in actions[1:]],
        ),
        "SIGSEGV",
        "transaction/failing_requests",
        "transaction/undone_requests",
    ),
    *past(
        "B75",
        "QEMU crashes when a transaction fails that has cleared or filled a bitmap which does not record",
        when_refused(
            crashes,
            lambda qemu, actions, _words: len(actions) > 1 and _clears_one_that_does_not_record(qemu, actions),
        ),
        "SIGSEGV",
        "transaction/failing_requests",
        "transaction/undone_requests",
    ),
    *past(
        "B80",
        "QEMU crashes when a job is finalized twice",
        CrashesWhenFinalizedTwice,
        "SIGSEGV",
        "job/refused_commands",
    ),
    *past(
        "B07",
        "a bitmap counts sectors",
        misreport(lambda bitmap: bitmap.update(count=bitmap["count"] // 512)),
        "dirty",
        "bitmap/long_changes",
        "bitmap/recording",
    ),
    *past(
        "B77",
        "no transaction of several requests can back up drives in iothreads",
        BackupsRefused,
        "cannot",
        "backup/iothreads",
    ),
    *past(
        "B82",
        "a job that waits for its limit does not learn that it was lifted",
        ignored("block-job-set-speed"),
        "did not come within",
        "job/speed",
    ),
)
