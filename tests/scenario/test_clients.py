from __future__ import annotations

from typing import Any

import pytest
from without_qemu import drive_of, image

from testbed.base.problems import AuthorError
from testbed.domain.export import Export, Exports
from testbed.model.ranges import Ranges
from testbed.scenario.clients import Clients


class Visitor:
    """A client that is not there, and remembers how it ended."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    def leave(self) -> None:
        self.ends.append("left")

    def close(self) -> None:
        self.ends.append("closed")


def clients_with(*visitors: Any) -> tuple[Clients, Export]:
    drive, exports = drive_of(image()), Exports()
    export = Export("drive0-1", drive, [], "drive0-1")
    exports.granted.append(export)
    clients = Clients(exports)
    clients.visitors += [(export, visitor) for visitor in visitors]
    return clients, export


def test_the_client_that_came_last_goes_first() -> None:
    first, second = Visitor(), Visitor()
    clients, export = clients_with(first, second)
    clients.leave()
    assert (first.ends, second.ends) == ([], ["left"])
    assert clients.use(export)
    clients.die()
    assert first.ends == ["closed"]
    assert not clients.use(export)
    with pytest.raises(AuthorError, match="no client is connected"):
        clients.die()


def test_clients_end_with_their_export_and_with_the_scenario() -> None:
    visitor, other = Visitor(), Visitor()
    clients, export = clients_with(visitor)
    clients.visitors.append((Export("another", export.drive, []), other))  # type: ignore[arg-type] # as above
    clients.gone_with([export])
    assert (visitor.ends, other.ends) == (["closed"], [])
    clients.close()
    assert other.ends == ["closed"]


def test_what_a_client_changes_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    clients, export = clients_with()
    drive = export.drive
    drive.gained_bitmap("bitmap0", {"granularity": 512})
    asked: list[Any] = []
    monkeypatch.setattr(
        clients, "scripted", lambda _drive: type("Client", (), {"do": lambda _self, deeds: asked.append(deeds)})()
    )
    clients.write(drive, 0x11, 1000, 10)
    clients.write_zeroes(drive, 2048, 512)
    clients.discard(drive, 65536, 512)
    assert drive.content.data == Ranges.of((1000, 10))
    assert drive.bitmap("bitmap0").dirty.granules == Ranges.of((512, 512), (2048, 512), (65536, 512))
    assert asked[0] == [["write", 0x11, 1000, 10], ["flush"]]
