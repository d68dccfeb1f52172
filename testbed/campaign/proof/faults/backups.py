"""Faults of backups: what they copy, what they leave in their target, and what becomes of their bitmap."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from testbed.campaign.proof.conversation import HIDDEN, Conversation, Fault, Message
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.proof.spoiling import (
    BACKUPS,
    actions_of,
    clears_after,
    dropped,
    other_drive,
    refused,
    setting,
    with_arguments,
)

SHADOW = f"{HIDDEN}-shadow"
"""A bitmap in which the stand-in remembers what another one had recorded."""


class Backups(Fault):
    """A fault about backups: knows what job was started with which arguments, and when it is over."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.jobs: dict[str, Message] = {}
        self.failed: dict[str, bool] = {}

    def command(self, command: Message) -> Message | None:
        for name, arguments in actions_of(command):
            if name in BACKUPS:
                self.jobs[arguments["job-id"]] = arguments
                self.prepare(arguments)
        return command

    def event(self, event: Message) -> list[Message]:
        data = event.get("data", {})
        job = self.jobs.get(data.get("id") or data.get("device"))
        if job is not None and event["event"] in ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"):
            self.failed[job["job-id"]] = event["event"] == "BLOCK_JOB_CANCELLED" or "error" in data
        if job is not None and data.get("status") == "null":
            self.over(job, failed=self.failed.get(job["job-id"], True))
        return [event]

    def prepare(self, arguments: Message) -> None:
        """Do something before a backup is asked for, or change what is asked."""

    def over(self, arguments: Message, *, failed: bool) -> None:
        """Do something when its job is gone, before anybody hears of it."""


class KeepsBitmap(Backups):
    """Does not clear the bitmap of a backup that succeeded."""

    def prepare(self, arguments: Message) -> None:
        if "bitmap" in arguments:
            node = arguments["device"]
            self.qemu.ask("block-dirty-bitmap-add", node=node, name=SHADOW, disabled=True, granularity=65536)
            self.qemu.ask("block-dirty-bitmap-merge", node=node, target=SHADOW, bitmaps=[arguments["bitmap"]])

    def over(self, arguments: Message, *, failed: bool) -> None:
        if "bitmap" in arguments:
            node = arguments["device"]
            self.qemu.ask("block-dirty-bitmap-merge", node=node, target=arguments["bitmap"], bitmaps=[SHADOW])
            self.qemu.ask("block-dirty-bitmap-remove", node=node, name=SHADOW)


class LosesBitmap(Backups):
    """Clears the bitmap of a backup that failed."""

    def over(self, arguments: Message, *, failed: bool) -> None:
        if "bitmap" in arguments and failed:
            self.qemu.ask("block-dirty-bitmap-clear", node=arguments["device"], name=arguments["bitmap"])


class FreesCluster(Fault):
    """Leaves the image of a backup with a cluster that is in use and counts as free."""

    def reply(self, command: Message, reply: Message) -> Message:
        if command["execute"] == "blockdev-del" and "return" in reply:
            image = Path(f"{command['arguments']['node-name']}.qcow2")
            if image.exists():
                self._free(image)
        return reply

    def _free(self, image: Path) -> None:
        """Say of the image's second cluster, which holds the table of its counts, that nothing uses it."""
        with image.open("r+b") as file:
            file.seek(48)
            file.seek(int.from_bytes(file.read(8), "big"))
            file.seek(int.from_bytes(file.read(8), "big") + 2)
            file.write(bytes(2))


class DisablesBitmap(Backups):
    """Leaves the bitmap of a backup disabled."""

    def over(self, arguments: Message, *, failed: bool) -> None:
        if "bitmap" in arguments:
            self.qemu.ask("block-dirty-bitmap-disable", node=arguments["device"], name=arguments["bitmap"])


class CopiesNothing(Backups):
    """Copies nothing into an increment."""

    def prepare(self, arguments: Message) -> None:
        if "bitmap" in arguments:
            self.qemu.ask("block-dirty-bitmap-clear", node=arguments["device"], name=arguments["bitmap"])


class CopiesEverything(Backups):
    """Copies the whole drive into an increment, and clears the bitmap."""

    def prepare(self, arguments: Message) -> None:
        if arguments.get("sync") == "incremental" and "bitmap" in arguments:
            arguments["sync"], arguments["bitmap-mode"] = "full", "on-success"


class WritesIntoTarget(Backups):
    """Spoils the target when the backup is over: `request` is made of its node."""

    request = "write -P 0x99 3145728 512"

    def over(self, arguments: Message, *, failed: bool) -> None:
        if "target" in arguments and not failed:
            self.qemu.ask("human-monitor-command", command_line=f'qemu-io {arguments["target"]} "{self.request}"')


class LeavesOutTail(WritesIntoTarget):
    request = "write -z 33570816 4096"


class ResizesTarget(WritesIntoTarget):
    request = "truncate 134217728"


class CopiesOneMore(WritesIntoTarget):
    """Holds a cluster more, of zeros where the drive has zeros."""

    request = "write -z 2097152 65536"


class Leaks(Backups):
    """Lets what the guest writes during a backup into the target, if the backup goes by no bitmap."""

    def __init__(self, qemu: Conversation) -> None:
        super().__init__(qemu)
        self.writes: list[str] = []

    def command(self, command: Message) -> Message | None:
        line = str(command.get("arguments", {}).get("command-line", ""))
        if self.jobs and (found := re.fullmatch(r'qemu-io guest-\S+ "(write .*)"', line)):
            self.writes.append(found[1])
        return super().command(command)

    def over(self, arguments: Message, *, failed: bool) -> None:
        for write in self.writes:
            self.qemu.ask("human-monitor-command", command_line=f'qemu-io {arguments.get("target")} "{write}"')
        self.jobs.clear()
        self.writes.clear()


def bitmap_mode(instead_of: str, mode: str) -> Callable[[Message], None]:
    """Make a function that gives a backup another bitmap-mode, where it has that one."""

    def change(arguments: Message) -> None:
        if "bitmap" in arguments and arguments.get("bitmap-mode", "on-success") == instead_of:
            arguments["bitmap-mode"] = mode
            arguments["sync"] = "bitmap" if arguments["sync"] == "incremental" else arguments["sync"]

    return change


FAULTS = (
    # What becomes of the bitmap.
    FaultKind(
        "bitmap-kept-after-success",
        "the bitmap is not cleared by a backup that succeeds",
        KeepsBitmap,
        ("dirty", "without need"),
    ),
    FaultKind(
        "bitmap-lost-after-failure",
        "the bitmap is cleared by a backup that fails",
        LosesBitmap,
        ("dirty", "byte at offset", "to copy"),
    ),
    FaultKind("bitmap-disabled-after-backup", "a backup leaves its bitmap disabled", DisablesBitmap, ("recording",)),
    FaultKind(
        "backup-clears-another-drive",
        "a backup clears the bitmaps of another drive, too",
        clears_after("blockdev-backup", lambda arguments: other_drive(str(arguments["device"]))),
        ("dirty",),
        ("backup/several_drives", "transaction/grouped_completion"),
    ),
    *(
        FaultKind(
            f"{mode}-for-{asked}",
            f"the bitmap-mode {asked} is taken for {mode}",
            with_arguments(BACKUPS, bitmap_mode(asked, mode)),
            ("dirty", "to copy", "byte at offset"),
            ("failure/bitmap_modes", "failure/failed_backup"),
        )
        for asked in ("never", "always", "on-success")
        for mode in ("never", "always", "on-success")
        if mode != asked
    ),
    # What is copied.
    FaultKind(
        "copies-nothing",
        "an increment holds nothing",
        CopiesNothing,
        ("missing", "byte at offset", "to copy"),
    ),
    FaultKind(
        "copies-everything",
        "an increment holds the whole drive",
        CopiesEverything,
        ("without need", "to copy"),
    ),
    FaultKind(
        "copies-one-more",
        "a backup holds a cluster of zeros that had not changed",
        CopiesOneMore,
        ("without need",),
        seen_only_by="prediction",
    ),
    FaultKind(
        "backs-up-another-drive",
        "a full backup is of another drive",
        with_arguments(
            BACKUPS,
            lambda a: "bitmap" not in a and a.update(device=other_drive(a["device"])),
        ),
        ("byte at offset", "refuse", "Cannot find"),
        ("backup/several_drives", "transaction/common_point_in_time"),
    ),
    FaultKind(
        "guest-write-leaks",
        "what the guest writes during a backup is in it",
        Leaks,
        ("byte at offset", "without need"),
        ("backup/guest_writes", "job/progress", "job/states"),
    ),
    # What the target is like.
    FaultKind(
        "target-has-stray-bytes",
        "a backup holds bytes that were never there",
        WritesIntoTarget,
        ("byte at offset",),
    ),
    FaultKind("target-lacks-tail", "the end of a cluster is not copied", LeavesOutTail, ("byte at offset",)),
    FaultKind("target-grows", "the target has another size afterwards", ResizesTarget, ("should be of",)),
    FaultKind(
        "compression-ignored",
        "a backup is never compressed",
        with_arguments(BACKUPS, dropped("compress")),
        ("compressed",),
        ("target/compression",),
    ),
    FaultKind(
        "compression-lost-to-offloading",
        "a backup is not compressed when the storage may copy by itself",
        with_arguments(BACKUPS, lambda a: a.get("x-perf", {}).get("use-copy-range") and a.pop("compress", None)),
        ("compressed",),
        ("target/compression",),
    ),
    FaultKind(
        "filter-not-whitelisted",
        "no backup begins, since the build lacks the driver of its filter",
        refused("blockdev-backup"),
        ("this cannot be done",),
        ("backup/incremental_chain",),
    ),
    FaultKind(
        "compression-imposed",
        "each backup is compressed",
        with_arguments(("blockdev-backup",), setting(compress=True)),
        ("ompress", "refused", "does not support"),
        ("target/formats", "target/compression"),
    ),
    FaultKind(
        "made-in-another-format",
        "drive-backup makes a raw image, whatever the format",
        with_arguments(("drive-backup",), lambda a: a.pop("mode", None) or a.update(format="raw")),
        ("format", "to copy"),
        ("target/made_by_qemu",),
    ),
    FaultKind(
        "existing-target-made-anew",
        "drive-backup makes its target anew although it exists",
        with_arguments(("drive-backup",), dropped("mode")),
        ("byte at offset",),
        ("backup/incremental_chain",),
    ),
    FaultKind(
        "used-cluster-free",
        "the image of a backup counts a cluster as free that it uses",
        FreesCluster,
        ("contradicts itself",),
        ("backup/incremental_chain",),
        seen_only_by="soundness",
    ),
    # What is done at an error.
    FaultKind(
        "source-errors-ignored",
        "a read error is retried whatever the policy",
        with_arguments(BACKUPS, lambda a: a.update({"on-source-error": "ignore"})),
        ("BLOCK_JOB_ERROR", "action", "fail", "stop"),
        features=("failure/error_policies", "failure/stopped_backup"),
    ),
    FaultKind(
        "source-errors-reported",
        "a read error ends the job whatever the policy",
        with_arguments(BACKUPS, lambda a: a.update({"on-source-error": "report"})),
        ("stop",),
        features=("failure/error_policies", "failure/stopped_backup"),
    ),
    *(
        FaultKind(
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
    ),
)
