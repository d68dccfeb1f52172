"""What QEMU must have reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from testbed.promises.promise import Promise
from testbed.qemu.monitor import Event


def tells_of_disk(node: str, qom_path: str, said: Mapping[str, object]) -> Promise[Event]:
    """Match an event of an error of a guest's disk that names it by its node and its path, and says the rest.

    A member that `said` has as None must be missing. The disk has no backend with a name; newer builds tell its path.
    """
    named = {"device": "", "node-name": node, "qom-path": qom_path}

    def complaint(event: Event) -> str | None:
        told = {"qom-path": qom_path, **event.data}
        wrong = {key: told.get(key) for key, value in {**named, **said}.items() if told.get(key) != value}
        return f"it says {wrong}" if wrong else None

    return Promise(f"{dict(said)} of {named}", complaint)


def reports(expected: Sequence[tuple[str, Mapping[str, str]]]) -> Promise[Sequence[Event]]:
    """Match events that are just the expected ones, in any order: each a name, and members that its data must have."""

    def complaint(events: Sequence[Event]) -> str | None:
        left = list(events)
        missing = []
        for name, data in sorted(expected, key=lambda one: -len(one[1])):  # a vague one may not take another's event
            found = next((event for event in left if event.name == name and data.items() <= event.data.items()), None)
            if found:
                left.remove(found)
            else:
                missing.append(f"{name} {dict(data)}")
        if not missing and not left:
            return None
        return f"missing: {'; '.join(missing) or 'nothing'}; besides: {'; '.join(map(str, left)) or 'nothing'}"

    return Promise("; ".join(f"{name} {dict(data)}" for name, data in expected), complaint)
