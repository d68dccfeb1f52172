from __future__ import annotations

from broken_promise import why_not
from hamcrest import assert_that

from testbed.base.process import run_tool
from testbed.model.content import Run
from testbed.promises.drives import holds_what_the_guest_wrote, is_left_alone
from testbed.scenario.world import World

MIB = 1024 * 1024


def test_a_drive_with_a_byte_that_no_guest_wrote_is_noticed(world: World) -> None:
    drive = world.drives.add("drive0", 4 * MIB, [Run(MIB, MIB + 512, 0xD5)])
    drive.write(0xAB, 2 * MIB + 100, 300)
    world.judge.shut_down()
    assert_that(drive, holds_what_the_guest_wrote(world.images))
    arguments = (str(world.images.qemu_io), "-f", "qcow2", "-c", "write -q -P 0x77 65537 1", drive.image.name)
    run_tool(arguments, cwd=world.images.home, bound=world.images.bound)
    assert why_not(drive, holds_what_the_guest_wrote(world.images)) == (
        "drive0.qcow2: the byte at offset 64 KiB + 1 B should be 0x00 and is 0x77, on drive0"
    )


def test_a_write_to_what_may_only_be_read_is_noticed(world: World) -> None:
    drive = world.drives.add("drive0", 4 * MIB)
    assert_that(drive, is_left_alone())
    drive.unplug()
    drive.read_only = True
    drive.plug_in()
    assert_that(drive, is_left_alone())
    with (world.images.home / drive.image.name).open("r+b") as file:
        file.write(b"Q")  # the very byte that is there: only what differs can be seen
    assert_that(drive, is_left_alone())
    with (world.images.home / drive.image.name).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    said = "drive0.qcow2 was written although drive0 is open for reading only"
    assert why_not(drive, is_left_alone()) == said
