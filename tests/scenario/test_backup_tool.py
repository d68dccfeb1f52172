from __future__ import annotations

import pytest
from without_qemu import drive_of, image, world_of

from testbed.base.problems import AuthorError
from testbed.domain.backup import COMMANDS, Backup
from testbed.domain.job import Job
from testbed.domain.storage import storage
from testbed.domain.target import Target
from testbed.model.content import Run
from testbed.scenario.acts import bitmaps
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.world import World

KIB = 1024
MIB = 1024 * KIB


@pytest.fixture
def world(world: World) -> World:
    """Return a world with two drives, each with a bitmap that has recorded two writes since a full backup."""
    for name in ("drive0", "drive1"):
        drive = world.drives.add(name, 4 * MIB, [Run(0, 4 * MIB, 0x11)])
        world.backups.take_successfully(drive, "full", before=[bitmaps.add(drive, "bitmap0")])
        drive.write(0xAB, 512 * KIB, 512)
        drive.write(0xCD, 3 * MIB, 512)
    return world


def test_a_reference_follows_each_backup_with_a_bitmap(world: World) -> None:
    world.backups.with_references = True
    backup = world.backups.take(world.drives.drive("drive0"), "incremental", bitmap="bitmap0")
    reference = world.catalogue.taken[-1]
    assert backup.reference is reference.target
    assert (reference.sync, reference.judged) == ("full", True)
    assert world.catalogue.newest_of("drive0") is backup
    world.judge.settle()


def test_backups_are_taken_as_a_group_and_taken_again(world: World) -> None:
    world.backups.take_group([("drive0", "bitmap0"), ("drive1", "bitmap0")])
    first = list(world.backups.group)
    world.drives.drive("drive0").write(0xCD, 0, 512)
    world.backups.take_group_again()
    assert [(backup.drive.name, backup.succeeded) for backup in world.backups.group] == [
        ("drive0", True),
        ("drive1", True),
    ]
    assert [after.target.image.base for after in world.backups.group] == [before.target.image for before in first]
    world.judge.settle()


def test_a_backup_that_is_taken_again_forgets_how_it_dealt_with_errors(world: World) -> None:
    drive = world.drives.drive("drive0")
    options = {"sync": "incremental", "bitmap": "bitmap0", "speed": 8 * MIB}
    world.backups.start(drive, options)
    world.backups.end_of(world.catalogue.newest_of("drive0"))
    again = world.backups.take_again("drive0")
    assert again.options == {"sync": "incremental", "bitmap": "bitmap0"}
    assert again.changed is not None
    assert again.changed.length == 0
    world.judge.settle()


def test_an_increment_can_be_put_on_its_base_afterwards(world: World) -> None:
    drive = world.drives.drive("drive0")
    world.backups.take_and_base(drive, "bitmap0")
    assert world.catalogue.newest_of("drive0").target.image.base is world.catalogue.taken[0].target.image
    world.judge.settle()


def test_a_backup_that_fails_is_no_part_of_a_history(world: World) -> None:
    sick = world.drives.add("drive2", MIB, [Run(0, MIB, 0x11)], storage("fails the first read after a flush"))
    sick.write(0xAB, 0, 512)
    sick.flush()
    with pytest.raises(
        BrokenPromise, match=r'backup of drive2 .* should have completed; it failed with "Input/output error"'
    ):
        world.backups.take_successfully(sick, "full")


@pytest.mark.parametrize("state", ["running", "paused", "pending", "concluded", "waiting"])
def test_a_job_is_held_in_a_state_until_it_is_let_go(world: World, state: str) -> None:
    drive = world.drives.drive("drive0")
    world.backups.hold(drive, state, {"sync": "incremental", "bitmap": "bitmap0"})
    held = next(backup for backup in reversed(world.catalogue.taken) if backup.drive is drive)
    assert held.job.lifecycle.states[-1] == state
    assert (held in world.backups.of(drive)) == (state != "concluded")
    world.dialogue.demand(held.job.let_go())
    world.backups.finish(world.catalogue.running())
    assert world.backups.of(drive) == []
    assert held.succeeded
    world.judge.settle()


def test_a_job_that_waits_takes_another_drive() -> None:
    world = world_of(drive_of(image()))
    drive = world.drives.drive("drive0")
    backup = Backup(
        drive, Target(image("target")), COMMANDS["drive-backup"], Job(drive.machine, "job0"), {"sync": "full"}
    )
    with pytest.raises(AuthorError, match=r"the full backup of drive0 \(target\.qcow2\) was never started"):
        world.backups.end_of(backup)
    world.catalogue.command = COMMANDS["drive-backup"]
    with pytest.raises(AuthorError, match='needs another drive than "drive0"'):
        world.drives.another(drive)


def test_surroundings_are_what_is_on_the_machine_at_that_moment(world: World) -> None:
    drive, other = world.drives.drive("drive0"), world.drives.drive("drive1")
    world.backups.hold(drive, "running", {"sync": "full"})
    asked = world.backups.prepare(other, {"sync": "full"})
    there = world.backups._surroundings(asked)
    assert (there.jobs, there.sources, there.targets) == ({"drive0"}, {"drive0"}, {"drive0-3"})
    assert {"drive0", "drive1", "drive0-3", "drive1-4"} <= set(there.nodes)
    elsewhere = world.machines.boot("other")
    asked.drive = drive_of(image("drive2"), elsewhere)
    assert world.backups._surroundings(asked).jobs == set(), "another machine has names of its own"
    world.dialogue.demand(world.catalogue.taken[-2].job.let_go())
    world.backups.finish([world.catalogue.taken[-2]])
    there = world.backups._surroundings(asked)
    assert (there.jobs, there.sources, there.targets) == (set(), set(), set())
