"""Sentences about a guest that moves to another machine, with its drives and their bitmaps."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, contains_string

from testbed.domain.migration import Alias
from testbed.language.cells import bitmap_name, yes
from testbed.language.context import world_of
from testbed.language.needs import needing
from testbed.language.tables import Row, cell, rows
from testbed.qemu.machine import Machine
from testbed.scenario.acts import migration

MAPPING = ("drive", "called", "bitmap", "alias", "persistent")
"""The columns of a table of what bitmaps are called on their way."""


@given("the machine {name:Name} waits for the guest, with the same images")
@needing("human-monitor", "bitmap-migration")
def waits_with_same_images(context: Context, name: str) -> None:
    """Start a machine that shares the images, and may use them when the guest has come."""
    migration.await_guest(world_of(context), name)


@given("the machine {name:Name} of the next build waits for the guest, with the same images")
@needing("human-monitor", "bitmap-migration", "next-build")
def next_build_waits(context: Context, name: str) -> None:
    """Do the same with the build that the option next_qemu names."""
    migration.await_guest(world_of(context), name, next_build=True)


@given("the machine {name:Name} waits for the guest, with copies of the images")
@needing("human-monitor", "bitmap-migration", "nbd", "block-export")
def waits_with_copies(context: Context, name: str) -> None:
    """Start a machine with images of its own, and mirror each drive into its image until the guest moves."""
    world = world_of(context)
    sizes = {drive.name: drive.size for drive in world.drives.all()}
    migration.await_guest(world, name, sizes=sizes)
    migration.copy_images(world)


@given("the machine {name:Name} waits for the guest, with empty images of {size:Size}")
@needing("human-monitor", "bitmap-migration")
def waits_with_empty_images(context: Context, name: str, size: int) -> None:
    """Start a machine with images of its own into which nobody has copied anything."""
    world = world_of(context)
    migration.await_guest(world, name, sizes={drive.name: size for drive in world.drives.all()})


@given(
    "the machine {name:Name} waits for the guest, with empty images of {size:Size} that store the bitmap {bitmap:Name}"
)
@needing("human-monitor", "bitmap-migration", "qemu-img-bitmap")
def waits_with_stored_bitmap(context: Context, name: str, size: int, bitmap: str) -> None:
    """Do the same with images in which a persistent bitmap is stored."""
    world = world_of(context)
    sizes = {drive.name: size for drive in world.drives.all()}
    migration.await_guest(world, name, sizes=sizes, stored=bitmap)


@given("all bitmaps travel with the guest")
def bitmaps_travel(context: Context) -> None:
    """Set the capability dirty-bitmaps on both sides."""
    migration.let_bitmaps_travel(world_of(context))


@given("no bitmaps travel with the guest")
def no_bitmaps_travel(context: Context) -> None:
    """Unset the capability dirty-bitmaps on both sides, which an earlier move may have set."""
    migration.let_bitmaps_stay(world_of(context))


@given("the {side:Side} maps these bitmaps:")
@needing("bitmap-mapping", rows=lambda rows: ["bitmap-transform"] if any("persistent" in row for row in rows) else [])
def maps(context: Context, side: str) -> None:
    """Tell one side what the bitmaps of the table are called on their way."""
    world = world_of(context)
    known = migration.side_of(world, side)
    world.dialogue.demand(migration.map_bitmaps(known, _aliases(context)))


@given("the {side:Side} maps no bitmap at all")
@needing("bitmap-mapping")
def maps_nothing(context: Context, side: str) -> None:
    """Give one side an empty mapping."""
    world = world_of(context)
    world.dialogue.demand(migration.map_bitmaps(migration.side_of(world, side), []))


@when("the {side:Side} is told to map these bitmaps:")
@needing("bitmap-mapping")
def told_to_map(context: Context, side: str) -> None:
    """Tell one side what bitmaps are called on their way; whether it agrees, some sentence must speak of."""
    world = world_of(context)
    world.dialogue.ask(migration.map_bitmaps(migration.side_of(world, side), _aliases(context)))


@given("the guest has moved there")
@when("the guest moves there")
def moves(context: Context) -> None:
    """Let the guest move to the machine that waits for it, and go on there; go on with that machine."""
    migration.move(world_of(context))


@given("the machine that the guest has left has been shut down")
def left_shut_down(context: Context) -> None:
    """End the source in order, while the guest goes on elsewhere."""
    world = world_of(context)
    world.judge.end(migration.current(world).source.machine)


@given("the machine that the guest has left has been killed")
def left_killed(context: Context) -> None:
    """End the source as kill -9 does, while the guest goes on elsewhere."""
    migration.current(world_of(context)).source.machine.kill()


@given("the machine {name:Name} has the bitmap {bitmap:Name} on {drive:Name}")
def destination_has_bitmap(context: Context, name: str, bitmap: str, drive: str) -> None:
    """Add a bitmap to a drive of a machine that waits for the guest."""
    migration.add_at(world_of(context), name, drive, bitmap)


@given("the guest is on its way there")
def on_its_way(context: Context) -> None:
    """Let the guest begin to move, and keep its bitmaps from being sent to the end."""
    migration.hold(world_of(context))


@given("the guest has got there")
@when("the guest gets there")
def gets_there(context: Context) -> None:
    """Let a guest that is on its way go on at the other machine; go on with that."""
    migration.go_on(world_of(context))


@given("the guest has gone on there before its bitmaps")
def goes_on_by_postcopy(context: Context) -> None:
    """Let the other machine have the guest first, and the bitmaps after it."""
    migration.go_on_by_postcopy(world_of(context))


@given("the move has been called off")
def called_off(context: Context) -> None:
    """Cancel the migration; the guest goes on where it was, and the other machine has given up."""
    migration.cancel(world_of(context))


@given("the machine that waits for the guest has been killed")
def destination_killed(context: Context) -> None:
    """End the other machine as kill -9 does; the guest goes on where it was."""
    migration.lose_destination(world_of(context))


@given("the machine that waits for the guest has been shut down")
def destination_shut_down(context: Context) -> None:
    """End the other machine in order, before all has come to it; the guest goes on where it was."""
    migration.lose_destination(world_of(context), Machine.quit)


@given("the machine has been shut down on the way")
def source_shut_down(context: Context) -> None:
    """End the machine in order whose guest is on its way, for good: the other machine gives up."""
    migration.end_source(world_of(context))


@when("the bitmap {bitmap:Name} of {drive:Name} is to be removed at {name:Name}")
def removed_elsewhere(context: Context, bitmap: str, drive: str, name: str) -> None:
    """Ask the other machine to remove a bitmap that is coming to it."""
    migration.ask_to_remove_at(world_of(context), name, drive, bitmap)


@when("the guest has a second to get there")
def gets_there_soon(context: Context) -> None:
    """Let the guest move with the limits that are QEMU's own."""
    migration.move_within(world_of(context), 1)


@given("the guest has failed to move there, and one of the machines has said {words:Name}")
def fails(context: Context, words: str) -> None:
    """Let the guest move: that must fail on both sides, in these words on one of them; it goes on where it was."""
    assert_that(migration.fail(world_of(context)), contains_string(words))


@then("the machine that waits for the guest should have said {words:Name}")
def destination_said(context: Context, words: str) -> None:
    """Look for words in what the destination has written to stderr."""
    machine = migration.current(world_of(context)).destination.machine
    assert_that(machine.last_words, contains_string(words))


@given("the state of the machine has been written to a file")
@needing("human-monitor")
def state_written(context: Context) -> None:
    """Let the guest move into a file; bitmaps stay in the images that store them."""
    migration.keep_state(world_of(context), carries=False)


@given("the state of the machine has been written to a file, with its bitmaps")
@needing("human-monitor", "bitmap-migration")
def state_written_with_bitmaps(context: Context) -> None:
    """Let the guest move into a file, and its bitmaps, too."""
    migration.keep_state(world_of(context), carries=True)


@given("the guest has gone on in the same machine")
@when("the guest goes on in the same machine")
def goes_on_here(context: Context) -> None:
    """Let the guest go on whose state has been written, as if that had not been done."""
    migration.stay_after_all(world_of(context))


@given("the machine {name:Name} has gone on from that file")
def goes_on_from_file(context: Context, name: str) -> None:
    """Quit the machine whose state was written, and let another one take it from the file; go on with that."""
    migration.load_state(world_of(context), name)


def _aliases(context: Context) -> list[Alias]:
    return [_alias(row) for row in rows(context, MAPPING[:2], MAPPING[2:])]


def _alias(row: Row) -> Alias:
    becomes = {"persistent": yes(row["persistent"])} if "persistent" in row else {}
    bitmap, alias = (bitmap_name(row.get(column, "")) for column in ("bitmap", "alias"))
    return Alias(cell(row, "drive"), bitmap_name(cell(row, "called")), bitmap, alias, **becomes)
