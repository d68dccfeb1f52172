import pytest
from hamcrest import assert_that
from real_qemu import DIGESTS

from testbed.base.problems import AuthorError
from testbed.domain.disk import Disk
from testbed.promises.bitmaps import has_bitmaps_in_step
from testbed.promises.drives import holds_what_the_guest_wrote
from testbed.qemu.monitor import Refused
from testbed.scenario.acts import bitmaps
from testbed.scenario.testbed import Testbed
from testbed.scenario.world import World

MIB = 1024 * 1024


@pytest.fixture
def world(testbed: Testbed, world: World) -> World:
    """Return a world whose guest sees its drives as disks, for those who have a machine with a disk."""
    if testbed.capabilities.board is None:
        pytest.skip("this QEMU has no machine with a disk device")
    world.drives.use_board(testbed.capabilities.board)
    return world


@pytest.fixture
def disk(world: World) -> Disk:
    """Return a disk with a persistent bitmap, a transient one and something in both."""
    disk = world.drives.add("drive0", MIB)
    assert isinstance(disk, Disk)
    world.dialogue.ask(bitmaps.add(disk, "kept", persistent=True, granularity=512))
    world.dialogue.ask(bitmaps.add(disk, "lost"))
    disk.write(0xAB, 65535, 2)
    return disk


def test_a_disk_that_comes_back_has_its_persistent_bitmaps(world: World, disk: Disk) -> None:
    kept = disk.bitmap("kept")
    disk.unplug()
    assert disk.bitmaps == {}
    assert list(disk.nodes) == []
    assert (disk.image.bitmaps, disk.image.in_use) == ({"kept": kept}, set())
    disk.flush()  # which is nothing to a guest without the disk
    disk.plug_in()
    assert list(disk.bitmaps) == ["kept"]
    assert disk.bitmap("kept") is kept
    assert disk.image.in_use == {"kept"}
    assert_that(disk, world.judge.in_step)
    world.judge.settle()


def test_a_bitmap_that_does_not_come_back_is_noticed(disk: Disk) -> None:
    disk.bitmap("lost").persistent = True
    disk.unplug()
    disk.plug_in()
    complaint = has_bitmaps_in_step(DIGESTS).complaint(disk)
    assert '"lost" (recording, persistent' in str(complaint)


def test_a_scenario_may_end_with_the_disk_unplugged(world: World, disk: Disk) -> None:
    disk.unplug()
    world.judge.settle()
    assert_that(disk, holds_what_the_guest_wrote(world.images))


def test_a_disk_cannot_be_unplugged_twice(disk: Disk) -> None:
    disk.unplug()
    with pytest.raises(Refused, match="disk-drive0"):
        disk.unplug()


def test_a_machine_with_drives_keeps_its_board(world: World, disk: Disk) -> None:
    assert world.drives.drive("drive0") is disk
    assert world.drives.board
    with pytest.raises(AuthorError, match="before the drives"):
        world.drives.use_board(world.drives.board)
