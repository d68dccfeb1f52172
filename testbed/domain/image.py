"""An image as it lies there, whoever has it open: what it holds, what it stands on, and the bitmaps stored in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from testbed.domain.bitmap import Bitmap
from testbed.domain.history import History
from testbed.model.content import Content
from testbed.model.dirty import DEFAULT_GRANULARITY, Dirty, default_granularity
from testbed.model.ranges import NOTHING, Ranges
from testbed.qemu.image_kinds import ImageKind


@dataclass(eq=False)
class Image:
    """The image in the file `name`, and the models of all that lasts when no machine has it open.

    `content` is what it must read as, through all that it stands on; `base` is the image that it stands on; `allocated`
    is what it has taken space for by itself. `bitmaps` are those stored in it, by name; of them, `in_use` are the names
    of those that whoever had it open last has not stored again yet (bitmap directory entries, flag in_use, in QEMU's
    specification of qcow2). `has_stored` tells whether it has ever been given a persistent bitmap, be it removed again;
    `has_room` whether there is space for it to grow, as storing bitmaps needs it.
    """

    name: str
    kind: ImageKind
    content: Content
    base: Image | None = None
    allocated: Ranges = NOTHING
    bitmaps: dict[str, Bitmap] = field(default_factory=dict)
    in_use: set[str] = field(default_factory=set)
    history: History = field(default_factory=History)
    has_stored: bool = False
    has_room: bool = True

    @property
    def image_format(self) -> str:
        """Return the image's format."""
        return self.kind.image_format

    @property
    def size(self) -> int:
        """Return its size in bytes."""
        return self.content.size

    @property
    def unit(self) -> int:
        """Return the length in bytes of what it allocates, and of what a discard can turn into zeros."""
        return self.kind.cluster if self.image_format == "qcow2" else 1

    @property
    def granularity(self) -> int:
        """Return the granularity in bytes of a bitmap that is added without one."""
        return default_granularity(self.kind.cluster) if self.image_format == "qcow2" else DEFAULT_GRANULARITY

    @property
    def layers(self) -> Iterator[Image]:
        """Return it and all that it stands on, the uppermost first."""
        yield self
        if self.base:
            yield from self.base.layers

    @property
    def own_layer(self) -> Ranges:
        """Return what it holds by itself, hiding what lies below: a raw one holds all of the drive."""
        return self.allocated if self.image_format == "qcow2" else Ranges.of((0, self.size))

    # What is written.

    def allocate(self, ranges: Ranges) -> None:
        """Take note that it has taken space for the ranges."""
        self.allocated |= ranges.rounded_out(self.unit)

    def write(self, pattern: int, at: int, length: int) -> None:
        """Take note of `length` bytes of `pattern` at the offset `at`, all in bytes."""
        self.content = self.content.written(pattern, at, length)
        self.allocate(Ranges.of((at, length)))

    def discard(self, at: int, length: int) -> None:
        """Take note of a discard of `length` bytes at the offset `at`; the whole units among them read as zeros."""
        # The part of a unit at the end of the drive is as good as whole.
        discarded = Ranges.of((at, length), (self.size, self.unit)).rounded_in(self.unit).below(self.size)
        self.content = self.content.zeroed(discarded)
        if self.base:
            self.allocate(discarded)  # zeros that hide what lies below

    def resize(self, size: int) -> None:
        """Take note of its new size in bytes."""
        before = self.size
        self.content = self.content.resized(size)
        self.allocated = self.allocated.below(size)
        if self.base and size > before < self.base.size:
            self.allocate(Ranges.of((before, size - before)))  # zeros that hide what was cut off

    # The bitmaps stored in it.

    def stored_bitmaps(self) -> dict[str, Bitmap]:
        """Return the bitmaps as whoever opens it must find them: those in use have become inconsistent."""
        return {name: self._spoilt(bitmap) if name in self.in_use else bitmap for name, bitmap in self.bitmaps.items()}

    def open(self) -> dict[str, Bitmap]:
        """Take note that a machine has opened it for writing; return the bitmaps that the machine finds.

        It marks them in use, so that they are known to be stale if it never stores them again.
        """
        found = self.bitmaps = self.stored_bitmaps()
        self.in_use = set(found)
        return dict(found)

    def store(self, bitmaps: Mapping[str, Bitmap]) -> None:
        """Take note that a machine has closed it in order: those of its bitmaps that are persistent are stored.

        Where there is no room for that, it stays as a crash would leave it.
        """
        if not self.has_room:
            return
        self.bitmaps = {name: bitmap for name, bitmap in bitmaps.items() if bitmap.persistent}
        self.in_use = {name for name, bitmap in self.bitmaps.items() if bitmap.inconsistent}

    def write_offline(self, pattern: int, at: int, length: int) -> None:
        """Take note that a tool has written to it while no machine had it: bitmaps that record have seen that."""
        ranges = Ranges.of((at, length))
        self.write(pattern, at, length)
        self.history.add(ranges)
        for bitmap in self.stored_bitmaps().values():
            bitmap.saw(ranges)

    def forget(self, bitmap: str) -> None:
        """Take note that a bitmap was removed, from the image at once if it was stored."""
        self.bitmaps.pop(bitmap, None)
        self.in_use.discard(bitmap)

    def _spoilt(self, bitmap: Bitmap) -> Bitmap:
        lost = Dirty(bitmap.dirty.size, bitmap.dirty.granularity)
        return Bitmap(bitmap.name, lost, recording=False, persistent=True, inconsistent=True)
