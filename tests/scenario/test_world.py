from __future__ import annotations

import pytest
from without_qemu import drive_of, image, world_of

from testbed.base.problems import AuthorError
from testbed.scenario.world import World

MIB = 1024 * 1024


def test_what_a_scenario_has_not_introduced_it_cannot_speak_of() -> None:
    world = world_of(drive_of(image()))
    with pytest.raises(AuthorError, match="the scenario has no other machine: let each backup go to one first"):
        _ = world.other_machine
    with pytest.raises(AuthorError, match="the scenario has no disk that gets full: let each backup go to one first"):
        _ = world.small_disk
    with pytest.raises(AuthorError, match=r'there is no mirror of "drive0", only of \[\]'):
        world.mirror("drive0")


def test_backups_go_to_another_machine_which_is_one_of_the_scenario_s(world: World) -> None:
    world.send_backups_away()
    drive = world.drives.add("drive0", MIB)
    drive.write(0xAB, 0, 1)
    backup = world.backups.take_successfully(drive, "full")
    assert backup.target.location is world.other_machine
    assert world.machines.named("other") is world.other_machine.machine
    world.other_machine.go_away()
    world.other_machine.come_back()
    assert [machine.name for machine in world.machines.running] == ["qemu", "other"]
    world.judge.settle()


def test_what_a_scenario_holds_is_given_back(world: World) -> None:
    world.keep_backups_on_small_disk(MIB)
    other = world.machines.boot("other")
    disk = world.small_disk
    world.close()
    assert disk.child.ending() is not None
    assert not world.machine.running
    assert not other.running
