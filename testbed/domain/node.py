"""A node of QEMU's block graph: one machine's view of an image, a filter or a file, with the bitmaps on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.base.problems import AuthorError, hint
from testbed.domain.bitmap import Bitmap, BitmapState
from testbed.domain.history import History
from testbed.model.dirty import DEFAULT_GRANULARITY, Dirty
from testbed.model.ranges import Ranges
from testbed.qemu.machine import Machine


class UnknownName(AuthorError):
    """A scenario speaks of something that it has not introduced."""


@dataclass(eq=False)
class Node:
    """A node of the machine by its name, of `size` bytes, and the models of the bitmaps on it.

    `granularity` is that of a bitmap which is added without one, in bytes; `history` is what has changed the node.
    """

    name: str
    machine: Machine
    size: int
    granularity: int = field(default=DEFAULT_GRANULARITY, kw_only=True)
    bitmaps: dict[str, Bitmap] = field(default_factory=dict, kw_only=True)
    history: History = field(default_factory=History, kw_only=True)

    @property
    def moment(self) -> int:
        """Return the moment at which the node is; see History."""
        return self.history.moment

    # What can be seen of the bitmaps.

    def bitmap(self, name: str) -> Bitmap:
        """Return the bitmap of that name; raise UnknownName when the scenario has none."""
        try:
            return self.bitmaps[name]
        except KeyError:
            raise UnknownName(f'{self.name} has no bitmap "{name}"; {hint(name, sorted(self.bitmaps))}') from None

    def reported_bitmaps(self) -> list[BitmapState]:
        """Return the named bitmaps that QEMU reports on the node; jobs add unnamed ones, which are left out."""
        return [state for state in self._reported() if state.name]

    def unnamed_bitmaps(self) -> list[BitmapState]:
        """Return the bitmaps without a name that QEMU reports on the node: those that jobs have put there."""
        return [state for state in self._reported() if not state.name]

    def reported_digest(self, name: str) -> str:
        """Return QEMU's own SHA-256 of a bitmap's bits; see Dirty.digest for its form."""
        answer = self.machine.look("x-debug-block-dirty-bitmap-sha256", {"node": self.name, "name": name})
        return str(answer["sha256"])

    # What the bitmaps must take note of.

    def gained_bitmap(self, name: str, properties: Mapping[str, Any]) -> None:
        """Take note that the node has got an empty bitmap; properties are those of block-dirty-bitmap-add."""
        self.bitmaps[name] = Bitmap(
            name=name,
            dirty=Dirty(self.size, properties.get("granularity", self.granularity)),
            recording=not properties.get("disabled", False),
            persistent=properties.get("persistent", False),
            since=self.moment,
        )

    def lost_bitmap(self, name: str) -> None:
        """Take note that a bitmap was removed; raise UnknownName when there was none."""
        del self.bitmaps[self.bitmap(name).name]

    def changed(self, ranges: Ranges) -> None:
        """Take note of a write, zero write or discard that went through the node."""
        self.history.add(ranges)
        for bitmap in self.bitmaps.values():
            bitmap.saw(ranges)

    def resized(self, size: int) -> None:
        """Take note of the node's new size in bytes."""
        self.size = size
        self.history.pass_on()
        for bitmap in self.bitmaps.values():
            bitmap.resized(size)

    def _reported(self) -> list[BitmapState]:
        nodes = self.machine.look("query-named-block-nodes", {"flat": True})
        reports = next(node for node in nodes if node["node-name"] == self.name).get("dirty-bitmaps", [])
        return [BitmapState.reported(report) for report in reports]
