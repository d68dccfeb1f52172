"""A qcow2 image in memory to which recorded writes are made again, one by one, and read after each without QEMU."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from testbed.qemu.qcow2 import Layer, Metadata, References, Unsound
from testbed.qemu.stored_bitmaps import Record, records

_DATA = {"data", "compressed data"}


@dataclass(frozen=True)
class Reading:
    """What an image is found to be: all that is wrong with it, where its guest's data stand, the bitmaps it stores.

    Without a `layer` nothing can be read of it. `metadata` are the numbers of the clusters on which that depends.
    """

    flaws: Sequence[str]
    layer: Layer | None
    bitmaps: Mapping[str, Record]
    metadata: frozenset[int] = frozenset()


def read(file: int) -> Reading:
    """Read the image in a file, given by its descriptor; an unclean one is as good as any, as QEMU repairs it."""
    try:
        image = Metadata(file)
        references = References(image)
        flaws = list(references.flaws())
        bitmaps, layer = records(image), image.layer()
    except Unsound as broken:
        return Reading([str(broken)], None, {})
    if image.corrupt:
        flaws.insert(0, "it is marked as corrupt")
    metadata = frozenset(number for number, uses in references.uses.items() if not _DATA.issuperset(uses))
    return Reading([] if image.unclean else flaws, layer, bitmaps, metadata)


class Replay:
    """An image that changes; a context in which it is held."""

    def __init__(self, before: Path) -> None:
        """Begin with what an image file holds."""
        self.file = os.memfd_create(before.name)
        os.write(self.file, before.read_bytes())
        self._reading: Reading | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.file)

    @property
    def reading(self) -> Reading:
        """Return what the image is now; it is read anew only when what that depends on was written."""
        if self._reading is None:
            self._reading = read(self.file)
        return self._reading

    def write(self, at: int, data: bytes) -> None:
        """Write bytes at an offset, in bytes."""
        os.pwrite(self.file, data, at)
        self._look_at(at, len(data))

    @contextmanager
    def kept(self, writes: Sequence[tuple[int, int]]) -> Iterator[None]:
        """Undo, at the end of the block, what was written to the places of `writes`, given as (offset, length)."""
        size, reading = os.fstat(self.file).st_size, self._reading
        before = [(at, os.pread(self.file, length, at)) for at, length in writes]
        yield
        for at, data in before:
            os.pwrite(self.file, data, at)
        os.ftruncate(self.file, size)
        self._reading = reading

    def copy_to(self, path: Path) -> None:
        """Write what the image holds now into a file."""
        path.write_bytes(os.pread(self.file, os.fstat(self.file).st_size, 0))

    def _look_at(self, at: int, length: int) -> None:
        if self._reading is None or self._reading.layer is None:
            self._reading = None
            return
        cluster = self._reading.layer.cluster
        touched = range(at // cluster, (at + length - 1) // cluster + 1)
        if not self._reading.metadata.isdisjoint(touched):
            self._reading = None
