"""libnbd's tools: nbdinfo tells what an export is, and which of its areas are what; nbdcopy copies it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from testbed.base.process import ToolFailed, run_tool
from testbed.clients.export_address import ExportAddress
from testbed.model.ranges import Ranges

INFO, COPY = "nbdinfo", "nbdcopy"

ALLOCATION = "base:allocation"
DEPTH = "qemu:allocation-depth"
HOLE, ZERO = 1, 2
"""The contexts that need no bitmap, and what the flags of the first mean."""


def bitmap_context(bitmap: str) -> str:
    """Return how a client calls the context that a bitmap is."""
    return f"qemu:dirty-bitmap:{bitmap}"


@dataclass(frozen=True)
class Area:
    """A range of an export, in bytes, of which a context says one number throughout."""

    start: int
    end: int
    value: int


@dataclass(frozen=True)
class Status:
    """What a client was told of an export, from its first byte to its last, in one context."""

    areas: tuple[Area, ...]

    @classmethod
    def told(cls, spans: Iterable[tuple[int, int, int]]) -> Status:
        """Make it of offsets, lengths and values as they came.

        Raises ToolFailed when one is empty, and when they leave something out or say something twice.
        """
        areas = tuple(Area(at, at + length, value) for at, length, value in spans)
        end = 0
        for area in areas:
            if area.start != end or area.end <= area.start:
                raise ToolFailed(f"a client was told of {area}, where {end} bytes had been told of")
            end = area.end
        return cls(areas)

    @property
    def end(self) -> int:
        """Return the offset behind the last byte that was told of."""
        return self.areas[-1].end if self.areas else 0

    def where(self, bits: int) -> Ranges:
        """Return the ranges whose value has one of these bits."""
        return Ranges.joined(self._spans(bits))

    def valued(self, value: int) -> Ranges:
        """Return the ranges of just this value."""
        return Ranges.joined((area.start, area.end) for area in self.areas if area.value == value)

    def _spans(self, bits: int) -> Iterator[tuple[int, int]]:
        return ((area.start, area.end) for area in self.areas if area.value & bits)


@dataclass(frozen=True)
class Libnbd:
    """Runs the tools; what one is told is not true of QEMU, or what it cannot do, is a ToolFailed."""

    address: ExportAddress

    def facts(self) -> Mapping[str, Any]:
        """Return what nbdinfo tells of the export: its size, its contexts, what can be done with it."""
        told = json.loads(self._ask(INFO, "--json", self.address.uri))
        facts: Mapping[str, Any] = told["exports"][0]
        return facts

    def status(self, context: str) -> Status:
        """Return what the export says of itself in a context; raises ToolFailed when it has none such."""
        told = json.loads(self._ask(INFO, "--json", f"--map={context}", self.address.uri))
        return Status.told((area["offset"], area["length"], area["type"]) for area in told)

    def copy(self, file: str) -> None:
        """Copy the export into a new raw image, whose name is seen from the directory in which all is."""
        self._ask(COPY, self.address.uri, file)

    def _ask(self, *argv: str) -> str:
        return run_tool(argv, cwd=self.address.home, bound=self.address.bound).stdout
