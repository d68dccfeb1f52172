"""An image as it lies there, whoever has it open: what it holds, what it stands on, and the bitmaps stored in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from testbed.base.problems import AuthorError
from testbed.domain.bitmap import Bitmap
from testbed.domain.history import History
from testbed.domain.recorder import Recorder
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
    `has_room` whether there is space for it to grow, as storing bitmaps needs it. `forebears` are images that held the
    same drive before it; `snapshots` is what its internal snapshots hold, by name; `is_spent` tells that nobody can say
    what it reads as: what it held was written into the image below it, which has changed since, or a job is writing
    into it.
    `recorder` records what its storage is told, if somebody does.
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
    forebears: list[Image] = field(default_factory=list)
    snapshots: dict[str, Content] = field(default_factory=dict)
    is_spent: bool = False
    recorder: Recorder | None = None

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

    def down_to(self, base: Image | None) -> list[Image]:
        """Return it and those that it stands on above another one, or all if that is None, the uppermost first.

        Raises AuthorError when it does not stand on that other one.
        """
        layers = list(self.layers)
        if base is None:
            return layers
        if base not in layers[1:]:
            raise AuthorError(f"{self.name} does not stand on {base.name}")
        return layers[: layers.index(base)]

    @property
    def lineage(self) -> set[Image]:
        """Return all images that have held what it holds, or a part of that: its layers, and theirs before them."""
        found: set[Image] = set()
        left = [self]
        while left:
            image = left.pop()
            if image not in found:
                found.add(image)
                left += [*image.layers, *image.forebears]
        return found

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

    # What moves between the layers of a drive.

    def absorb(self, top: Image) -> None:
        """Take note that all that `top` holds above this one, on which it stands, was written into this one."""
        for layer in top.down_to(self):
            self.allocate(layer.allocated)
            self.forebears.append(layer)
        self.content, self.is_spent = top.content, False
        self.history.join(layer.history for layer in reversed(top.down_to(self)))

    def take_from_below(self, base: Image | None) -> None:
        """Take note that it has copied all that it had from above another image, and stands on that, or on nothing."""
        for layer in self.down_to(base)[1:]:
            self.allocate(layer.own_layer)
        self.base = base

    def continue_from(self, source: Image) -> None:
        """Take note that it has become the same drive as another image, and goes on in the place of that."""
        self.content, self.forebears = source.content, [*self.forebears, source]
        self.history.join([source.history])

    def restore(self, snapshot: str) -> None:
        """Take note that it holds again what it held when an internal snapshot was taken."""
        self.content = self.snapshots[snapshot]
        self.history.pass_on()

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

    def hand_over(self, bitmaps: Mapping[str, Bitmap], in_use: set[str]) -> None:
        """Take note that a machine gives it to another one: the persistent bitmaps among `bitmaps` are stored.

        Those that are `in_use` go to the other machine by another way: what the image has of them stays out of date.
        """
        stale = {name: bitmap for name, bitmap in self.bitmaps.items() if name in in_use}
        self.store(bitmaps)
        self.bitmaps |= stale
        self.in_use |= set(stale)

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
