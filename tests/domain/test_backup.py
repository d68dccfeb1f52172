"""What the models predict of backups of the top layer, and of those that save what is overwritten."""

import pytest

from testbed.domain.backup import Backup
from testbed.domain.drive import Drive
from testbed.domain.lifecycle import WrongLifecycle
from testbed.model.content import Content, Run
from testbed.model.ranges import NOTHING, Ranges
from testbed.scenario.acts import drives
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.world import World

KIB = 1024
MIB = 1024 * KIB
PIECE = 64 * KIB


@pytest.fixture
def world(world: World) -> World:
    """Return a world with a drive of 1 MiB and a sector that is full of data, and a full backup of it."""
    size = MIB + 512
    world.backups.take_successfully(world.drives.add("drive0", size, [Run(0, size, 0x11)]), "full")
    return world


def overlay(world: World) -> Drive:
    """Put an overlay on the drive, and return it."""
    world.dialogue.ask(drives.snapshot(world, world.drives.drive("drive0"), "overlay0"))
    world.dialogue.insist_on_grant()
    return world.drives.drive("overlay0")


def saving(world: World) -> Backup:
    """Start a backup that saves what is overwritten, and return it."""
    backup = world.backups.prepare(world.drives.drive("drive0"), {"sync": "none"})
    world.dialogue.ask(world.backups.request_for([backup]))
    world.dialogue.insist_on_grant()
    return backup


def give_up(world: World, backup: Backup) -> None:
    """Cancel a backup, and wait for its end."""
    world.dialogue.ask(backup.job.cancel())
    world.backups.finish([backup])


def test_a_layer_holds_what_was_written_to_it_and_what_hides_the_one_below(world: World) -> None:
    drive = overlay(world)
    assert drive.image.own_layer == NOTHING
    drive.write(0xAB, PIECE - 1, 2)
    drive.discard(4 * PIECE + 1, 2 * PIECE)  # of which one whole cluster becomes zeros
    assert drive.image.own_layer == Ranges.of((0, 2 * PIECE), (5 * PIECE, PIECE))
    assert world.drives.drive("drive0").image.own_layer == Ranges.of((0, 17 * PIECE))


def test_a_layer_that_was_cut_and_has_grown_hides_what_was_there(world: World) -> None:
    drive = overlay(world)
    for size in (512 * KIB, MIB):
        world.dialogue.ask(drives.resize(world, drive, size))
    assert drive.image.own_layer == Ranges.of((512 * KIB, 512 * KIB))


def test_a_top_backup_stands_on_a_backup_of_what_is_below(world: World) -> None:
    drive = overlay(world)
    drive.write(0xAB, PIECE, 1)
    backup = world.backups.take_successfully(drive, "top")
    assert backup.changed == Ranges.of((PIECE, PIECE))
    assert backup.target.image.base is world.catalogue.taken[0].target.image
    assert backup.restored == drive.content
    world.judge.settle()


def test_a_top_backup_stands_alone_where_nobody_has_what_is_below(world: World) -> None:
    world.drives.drive("drive0").write(0x22, 0, 1)  # after the full backup
    drive = overlay(world)
    drive.write(0xAB, PIECE, 1)
    backup = world.backups.take_successfully(drive, "top")
    assert backup.target.image.base is None
    assert backup.restored == Content(drive.size).written(0x11, PIECE, PIECE).written(0xAB, PIECE, 1)
    world.judge.settle()


def test_what_is_overwritten_is_predicted_up_to_the_end_of_the_job(world: World) -> None:
    backup, drive = saving(world), world.drives.drive("drive0")
    drive.write(0xAB, PIECE, 1)
    give_up(world, backup)
    drive.write(0xAB, 3 * PIECE, 1)
    assert backup.fulfilled
    assert backup.changed == Ranges.of((PIECE, PIECE))
    world.judge.settle()


def test_a_job_that_saves_less_than_is_overwritten_is_noticed(world: World) -> None:
    backup, drive = saving(world), world.drives.drive("drive0")
    drive.write(0xAB, PIECE, 1)
    drive.changed(Ranges.of((3 * PIECE, 1)))  # of which QEMU knows nothing
    with pytest.raises(WrongLifecycle, match=r"should have copied 128 KiB; .* has copied 64 KiB"):
        give_up(world, backup)


def test_an_image_with_new_content_instead_of_old_is_noticed(world: World) -> None:
    backup, drive = saving(world), world.drives.drive("drive0")
    drive.write(0xAB, PIECE, 1)
    give_up(world, backup)
    backup.content = drive.content
    with pytest.raises(BrokenPromise, match="should be 0xab and is 0x11"):
        world.judge.settle()
