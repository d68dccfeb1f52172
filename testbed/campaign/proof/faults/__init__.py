"""What can be wrong with a build of QEMU: a module for each area, whose FAULTS are listed here by their names.

A new area is a new module here; nothing else need know of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

from testbed.campaign.proof.faultkind import NOTHING, FaultKind


def _of_all_areas() -> Iterator[FaultKind]:
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        yield from import_module(f"{__name__}.{path.stem}").FAULTS


def by_name(faults: Iterable[FaultKind]) -> Mapping[str, FaultKind]:
    """Return faults by their names; raises ValueError if two have the same."""
    named: dict[str, FaultKind] = {}
    for fault in faults:
        if fault is not named.setdefault(fault.name, fault):
            raise ValueError(f'two faults are called "{fault.name}"')
    return named


FAULTS = by_name((NOTHING, *_of_all_areas()))
"""All faults, and the stand-in without one."""

WIDE = (
    "completed-twice",
    "all-granted",
    "count-one-more",
    "refusals-reworded",
    "cancelled-twice",
    "always-recording",
    "never-recording",
    "forgets-writes",
    "other-bytes",
    "target-has-stray-bytes",
    "view-shows-the-present",
    "view-pays-always",
)
"""Faults that show themselves in very many scenarios, or in all of an area; the widest first."""
