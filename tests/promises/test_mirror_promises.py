from __future__ import annotations

from broken_promise import why_not
from hamcrest import assert_that

from testbed.model.content import Run
from testbed.promises.mirrors import equals_its_mirrored_drive
from testbed.scenario.world import World

MIB = 1024 * 1024


def test_a_mirror_equals_its_drive_when_it_has_ended_and_as_it_was_then(world: World) -> None:
    drive = world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    world.start_mirror("drive0", {"speed": 1, "buf-size": 64 * 1024})
    mirror, promise = world.mirror("drive0"), equals_its_mirrored_drive(world.images)
    assert why_not(mirror, promise) == "the mirror of drive0 (drive0-1.qcow2) has not ended"
    mirror.end()
    assert_that(mirror, promise)
    mirror.content = drive.content.written(0xAB, 512, 1)
    assert why_not(mirror, promise).startswith(
        "drive0-1.qcow2: the byte at offset 512 B should be 0xab and is 0x11, in "
    )
