"""Sentences about dirty bitmaps: their life, and what can be seen of them."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.context import world_of
from testbed.language.requests import record_alone, request
from testbed.language.tables import BITMAP_COLUMNS, BITMAP_PROPERTIES, bitmap_state, rows
from testbed.promises.bitmaps import are_in_states, has_bitmaps, stores_its_bitmaps
from testbed.scenario.acts import bitmaps
from testbed.scenario.acts.registry import Act


@given("a bitmap {name:Name} on {drive:Name}")
@when("a bitmap {name:Name} is added to {drive:Name}")
def bitmap_on(context: Context, name: str, drive: str) -> None:
    """Add a bitmap with all that is QEMU's default."""
    world = world_of(context)
    world.dialogue.ask(bitmaps.add(world.drives.node(drive), name))


@given("a bitmap {name:Name} with a granularity of {granularity:Size} on {drive:Name}")
@when("a bitmap {name:Name} with a granularity of {granularity:Size} is added to {drive:Name}")
def bitmap_with_granularity(context: Context, name: str, granularity: int, drive: str) -> None:
    """Add a bitmap with a granularity of its own."""
    world = world_of(context)
    world.dialogue.ask(bitmaps.add(world.drives.node(drive), name, granularity))


@given("these bitmaps on {drive:Name}:")
def bitmaps_on(context: Context, drive: str) -> None:
    """Add the bitmaps of the table, with the properties that it says."""
    world = world_of(context)
    for row in rows(context, ("bitmap",), BITMAP_PROPERTIES):
        world.dialogue.demand(request(world, {"request": "add", "drive": drive, **row}))


@given("{count:Count} persistent bitmaps have been added to {drive:Name} in the transaction that starts a full backup")
def many_bitmaps(context: Context, count: int, drive: str) -> None:
    """Add bitmaps, named by their numbers from 1 on, and take a full backup, all at one moment."""
    world = world_of(context)
    node = world.drives.drive(drive)
    added = [bitmaps.add(node, f"bitmap{number}", persistent=True) for number in range(1, count + 1)]
    world.backups.take_successfully(node, "full", before=added)


@given("these bitmaps on {drive:Name}, each with a record of its own:")
def bitmaps_with_records(context: Context, drive: str) -> None:
    """Add the bitmaps of the table one by one; while each records, the guest does what its row says, if anything."""
    world = world_of(context)
    for row in rows(context, ("bitmap",), ("granularity", "pattern", "at", "length")):
        record_alone(world, world.drives.drive(drive), row)


@given("the bitmap {name:Name} of {drive:Name} has been {act:BitmapAct}")
@when("the bitmap {name:Name} of {drive:Name} is {act:BitmapAct}")
def bitmap_act(context: Context, name: str, drive: str, act: Act) -> None:
    """Clear, enable, disable or remove a bitmap."""
    world = world_of(context)
    world.dialogue.ask(act.do(world.drives.node(drive), name))


@given("{names:Names} of {drive:Name} has been merged into {target:Name}")
@when("{names:Names} of {drive:Name} is merged into {target:Name}")
@when("{names:Names} of {drive:Name} are merged into {target:Name}")
def bitmaps_merged(context: Context, names: list[str], drive: str, target: str) -> None:
    """Add to a bitmap what other bitmaps of the same drive have recorded."""
    world = world_of(context)
    source = world.drives.node(drive)
    world.dialogue.ask(bitmaps.merge(source, target, [(source, name) for name in names]))


@given("the bitmaps of {drive:Name} are:")
@then("the bitmaps of {drive:Name} should be:")
def bitmaps_are(context: Context, drive: str) -> None:
    """Compare all named bitmaps of a drive with the table; one that is not listed fails, too."""
    listed = [bitmap_state(row) for row in rows(context, BITMAP_COLUMNS, ("persistent", "inconsistent"))]
    assert_that(world_of(context).drives.node(drive), has_bitmaps(listed))


@then("the unnamed bitmaps of {drive:Name} that record should be:")
def unnamed_bitmaps_are(context: Context, drive: str) -> None:
    """Compare the bitmaps that jobs have put on a drive to record in the place of others with the table."""
    listed = [bitmap_state(row) for row in rows(context, BITMAP_COLUMNS[1:])]
    found = [state for state in world_of(context).drives.node(drive).unnamed_bitmaps() if state.recording]
    assert_that(found, are_in_states(f"unnamed bitmaps of {drive} that record", listed))


@then("{drive:Name} should have no bitmap")
def no_bitmap(context: Context, drive: str) -> None:
    """Fail when QEMU reports any named bitmap on the drive."""
    assert_that(world_of(context).drives.node(drive), has_bitmaps([]))


@then("the bitmaps should still hold what had changed")
def bitmaps_intact(context: Context) -> None:
    """Compare every bitmap of every node, granule for granule, with what was written since it was last in step."""
    world = world_of(context)
    for node in world.drives.nodes():
        assert_that(node, world.judge.in_step)


@then("the image of {drive:Name} should store its persistent bitmaps and no others")
def image_stores(context: Context, drive: str) -> None:
    """Shut the machine down and compare what the drive's image has stored with the persistent bitmaps there were."""
    world = world_of(context)
    world.judge.shut_down()
    assert_that(world.drives.drive(drive), stores_its_bitmaps(world.images))
