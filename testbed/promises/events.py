"""What QEMU must have reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from testbed.promises.promise import Promise
from testbed.qemu.monitor import Event
from testbed.qemu.wording import members, spelt

Row = tuple[str, Mapping[str, Any]]
"""An event by its name, and the members that its data must have."""


def tells_of_disk(node: str, qom_path: str, said: Mapping[str, object]) -> Promise[Event]:
    """Match an event of an error of a guest's disk that names it by its node and its path, and says the rest.

    A member that `said` has as None must be missing. The disk has no backend with a name; newer builds tell its path.
    """
    expected = {**said, "device": "", "node-name": node, "qom-path": qom_path}

    def complaint(event: Event) -> str | None:
        if event.name == "STOP":
            return "the guest was paused and no error was told of"
        return "\n".join(_members_that_differ(event, expected, {"qom-path": qom_path, **event.data})) or None

    return Promise(f"an error of the disk with {members(expected)}", complaint)


def reports(expected: Sequence[Row]) -> Promise[Sequence[Event]]:
    """Match events that are just the expected ones, in any order: each a name, and members that its data must have."""

    def complaint(events: Sequence[Event]) -> str | None:
        left = list(events)
        missing: list[Row] = []
        for name, data in sorted(expected, key=lambda one: -len(one[1])):  # a vague one may not take another's event
            found = next((event for event in left if event.name == name and data.items() <= event.data.items()), None)
            if found:
                left.remove(found)
            else:
                missing.append((name, data))
        return "\n".join(_side_by_side(missing, left)) or None

    return Promise("; ".join(_said(row) for row in expected) or "no event", complaint)


def _side_by_side(missing: Sequence[Row], left: Sequence[Event]) -> list[str]:
    """Say what is wrong of events: those that came, but with other members; those that did not; those too many."""
    left = list(left)
    other: list[str] = []
    absent: list[str] = []
    for name, data in missing:
        like = [event for event in left if event.name == name]
        if like:
            nearest = max(like, key=lambda event: len(data.items() & event.data.items()))
            left.remove(nearest)
            other += _members_that_differ(nearest, data, nearest.data)
        else:
            absent.append(f"{_said((name, data))} should have come; it did not")
    return [*other, *absent, *(f"{event} came, and should not have" for event in left)]


def _members_that_differ(event: Event, expected: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    return [
        f"{event.name} should say {key} {spelt(key, value)}; it says {spelt(key, told.get(key))}"
        for key, value in expected.items()
        if told.get(key) != value
    ]


def _said(row: Row) -> str:
    name, data = row
    return f"{name} with {members(data)}" if data else name
