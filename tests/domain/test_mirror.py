import pytest
from hamcrest import assert_that

from testbed.domain.mirror import Mirror
from testbed.domain.node import UnknownName
from testbed.model.content import Run
from testbed.promises.mirrors import equals_its_mirrored_drive
from testbed.scenario.dialogue import BrokenPromise, jobs_on, things_on
from testbed.scenario.world import World

MIB = 1024 * 1024


@pytest.fixture
def world(world: World) -> World:
    """Return a world with a drive that holds something."""
    world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    return world


def started(world: World) -> Mirror:
    """Start a mirror that would take a day."""
    world.start_mirror("drive0", {"speed": 1, "buf-size": 64 * 1024})
    return world.mirror("drive0")


def test_a_mirror_that_has_ended_equals_its_drive(world: World) -> None:
    mirror = started(world)
    world.drives.drive("drive0").write(0xAB, 65535, 2)
    mirror.end()
    world.drives.drive("drive0").write(0xCD, 65535, 2)
    assert_that(mirror, equals_its_mirrored_drive(world.images))
    world.judge.settle()


def test_a_mirror_that_nobody_ended_breaks_the_scenario(world: World) -> None:
    started(world)
    with pytest.raises(BrokenPromise, match="mirror-of-drive0"):
        world.judge.settle()


def test_a_refused_mirror_leaves_nothing(world: World) -> None:
    world.start_mirror("drive0", {"granularity": 513})
    with pytest.raises(BrokenPromise, match="granularity"):
        world.dialogue.insist_on_grant()
    assert not jobs_on(world.machine)
    assert not any("drive0-1" in thing for thing in things_on(world.machine))


def test_a_mirror_that_there_is_not_is_named(world: World) -> None:
    with pytest.raises(UnknownName, match='no mirror of "drive1", only of'):
        world.mirror("drive1")
