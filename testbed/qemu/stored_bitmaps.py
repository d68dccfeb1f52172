"""A reader of what the bitmaps hold that a qcow2 image stores, which shares nothing with QEMU.

It follows QEMU's specification of qcow2 ("Bitmaps extension", docs/interop/qcow2.txt), and finds unsound what keeps
QEMU from opening an image at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from testbed.model.ranges import NOTHING, Ranges
from testbed.qemu.qcow2 import Metadata, StoredBitmap, Unsound

_RESERVED = 0xFFFF_FFFF & ~0b111
"""The flags that mean nothing yet."""

_DIRTY_TRACKING = 1
"""The only kind of bitmaps that there is."""

_GRANULARITIES = tuple(1 << bits for bits in range(9, 32))
_LONGEST_NAME = 1023
_MOST_ENTRIES = 0x0800_0000
_LARGEST = 1 << 29
"""Bytes of a bitmap's clusters."""

_OFFSET = 0x00FF_FFFF_FFFF_FE00
_ALL_ONES = 1


@dataclass(frozen=True)
class Record:
    """What a stored bitmap has recorded: the granules that it holds, as ranges of bytes, `granularity` in bytes.

    Of one that is in use nobody may believe what it holds, and it is not read.
    """

    granularity: int
    is_in_use: bool
    is_recording: bool
    dirty: Ranges


def records(image: Metadata) -> dict[str, Record]:
    """Return what an image's bitmaps have recorded, by name; raises Unsound where QEMU would not open the image."""
    listed = image.bitmaps()
    if listed is None:
        return {}
    if not listed.bitmaps or not listed.length:
        raise Unsound(f"its list of bitmaps, of {listed.length} bytes, holds {len(listed.bitmaps)}")
    return {bitmap.name: _record(image, bitmap) for bitmap in listed.bitmaps}


def _record(image: Metadata, bitmap: StoredBitmap) -> Record:
    room = bitmap.entries * image.cluster
    is_too_small = not bitmap.is_in_use and image.size > room * 8 * bitmap.granularity
    wrong = {
        "table": not 0 < bitmap.entries <= _MOST_ENTRIES or not bitmap.table_at or bitmap.table_at % image.cluster != 0,
        "granularity": bitmap.granularity not in _GRANULARITIES,
        "flags": bool(bitmap.flags & _RESERVED),
        "name": not 0 < len(bitmap.name.encode(errors="replace")) <= _LONGEST_NAME,
        "type": bitmap.kind != _DIRTY_TRACKING,
        "room": room > _LARGEST or is_too_small,
    }
    if any(wrong.values()):
        raise Unsound(f'the {", ".join(what for what in wrong if wrong[what])} of its bitmap "{bitmap.name}" cannot be')
    dirty = NOTHING if bitmap.is_in_use else _dirty(image, bitmap)
    return Record(bitmap.granularity, bitmap.is_in_use, bitmap.is_recording, dirty)


def _dirty(image: Metadata, bitmap: StoredBitmap) -> Ranges:
    granularity, reach = bitmap.granularity, image.cluster * 8 * bitmap.granularity
    spans: list[tuple[int, int]] = []
    for number, entry in enumerate(image.table(bitmap.table_at, bitmap.entries, "the table of a bitmap")):
        start = number * reach
        if place := entry & _OFFSET:
            bits = image.read(image.aligned(place, "a bitmap"), image.cluster, "a bitmap")
            spans += ((start + first * granularity, start + last * granularity) for first, last in _runs(bits))
        elif entry & _ALL_ONES:
            spans.append((start, start + reach))
    end = -(-image.size // granularity) * granularity
    return Ranges.joined(spans).below(end)


def _runs(bits: bytes) -> Iterator[tuple[int, int]]:
    """Yield the runs of ones, as numbers of their first bit and of the one after their last."""
    for found in re.finditer(rb"[^\0]+", bits):
        for place, byte in enumerate(found[0], found.start()):
            yield from ((place * 8 + bit, place * 8 + bit + 1) for bit in range(8) if byte >> bit & 1)
