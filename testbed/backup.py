"""Backups: the commands that take them, and what each must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from testbed.bitmap import Bitmap
from testbed.content import Content
from testbed.drive import Drive
from testbed.image import Extent
from testbed.job import Job
from testbed.machine import Machine
from testbed.ranges import Ranges
from testbed.request import Request
from testbed.target import Target


class Command(Protocol):
    """A QMP command that takes backups; the two that QEMU has differ in who opens the target."""

    name: str

    def open(self, machine: Machine, target: Target) -> None:
        """Make the target ready for the command."""

    def arguments(self, target: Target) -> Mapping[str, object]:
        """Return how the command names its target."""

    def close(self, machine: Machine, target: Target) -> None:
        """Undo `open` when the job is over, so that the tools may have the image."""


class DriveBackup:
    """drive-backup: QEMU opens the target file by itself (deprecated since 6.2)."""

    name = "drive-backup"

    def open(self, machine: Machine, target: Target) -> None:
        """Do nothing: the command opens its target."""

    def arguments(self, target: Target) -> Mapping[str, object]:
        """Name the target by its file, and its format and mode unless the command is to choose them."""
        existing = {"format": target.image_format, "mode": "existing"}
        return {"target": target.name, **(existing if target.exists else {})}

    def close(self, machine: Machine, target: Target) -> None:
        """Do nothing: the job has closed its target."""


class BlockdevBackup:
    """blockdev-backup: the target is a node that the operator has added."""

    name = "blockdev-backup"

    def open(self, machine: Machine, target: Target) -> None:
        """Add the target as a node."""
        machine.execute("blockdev-add", {**target.place.open(target), "node-name": target.node})

    def arguments(self, target: Target) -> Mapping[str, object]:
        """Name the target by its node."""
        return {"target": target.node}

    def close(self, machine: Machine, target: Target) -> None:
        """Delete the node."""
        machine.execute("blockdev-del", {"node-name": target.node})
        target.place.close(target)


COMMANDS: Mapping[str, Command] = {command.name: command for command in (DriveBackup(), BlockdevBackup())}

INCREMENTAL = ("incremental", "bitmap")
"""Kinds of backups that copy what a bitmap has recorded; the others may copy anything."""


@dataclass(eq=False)
class Backup:
    """One backup of a drive, from before it is asked for until it has been judged.

    `options` are the arguments of the QMP command besides device, job and target; sync and bitmap are among them.
    `content` is what the drive read as when it began, `held` the bitmap that it goes by or brings in step, and
    `changed` what its own layer must hold and nothing else (None where it is free to copy everything); `moment` is the
    drive's when it began.
    """

    drive: Drive
    target: Target
    command: Command
    job: Job
    options: Mapping[str, object]
    content: Content = field(init=False)
    held: Bitmap | None = field(default=None, init=False)
    changed: Ranges | None = field(default=None, init=False)
    moment: int = field(default=-1, init=False)
    reference: Target | None = None
    judged: bool = False

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
    def restored(self) -> Content:
        """Return what its image must read as: the drive at that moment, or just the changes if it stands alone."""
        if self.changed is None or self.target.backing:
            return self.content
        return Content(self.content.size).replaced(self.changed, self.content)

    @property
    def _copied_at_a_time(self) -> int:
        asked = self.options.get("x-perf")
        return max(self.target.cluster, asked.get("min-cluster-size", 0) if isinstance(asked, dict) else 0)

    def request(self) -> Request:
        """Make the request that starts the backup."""
        arguments = {
            "job-id": self.job.name,
            "device": self.drive.name,
            **self.command.arguments(self.target),
            **self.options,
        }
        return Request(self.command.name, arguments, self._begin)

    def finish(self) -> None:
        """Wait until the job is over; let the bitmap's model follow; close the target.

        Raises what Job.wait does.
        """
        self.job.wait()
        if self.held:
            self.held.release(Ranges() if self.succeeded else self.held.dirty.granules)
        self.command.close(self.drive.machine, self.target)

    def _begin(self) -> None:
        self.job.begun = True
        self.content, self.moment = self.drive.content, self.drive.moment
        if self.bitmap:
            self.held = self.drive.bitmap(self.bitmap)
            if self.sync in INCREMENTAL:
                self.changed = self.held.dirty.copied(self._copied_at_a_time)
            self.held.hold()


def own_layer(extents: list[Extent]) -> tuple[Ranges, Ranges]:
    """Return what the topmost image of a chain holds itself, and what it may hold or not, from the chain's map.

    Before 6.1 qemu-img does not say whether zeros at the top are in the image or in no image at all.
    """
    top = [extent for extent in extents if extent.depth == 0]
    held = Ranges.joined((extent.start, extent.end) for extent in top if extent.present)
    unknown = Ranges.joined((extent.start, extent.end) for extent in top if extent.present is None)
    return held, unknown
