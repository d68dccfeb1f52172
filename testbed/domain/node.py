"""A node of QEMU's block graph, and the bitmaps on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.domain.bitmap import Bitmap, BitmapState
from testbed.domain.request import Request
from testbed.model.dirty import DEFAULT_GRANULARITY, Dirty
from testbed.model.ranges import Ranges
from testbed.qemu.machine import Machine


class UnknownName(LookupError):
    """A scenario speaks of something that it has not introduced."""


@dataclass
class Node:
    """A node of the machine by its name, of `size` bytes, and the models of the bitmaps on it.

    `granularity` is that of a bitmap which is added without one, in bytes. `moment` counts what has changed the node:
    nothing has between two things that happened at the same moment; `changes` says what changed at which moment.
    `has_stored` tells whether it has ever had a persistent bitmap, be it removed again.
    """

    name: str
    machine: Machine
    size: int
    granularity: int = field(default=DEFAULT_GRANULARITY, kw_only=True)
    bitmaps: dict[str, Bitmap] = field(default_factory=dict, kw_only=True)
    moment: int = field(default=0, init=False)
    changes: list[tuple[int, Ranges]] = field(default_factory=list, init=False, repr=False)
    has_stored: bool = field(default=False, init=False)

    # What the operator asks for. The bitmaps are looked up when QEMU has agreed: a transaction may add one and use it.

    def add_bitmap(self, name: str, properties: Mapping[str, Any] | None = None) -> Request:
        """Make the request that adds a bitmap; properties are those of the QMP command block-dirty-bitmap-add."""
        asked = {"node": self.name, "name": name, **(properties or {})}
        return Request("block-dirty-bitmap-add", asked, lambda: self.gained_bitmap(name, asked))

    def remove_bitmap(self, name: str) -> Request:
        """Make the request that removes a bitmap."""
        return self._bitmap_request("remove", name, lambda: self.bitmaps.pop(self.bitmap(name).name))

    def clear_bitmap(self, name: str) -> Request:
        """Make the request that empties a bitmap."""
        return self._bitmap_request("clear", name, lambda: self.bitmap(name).clear(self.moment))

    def enable_bitmap(self, name: str) -> Request:
        """Make the request that lets a bitmap record."""
        return self._bitmap_request("enable", name, lambda: self.bitmap(name).enable())

    def disable_bitmap(self, name: str) -> Request:
        """Make the request that stops a bitmap from recording."""
        return self._bitmap_request("disable", name, lambda: self.bitmap(name).disable())

    def merge_bitmaps(self, target: str, sources: Sequence[tuple[Node, str]]) -> Request:
        """Make the request that adds to a bitmap what others, of this node or another, have recorded."""

        def granted() -> None:
            for node, name in sources:
                self.bitmap(target).merge(node.bitmap(name))

        named = [name if node is self else {"node": node.name, "name": name} for node, name in sources]
        arguments = {"node": self.name, "target": target, "bitmaps": named}
        return Request("block-dirty-bitmap-merge", arguments, granted)

    # What can be seen of the bitmaps.

    def bitmap(self, name: str) -> Bitmap:
        """Return the bitmap of that name; raise UnknownName when the scenario has none."""
        try:
            return self.bitmaps[name]
        except KeyError:
            raise UnknownName(f'{self.name} has no bitmap "{name}", only {sorted(self.bitmaps)}') from None

    def reported_bitmaps(self) -> list[BitmapState]:
        """Return the named bitmaps that QEMU reports on the node; jobs add unnamed ones, which are left out."""
        return [state for state in self._reported() if state.name]

    def unnamed_bitmaps(self) -> list[BitmapState]:
        """Return the bitmaps without a name that QEMU reports on the node: those that jobs have put there."""
        return [state for state in self._reported() if not state.name]

    def reported_digest(self, name: str) -> str:
        """Return QEMU's own SHA-256 of a bitmap's bits; see Dirty.digest for its form."""
        answer = self.machine.execute("x-debug-block-dirty-bitmap-sha256", {"node": self.name, "name": name})
        return str(answer["sha256"])

    # What the bitmaps must take note of.

    def gained_bitmap(self, name: str, properties: Mapping[str, Any]) -> None:
        """Take note that the node has got an empty bitmap; properties are as in `add_bitmap`."""
        self.bitmaps[name] = Bitmap(
            node=self.name,
            name=name,
            dirty=Dirty(self.size, properties.get("granularity", self.granularity)),
            recording=not properties.get("disabled", False),
            persistent=properties.get("persistent", False),
            since=self.moment,
        )
        self.has_stored |= self.bitmaps[name].persistent

    def changed(self, ranges: Ranges) -> None:
        """Take note of a write, zero write or discard that went through the node."""
        self.moment += 1
        self.changes.append((self.moment, ranges))
        for bitmap in self.bitmaps.values():
            bitmap.saw(ranges)

    def changed_since(self, moment: int) -> Ranges:
        """Return all that has changed since a moment: what was written, zeroed and discarded, byte for byte."""
        return Ranges.joined(span for when, ranges in self.changes if when > moment for span in ranges)

    def resized(self, size: int) -> None:
        """Take note of the node's new size in bytes."""
        self.size, self.moment = size, self.moment + 1
        for bitmap in self.bitmaps.values():
            bitmap.resized(size)

    def _reported(self) -> list[BitmapState]:
        nodes = self.machine.execute("query-named-block-nodes", {"flat": True})
        reports = next(node for node in nodes if node["node-name"] == self.name).get("dirty-bitmaps", [])
        return [BitmapState.reported(report) for report in reports]

    def _bitmap_request(self, act: str, name: str, granted: Callable[[], object]) -> Request:
        return Request(f"block-dirty-bitmap-{act}", {"node": self.name, "name": name}, granted)
