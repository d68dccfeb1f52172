"""Sets of bytes on a drive, as immutable lists of ranges: what was written, what is dirty, what was copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from testbed.base.units import format_size


@dataclass(frozen=True)
class Ranges:
    """A set of byte offsets, kept as sorted ranges that neither touch nor overlap.

    Its memory grows with the number of ranges and never with their length.
    """

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, *pieces: tuple[int, int]) -> Ranges:
        """Make a set from (offset, length) pairs in bytes, in any order, overlapping or not."""
        return cls.joined((at, at + length) for at, length in pieces)

    @classmethod
    def joined(cls, spans: Iterable[tuple[int, int]]) -> Ranges:
        """Make a set from (start, end) pairs in bytes, in any order, overlapping or not."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted(span for span in spans if span[0] < span[1]):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return cls(tuple(merged))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over (start, end) pairs in bytes."""
        return iter(self.spans)

    def __bool__(self) -> bool:
        """Tell whether there is anything in the set."""
        return bool(self.spans)

    def __or__(self, other: Ranges) -> Ranges:
        """Return what is in either set."""
        return Ranges.joined(self.spans + other.spans)

    def __and__(self, other: Ranges) -> Ranges:
        """Return what is in both sets."""
        return self - (self - other)

    def __sub__(self, other: Ranges) -> Ranges:
        """Return what is in this set and not in the other."""
        left: list[tuple[int, int]] = []
        holes = list(other.spans)
        for start, end in self.spans:
            at = start
            for hole_start, hole_end in holes:
                if hole_end <= at:
                    continue
                if hole_start >= end:
                    break
                if hole_start > at:
                    left.append((at, hole_start))
                at = max(at, hole_end)
            if at < end:
                left.append((at, end))
        return Ranges.joined(left)

    @property
    def length(self) -> int:
        """Return the number of bytes in the set."""
        return sum(end - start for start, end in self.spans)

    def rounded_out(self, unit: int) -> Ranges:
        """Return the set with each range widened to whole units of `unit` bytes."""
        return Ranges.joined((start // unit * unit, -(-end // unit) * unit) for start, end in self.spans)

    def rounded_in(self, unit: int) -> Ranges:
        """Return the whole units of `unit` bytes that lie in the set."""
        return Ranges.joined((-(-start // unit) * unit, end // unit * unit) for start, end in self.spans)

    def below(self, size: int) -> Ranges:
        """Return the part of the set before the offset `size`, in bytes."""
        return Ranges.joined((start, min(end, size)) for start, end in self.spans)

    def first(self, count: int) -> Ranges:
        """Return the first `count` bytes of the set, or all if there are no more."""
        taken: list[tuple[int, int]] = []
        for start, end in self.spans:
            taken.append((start, min(end, start + count)))
            count -= min(end - start, count)
        return Ranges.joined(taken)

    def __str__(self) -> str:
        """Name the ranges as a reader would: "64 KiB at 1 MiB, 512 B at 0"."""
        if not self.spans:
            return "nothing"
        named = [f"{format_size(end - start)} at {format_size(start)}" for start, end in self.spans[:8]]
        if len(self.spans) > len(named):
            named.append(f"and {len(self.spans) - len(named)} more")
        return ", ".join(named)


NOTHING = Ranges()
"""No bytes at all."""
