"""A dirty bitmap as the testbed believes it to be, and as QEMU reports it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from testbed.base.units import format_size
from testbed.model.dirty import Dirty
from testbed.model.ranges import Ranges


@dataclass(frozen=True)
class BitmapState:
    """What can be seen of a bitmap: sizes in bytes, flags as QEMU names them."""

    name: str
    granularity: int
    recording: bool
    busy: bool
    persistent: bool
    count: int
    inconsistent: bool = False

    def __str__(self) -> str:
        """Describe the bitmap in one phrase."""
        return (
            f'"{self.name}" ({", ".join(self.flags) or "not recording"}, granularity {format_size(self.granularity)}, '
            f"dirty {format_size(self.count)})"
        )

    @property
    def flags(self) -> list[str]:
        """Return the names of those flags that are set."""
        return [name for name in ("recording", "busy", "persistent", "inconsistent") if getattr(self, name)]

    @classmethod
    def reported(cls, report: Mapping[str, Any]) -> BitmapState:
        """Read one entry of a node's dirty-bitmaps (BlockDirtyInfo in the QMP reference manual)."""
        return cls(
            name=report.get("name", ""),
            granularity=report["granularity"],
            recording=report["recording"],
            busy=report["busy"],
            persistent=report["persistent"],
            count=report["count"],
            inconsistent=report.get("inconsistent", False),
        )


@dataclass(eq=False)
class Bitmap:
    """A bitmap: what it must have recorded, from nothing but the requests made so far.

    While a job holds it, it is busy: its granules stay, and what is written goes to a successor, which the job's end
    joins to it or puts in its place. While it is exported, or is on its way to another machine, it is busy as well, and
    goes on recording. `since` is the moment of the drive from which on it has recorded, if it has always done so. It
    stays the same bitmap when it was stored and another machine has loaded it, or when it has come there by itself.
    """

    name: str
    dirty: Dirty
    recording: bool = True
    persistent: bool = False
    inconsistent: bool = False
    exported: bool = False
    travelling: bool = False
    since: int = 0
    successor: Dirty | None = field(default=None, init=False)

    @property
    def busy(self) -> bool:
        """Tell whether something holds the bitmap."""
        return self.successor is not None or self.exported or self.travelling

    @property
    def state(self) -> BitmapState:
        """Return what QEMU must report."""
        return BitmapState(
            name=self.name,
            granularity=self.dirty.granularity,
            recording=self.recording,
            busy=self.busy,
            persistent=self.persistent,
            count=self.dirty.count,
            inconsistent=self.inconsistent,
        )

    def saw(self, ranges: Ranges) -> None:
        """Take note of a write, zero write or discard on the drive."""
        if not self.recording:
            return
        if self.successor is None:
            self.dirty = self.dirty.marked(ranges)
        else:
            self.successor = self.successor.marked(ranges)

    def clear(self, moment: int) -> None:
        """Take note that the bitmap was emptied at a moment of its node."""
        self.dirty, self.since = self.dirty.cleared(), moment

    def enable(self) -> None:
        """Take note that the bitmap records from now on."""
        self.recording = True

    def disable(self) -> None:
        """Take note that the bitmap does not record any more."""
        self.recording = False

    def merge(self, source: Bitmap) -> None:
        """Take note that what another bitmap has recorded was added."""
        self.dirty = self.dirty.merged(source.dirty)

    def at_rest(self) -> Bitmap:
        """Return it as an image must store it, in the midst of whatever uses it: the joined record."""
        stored = copy(self)
        if self.successor is not None:
            stored.release(self.dirty.granules)
        return stored

    def resized(self, size: int) -> None:
        """Take note of the drive's new size in bytes."""
        self.dirty = self.dirty.resized(size)

    def hold(self) -> None:
        """Take note that a job holds the bitmap from now on."""
        self.successor = self.dirty.cleared()

    def release(self, remaining: Ranges) -> None:
        """Take note that the job let go: `remaining` is still dirty, and so is all that was written meanwhile."""
        assert self.successor is not None, f"nothing holds {self.name}"
        self.dirty, self.successor = self.successor.marked(remaining), None
