"""A drive of the machine: the guest's requests, the bitmaps on it, and the models that follow both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.bitmap import Bitmap, BitmapState
from testbed.content import Content
from testbed.dirty import DEFAULT_GRANULARITY, Dirty
from testbed.machine import Machine
from testbed.ranges import Ranges
from testbed.request import Request


class UnknownName(LookupError):
    """A scenario speaks of something that it has not introduced."""


@dataclass
class Drive:
    """A drive as the machine has it: the node `name`, and before it a device front for the guest's requests.

    The guest's requests go in at the front, so that they pass through whatever filter a job puts over the node, as a
    guest's would. `content` is what the drive must read as; `discard_unit` is the length in bytes of what a discard can
    turn into zeros.
    """

    name: str
    image: str
    image_format: str
    content: Content
    machine: Machine
    discard_unit: int
    bitmaps: dict[str, Bitmap] = field(default_factory=dict)

    @property
    def front(self) -> str:
        """Return the name of the device through which the guest reaches the drive."""
        return f"guest-{self.name}"

    @property
    def size(self) -> int:
        """Return the drive's size in bytes."""
        return self.content.size

    def attach(self, file: Mapping[str, object]) -> None:
        """Give the drive to the machine; `file` are the options of the node below the format's.

        Raises AssertionError with QEMU's words when it does not take it.
        """
        options = {
            "if": "none",
            "id": self.front,
            "node-name": self.name,
            "driver": self.image_format,
            "discard": "unmap",
            **{f"file.{key}": value for key, value in _flat(file)},
        }
        line = ",".join(f"{key}={str(value).replace(',', ',,')}" for key, value in options.items())
        answer = self.machine.human(f'drive_add 0 "{line}"').strip()
        if answer != "OK":
            raise AssertionError(f"QEMU did not take the drive {self.name}: {answer}")

    # What the guest does.

    def write(self, pattern: int, at: int, length: int) -> None:
        """Let the guest write `length` bytes of `pattern` at the offset `at`, all in bytes."""
        self.machine.guest_request(self.front, f"write -P {pattern:#x} {at} {length}", "wrote")
        self.content = self.content.written(pattern, at, length)
        self._changed(Ranges.of((at, length)))

    def write_zeroes(self, at: int, length: int) -> None:
        """Let the guest write zeros without sending them; offset and length in bytes."""
        self.machine.guest_request(self.front, f"write -z {at} {length}", "wrote")
        self.content = self.content.zeroed(Ranges.of((at, length)))
        self._changed(Ranges.of((at, length)))

    def discard(self, at: int, length: int) -> None:
        """Let the guest discard `length` bytes at the offset `at`; the whole units among them then read as zeros."""
        self.machine.guest_request(self.front, f"discard {at} {length}", "discard")
        self.content = self.content.zeroed(Ranges.of((at, length)).rounded_in(self.discard_unit))
        self._changed(Ranges.of((at, length)))

    def flush(self) -> None:
        """Let the guest flush its writes."""
        self.machine.guest_request(self.front, "flush", "")

    # What the operator asks for. The bitmaps are looked up when QEMU has agreed: a transaction may add one and use it.

    def resize(self, size: int) -> Request:
        """Make the request that changes the drive's size, in bytes."""

        def granted() -> None:
            self.content = self.content.resized(size)
            for bitmap in self.bitmaps.values():
                bitmap.resized(size)

        return Request("block_resize", {"node-name": self.name, "size": size}, granted)

    def add_bitmap(self, name: str, properties: Mapping[str, Any] | None = None) -> Request:
        """Make the request that adds a bitmap; properties are those of the QMP command block-dirty-bitmap-add."""
        asked = dict(properties or {})

        def granted() -> None:
            self.bitmaps[name] = Bitmap(
                node=self.name,
                name=name,
                dirty=Dirty(self.size, asked.get("granularity", DEFAULT_GRANULARITY)),
                recording=not asked.get("disabled", False),
                persistent=asked.get("persistent", False),
            )

        return Request("block-dirty-bitmap-add", {"node": self.name, "name": name, **asked}, granted)

    def remove_bitmap(self, name: str) -> Request:
        """Make the request that removes a bitmap."""
        return self._bitmap_request("remove", name, lambda: self.bitmaps.pop(name))

    def clear_bitmap(self, name: str) -> Request:
        """Make the request that empties a bitmap."""
        return self._bitmap_request("clear", name, lambda: self.bitmap(name).clear())

    def enable_bitmap(self, name: str) -> Request:
        """Make the request that lets a bitmap record."""
        return self._bitmap_request("enable", name, lambda: self.bitmap(name).enable())

    def disable_bitmap(self, name: str) -> Request:
        """Make the request that stops a bitmap from recording."""
        return self._bitmap_request("disable", name, lambda: self.bitmap(name).disable())

    def merge_bitmaps(self, target: str, sources: Sequence[tuple[Drive, str]]) -> Request:
        """Make the request that adds to a bitmap what others, of this drive or another, have recorded."""

        def granted() -> None:
            for drive, name in sources:
                self.bitmap(target).merge(drive.bitmap(name))

        named = [name if drive is self else {"node": drive.name, "name": name} for drive, name in sources]
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
        """Return the named bitmaps that QEMU reports on the drive's node; jobs add unnamed ones, which are left out."""
        nodes = self.machine.execute("query-named-block-nodes", {"flat": True})
        reports = next(node for node in nodes if node["node-name"] == self.name).get("dirty-bitmaps", [])
        return [BitmapState.reported(report) for report in reports if report.get("name")]

    def reported_digest(self, name: str) -> str:
        """Return QEMU's own SHA-256 of a bitmap's bits; see Dirty.digest for its form."""
        answer = self.machine.execute("x-debug-block-dirty-bitmap-sha256", {"node": self.name, "name": name})
        return str(answer["sha256"])

    def _bitmap_request(self, act: str, name: str, granted: Callable[[], object]) -> Request:
        return Request(f"block-dirty-bitmap-{act}", {"node": self.name, "name": name}, granted)

    def _changed(self, ranges: Ranges) -> None:
        for bitmap in self.bitmaps.values():
            bitmap.saw(ranges)


def _flat(options: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    """Return nested options as the dotted keys of QEMU's command line."""
    flat: list[tuple[str, object]] = []
    for key, value in options.items():
        if isinstance(value, Mapping):
            flat += _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            flat += _flat({str(place): item for place, item in enumerate(value)}, f"{prefix}{key}.")
        else:
            flat.append((f"{prefix}{key}", value))
    return flat
