"""What a dirty bitmap must hold and what an increment must copy: the second oracle, fed only by requested writes.

The rules are those of QEMU's manual "Dirty Bitmaps and Incremental Backup": a bitmap tracks whole granules, a write
marks each granule it touches, and a backup copies whole clusters.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

from testbed.model.ranges import NOTHING, Ranges

DEFAULT_GRANULARITY = 64 * 1024
COPY_CLUSTER = 64 * 1024


def default_granularity(cluster: int) -> int:
    """Return the granularity in bytes of a bitmap that was asked for without one, on an image of such clusters.

    It is the cluster's length in bytes within bounds, so that neither the bitmap nor what it marks gets too large.
    """
    return min(max(cluster, 4 * 1024), DEFAULT_GRANULARITY)


@dataclass(frozen=True)
class Word:
    """The word of a host in which QEMU keeps the bits of a bitmap: its `long`, of `length` bytes in that order."""

    length: int
    order: Literal["little", "big"]


WORDS = (Word(8, "little"), Word(8, "big"), Word(4, "little"), Word(4, "big"))
"""The words of all hosts."""


@dataclass(frozen=True)
class Dirty:
    """The granules that a bitmap must hold on a drive of `size` bytes; `granularity` in bytes. A value."""

    size: int
    granularity: int = DEFAULT_GRANULARITY
    granules: Ranges = NOTHING

    def marked(self, ranges: Ranges) -> Dirty:
        """Return the bitmap after the ranges were written: each granule that they touch is dirty."""
        return replace(self, granules=self.granules | ranges.rounded_out(self.granularity))

    def cleared(self) -> Dirty:
        """Return the bitmap with nothing dirty."""
        return replace(self, granules=NOTHING)

    def merged(self, other: Dirty) -> Dirty:
        """Return the bitmap with the granules of another one of the same size added, in this one's granularity."""
        return self.marked(other.granules.below(self.size))

    def resized(self, size: int) -> Dirty:
        """Return the bitmap after the drive's size became `size` bytes: new space is clean, lost space forgotten."""
        kept = self.granules.below(-(-size // self.granularity) * self.granularity)
        return replace(self, size=size, granules=kept)

    @property
    def count(self) -> int:
        """Return what QEMU must report as count: whole granules in bytes, the last partial one counted whole."""
        return self.granules.length

    def copied(self, cluster: int = COPY_CLUSTER) -> Ranges:
        """Return what an increment must hold: every copy cluster of `cluster` bytes with a dirty granule in it."""
        return self.granules.below(self.size).rounded_out(max(cluster, COPY_CLUSTER)).below(self.size)

    def digest(self, word: Word) -> str:
        """Return the SHA-256 that QEMU's x-debug-block-dirty-bitmap-sha256 must report: of one bit for each granule.

        The bits stand in words of QEMU's host, the lowest bit of the first word first, the last word filled up with
        zeros.
        """
        granules = -(-self.size // self.granularity)
        bits = bytearray(max(-(-granules // (8 * word.length)), 1) * word.length)
        for start, end in self.granules:
            _set_bits(bits, start // self.granularity, end // self.granularity)
        return hashlib.sha256(bits if word.order == "little" else _words_turned(bits, word.length)).hexdigest()


def _words_turned(data: bytearray, length: int) -> bytearray:
    """Return data with the bytes of each word of `length` bytes in the opposite order."""
    turned = bytearray(len(data))
    for place in range(length):
        turned[place::length] = data[length - 1 - place :: length]
    return turned


def _set_bits(words: bytearray, first: int, last: int) -> None:
    """Set the bits from `first` up to and without `last`, whole bytes at a time where it can be."""
    while first < last and first % 8:
        words[first // 8] |= 1 << first % 8
        first += 1
    words[first // 8 : last // 8] = b"\xff" * max(last // 8 - first // 8, 0)
    for bit in range(max(first, last // 8 * 8), last):
        words[bit // 8] |= 1 << bit % 8
