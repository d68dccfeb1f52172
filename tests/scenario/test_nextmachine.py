import pytest

from testbed.model.ranges import Ranges
from testbed.scenario.acts import bitmaps
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.world import World

MIB = 1024 * 1024


@pytest.fixture
def world(world: World) -> World:
    """Return a world whose drive has a persistent bitmap that has recorded something, and a transient one."""
    drive = world.drives.add("drive0", MIB)
    for name, persistent in (("bitmap0", True), ("bitmap1", False)):
        world.dialogue.demand(bitmaps.add(drive, name, persistent=persistent))
    drive.write(0xAB, 65535, 2)
    return world


def test_the_next_machine_finds_what_was_stored(world: World) -> None:
    world.judge.settle()
    assert not world.machine.running


def test_the_next_machine_finds_too_little(world: World) -> None:
    world.judge.shut_down()
    world.drives.drive("drive0").bitmap("bitmap0").clear(moment=0)
    with pytest.raises(BrokenPromise, match=r'next machine .* drive0 .*dirty 0\); it has "bitmap0" .*dirty 128 KiB'):
        world.judge.settle()


def test_the_next_machine_finds_other_granules(world: World) -> None:
    world.judge.shut_down()
    bitmap = world.drives.drive("drive0").bitmap("bitmap0")
    bitmap.clear(moment=0)
    bitmap.saw(Ranges.of((512 * 1024, 128 * 1024)))
    with pytest.raises(BrokenPromise, match=r"next machine .* counts what it should, but not in the right places"):
        world.judge.settle()


def test_the_next_machine_finds_a_bitmap_that_was_removed(world: World) -> None:
    world.judge.shut_down()
    del world.drives.drive("drive0").bitmaps["bitmap0"]
    with pytest.raises(BrokenPromise, match="should store"):
        world.judge.settle()


def test_the_next_machine_cannot_open_the_drive(world: World) -> None:
    world.judge.shut_down()
    (world.machine.home / "drive0.qcow2").write_bytes(b"no image any more")
    (complaint,) = world.judge.complaints_of_next_machine()
    assert complaint.startswith("the next machine does not take drive0: QEMU refused blockdev-add")


def test_a_drive_that_never_stored_anything_needs_no_next_machine(world: World) -> None:
    world.drives.drive("drive0").has_stored = False
    world.judge.shut_down()
    (world.machine.home / "drive0.qcow2").unlink()  # the next machine would miss it
    assert world.judge.complaints_of_next_machine() == []
