"""The drives of a scenario: what becomes of them and of their bitmaps from one machine to the next."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hamcrest import assert_that
from without_qemu import drive_of, image, world_of

from testbed.base.problems import AuthorError
from testbed.domain.access import NoAccess
from testbed.domain.bitmap import Bitmap, BitmapState
from testbed.domain.node import Node, UnknownName
from testbed.model.content import Run
from testbed.model.dirty import Dirty
from testbed.promises.bitmaps import has_bitmaps
from testbed.qemu.image_kinds import KINDS
from testbed.scenario.acts import bitmaps, drives, machines
from testbed.scenario.world import World

KIB = 1024
MIB = 1024 * KIB

LEFT = BitmapState("kept", 64 * KIB, recording=False, busy=False, persistent=True, count=0, inconsistent=True)
"""The bitmap "kept", as it is after a crash."""


@pytest.fixture
def old(world: World) -> World:
    """Return a world whose drive has a persistent bitmap, stored once, and a transient one; both have recorded."""
    drive = world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    world.dialogue.demand(bitmaps.add(drive, "kept", persistent=True))
    drive.write(0xAB, 65535, 2)
    world.judge.shut_down()
    machines.start_elsewhere(world, "monday")
    drive = world.drives.drive("drive0")
    world.dialogue.demand(bitmaps.add(drive, "lost"))
    world.dialogue.demand(bitmaps.add(drive, "new", persistent=True))
    drive.write(0xCD, 512 * KIB, 1)
    return world


def names(node: Node) -> list[str]:
    """Return the names of the bitmaps that QEMU reports on a node, when it has them as they must be."""
    return sorted(state.name for state in node.reported_bitmaps())


# From one machine to the next.


def test_after_an_orderly_end_the_next_machine_has_what_was_persistent(old: World) -> None:
    kept = old.drives.drive("drive0").bitmap("kept")
    old.judge.shut_down()
    machines.start_elsewhere(old, "tuesday")
    drive = old.drives.drive("drive0")
    assert (old.machine.name, drive.machine) == ("tuesday", old.machine)
    assert names(drive) == sorted(drive.bitmaps) == ["kept", "new"]
    assert drive.bitmap("kept") is kept
    assert kept.state.count == 3 * 64 * KIB
    assert_that(drive, old.judge.in_step)
    drive.write(0xEF, 0, 1)
    assert_that(drive, old.judge.in_step)
    old.judge.settle()


def test_after_a_crash_the_next_machine_has_what_was_stored_and_calls_it_inconsistent(old: World) -> None:
    old.judge.kill(old.machine)
    machines.start_elsewhere(old, "tuesday")
    drive = old.drives.drive("drive0")
    assert_that(drive, has_bitmaps([LEFT]))
    assert_that(drive, old.judge.in_step)
    old.dialogue.demand(bitmaps.remove(drive, "kept"))
    old.judge.kill(old.machine)
    machines.start_elsewhere(old, "wednesday")
    assert_that(old.drives.drive("drive0"), has_bitmaps([]))
    old.judge.settle()


def test_a_machine_that_runs_does_not_give_its_drives_away(old: World) -> None:
    other = old.machines.boot("tuesday")
    with pytest.raises(AuthorError, match='the machine "monday" has the drives: it must be shut down first'):
        old.drives.hand_over(other)
    assert old.drives.drive("drive0").machine is old.machine
    assert old.machine.name == "monday"


def test_a_drive_goes_to_the_next_machine_with_all_that_is_below_it(world: World) -> None:
    world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    world.dialogue.demand(drives.snapshot(world, world.drives.drive("drive0"), "overlay0"))
    world.drives.drive("overlay0").write(0xAB, 65535, 2)
    world.judge.shut_down()
    machines.start_elsewhere(world, "tuesday")
    overlay, below = world.drives.all()
    assert (overlay.name, below.name) == ("overlay0", "drive0")
    assert (below.is_open, below.read_only, below.serves_guest) == (True, True, False)
    assert [layer.name for layer in overlay.image.layers] == ["overlay0.qcow2", "drive0.qcow2"]
    overlay.write(0xCD, 0, 1)
    world.judge.settle()


def test_a_drive_that_a_crash_has_left_has_an_inconsistent_bitmap(world: World) -> None:
    drive = world.drives.add_left_by_crash("drive0", MIB, "kept")
    assert [machine.name for machine in world.machines] == ["qemu", "earlier"]
    assert world.machines.running == [world.machine]
    assert_that(drive, has_bitmaps([LEFT]))
    assert drive.bitmap("kept").state == LEFT
    drive.write(0xAB, 0, 1)
    assert_that(drive, world.judge.in_step)
    world.judge.settle()


def test_what_an_image_had_stored_is_on_the_node_from_the_start(world: World) -> None:
    stored = {"a": {}, "b": {"granularity": 4 * KIB, "disabled": True}}
    drive = world.drives.add_with_stored("drive0", MIB, stored)
    assert drive.bitmap("a").state.flags == ["recording", "persistent"]
    assert (drive.bitmap("b").state.flags, drive.bitmap("b").state.granularity) == (["persistent"], 4 * KIB)
    assert_that(drive, world.judge.in_step)
    assert drive.image.has_stored
    world.judge.settle()


# Making them.


def test_a_drive_is_in_the_image_that_was_asked_for(world: World) -> None:
    plain = world.drives.add("drive0", MIB, [Run(0, 512, 0x11)])
    based = world.drives.add("drive1", MIB, [Run(0, 512, 0x11)], kind=KINDS["a qcow2 image on a base"])
    assert (plain.image.kind.image_format, plain.image.base) == ("qcow2", None)
    assert plain.image.allocated.length == 64 * KIB
    assert [layer.name for layer in based.image.layers] == ["drive1.qcow2", "base-of-drive1.qcow2"]
    assert based.image.allocated.length == 0
    assert world.drives.all() == [plain, based]
    world.judge.settle()


NAMESAKES: list[Callable[[World], object]] = [
    lambda world: world.drives.add("drive0", MIB),
    lambda world: world.drives.add("filter0", MIB),
    lambda world: world.drives.add_with_stored("drive0", MIB, {}),
    lambda world: world.drives.add_left_by_crash("drive0", MIB, "kept"),
    lambda world: world.drives.add_without_medium("drive0"),
    lambda world: world.drives.add("cd0", MIB),
    lambda world: world.drives.add_overlay("drive0", world.drives.drive("drive0")),
]


def test_a_name_is_for_one_drive_alone(world: World) -> None:
    drive = world.drives.add("drive0", MIB, [Run(0, 512, 0x11)])
    drive.add_throttle("filter0")
    world.drives.add_without_medium("cd0")
    for make in NAMESAKES:
        with pytest.raises(
            AuthorError, match=r'there is a "(drive0|filter0|cd0)" already: give this drive another name'
        ):
            make(world)
    assert world.drives.all() == [drive]
    world.judge.settle()


def test_an_overlay_that_comes_to_nothing_is_taken_away_again(world: World) -> None:
    below = world.drives.add("drive0", MIB, [Run(0, 512, 0x11)])
    overlay = world.drives.add_overlay("overlay0", below)
    assert (overlay.content, overlay.image.base, overlay.is_open) == (below.content, below.image, True)
    assert overlay.moment == below.moment
    world.drives.drop_overlay(overlay)
    assert world.drives.all() == [below]
    assert "overlay0" not in str(world.machine.execute("query-named-block-nodes"))


def test_what_nobody_uses_is_closed_and_still_judged() -> None:
    lowest = drive_of(image("drive0"))
    kept = drive_of(image("kept0"), lowest.machine)
    above = drive_of(image("overlay0", base=lowest.image), lowest.machine)
    world = world_of(lowest, kept, above)
    kept.is_kept = True
    for drive in (lowest, above):
        drive.access = NoAccess(drive.name)
    above.is_kept = True
    world.drives.let_go_of_unused()
    assert world.drives.all() == [lowest, kept, above]
    above.image.base = None
    lowest.bitmaps["a"] = Bitmap("a", Dirty(lowest.size, 65536), persistent=True)
    world.drives.let_go_of_unused()
    assert (world.drives.all(), world.drives.left) == ([kept, above], [lowest])
    assert (list(lowest.image.bitmaps), lowest.is_open) == (["a"], False)
    assert world.drives.that_ever_were() == [kept, above, lowest]


def test_a_chain_is_told_from_the_uppermost_to_the_base() -> None:
    lowest = drive_of(image("drive0"))
    middle = drive_of(image("overlay0", base=lowest.image), lowest.machine)
    top = drive_of(image("overlay1", base=middle.image), lowest.machine)
    drives = world_of(lowest, middle, top).drives
    assert drives.chain_of(top, lowest) == [top, middle]
    assert drives.chain_of(top, None) == [top, middle, lowest]
    assert (drives.above(lowest), drives.above(top)) == (middle, None)
    with pytest.raises(AuthorError, match=r"overlay0.* does not stand on .*overlay1"):
        drives.chain_of(middle, top)


# Finding them.


def test_what_is_called_by_a_wrong_name_is_told() -> None:
    world = world_of(drive_of(image("drive0")))
    with pytest.raises(UnknownName, match=r'there is no drive "drive1", only \[\'drive0\'\]'):
        world.drives.drive("drive1")
    with pytest.raises(UnknownName, match=r'there is no node "filter0", only \[\'drive0\'\]'):
        world.drives.node("filter0")
    with pytest.raises(AuthorError, match='"drive0" is no disk of a guest'):
        world.drives.disk("drive0")
    with pytest.raises(AuthorError, match='needs another drive than "drive0"'):
        world.drives.another(world.drives.drive("drive0"))


def test_nodes_are_found_by_name_above_and_below_a_drive(world: World) -> None:
    drive, other = world.drives.add("drive0", MIB), world.drives.add("drive1", MIB)
    drive.add_throttle("filter0")
    assert world.drives.node("filter0") is drive.filters[0]
    assert world.drives.node("drive0-file") is drive.file
    assert world.drives.nodes() == [drive, drive.filters[0], drive.file, other]
    assert world.drives.another(drive) is other
    world.judge.shut_down()
    assert world.drives.nodes() == []


def test_drives_are_set_up_for_a_guest_only_where_there_is_a_device_for_it(world: World) -> None:
    world.drives.set_up({"copy-on-read": "on"})
    assert world.drives.add("drive0", MIB).copies_up
    world.drives.set_up({})
    assert not world.drives.add("drive1", MIB).copies_up


def test_overlay_that_a_tool_makes_is_what_the_next_guest_uses(old: World) -> None:
    old.judge.shut_down()
    overlay = old.drives.overlay_when_off("overlay0", old.drives.switched_off("drive0"))
    assert overlay.serves_guest
    machines.start_elsewhere(old, "tuesday")
    new, base = old.drives.drive("overlay0"), old.drives.drive("drive0")
    new.write(0x22, 0, 1)
    assert (names(new), names(base)) == ([], ["kept", "new"])
    assert base.read_only
    old.judge.settle()
