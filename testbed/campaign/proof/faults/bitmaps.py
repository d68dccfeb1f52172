"""What can be wrong with a build of QEMU: one fault each, in plain words, as the stand-in plays it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass

from testbed.campaign.proof import spoiling
from testbed.campaign.proof.conversation import Conversation, Fault
from testbed.campaign.proof.spoiling import (
    BACKUPS,
    StoresNothing,
    adding,
    also,
    altering,
    at,
    bitmap_mode,
    clears_after,
    count_off,
    dies_by,
    doubling,
    dropped,
    dropping,
    events,
    exits,
    granted,
    guest_writes,
    hangs,
    ignored,
    in_actions,
    in_answer,
    instead,
    misreport,
    not_undone,
    other_drive,
    refused,
    replaced,
    reworded,
    setting,
    unlisted,
    with_arguments,
)

CASES = (
    "backup/incremental_chain",
    "failure/failed_backup",
    "refusal/incremental_backup",
    "transaction/grouped_completion",
    "transaction/common_point_in_time",
)
"""Features of the first cases; what most faults are looked for in."""


REFUSALS = (
    "refusal/missing_bitmap",
    "refusal/new_bitmap",
    "refusal/incremental_backup",
    "refusal/backup_arguments",
    "transaction/undone_requests",
    "resize/refused",
)
"""Features in which QEMU refuses something."""


@dataclass(frozen=True)
class Kind:
    """A fault by its name and in words.

    `leads` are words of which a message that leads to it must have one; `where` are the features that it is looked for
    in first. `alone` names the oracle that alone can see it, if there is just one. `shows` tells whether a
    scenario that it makes fail is thereby shown to find something: nothing is where no scenario can pass.
    """

    name: str
    words: str
    make: Callable[[Conversation], Fault]
    leads: tuple[str, ...] = ()
    where: tuple[str, ...] = CASES
    alone: str = ""
    shows: bool = True


_FIRST = (
    Kind("none", "nothing is wrong", Fault),
    Kind("count-one-more", "a bitmap counts one granule too many", misreport(count_off(1)), ("dirty",)),
    Kind(
        "count-one-less",
        "a bitmap counts one granule too few",
        misreport(count_off(-1)),
        ("dirty",),
        alone="prediction",
    ),
    Kind(
        "count-in-sectors",
        "a bitmap counts sectors",
        misreport(lambda b: b.update(count=b["count"] // 512)),
        ("dirty",),
    ),
    Kind("count-zero", "a bitmap always counts nothing", misreport(setting(count=0)), ("dirty",)),
    Kind(
        "granularity-doubled",
        "the granularity is reported as double",
        misreport(lambda b: b.update(granularity=b["granularity"] * 2)),
        ("granularity",),
        where=("bitmap/granularity",),
    ),
    Kind("never-busy", "no bitmap is ever reported as busy", misreport(setting(busy=False)), ("busy",)),
    Kind("always-busy", "each bitmap is reported as busy", misreport(setting(busy=True)), ("busy",)),
    Kind(
        "always-recording",
        "each bitmap is reported as recording",
        misreport(setting(recording=True)),
        ("recording",),
        where=("bitmap/recording", "bitmap/life"),
    ),
    Kind(
        "never-recording",
        "no bitmap is reported as recording",
        misreport(setting(recording=False)),
        ("recording",),
        where=("bitmap/recording", "bitmap/life"),
    ),
    Kind(
        "always-persistent",
        "each bitmap is reported as persistent",
        misreport(setting(persistent=True)),
        ("persistent",),
        where=("bitmap/persistent", "bitmap/life"),
    ),
    Kind(
        "inconsistent",
        "each bitmap is reported as inconsistent",
        misreport(setting(inconsistent=True)),
        ("inconsistent",),
    ),
    Kind("forgets-writes", "no write is recorded", spoiling.Forgets, ("dirty",)),
    Kind(
        "forgets-zeroes",
        "writing zeros is not recorded",
        spoiling.ForgetsZeroes,
        ("dirty",),
        where=("bitmap/recording", "bitmap/life"),
    ),
    Kind(
        "forgets-discards",
        "discards are not recorded",
        spoiling.ForgetsDiscards,
        ("dirty",),
        where=("bitmap/recording", "bitmap/life"),
    ),
    Kind(
        "forgets-first-granule",
        "the first granule of a write is not recorded",
        spoiling.ForgetsFirstGranule,
        ("dirty",),
    ),
    Kind(
        "forgets-last-granule", "the last granule of a write is not recorded", spoiling.ForgetsLastGranule, ("dirty",)
    ),
    Kind("forgets-short-writes", "a write of 512 bytes is not recorded", spoiling.ForgetsStart, ("dirty",)),
    Kind(
        "records-too-much",
        "the granule after a write is recorded, too",
        spoiling.RecordsTooMuch,
        ("dirty",),
        where=("bitmap/recording", "bitmap/life"),
    ),
    Kind(
        "records-disabled",
        "a disabled bitmap records",
        spoiling.RecordsDisabled,
        ("dirty",),
        where=("bitmap/recording", "bitmap/life"),
    ),
    Kind(
        "writes-elsewhere",
        "a write of 512 bytes goes 512 bytes too far",
        spoiling.WritesElsewhere,
        ("byte at offset",),
        alone="content",
    ),
    Kind(
        "enable-disables",
        "enabling disables",
        instead("block-dirty-bitmap-enable", "block-dirty-bitmap-disable"),
        ("recording",),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "disable-enables",
        "disabling enables",
        instead("block-dirty-bitmap-disable", "block-dirty-bitmap-enable"),
        ("recording",),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "clear-disables",
        "clearing disables instead",
        instead("block-dirty-bitmap-clear", "block-dirty-bitmap-disable"),
        ("recording", "dirty"),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "remove-clears",
        "removing clears instead",
        instead("block-dirty-bitmap-remove", "block-dirty-bitmap-clear"),
        ("no bitmap",),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "enable-clears",
        "enabling clears, too",
        also("block-dirty-bitmap-enable", "block-dirty-bitmap-clear"),
        ("dirty",),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "disable-clears",
        "disabling clears, too",
        also("block-dirty-bitmap-disable", "block-dirty-bitmap-clear"),
        ("dirty",),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "clear-also-disables",
        "clearing disables, too",
        also("block-dirty-bitmap-clear", "block-dirty-bitmap-disable"),
        ("recording",),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "merge-clears",
        "merging clears its target",
        also("block-dirty-bitmap-merge", "block-dirty-bitmap-clear"),
        ("dirty",),
        where=("bitmap/merging",),
    ),
    Kind(
        "merge-first-only",
        "merging takes the first source only",
        with_arguments(("block-dirty-bitmap-merge",), lambda a: a.update(bitmaps=a["bitmaps"][:1])),
        ("dirty",),
        where=("bitmap/merging",),
    ),
    Kind(
        "merge-last-only",
        "merging takes the last source only",
        with_arguments(("block-dirty-bitmap-merge",), lambda a: a.update(bitmaps=a["bitmaps"][-1:])),
        ("dirty",),
        where=("bitmap/merging",),
    ),
    Kind(
        "never-added-disabled",
        "a bitmap is never added disabled",
        with_arguments(("block-dirty-bitmap-add",), lambda a: a.pop("disabled", None)),
        ("recording",),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "never-persistent",
        "a bitmap is never made persistent",
        with_arguments(("block-dirty-bitmap-add",), lambda a: a.pop("persistent", None)),
        ("persistent", "granted"),
        where=("bitmap/persistent", "bitmap/life"),
    ),
    Kind(
        "default-granularity",
        "every bitmap has the default granularity",
        with_arguments(("block-dirty-bitmap-add",), lambda a: a.pop("granularity", None)),
        ("granularity", "granted"),
        where=("bitmap/granularity",),
    ),
    *(
        Kind(
            f"{act}-not-undone",
            f"a failed transaction does not undo {act}",
            not_undone(f"block-dirty-bitmap-{act}"),
            ("what the refused request has changed",),
            where=("transaction/undone_requests",),
        )
        for act in ("add", "clear", "enable", "disable", "merge", "remove")
    ),
    Kind(
        "bitmap-kept-after-success",
        "the bitmap is not cleared by a backup that succeeds",
        spoiling.KeepsBitmap,
        ("dirty", "without need"),
    ),
    Kind(
        "bitmap-lost-after-failure",
        "the bitmap is cleared by a backup that fails",
        spoiling.LosesBitmap,
        ("dirty", "byte at offset", "bytes to copy"),
    ),
    Kind(
        "bitmap-disabled-after-backup", "a backup leaves its bitmap disabled", spoiling.DisablesBitmap, ("recording",)
    ),
    Kind(
        "copies-nothing",
        "an increment holds nothing",
        spoiling.CopiesNothing,
        ("missing", "byte at offset", "bytes to copy"),
    ),
    Kind(
        "copies-everything",
        "an increment holds the whole drive",
        spoiling.CopiesEverything,
        ("without need", "bytes to copy"),
    ),
    Kind(
        "target-has-stray-bytes",
        "a backup holds bytes that were never there",
        spoiling.WritesIntoTarget,
        ("byte at offset",),
    ),
    Kind("target-lacks-tail", "the end of a cluster is not copied", spoiling.LeavesOutTail, ("byte at offset",)),
    Kind("target-grows", "the target has another size afterwards", spoiling.ResizesTarget, ("bytes",)),
    Kind("groups-ignored", "grouped completion is ignored", spoiling.GroupsIgnored, ("cancelled",)),
    Kind(
        "source-errors-ignored",
        "a read error is retried whatever the policy",
        with_arguments(BACKUPS, lambda a: a.update({"on-source-error": "ignore"})),
        ("BLOCK_JOB_ERROR", "action", "fail", "stop"),
        where=("failure/error_policies", "failure/stopped_backup"),
    ),
    Kind(
        "source-errors-reported",
        "a read error ends the job whatever the policy",
        with_arguments(BACKUPS, lambda a: a.update({"on-source-error": "report"})),
        ("stop",),
        where=("failure/error_policies", "failure/stopped_backup"),
    ),
    Kind(
        "speed-ignored",
        "the speed limit is ignored",
        with_arguments(BACKUPS, lambda a: a.pop("speed", None)),
        ("speed is 0",),
        where=("job/speed",),
    ),
    Kind(
        "finalize-ignored",
        "no job waits for its finalization",
        with_arguments(BACKUPS, lambda a: a.pop("auto-finalize", None)),
        ("BLOCK_JOB_PENDING", "auto-finalize is"),
        where=("job/life",),
    ),
    Kind(
        "dismiss-ignored",
        "no job waits for its dismissal",
        with_arguments(BACKUPS, lambda a: a.pop("auto-dismiss", None)),
        ("concluded", "auto-dismiss is"),
        where=("job/life",),
    ),
    *(
        Kind(
            f"{name}-never-refused",
            f"{name} answers a refusal as if it had been granted",
            granted(name),
            ("granted", "refuse"),
            where=REFUSALS,
        )
        for name in (
            "block-dirty-bitmap-add",
            "block-dirty-bitmap-remove",
            "block-dirty-bitmap-clear",
            "block-dirty-bitmap-enable",
            "block-dirty-bitmap-disable",
            "block-dirty-bitmap-merge",
            "blockdev-backup",
            "drive-backup",
            "transaction",
            "block_resize",
        )
    ),
    Kind(
        "small-granularity-refused",
        "a granularity below 64 KiB is refused",
        refused("block-dirty-bitmap-add", lambda a: a.get("granularity", 65536) < 65536),
        ("refused",),
        where=("bitmap/granularity",),
    ),
    Kind(
        "large-granularity-refused",
        "a granularity above 64 KiB is refused",
        refused("block-dirty-bitmap-add", lambda a: a.get("granularity", 65536) > 65536),
        ("refused",),
        where=("bitmap/granularity",),
    ),
    Kind(
        "second-bitmap-refused",
        "a second bitmap is refused",
        refused("block-dirty-bitmap-add", lambda a: a.get("name", "").endswith("1")),
        ("refused",),
        where=("bitmap/several",),
    ),
    Kind("resize-refused", "no drive can be resized", refused("block_resize"), ("refused",), where=("resize/growing",)),
    Kind("refusals-reworded", "refusals do not say what is wrong", reworded(lambda _text: "Error"), ("says",)),
    Kind(
        "no-completed-event", "the end of a job is not reported", events(dropping("BLOCK_JOB_COMPLETED")), ("end once",)
    ),
    Kind(
        "completed-twice",
        "the end of a job is reported twice",
        events(doubling("BLOCK_JOB_COMPLETED")),
        ("once",),
        alone="answers",
    ),
    Kind(
        "no-cancelled-event",
        "a cancelled job is not reported",
        events(dropping("BLOCK_JOB_CANCELLED")),
        ("end once",),
        where=("job/cancelled",),
    ),
    Kind(
        "no-error-event", "an error of a job is not reported", events(dropping("BLOCK_JOB_ERROR")), ("BLOCK_JOB_ERROR",)
    ),
    Kind(
        "error-event-twice",
        "an error of a job is reported twice",
        events(doubling("BLOCK_JOB_ERROR")),
        ("BLOCK_JOB_ERROR",),
    ),
    Kind(
        "error-event-write",
        "a read error is reported as a write error",
        events(altering("BLOCK_JOB_ERROR", operation="write")),
        ("operation",),
    ),
    Kind(
        "error-event-ignore",
        "an error is reported as ignored",
        events(altering("BLOCK_JOB_ERROR", action="ignore")),
        ("action",),
        where=("failure/error_policies", "failure/stopped_backup"),
    ),
    Kind(
        "offset-not-len",
        "a completed job's offset is not its len",
        events(altering("BLOCK_JOB_COMPLETED", offset=1)),
        ("offset",),
    ),
    Kind(
        "wrong-type",
        "a job's end names another type",
        events(altering("BLOCK_JOB_COMPLETED", type="mirror")),
        ("type",),
        alone="answers",
    ),
    Kind(
        "wrong-speed",
        "a job's end names another speed",
        events(altering("BLOCK_JOB_COMPLETED", speed=4096)),
        ("speed",),
    ),
    Kind(
        "no-pending-state",
        "a job never tells of being pending",
        events(dropping("JOB_STATUS_CHANGE", status="pending")),
        ("went from",),
    ),
    Kind(
        "running-twice",
        "a job tells twice that it runs",
        events(doubling("JOB_STATUS_CHANGE", status="running")),
        ("went from",),
    ),
    Kind(
        "states-swapped", "a job tells of its states in another order", spoiling.Swaps, ("went from",), alone="answers"
    ),
    Kind(
        "job-never-gone",
        "a job never tells that it is gone",
        events(dropping("JOB_STATUS_CHANGE", status="null")),
        ("null",),
    ),
    Kind("job-stays-listed", "a job that is over is still listed", spoiling.JobStays, ("job",)),
    Kind("crash-at-backup", "QEMU crashes at a backup", at("blockdev-backup", dies_by(signal.SIGSEGV)), ("SIGSEGV",)),
    Kind(
        "abort-at-clear",
        "QEMU aborts when a bitmap is cleared",
        at("block-dirty-bitmap-clear", dies_by(signal.SIGABRT)),
        ("SIGABRT",),
        where=("bitmap/life", "bitmap/recording"),
    ),
    Kind(
        "exit-at-transaction",
        "QEMU exits at a backup in a transaction",
        at("transaction", exits),
        ("status 1",),
        where=("transaction/common_point_in_time",),
    ),
    Kind("hang-at-backup", "QEMU hangs at a backup", at("blockdev-backup", hangs), ("did not come within",)),
    Kind("exit-status-at-quit", "QEMU ends with an error when it quits", at("quit", exits), ("status 1",), shows=False),
    Kind("crash-at-quit", "QEMU crashes when it quits", at("quit", dies_by(signal.SIGSEGV)), ("SIGSEGV",), shows=False),
)

_JOBS = (
    *(
        Kind(
            f"no-{state}-state",
            f"a job never tells of being {state}",
            events(dropping("JOB_STATUS_CHANGE", status=state)),
            ("went from", "did not come"),
            ("job/life", "job/cancelled"),
        )
        for state in ("created", "running", "waiting", "concluded", "aborting", "paused")
    ),
    *(
        Kind(
            f"{state}-twice",
            f"a job tells twice of being {state}",
            events(doubling("JOB_STATUS_CHANGE", status=state)),
            ("went from",),
            ("job/life", "job/cancelled"),
        )
        for state in ("created", "waiting", "pending", "concluded", "aborting", "paused")
    ),
    Kind(
        "no-pending-event",
        "a job that waits for its finalization does not ask for it",
        events(dropping("BLOCK_JOB_PENDING")),
        ("ask", "BLOCK_JOB_PENDING"),
        ("job/life",),
    ),
    Kind(
        "pending-event-twice",
        "a job asks twice to be finalized",
        events(doubling("BLOCK_JOB_PENDING")),
        ("ask", "BLOCK_JOB_PENDING"),
        ("job/life",),
    ),
    Kind(
        "cancelled-twice",
        "a job tells twice that it was cancelled",
        events(doubling("BLOCK_JOB_CANCELLED")),
        ("once", "went from"),
        ("job/cancelled",),
    ),
    Kind(
        "states-of-another-job",
        "the states of a job are told with another id",
        events(altering("JOB_STATUS_CHANGE", id="another")),
        ("did not come",),
        ("job/life",),
    ),
    Kind(
        "end-of-another-job",
        "the end of a job is told with another id",
        events(altering("BLOCK_JOB_COMPLETED", device="another")),
        ("end once",),
        ("job/life",),
    ),
    Kind(
        "error-of-another-job",
        "an error is told with another id",
        events(altering("BLOCK_JOB_ERROR", device="another")),
        ("BLOCK_JOB_ERROR",),
        ("failure/error_policies", "failure/stopped_backup"),
    ),
    Kind(
        "error-pauses-guest",
        "an error of a job pauses the guest",
        events(adding("BLOCK_JOB_ERROR", "STOP")),
        ("STOP",),
        ("failure/guest_policies",),
    ),
    Kind(
        "len-one-too-many",
        "a completed job had one byte more to copy than there was",
        events(altering("BLOCK_JOB_COMPLETED", len=1 << 40)),
        ("len", "bytes to copy"),
        ("job/life",),
    ),
    *(
        Kind(
            f"{member}-in-{query}",
            f"{query} tells another {member}",
            in_answer(query, setting(**{key: value})),
            leads,
            where,
        )
        for query, member, key, value, leads, where in (
            ("query-jobs", "status", "status", "created", ("contradicts",), ("job/progress", "job/life")),
            ("query-jobs", "progress", "current_progress", 1, ("contradicts",), ("job/progress",)),
            ("query-block-jobs", "status", "status", "created", ("contradicts",), ("job/progress", "job/life")),
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
                ("job/life", "job/progress"),
            ),
        )
    ),
    *(
        Kind(f"{query}-empty", f"{query} lists nothing", unlisted(query), ("should list", "did not come"), where)
        for query, where in (
            ("query-jobs", ("job/progress", "job/remembered_end")),
            ("query-block-jobs", ("job/progress",)),
        )
    ),
    *(
        Kind(f"{act}-ignored", f"{act} does nothing", ignored(act), (leads,), where)
        for act, leads, where in (
            ("job-pause", "did not come within", ("job/paused",)),
            ("job-resume", "did not come within", ("job/paused", "job/life")),
            ("job-cancel", "did not come within", ("job/cancelled",)),
            ("job-finalize", "did not come within", ("job/life",)),
            ("job-dismiss", "did not come within", ("job/life", "job/remembered_end")),
            ("block-job-set-speed", "speed", ("job/speed", "job/progress")),
            ("block-job-cancel", "did not come within", ("job/cancelled",)),
            ("block-job-resume", "did not come within", ("job/paused",)),
            ("block-job-finalize", "did not come within", ("job/life",)),
            ("block-job-dismiss", "did not come within", ("job/life",)),
            ("block_resize", "dirty", ("resize/growing",)),
            ("block-export-del", "BLOCK_EXPORT_DELETED", ("refusal/busy_bitmap",)),
            ("transaction", "did not come within", ("transaction/common_point_in_time",)),
            ("block-dirty-bitmap-add", "should have", ("bitmap/life",)),
            ("block-dirty-bitmap-remove", "should have no bitmap", ("bitmap/life",)),
            ("block-dirty-bitmap-clear", "dirty", ("bitmap/life",)),
            ("block-dirty-bitmap-enable", "recording", ("bitmap/recording", "bitmap/life")),
            ("block-dirty-bitmap-disable", "recording", ("bitmap/recording", "bitmap/life")),
            ("block-dirty-bitmap-merge", "dirty", ("bitmap/merging",)),
        )
    ),
    *(
        Kind(f"{act}-refused", f"{act} is always refused", refused(act), ("this cannot be done",), where)
        for act, where in (
            ("job-pause", ("job/paused",)),
            ("job-finalize", ("job/life",)),
            ("job-dismiss", ("job/life",)),
            ("block-job-set-speed", ("job/speed",)),
            ("block-dirty-bitmap-merge", ("bitmap/merging",)),
        )
    ),
    *(
        Kind(
            f"{act}-never-refused",
            f"{act} answers a refusal as if it had been granted",
            granted(act),
            ("granted", "refuse"),
            where,
        )
        for act, where in (
            ("job-pause", ("job/out_of_place",)),
            ("job-finalize", ("job/out_of_place",)),
            ("job-dismiss", ("job/out_of_place",)),
            ("block-job-set-speed", ("job/out_of_place", "refusal/job_arguments")),
            ("block-job-cancel", ("job/out_of_place",)),
            ("block-job-resume", ("job/out_of_place",)),
        )
    ),
    *(
        Kind(f"crash-at-{act}", f"QEMU crashes at {act}", at(act, dies_by(signal.SIGSEGV)), ("SIGSEGV",), (where,))
        for act, where in (
            ("job-pause", "job/paused"),
            ("job-cancel", "job/cancelled"),
            ("job-finalize", "job/life"),
            ("block_resize", "resize/growing"),
            ("block-export-add", "refusal/busy_bitmap"),
            ("block-dirty-bitmap-merge", "bitmap/merging"),
        )
    ),
)

_MODES = tuple(
    Kind(
        f"{mode}-for-{asked}",
        f"the bitmap-mode {asked} is taken for {mode}",
        with_arguments(BACKUPS, bitmap_mode(asked, mode)),
        ("dirty", "bytes to copy", "byte at offset"),
        ("failure/bitmap_modes", "failure/failed_backup"),
    )
    for asked in ("never", "always", "on-success")
    for mode in ("never", "always", "on-success")
    if mode != asked
)

_POLICIES = tuple(
    Kind(
        f"{side}-always-{policy}",
        f"an error of the {side} is met by the policy {policy}, whatever was asked",
        with_arguments(BACKUPS, setting(**{f"on_{side}_error": policy})),
        ("BLOCK_JOB_ERROR", "action", "fail", "stop", "did not come", "should"),
        ("failure/error_policies", "failure/full_disk", "failure/stopped_backup"),
    )
    for side, policy in (
        ("source", "stop"),
        ("source", "enospc"),
        ("target", "report"),
        ("target", "ignore"),
        ("target", "stop"),
        ("target", "enospc"),
    )
)

_OTHERS = (
    Kind(
        "groups-imposed",
        "each transaction is grouped",
        spoiling.GroupsImposed,
        ("completion-mode", "cancelled"),
        ("transaction/individual_completion",),
    ),
    Kind(
        "first-action-left-out",
        "a transaction leaves out its first action",
        in_actions(lambda actions: actions[1:]),
        ("should have", "dirty"),
        ("transaction/order_of_requests", "transaction/common_point_in_time"),
    ),
    Kind(
        "last-action-left-out",
        "a transaction leaves out its last action",
        in_actions(lambda actions: actions[:-1]),
        ("should have", "dirty", "did not come within"),
        ("transaction/order_of_requests", "transaction/common_point_in_time"),
    ),
    Kind(
        "actions-reversed",
        "a transaction carries its actions out in the reverse order",
        in_actions(lambda actions: actions[::-1]),
        ("should have", "dirty"),
        ("transaction/order_of_requests",),
    ),
    Kind(
        "bitmap-empty-after-resizing",
        "resizing a drive clears its bitmaps",
        clears_after("block_resize", lambda arguments: str(arguments["node-name"])),
        ("dirty",),
        ("resize/growing", "resize/shrinking"),
    ),
    Kind(
        "grows-too-little",
        "a drive gets 64 KiB less than asked",
        with_arguments(("block_resize",), replaced("size", lambda size: size - 65536)),
        ("byte", "dirty"),
        ("resize/growing",),
    ),
    Kind(
        "grows-too-much",
        "a drive gets 64 KiB more than asked",
        with_arguments(("block_resize",), replaced("size", lambda size: size + 65536)),
        ("byte", "dirty", "long"),
        ("resize/growing", "resize/shrinking"),
    ),
    Kind(
        "compression-ignored",
        "a backup is never compressed",
        with_arguments(BACKUPS, dropped("compress")),
        ("compressed",),
        ("target/compression",),
    ),
    Kind(
        "compression-imposed",
        "each backup is compressed",
        with_arguments(("blockdev-backup",), setting(compress=True)),
        ("ompress", "refused", "does not support"),
        ("target/formats", "target/compression"),
    ),
    Kind(
        "made-in-another-format",
        "drive-backup makes a raw image, whatever the format",
        with_arguments(("drive-backup",), lambda a: a.pop("mode", None) or a.update(format="raw")),
        ("format", "bytes to copy"),
        ("target/made_by_qemu",),
    ),
    Kind(
        "existing-target-made-anew",
        "drive-backup makes its target anew although it exists",
        with_arguments(("drive-backup",), dropped("mode")),
        ("byte at offset",),
        ("backup/incremental_chain",),
    ),
    Kind(
        "filter-name-ignored",
        "the filter of a backup has not the name that was asked for",
        with_arguments(BACKUPS, dropped("filter-node-name")),
        ("filters over",),
        ("job/filter", "job/nodes_in_use"),
    ),
    Kind(
        "clears-another-drive",
        "clearing a bitmap clears those of another drive, too",
        clears_after("block-dirty-bitmap-clear", lambda arguments: other_drive(str(arguments["node"]))),
        ("dirty",),
        ("bitmap/several",),
    ),
    Kind(
        "backup-clears-another-drive",
        "a backup clears the bitmaps of another drive, too",
        clears_after("blockdev-backup", lambda arguments: other_drive(str(arguments["device"]))),
        ("dirty",),
        ("backup/several_drives", "transaction/grouped_completion"),
    ),
    Kind(
        "backs-up-another-drive",
        "a full backup is of another drive",
        with_arguments(
            BACKUPS,
            lambda a: "bitmap" not in a and a.update(device=other_drive(a["device"])),
        ),
        ("byte at offset", "refuse", "Cannot find"),
        ("backup/several_drives", "transaction/common_point_in_time"),
    ),
    Kind(
        "clears-all-bitmaps",
        "clearing a bitmap clears all of its drive",
        clears_after("block-dirty-bitmap-clear", lambda arguments: str(arguments["node"])),
        ("dirty",),
        ("bitmap/several", "bitmap/life"),
    ),
    Kind(
        "export-without-bitmaps",
        "an export does not hold its bitmaps",
        with_arguments(("block-export-add",), dropped("bitmaps")),
        ("busy", "refuse", "granted"),
        ("refusal/busy_bitmap",),
    ),
    Kind(
        "never-inconsistent",
        "no bitmap is reported as inconsistent",
        misreport(lambda bitmap: bitmap.pop("inconsistent", None)),
        ("inconsistent",),
        ("refusal/inconsistent_bitmap",),
    ),
    Kind(
        "stores-nothing",
        "what a persistent bitmap has recorded is not stored",
        StoresNothing,
        ("next machine", "dirty"),
        ("bitmap/persistent",),
    ),
    Kind(
        "reported-transient",
        "no bitmap is reported as persistent",
        misreport(setting(persistent=False)),
        ("persistent",),
        ("bitmap/persistent",),
    ),
    Kind(
        "always-made-persistent",
        "each bitmap is made persistent",
        with_arguments(("block-dirty-bitmap-add",), setting(persistent=True)),
        ("persistent", "store"),
        ("bitmap/life",),
    ),
    Kind(
        "named-otherwise",
        "bitmaps are reported with another name",
        misreport(setting(name="another")),
        ("no such bitmap", "no bitmap"),
        ("bitmap/life",),
    ),
    Kind(
        "guest-write-leaks",
        "what the guest writes during a backup is in it",
        spoiling.Leaks,
        ("byte at offset", "without need"),
        ("backup/guest_writes", "job/progress", "job/life"),
    ),
    Kind(
        "other-bytes",
        "a write stores other bytes",
        guest_writes(lambda flags: flags.replace("a", "b")),
        ("byte at offset",),
        alone="content",
    ),
    Kind(
        "copies-one-more",
        "a backup holds a cluster of zeros that had not changed",
        spoiling.CopiesOneMore,
        ("without need",),
        alone="prediction",
    ),
    Kind("all-granted", "nothing is ever refused", spoiling.GrantsAll, ("refuse", "granted")),
)

KINDS = (*_FIRST, *_JOBS, *_MODES, *_POLICIES, *_OTHERS)
FAULTS = {kind.name: kind for kind in KINDS}

WIDE = (
    "completed-twice",
    "all-granted",
    "count-one-more",
    "refusals-reworded",
    "cancelled-twice",
    "always-recording",
    "never-recording",
    "forgets-writes",
    "other-bytes",
    "target-has-stray-bytes",
)
"""Faults that show themselves in very many scenarios, the widest first."""
