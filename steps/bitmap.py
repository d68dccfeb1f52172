"""Sentences about dirty bitmaps: their life, and what can be seen of them."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.matchers import has_bitmaps, has_bitmaps_in_step
from testbed.sentences import (
    BITMAP_COLUMNS,
    BITMAP_PROPERTIES,
    Act,
    bitmap_properties,
    bitmap_state,
    rows,
    world_of,
)


@given("a bitmap {name:Name} on {drive:Name}")
@when("a bitmap {name:Name} is added to {drive:Name}")
def bitmap_on(context: Context, name: str, drive: str) -> None:
    """Add a bitmap with all that is QEMU's default."""
    world = world_of(context)
    world.ask(world.drive(drive).add_bitmap(name))


@given("a bitmap {name:Name} with a granularity of {granularity:Size} on {drive:Name}")
@when("a bitmap {name:Name} with a granularity of {granularity:Size} is added to {drive:Name}")
def bitmap_with_granularity(context: Context, name: str, granularity: int, drive: str) -> None:
    """Add a bitmap with a granularity of its own."""
    world = world_of(context)
    world.ask(world.drive(drive).add_bitmap(name, {"granularity": granularity}))


@given("these bitmaps on {drive:Name}:")
def bitmaps_on(context: Context, drive: str) -> None:
    """Add the bitmaps of the table, with the properties that it says."""
    world = world_of(context)
    for row in rows(context, ("bitmap",), BITMAP_PROPERTIES):
        world.ask(world.drive(drive).add_bitmap(row["bitmap"], bitmap_properties(row)))
        world.insist_on_grant()


@given("the bitmap {name:Name} of {drive:Name} has been {act:BitmapAct}")
@when("the bitmap {name:Name} of {drive:Name} is {act:BitmapAct}")
def bitmap_act(context: Context, name: str, drive: str, act: Act) -> None:
    """Clear, enable, disable or remove a bitmap."""
    world = world_of(context)
    world.ask(act(world.drive(drive), name))


@given("{names:Names} of {drive:Name} have been merged into {target:Name}")
@when("{names:Names} of {drive:Name} are merged into {target:Name}")
def bitmaps_merged(context: Context, names: list[str], drive: str, target: str) -> None:
    """Add to a bitmap what other bitmaps of the same drive have recorded."""
    world = world_of(context)
    source = world.drive(drive)
    world.ask(source.merge_bitmaps(target, [(source, name) for name in names]))


@given("the bitmaps of {drive:Name} are:")
@then("the bitmaps of {drive:Name} should be:")
def bitmaps_are(context: Context, drive: str) -> None:
    """Compare all named bitmaps of a drive with the table; one that is not listed fails, too."""
    listed = [bitmap_state(row) for row in rows(context, BITMAP_COLUMNS, ("persistent",))]
    assert_that(world_of(context).drive(drive), has_bitmaps(listed))


@then("{drive:Name} should have no bitmap")
def no_bitmap(context: Context, drive: str) -> None:
    """Fail when QEMU reports any named bitmap on the drive."""
    assert_that(world_of(context).drive(drive), has_bitmaps([]))


@then("the bitmaps should still hold what had changed")
def bitmaps_intact(context: Context) -> None:
    """Compare every bitmap of every drive, granule for granule, with what was written since it was last in step."""
    world = world_of(context)
    in_step = has_bitmaps_in_step(with_digests=world.has_digests)
    for drive in world.drives.values():
        assert_that(drive, in_step)
