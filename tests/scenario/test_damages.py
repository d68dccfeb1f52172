"""Damaging copies of images, and letting everybody open them."""

from __future__ import annotations

import pytest

from testbed.base.problems import AuthorError
from testbed.scenario.acts import bitmaps
from testbed.scenario.world import World

MIB = 1024 * 1024


@pytest.fixture
def world(world: World) -> World:
    """Return a world whose drive, which no machine has any more, has stored two bitmaps with a record."""
    drive = world.drives.add("drive0", MIB)
    for name in ("bitmap0", "bitmap1"):
        world.dialogue.demand(bitmaps.add(drive, name, persistent=True))
    drive.write(0xAB, 0, 512)
    return world


def test_what_is_damaged_is_refused_by_everybody(world: World) -> None:
    world.judge.shut_down()
    world.damages.damage_copy(world.drives.drive("drive0"), "the type is 0")
    world.damages.open_everywhere()
    image = world.damages.current
    assert [opening.who for opening in image.openings] == [
        *("QEMU, for reading", "QEMU, for writing"),
        *("qemu-img info", "qemu-img check", "qemu-img measure", "qemu-img convert"),
    ]
    assert all("doesn't satisfy the constraints" in opening.refusal for opening in image.openings)
    assert not any(opening.is_changed for opening in image.openings)
    assert (len(image.whole), len(image.damaged), image.given) == (1, 1, "")
    world.judge.settle()


def test_what_can_be_opened_is_read_and_examined(world: World) -> None:
    world.judge.shut_down()
    world.damages.damage_copy(world.drives.drive("drive0"), "the bits are far beyond the end of the file")
    world.damages.open_everywhere()
    image = world.damages.current
    assert {opening.refusal for opening in image.openings} == {""}
    assert [opening.who for opening in image.openings[:3]] == [
        *("QEMU, for reading", "QEMU, for writing", "QEMU, after writing"),
    ]
    assert [opening.is_changed for opening in image.openings] == [False, True, True, *[False] * 4]
    assert image.finding[0] == 2
    assert (world.images.home / image.given).stat().st_size == MIB
    found = {state.name: state.count for state, _ in image.openings[0].bitmaps or ()}
    assert {name: found[name] for name in image.whole} == dict.fromkeys(image.whole, 65536)
    world.judge.settle()


def test_a_mistrusted_image_has_no_bitmap_any_more(world: World) -> None:
    world.judge.shut_down()
    world.damages.mistrust(world.drives.drive("drive0"), "the bitmaps are not to be trusted")
    world.judge.settle()
    assert world.images.info("drive0.qcow2")["format-specific"]["data"].get("bitmaps") is None


def test_nothing_is_damaged_that_a_machine_has(world: World) -> None:
    with pytest.raises(AuthorError, match="no image is damaged: say first in which way a copy is"):
        world.damages.open_everywhere()
    with pytest.raises(AuthorError, match="a machine has the image of drive0: it must be shut down first"):
        world.damages.damage_copy(world.drives.drive("drive0"), "the type is 0")


def test_an_inconsistent_bitmap_may_be_damaged_and_no_other(world: World) -> None:
    drive = world.drives.drive("drive0")
    world.judge.shut_down()
    with pytest.raises(AuthorError, match=r"bitmap. of drive0 can be trusted: damage a copy, or crash first"):
        world.damages.damage_inconsistent(drive, "the type is 0")
    drive.image.in_use = set(drive.image.bitmaps)
    world.damages.damage_inconsistent(drive, "the type is 2")


def test_each_bit_is_flipped_in_a_copy(world: World) -> None:
    drive = world.drives.drive("drive0")
    world.judge.shut_down()
    before = (world.images.home / drive.image.name).read_bytes()
    world.damages.flip_each_bit(drive)
    assert len(world.damages.flips) == 8 * (28 + 24 + 7)
    assert all(flip.is_refused for flip in world.damages.flips if flip.is_vital)
    opened = [flip for flip in world.damages.flips if not flip.is_refused]
    assert [flip.written for flip in opened] == [flip.found for flip in opened] != []
    assert (world.images.home / drive.image.name).read_bytes() == before
