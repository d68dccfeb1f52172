"""What arrives with a guest that moves to another machine, and what it finds where it stays."""

from __future__ import annotations

import pytest
from hamcrest import assert_that, contains_string
from without_qemu import MIB, drive_of, image

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.migration import Alias, Migration, MigrationFailed, Side, as_mapping
from testbed.model.ranges import Ranges
from testbed.qemu.machine import MachineDied
from testbed.scenario.acts import bitmaps, migration
from testbed.scenario.world import World

KIB = 1024


def guest(*, carries: bool, own: Image | None = None) -> tuple[Migration, Drive, Drive]:
    """Return a migration, the drive that moves, with two bitmaps and a write in them, and what it becomes there."""
    here = drive_of(image())
    here.gained_bitmap("kept", {"persistent": True})
    here.gained_bitmap("lost", {})
    here.changed(Ranges.of((0, 1)))
    there = Drive.of("drive0", here.machine, own or here.image, here.accesses)
    there.access = here.access
    moves = Migration(Side(here.machine), Side(here.machine), {"drive0": here}, {"drive0": there}, "", carries)
    return moves, here, there


def move(moves: Migration) -> None:
    """Let it begin and end."""
    moves.begun()
    moves.abandoned()
    moves.arrived()


# Without QEMU.


def test_the_image_takes_the_persistent_bitmaps_along() -> None:
    moves, here, there = guest(carries=False)
    move(moves)
    assert list(there.bitmaps) == ["kept"]
    assert there.bitmap("kept").dirty.count == 64 * KIB
    assert (here.is_open, there.is_open, there.is_active) == (False, True, True)
    assert here.image.in_use == {"kept"}


def test_bitmaps_that_travel_are_in_use_on_the_way_and_the_same_when_they_have_arrived() -> None:
    moves, here, there = guest(carries=True)
    held = dict(here.bitmaps)
    moves.begun()
    assert all(bitmap.busy and bitmap.successor is None for bitmap in held.values())
    here.changed(Ranges.of((128 * KIB, 1)))
    moves.abandoned()
    moves.arrived()
    assert there.bitmaps == held
    assert not any(bitmap.busy for bitmap in held.values())
    assert held["lost"].dirty.count == 128 * KIB
    assert here.image.bitmaps == {}, "nothing has stored what travelled"


def test_what_an_image_stored_of_a_bitmap_that_travelled_is_out_of_date() -> None:
    moves, here, there = guest(carries=True)
    here.image.store(here.bitmaps)
    here.image.open()
    move(moves)
    assert here.image.stored_bitmaps()["kept"].inconsistent
    assert not there.bitmap("kept").inconsistent
    there.crashed()
    assert there.image.stored_bitmaps()["kept"].inconsistent


def test_an_image_of_its_own_becomes_the_same_drive() -> None:
    own = image("drive0-there")
    moves, here, there = guest(carries=True, own=own)
    here.image.write(0x11, 0, 1)
    move(moves)
    assert there.content == here.content
    assert here.image in own.lineage
    assert own.has_stored


def test_what_is_added_on_the_way_does_not_travel() -> None:
    moves, here, there = guest(carries=True)
    moves.begun()
    here.gained_bitmap("new", {"persistent": True})
    here.gained_bitmap("newer", {})
    moves.abandoned()
    moves.arrived()
    assert set(there.bitmaps) == {"kept", "lost", "new"}


@pytest.mark.parametrize(
    ("source", "destination", "arrived"),
    [
        (None, None, {"kept": True, "lost": False}),
        ([], None, {"kept": True}),
        ([Alias("drive0", "drive0", "lost", "a")], None, {"a": False, "kept": True}),
        ([Alias("drive0", "n", "lost", "a")], None, {"kept": True}),
        ([Alias("drive0", "n", "lost", "a")], [Alias("drive0", "n", "b", "a")], {"b": False, "kept": True}),
        (
            [Alias("drive0", "n", "lost", "a", persistent=True)],
            [Alias("drive0", "n", "b", "a")],
            {"b": True, "kept": True},
        ),
        (
            [Alias("drive0", "n", "lost", "a", persistent=True)],
            [Alias("drive0", "n", "b", "a", persistent=False)],
            {"b": False, "kept": True},
        ),
        (
            [Alias("drive0", "n", "lost", "a"), Alias("drive0", "n", "kept", "c")],
            [Alias("drive0", "n", "b", "a")],
            {},
        ),
    ],
)
def test_both_sides_say_what_arrives(
    source: list[Alias] | None, destination: list[Alias] | None, arrived: dict[str, bool]
) -> None:
    moves, _, there = guest(carries=True)
    moves.source.aliases, moves.destination.aliases = source, destination
    move(moves)
    assert {name: bitmap.persistent for name, bitmap in there.bitmaps.items()} == arrived


def test_a_guest_that_stays_has_all_its_bitmaps() -> None:
    moves, here, _ = guest(carries=False)
    held = dict(here.bitmaps)
    moves.begun()
    moves.departed()
    assert not list(here.nodes)
    moves.stayed()
    assert here.bitmaps == held
    assert here.image.in_use == {"kept"}


def test_a_migration_without_bitmaps_cannot_be_held() -> None:
    moves, _, _ = guest(carries=False)
    moves.begun()
    with pytest.raises(AuthorError, match=r"only a migration with bitmaps can be held"):
        moves.wait_until_held()


def test_a_mapping_is_told_node_by_node() -> None:
    told = as_mapping(
        [Alias("drive0", "n", "b", "a"), Alias("drive0", "n", "c", "d", persistent=True), Alias("drive1", "m")]
    )
    assert told == [
        {
            "node-name": "drive0",
            "alias": "n",
            "bitmaps": [{"name": "b", "alias": "a"}, {"name": "c", "alias": "d", "transform": {"persistent": True}}],
        },
        {"node-name": "drive1", "alias": "m", "bitmaps": []},
    ]


# With QEMU.


def test_a_side_that_nobody_knows_is_an_authors_slip(world: World) -> None:
    with pytest.raises(AuthorError, match=r"no machine waits for the guest"):
        migration.move(world)
    world.drives.add("drive0", MIB)
    migration.await_guest(world, "elsewhere")
    with pytest.raises(AuthorError, match=r'"middle" is neither source nor destination'):
        migration.side_of(world, "middle")
    with pytest.raises(AuthorError, match=r'it is not "nobody" that waits'):
        migration.add_at(world, "nobody", "drive0", "b")


def test_a_guest_moves_with_its_bitmaps(world: World) -> None:
    drive = world.drives.add("drive0", MIB)
    world.dialogue.demand(bitmaps.add(drive, "b", 512))
    drive.write(0x11, MIB - 1, 1)
    migration.await_guest(world, "elsewhere")
    migration.let_bitmaps_travel(world)
    migration.move(world)
    assert world.machine.name == "elsewhere"
    assert [state.count for state in world.drives.drive("drive0").reported_bitmaps()] == [512]
    world.judge.settle()


def test_a_guest_that_should_fail_to_move_and_does_not_is_told_of(world: World) -> None:
    world.drives.add("drive0", MIB)
    migration.await_guest(world, "elsewhere")
    with pytest.raises(MigrationFailed, match=r"the migration should have failed; it completed"):
        migration.fail(world)


def test_a_machine_that_should_give_up_and_is_killed_is_told_of(world: World) -> None:
    drive = world.drives.add("drive0", MIB)
    world.dialogue.demand(bitmaps.add(drive, "b"))
    waiting = migration.await_guest(world, "elsewhere")
    migration.let_bitmaps_travel(world)
    migration.hold(world)
    with pytest.raises(MigrationFailed, match=r"should have completed; it was still active after 0.1 s"):
        waiting.insist_on_end_within(0.1)
    assert_that(str(drive.reported_bitmaps()[0]), contains_string("busy"))
    waiting.destination.machine.child.kill_and_reap(5)
    with pytest.raises(MachineDied, match=r"QEMU killed by SIGKILL .*, and should have given up"):
        waiting.lost()
