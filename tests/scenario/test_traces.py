"""Tests of what tells that a refused request has changed nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testbed.domain.access import MonitorAccesses
from testbed.domain.catalogue import Backups
from testbed.domain.request import ABORT, transaction
from testbed.domain.target import Targets
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.scenario.acts import bitmaps
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.world import World

SIZE = 4 << 20

Harm = Callable[[World], object]


@pytest.fixture
def world(machine: Machine, images: Images) -> World:
    """Return a world with the drive "drive0", its bitmap "bitmap0", and an image that nobody has open."""
    backups = Backups(machine, Targets(images, ImageKind("qcow2")))
    world = World(machine, images, backups, "qcow2", has_digests=True, accesses=MonitorAccesses(machine))
    world.dialogue.ask(bitmaps.add(world.drives.add("drive0", SIZE), "bitmap0"))
    (images.home / "target.raw").write_bytes(b"A" * 512)
    return world


def target_of(world: World) -> Path:
    return world.images.home / "target.raw"


def traces_of(world: World, harm: Harm, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make a request that does harm before it is refused; return what is told of that."""
    execute = world.machine.execute

    def harmful(command: str, arguments: Mapping[str, object] | None = None) -> object:
        if command == "transaction":
            harm(world)
        return execute(command, arguments)

    monkeypatch.setattr(world.machine, "execute", harmful)
    world.dialogue.ask(transaction([ABORT]))
    assert world.dialogue.refused() is not None
    return world.judge.traces_of_refusal()


def start_backup(world: World) -> None:
    drive = world.drives.drive("drive0")
    world.dialogue.ask(
        world.backups.request_for([world.backups.prepare(drive, {"sync": "full", "speed": 1, "auto-finalize": False})])
    )


def test_request_that_changed_nothing_has_no_traces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert traces_of(world, lambda _: None, monkeypatch) == []


@pytest.mark.parametrize(
    ("harm", "trace"),
    [
        (
            lambda world: world.machine.execute("blockdev-add", {"driver": "null-co", "node-name": "left"}),
            "there is a node left that was not there before",
        ),
        (lambda world: target_of(world).write_bytes(b"A" * 512), "the image target.raw was written"),
        (lambda world: os.truncate(target_of(world), 512), "the image target.raw was written"),
        (lambda world: (world.images.home / "new.raw").touch(), "the image new.raw was written"),
        (start_backup, "there is a job drive0 that was not there before"),
        (
            lambda world: world.machine.execute("block-dirty-bitmap-disable", {"node": "drive0", "name": "bitmap0"}),
            'drive0 should have "bitmap0" (recording, granularity 64 KiB, dirty 0); '
            'it has "bitmap0" (not recording, granularity 64 KiB, dirty 0)',
        ),
    ],
)
def test_request_that_changed_something_is_told_of(
    world: World, monkeypatch: pytest.MonkeyPatch, harm: Harm, trace: str
) -> None:
    assert trace in traces_of(world, harm, monkeypatch)


def test_speed_of_a_running_job_is_a_trace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    start_backup(world)
    traces = traces_of(
        world,
        lambda world: world.machine.execute("block-job-set-speed", {"device": "drive0", "speed": 2}),
        monkeypatch,
    )
    assert traces == [
        "there is a job drive0 at the speed 2 that was not there before",
        "a job drive0 at the speed 1 is gone",
    ]


def test_target_of_a_running_backup_may_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    start_backup(world)
    target = world.images.home / world.backups.catalogue.taken[0].target.name
    assert traces_of(world, lambda _: os.utime(target), monkeypatch) == []


def test_refused_backup_is_forgotten_and_its_target_closed(world: World) -> None:
    drive = world.drives.drive("drive0")
    world.dialogue.ask(world.backups.request_for([world.backups.prepare(drive, {"sync": "full", "speed": -1})]))
    assert world.dialogue.refused() is not None
    assert world.backups.catalogue.taken == []
    assert "drive0-1" not in str(world.machine.execute("query-named-block-nodes", {"flat": True}))


def test_refusal_that_nobody_speaks_of_breaks_a_promise(world: World) -> None:
    world.dialogue.ask(transaction([ABORT]))
    with pytest.raises(BrokenPromise, match="QEMU refused transaction: Transaction aborted using Abort action"):
        world.dialogue.insist_on_grant()
