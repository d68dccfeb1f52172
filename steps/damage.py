"""Sentences about images of which what they say of their bitmaps is damaged."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.context import world_of
from testbed.promises.damages import (
    are_told_or_refused,
    gives_its_data,
    has_no_damaged_bitmap,
    is_found_broken,
    is_refused_in,
)


@given("a copy of the image of {drive:Name} in which {damage:Damage}")
def damaged_copy(context: Context, drive: str, damage: str) -> None:
    """Copy the image of a drive that no machine has, and damage what the copy says of one of its bitmaps, or of all."""
    world = world_of(context)
    world.damages.damage_copy(world.drives.drive(drive), damage)


@given("in the image of {drive:Name}, {damage:Damage}")
def damaged_image(context: Context, drive: str, damage: str) -> None:
    """Damage what the image of a drive that no machine has says of an inconsistent bitmap, which nobody may believe."""
    world = world_of(context)
    world.damages.damage_inconsistent(world.drives.drive(drive), damage)


@given("a program without bitmaps has written to the image of {drive:Name}")
def written_by_another_program(context: Context, drive: str) -> None:
    """Let the image of a drive that no machine has say, as such a program makes it, that its bitmaps are outdated."""
    world = world_of(context)
    world.damages.mistrust(world.drives.drive(drive), "the bitmaps are not to be trusted")


@when("the copy is opened for reading, for writing and by each tool")
def copy_opened(context: Context) -> None:
    """Let a machine open the copy, once for reading only and once for writing, and qemu-img in four ways."""
    world_of(context).damages.open_everywhere()


@then("each of these should refuse it in words that say {words:Name}")
def copy_refused(context: Context, words: str) -> None:
    """Insist that each was told so, and that none of them has changed the copy."""
    assert_that(world_of(context).damages.current, is_refused_in(words))


@then("each of these should get at its data")
def copy_gives_data(context: Context) -> None:
    """Insist that each opens the copy, and compare each byte of what was read from it with what the guest wrote."""
    world = world_of(context)
    assert_that(world.damages.current, gives_its_data(world.images))


@then("no damaged bitmap should be taken for a valid one")
def no_bitmap_taken(context: Context) -> None:
    """Insist that what is damaged was refused, or called inconsistent, and that the other bitmaps are as they were."""
    world = world_of(context)
    assert_that(world.damages.current, has_no_damaged_bitmap(world.damages.digests))


@then("whoever examines the copy should be told that it is broken")
def copy_found_broken(context: Context) -> None:
    """Insist that the tool which looks for contradictions has found one."""
    assert_that(world_of(context).damages.current, is_found_broken())


@when("a copy of the image of {drive:Name} is opened once for each bit of its list of bitmaps, with that bit flipped")
def each_bit_flipped(context: Context, drive: str) -> None:
    """Let a machine open the copy for reading, again and again: each time one bit of what lists bitmaps is wrong."""
    world = world_of(context)
    world.damages.flip_each_bit(world.drives.drive(drive))


@then("each time it should be refused, or its bitmaps should be what it says they are")
def told_or_refused(context: Context) -> None:
    """Compare what the machine told of the copy's bitmaps with what is written there, and refusals with the rules."""
    assert_that(world_of(context).damages.flips, are_told_or_refused())
