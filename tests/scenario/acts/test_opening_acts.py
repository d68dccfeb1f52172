"""How images are opened, against a real QEMU, and when QEMU must refuse it."""

from __future__ import annotations

import pytest

from testbed.base.process import ToolFailed
from testbed.domain.access import MonitorAccesses
from testbed.domain.drive import Drive
from testbed.domain.request import Outlook
from testbed.qemu.machine import GuestRequestFailed
from testbed.scenario.acts import bitmaps, opening
from testbed.scenario.world import World

MIB = 1 << 20


@pytest.fixture
def drive(world: World) -> Drive:
    """Return a drive with a persistent bitmap that has recorded a write."""
    drive = world.drives.add("drive0", 4 * MIB)
    world.dialogue.demand(bitmaps.add(drive, "kept", persistent=True))
    drive.write(0xAB, MIB, 1)
    return drive


def test_drive_that_is_unplugged_comes_back_as_a_node_and_goes_away_as_one(world: World, drive: Drive) -> None:
    for _ in range(2):
        opening.unplug(drive)
        assert "drive0" not in str(drive.machine.execute("query-named-block-nodes"))
        opening.plug_in(drive)
        assert not drive.access.has_node
        drive.write(0x64, 2 * MIB, 1)
    world.judge.settle()


def test_device_that_is_not_there_cannot_leave(drive: Drive) -> None:
    access = MonitorAccesses(drive.machine).attach({"node-name": "other", "driver": "null-co"})
    access.leave()
    with pytest.raises(GuestRequestFailed, match=r"could not be removed; QEMU said: .*not found"):
        access.leave()


def test_drive_becomes_read_only_and_writable_again(world: World, drive: Drive) -> None:
    opening.replug(drive)
    world.dialogue.demand(opening.reopen(world, drive, read_only=True))
    with pytest.raises(GuestRequestFailed):
        drive.write(0x64, 2 * MIB, 1)
    world.dialogue.demand(opening.reopen(world, drive, read_only=False))
    drive.write(0x64, 2 * MIB, 1)
    world.judge.settle()


def test_what_comes_of_opening_a_drive_anew_that_a_device_uses_is_open(world: World, drive: Drive) -> None:
    outlook = Outlook()
    assert opening.reopen(world, drive, read_only=True).forecast(outlook) is None
    assert outlook.is_open


def test_next_machine_may_only_read(world: World, drive: Drive) -> None:
    world.judge.shut_down()
    opening.start_for_reading(world, "reader")
    reader = world.drives.drive(drive.name)
    words = bitmaps.clear(reader, "kept").forecast(Outlook())
    assert words is not None
    assert words.words == "Bitmap 'kept' is readonly and cannot be modified"
    with pytest.raises(GuestRequestFailed):
        reader.write(0x64, 2 * MIB, 1)
    world.judge.settle()


@pytest.mark.parametrize("read_only", [False, True])
def test_second_machine_is_refused(world: World, drive: Drive, read_only: bool) -> None:  # noqa: FBT001
    request = opening.open_elsewhere(world, drive, "second", read_only)
    world.dialogue.ask(request)
    answer = world.dialogue.refused()
    assert answer is not None
    assert answer.refusal is not None
    assert answer.surprise is None
    assert opening.open_elsewhere(world, drive, "second").machine is request.machine, "it runs already"
    world.judge.settle()


def test_tools_write_to_an_image_that_nobody_has(world: World, drive: Drive) -> None:
    with pytest.raises(ToolFailed):
        opening.write_offline(world, drive, 0x64, 2 * MIB, 1)
    world.judge.shut_down()
    opening.write_offline(world, drive, 0x64, 2 * MIB, 1)
    assert drive.image.bitmaps["kept"].dirty.count == 2 * 64 * 1024
    world.judge.settle()


def test_images_on_a_disk_that_is_full_do_not_grow(world: World) -> None:
    world.keep_drives_on_small_disk(2 * MIB)
    drive = world.drives.add("drive0", 4 * MIB)
    opening.use_up(world)
    with pytest.raises(GuestRequestFailed, match="No space left"):
        drive.write(0xAB, 0, 1)
    assert not drive.image.has_room
    opening.free(world)
    drive.write(0xAB, 0, 1)
    world.judge.settle()


def test_drives_are_opened_anew_together_or_not_at_all(world: World, drive: Drive) -> None:
    other = world.drives.add("drive1", MIB)
    for each in (drive, other):
        opening.replug(each)
    world.dialogue.demand(opening.reopen_together([(drive, True), (other, True)]))
    assert (drive.read_only, other.read_only) == (True, True)
    world.dialogue.demand(opening.reopen_together([(other, True), (drive, False)]))
    assert (drive.read_only, other.read_only) == (False, True)
    drive.write(0x64, 2 * MIB, 1)
    with pytest.raises(GuestRequestFailed):
        other.write(0x64, 0, 1)
    world.judge.settle()
