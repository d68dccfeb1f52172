"""What qemu-img is asked to do to images that no machine has open, and what the images are when it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from testbed.domain.bitmap import Bitmap
from testbed.domain.image import Image
from testbed.domain.node import UnknownName
from testbed.model.dirty import Dirty
from testbed.model.ranges import Ranges


def _nothing() -> None:
    """Learn nothing: the tool only tells of the images."""


@dataclass(frozen=True)
class ToolCall:
    """One call of qemu-img: its command with arguments, and `done`, which tells the models what is true afterwards.

    `reads` are the names of files that it may not change.
    """

    command: str
    arguments: Sequence[str]
    done: Callable[[], object] = _nothing
    reads: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Name the command, as in "qemu-img resize"."""
        return f"qemu-img {self.command}"


# What a tool does to a bitmap that is stored in an image.


def stored_bitmap(image: Image, name: str) -> Bitmap:
    """Return the bitmap of that name that an image stores; raise UnknownName when it stores none such."""
    try:
        return image.bitmaps[name]
    except KeyError:
        raise UnknownName(f'{image.name} stores no bitmap "{name}", only {sorted(image.bitmaps)}') from None


def add_stored(image: Image, name: str, granularity: int | None) -> None:
    """Take note that an image stores a new bitmap, empty and recording; without a granularity, of the default one."""
    dirty = Dirty(image.size, image.granularity if granularity is None else granularity)
    image.bitmaps[name] = Bitmap(name, dirty, persistent=True, since=image.history.moment)
    image.has_stored = True


def without_bitmaps(image: Image) -> None:
    """Take note that an image stores no bitmap any more."""
    for name in list(image.bitmaps):
        image.forget(name)


def resized_when_off(image: Image, size: int) -> None:
    """Take note that an image is of another size in bytes, and so are the bitmaps that it stores."""
    image.resize(size)
    image.history.pass_on()
    for bitmap in image.bitmaps.values():
        bitmap.resized(size)


def written_when_off(image: Image, ranges: Ranges) -> None:
    """Take note that a tool has written to an image: it takes space for that, and what records has recorded it."""
    image.allocate(ranges)
    for name, bitmap in image.bitmaps.items():
        if name not in image.in_use:
            bitmap.saw(ranges)


def committed(overlay: Image, base: Image) -> None:
    """Take note that all that an overlay holds, down to its base, was written into it, which now reads as that."""
    for layer in overlay.layers:
        if layer is base:
            break
        written_when_off(base, layer.allocated.below(layer.size))
        base.history.add(layer.history.since(0))
    base.content = overlay.content
