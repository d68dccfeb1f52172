"""Backups: the commands that take them, and what each must hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from testbed.base.units import format_size
from testbed.domain.bitmap import Bitmap
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.job import Job
from testbed.domain.lifecycle import JobEnd, WrongLifecycle
from testbed.domain.request import Request
from testbed.domain.target import Target
from testbed.model.content import Content
from testbed.model.dirty import COPY_CLUSTER
from testbed.model.ranges import NOTHING, Ranges
from testbed.qemu.images import Extent
from testbed.qemu.machine import Machine


class Command(Protocol):
    """A QMP command that takes backups; the two that QEMU has differ in who opens the target.

    `takes_lowest_whole` tells whether it takes all of a drive that stands on nothing when asked for its top layer, and
    `opens_target` whether it opens the target's file by itself; `needs` is what a build must have for it.
    """

    name: str
    opens_target: bool
    needs: tuple[str, ...]
    takes_lowest_whole: bool

    def open(self, machine: Machine, target: Target) -> None:
        """Make the target ready for the command."""

    def arguments(self, target: Target) -> Mapping[str, object]:
        """Return how the command names its target."""

    def close(self, machine: Machine, target: Target) -> None:
        """Undo `open` when the job is over, so that the tools may have the image."""


class DriveBackup:
    """drive-backup: QEMU opens the target file by itself (deprecated since 6.2)."""

    name = "drive-backup"
    opens_target = True
    needs: tuple[str, ...] = ("drive-backup",)
    takes_lowest_whole = True

    def open(self, machine: Machine, target: Target) -> None:
        """Do nothing: the command opens its target."""

    def arguments(self, target: Target) -> Mapping[str, object]:
        """Name the target by its file, and its format and mode unless the command is to choose them."""
        existing = {"format": target.image_format, "mode": "existing"}
        return {"target": target.name, **(existing if target.exists else {})}

    def close(self, machine: Machine, target: Target) -> None:
        """Wait until QEMU has closed the target, which it tells of by nothing but what it lists.

        The job is gone a moment before that, and some of the image is still in QEMU's memory then.
        """
        machine.ask_until(
            f"the closing of {target.name}",
            "query-named-block-nodes",
            lambda nodes: all(node.get("file") != target.name for node in nodes),
        )


class BlockdevBackup:
    """blockdev-backup: the target is a node that the operator has added."""

    name = "blockdev-backup"
    opens_target = False
    needs: tuple[str, ...] = ("blockdev-backup",)
    takes_lowest_whole = False

    def open(self, machine: Machine, target: Target) -> None:
        """Add the target as a node."""
        machine.execute("blockdev-add", {**target.location.open(target), "node-name": target.node})

    def arguments(self, target: Target) -> Mapping[str, object]:
        """Name the target by its node."""
        return {"target": target.node}

    def close(self, machine: Machine, target: Target) -> None:
        """Delete the node."""
        machine.execute("blockdev-del", {"node-name": target.node})
        target.location.close(target)


COMMANDS: Mapping[str, Command] = {command.name: command for command in (DriveBackup(), BlockdevBackup())}

INCREMENTAL = ("incremental", "bitmap")
"""Kinds of backups that copy what a bitmap has recorded."""

KEEPING = "none"
"""The kind of backup that copies nothing by itself: it saves what the guest overwrites, until it is cancelled."""


@dataclass(eq=False)
class Backup:
    """One backup of a drive, from before it is asked for until it has been judged.

    `options` are the arguments of the QMP command besides device, job and target; sync and bitmap are among them.
    `source` is the image of the drive that is copied, `content` what the drive read as when it began, `held` the bitmap
    that it goes by or brings in step, and `changed` what its own layer must hold and nothing else (None where it is
    free to copy everything); `moment` is the drive's when it began. `followed` tells whether the models know its end.
    """

    drive: Drive
    target: Target
    command: Command
    job: Job
    options: Mapping[str, object]
    content: Content = field(init=False)
    source: Image = field(init=False)
    held: Bitmap | None = field(default=None, init=False)
    changed: Ranges | None = field(default=None, init=False)
    moment: int = field(default=-1, init=False)
    followed: bool = field(default=False, init=False)
    reference: Target | None = None
    judged: bool = False

    def __post_init__(self) -> None:
        """Take note of the image that is about to be copied."""
        self.source = self.drive.image

    def __str__(self) -> str:
        """Name the backup as a reader would know it again."""
        through = f' with "{self.bitmap}"' if self.bitmap else ""
        return f"the {self.sync} backup of {self.drive.name}{through} ({self.target.name})"

    @property
    def sync(self) -> str:
        """Return the kind of backup, in QEMU's words: full, incremental and so on."""
        return str(self.options["sync"])

    @property
    def bitmap(self) -> str | None:
        """Return the name of its bitmap."""
        return str(self.options["bitmap"]) if "bitmap" in self.options else None

    @property
    def succeeded(self) -> bool:
        """Tell whether the backup is over and completed."""
        return self.job.end is not None and self.job.end.how == "completed"

    @property
    def fulfilled(self) -> bool:
        """Tell whether the backup is over and has kept all that it was to: one that never completes, if cancelled."""
        how = "cancelled" if self.sync == KEEPING else "completed"
        return self.job.end is not None and self.job.end.how == how

    @property
    def mode(self) -> str:
        """Return what becomes of its bitmap at the end, in QEMU's words: on-success, never or always."""
        return str(self.options.get("bitmap-mode", "on-success"))

    @property
    def is_base(self) -> bool:
        """Tell whether the next backup with its bitmap builds on it: whether the bitmap has been brought in step."""
        end = self.job.lifecycle.end
        return end is not None and (self.mode == "always" or (self.mode == "on-success" and end.how == "completed"))

    @property
    def restored(self) -> Content:
        """Return what its image must read as: the drive at that moment, or just the changes if it stands alone.

        One that stands on the drive itself has the changes above what the drive reads as now.
        """
        base = self.target.image.base
        stands_on_drive = base is self.source
        if self.changed is None or (base and not stands_on_drive):
            return self.content
        below = self.source.content if stands_on_drive else Content(self.content.size)
        return below.replaced(self.changed, self.content)

    @property
    def _copied_at_a_time(self) -> int:
        asked = self.options.get("x-perf")
        asked_for = asked.get("min-cluster-size", 0) if isinstance(asked, dict) else 0
        return max(COPY_CLUSTER, self.target.shown_cluster, asked_for)

    def request(self) -> Request:
        """Make the request that starts the backup."""
        arguments = {
            "job-id": self.job.name,
            "device": self.drive.name,
            **self.command.arguments(self.target),
            **self.options,
        }
        given = {name: argument for name, argument in arguments.items() if argument is not None}
        return Request(self.command.name, given, self._begin, machine=self.drive.machine)

    def finish(self) -> None:
        """Wait until the job is over; let the models follow; close the target, unless QEMU has gone.

        Raises what Job.wait does, and WrongLifecycle when it did not count as work just what it had to copy.
        """
        end = self.job.wait()
        self.follow()
        copied = (self.changed or NOTHING).rounded_out(self._copied_at_a_time) if self.sync == KEEPING else self._plan
        if self.fulfilled and (end.offset, end.length) != (copied.length, self._plan.length):
            raise WrongLifecycle("\n".join(self._wrong_work(end, copied)))
        if self.drive.machine.running:
            self.command.close(self.drive.machine, self.target)

    def _wrong_work(self, end: JobEnd, copied: Ranges) -> Iterator[str]:
        """Say what the job, by its own account at the end, has counted otherwise than it had to."""
        if end.length != self._plan.length:
            counted = f"its job says that it had {format_size(end.length)}"
            yield f"{self} should have had {format_size(self._plan.length)} to copy; {counted}"
        if end.offset != copied.length:
            counted = f"its job says that it has copied {format_size(end.offset)}"
            yield f"{self} should have copied {format_size(copied.length)}; {counted}"

    def follow(self) -> None:
        """Let the models follow, once, as soon as the job has ended: be it forgotten yet or not."""
        end = self.job.lifecycle.end
        if end is None or self.followed:
            return
        self.followed = True
        if self.sync == KEEPING:
            self.changed = self._in_whole_pieces(self.source.history.since(self.moment))
        if self.held:
            self.held.release(self._still_dirty(self.held, end))

    def _still_dirty(self, held: Bitmap, end: JobEnd) -> Ranges:
        """Return what of the held bitmap's record is left to the next backup with it, after such an end of this one."""
        completed = end.how == "completed"
        if self.mode == "never" or (self.mode == "on-success" and not completed):
            return held.dirty.granules
        return NOTHING if completed else self._plan - self._copied(held, end)

    @property
    def _plan(self) -> Ranges:
        """Return what the job had to copy; it counts the last cluster as whole, even where the drive ends within it."""
        all_of_it = Ranges.of((0, self.content.size))
        planned = all_of_it if self.changed is None or self.sync == KEEPING else self.changed
        return planned.rounded_out(self._copied_at_a_time)

    def _copied(self, held: Bitmap, end: JobEnd) -> Ranges:
        """Return what the job has copied: what the guest overwrote meanwhile, just before that, and the rest in order.

        How far it came, nobody but the job can tell. Granules must not be larger than what it copies at a time.
        """
        assert held.successor is not None, f"nothing holds {held.name}"
        overwritten = held.successor.granules.rounded_out(self._copied_at_a_time) & self._plan
        return overwritten | (self._plan - overwritten).first(end.offset - overwritten.length)

    def _begin(self) -> None:
        self.job.begun = True
        self.content, self.moment = self.drive.content, self.drive.moment
        if self.bitmap:
            self.held = self.drive.bitmap(self.bitmap)
            if self.sync in INCREMENTAL:
                self.changed = self.held.dirty.copied(self._copied_at_a_time)
            self.held.hold()
        if self.sync == "top" and (self.source.base or not self.command.takes_lowest_whole):
            self.changed = self._in_whole_pieces(self.source.own_layer)

    def _in_whole_pieces(self, ranges: Ranges) -> Ranges:
        """Return what is copied so that all of the ranges are."""
        return ranges.below(self.content.size).rounded_out(self._copied_at_a_time).below(self.content.size)


def own_layer(extents: list[Extent]) -> tuple[Ranges, Ranges]:
    """Return what the topmost image of a chain holds itself, and what it may hold or not, from the chain's map.

    Before 6.1 qemu-img does not say whether zeros at the top are in the image or in no image at all.
    """
    top = [extent for extent in extents if extent.depth == 0]
    held = Ranges.joined((extent.start, extent.end) for extent in top if extent.present)
    unknown = Ranges.joined((extent.start, extent.end) for extent in top if extent.present is None)
    return held, unknown
