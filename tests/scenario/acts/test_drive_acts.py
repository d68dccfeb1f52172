"""What an operator does to drives, and when QEMU must refuse it."""

from __future__ import annotations

import pytest
from without_qemu import MIB, drive_of, image, world_of

from testbed.base.problems import AuthorError
from testbed.domain.backup import COMMANDS, Backup
from testbed.domain.drive import Drive
from testbed.domain.export import Export
from testbed.domain.job import Job
from testbed.domain.request import Outlook, Refusal, Request
from testbed.domain.target import Target
from testbed.model.content import Run
from testbed.qemu.image_kinds import ImageKind
from testbed.scenario.acts import bitmaps, drives, layers
from testbed.scenario.world import World


@pytest.fixture
def drive() -> Drive:
    """Return a drive with the bitmap "a"."""
    drive = drive_of(image())
    drive.gained_bitmap("a", {"persistent": True})
    return drive


def foreseen(request: Request) -> str | None:
    """Return the words with which QEMU must refuse a request; the models have an opinion on it."""
    outlook = Outlook()
    refusal = request.forecast(outlook)
    assert not outlook.is_open
    assert refusal is None or refusal.kind == "GenericError"
    return refusal.words if refusal else None


# Resizing.

CONFLICT = "Permission conflict on node 'drive0'"


def test_drive_that_nobody_uses_is_resized(drive: Drive) -> None:
    asked = drives.resize(world_of(drive), drive, 2 * MIB)
    assert (asked.command, asked.arguments) == ("block_resize", {"node-name": "drive0", "size": 2 * MIB})
    assert foreseen(asked) is None
    drive.bitmap("a").hold()  # a bitmap alone is not in the way
    assert foreseen(asked) is None
    asked.granted()
    assert (drive.size, drive.image.size) == (2 * MIB, 2 * MIB)


def test_drive_that_a_backup_uses_is_not_resized(drive: Drive) -> None:
    world = world_of(drive)
    job = Job(drive.machine, "job0", begun=True)
    world.catalogue.taken.append(
        Backup(drive, Target(image("target")), COMMANDS["blockdev-backup"], job, {"sync": "full"})
    )
    assert foreseen(drives.resize(world, drive, 2 * MIB)) == CONFLICT
    assert foreseen(drives.resize(world, drive, 2 * MIB + 1)) == CONFLICT
    other = drive_of(image("drive1"), drive.machine)
    assert foreseen(drives.resize(world, other, 2 * MIB)) is None


def test_drive_that_is_exported_is_not_resized(drive: Drive) -> None:
    world = world_of(drive)
    world.exports.granted.append(Export("drive0-1", drive, []))
    assert foreseen(drives.resize(world, drive, 2 * MIB)) == CONFLICT


@pytest.mark.parametrize(
    ("image_format", "size", "words"),
    [
        ("qcow2", MIB + 512, None),
        ("qcow2", MIB + 1, "The new size must be a multiple of 512"),
        ("qcow2", 511, "The new size must be a multiple of 512"),
        ("raw", MIB + 1, None),
    ],
)
def test_size_is_one_of_whole_sectors(image_format: str, size: int, words: str | None) -> None:
    drive = drive_of(image(kind=ImageKind(image_format)))
    assert foreseen(drives.resize(world_of(drive), drive, size)) == words


def test_drive_with_an_inconsistent_bitmap_is_not_resized(drive: Drive) -> None:
    drive.bitmap("a").inconsistent = True
    world = world_of(drive)
    assert foreseen(drives.resize(world, drive, 2 * MIB)) == "Bitmap 'a' is inconsistent and cannot be used"
    assert foreseen(drives.resize(world, drive, MIB + 1)) == "The new size must be a multiple of 512"


def test_qemu_answers_a_resize_as_it_is_foreseen(world: World) -> None:
    drive = world.drives.add("drive0", 4 * MIB, [Run(0, 4 * MIB, 0x11)])
    world.dialogue.demand(bitmaps.add(drive, "a"))
    world.dialogue.demand(drives.resize(world, drive, 5 * MIB))
    drive.write(0xAB, 5 * MIB - 512, 512)
    world.dialogue.ask(drives.resize(world, drive, 5 * MIB + 1))
    answer = world.dialogue.refused()
    assert answer
    assert (answer.refusal is None, answer.surprise) == (False, None)
    world.backups.hold(drive, "running", {"sync": "full"})
    world.dialogue.ask(drives.resize(world, drive, MIB))
    answer = world.dialogue.refused()
    assert answer
    assert (answer.refusal is None, answer.surprise) == (False, None)
    world.dialogue.demand(world.catalogue.newest_of("drive0").job.let_go())
    world.backups.finish(world.catalogue.running())
    world.judge.settle()


# Snapshots and what is below.


def test_guest_goes_on_in_the_overlay(world: World) -> None:
    below = world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    world.dialogue.demand(bitmaps.add(below, "a", persistent=True))
    world.dialogue.demand(drives.snapshot(world, below, "overlay0"))
    overlay = world.drives.drive("overlay0")
    overlay.write(0xAB, 512, 1)
    assert (overlay.serves_guest, below.serves_guest, below.read_only) == (True, False, True)
    with pytest.raises(AuthorError, match='no guest reaches "drive0"'):
        below.write(0xAB, 512, 1)
    assert (overlay.content.pattern_at(512), below.content.pattern_at(512)) == (0xAB, 0x11)
    assert (list(below.image.bitmaps), below.image.in_use) == (["a"], set())
    world.dialogue.demand(layers.stream(world, overlay))
    assert (world.drives.all(), world.drives.left) == ([overlay], [below])
    assert overlay.image.base is None
    world.judge.settle()


def test_refused_snapshot_leaves_no_overlay(world: World) -> None:
    below = world.drives.add("drive0", MIB)
    asked = drives.snapshot(world, below, "overlay0")
    world.machine.execute("blockdev-del", {"node-name": "overlay0"})
    add = {"driver": "null-co", "node-name": "overlay0", "size": MIB}
    world.machine.execute("blockdev-add", add)  # which can have nothing below it
    world.dialogue.ask(asked)
    answer = world.dialogue.refused()
    assert answer
    assert answer.refusal
    assert not answer.is_foreseen
    assert world.drives.all() == [below]


# Others that have to do with a drive.


def test_image_is_given_over_and_taken_back() -> None:
    drive = drive_of(image())
    given = drives.deactivate(drive)
    assert (given.command, given.arguments) == ("blockdev-set-active", {"node-name": "drive0", "active": False})
    given.granted()
    assert not drive.is_active
    drives.activate(drive).granted()
    assert drive.is_active


def test_user_past_all_that_is_above_is_known() -> None:
    drive = drive_of(image())
    writer, resizer = drives.add_writer(drive), drives.add_resizer(drive, "target0")
    assert writer.arguments["image"] == "drive0-file"
    assert writer.arguments["take-child-perms"] == ["write"]
    assert (resizer.arguments["image"], resizer.arguments["node-name"]) == ("target0", "user-of-target0")
    assert not drive.has_strangers
    writer.granted()
    assert drive.has_strangers


@pytest.mark.parametrize(
    ("detect", "discard", "is_refused"),
    [("unmap", "ignore", True), ("unmap", "unmap", False), ("on", "ignore", False), ("off", "unmap", False)],
)
def test_zeros_become_holes_only_where_something_may_be_discarded(
    *, detect: str, discard: str, is_refused: bool
) -> None:
    request = drives.add_zero_finder(drive_of(image()), detect, discard)
    assert request.arguments["node-name"] == "finder-over-drive0"
    assert bool(foreseen(request)) is is_refused


def test_key_is_always_taken_and_abort_never() -> None:
    assert foreseen(drives.add_secret()) is None
    assert drives.abort().forecast(Outlook()) == Refusal("Transaction aborted using Abort action")
