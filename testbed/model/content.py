"""What a drive must read as: the first oracle, fed only by the writes that were asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from testbed.model.ranges import Ranges

ZERO = 0

PIECE = 1024 * 1024
"""Bytes that are written at a time."""


@dataclass(frozen=True)
class Run:
    """A stretch of a drive that holds one byte over and over.

    `start` and `end` are offsets in bytes, `pattern` the byte's value.
    """

    start: int
    end: int
    pattern: int


@dataclass(frozen=True)
class Content:
    """What a drive of `size` bytes must read as; where no run says otherwise, zeros.

    A value: each change gives a new one, so that keeping one is taking a snapshot. Memory grows with the number of
    writes and never with the drive's size.
    """

    size: int
    runs: tuple[Run, ...] = ()

    def written(self, pattern: int, at: int, length: int) -> Content:
        """Return the content after `length` bytes of `pattern` were written at offset `at`, all in bytes.

        Raises ValueError when that reaches past the end of the drive.
        """
        end = at + length
        if at < 0 or end > self.size:
            raise ValueError(f"bytes {at} to {end} do not fit a drive of {self.size} bytes")
        new = (Run(at, end, pattern),) if pattern != ZERO and length else ()
        return Content(self.size, tuple(sorted((*self._outside(at, end), *new), key=lambda run: run.start)))

    def zeroed(self, ranges: Ranges) -> Content:
        """Return the content after the ranges became zeros, by writing zeros or by discarding."""
        changed = self
        for start, end in ranges.below(self.size):
            changed = changed.written(ZERO, start, end - start)
        return changed

    def resized(self, size: int) -> Content:
        """Return the content after the drive's size became `size` bytes; new space reads as zeros."""
        kept = (Run(run.start, min(run.end, size), run.pattern) for run in self.runs if run.start < size)
        return Content(size, tuple(kept))

    def replaced(self, ranges: Ranges, other: Content) -> Content:
        """Return this content with the ranges taken from `other` instead."""
        changed = self.zeroed(ranges)
        for run in other.runs:
            for start, end in (Ranges(((run.start, run.end),)) & ranges).below(self.size):
                changed = changed.written(run.pattern, start, end - start)
        return changed

    def covering(self, start: int, end: int) -> Iterator[Run]:
        """Yield runs, zeros among them, that together cover the bytes from `start` to `end`."""
        at = start
        first = max(bisect_right([run.start for run in self.runs], start) - 1, 0)
        for run in self.runs[first:]:
            if run.end <= at:
                continue
            if max(run.start, at) >= end:
                break
            if run.start > at:
                yield Run(at, run.start, ZERO)
            yield Run(max(run.start, at), min(run.end, end), run.pattern)
            at = min(run.end, end)
        if at < end:
            yield Run(at, end, ZERO)

    def write_sparsely(self, file: IO[bytes]) -> None:
        """Write the content into an empty file, leaving holes where it holds zeros."""
        for run in self.runs:
            file.seek(run.start)
            for start in range(run.start, run.end, PIECE):
                file.write(bytes([run.pattern]) * min(PIECE, run.end - start))
        file.truncate(self.size)
        file.flush()

    @property
    def data(self) -> Ranges:
        """Return where the drive holds anything but zeros."""
        return Ranges.joined((run.start, run.end) for run in self.runs)

    def pattern_at(self, offset: int) -> int:
        """Return the value of the byte at an offset in bytes."""
        return next(self.covering(offset, offset + 1)).pattern

    def _outside(self, at: int, end: int) -> Iterator[Run]:
        """Yield what the existing runs hold before `at` and from `end` on."""
        for run in self.runs:
            if run.end <= at or run.start >= end:
                yield run
                continue
            if run.start < at:
                yield Run(run.start, at, run.pattern)
            if run.end > end:
                yield Run(end, run.end, run.pattern)
