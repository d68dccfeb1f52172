"""Sentences about how the images of drives are opened: for reading only, by somebody else, on a disk that is full."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, contains_string

from testbed.base.units import parse_byte, parse_size
from testbed.domain.node import Node
from testbed.language.cells import yes
from testbed.language.context import world_of
from testbed.language.needs import needing
from testbed.language.tables import BITMAP_COLUMNS, bitmap_state, cell, rows
from testbed.promises.bitmaps import has_bitmaps
from testbed.promises.drives import is_left_alone
from testbed.scenario.acts import opening
from testbed.scenario.acts.registry import Act


@given("no device uses {drive:Name}")
def node_alone(context: Context, drive: str) -> None:
    """Let a drive be a node alone, so that it can be opened anew; its bitmaps are stored and loaded for that."""
    opening.replug(world_of(context).drives.drive(drive))


@given("the machine has been {act:MachineAct}, and {name:Name} has started with the same drives for reading only")
@needing("human-monitor")
def machine_that_reads(context: Context, act: Act, name: str) -> None:
    """Let the machine end in some way, and start another one, which may only read its drives; go on with that."""
    act.do(world_of(context))
    opening.start_for_reading(world_of(context), name)


@then("the image of {drive:Name} should be as it was, byte for byte")
def image_left_alone(context: Context, drive: str) -> None:
    """Compare all files of an image that is open for reading only with what they were when it was opened so."""
    assert_that(world_of(context).drives.drive(drive), is_left_alone())


@then("the machine {machine:Name} should see these bitmaps on {drive:Name}:")
def seen_elsewhere(context: Context, machine: str, drive: str) -> None:
    """Compare the bitmaps that another machine finds in an image with the table."""
    world = world_of(context)
    listed = [bitmap_state(row) for row in rows(context, BITMAP_COLUMNS, ("persistent", "inconsistent"))]
    known = world.drives.drive(drive)
    assert_that(Node(known.name, world.machines.named(machine), known.size), has_bitmaps(listed))


@given("the image of {drive:Name} has been written to while no machine had it:")
def written_offline(context: Context, drive: str) -> None:
    """Let the image tools write what the table says."""
    world = world_of(context)
    for row in rows(context, ("pattern", "at", "length")):
        at, length = parse_size(cell(row, "at")), parse_size(cell(row, "length"))
        opening.write_offline(world, world.drives.drive(drive), parse_byte(cell(row, "pattern")), at, length)


@given("these images have been opened anew at one moment:")
@when("these images are opened anew at one moment:")
@needing("reopen-several")
def opened_together(context: Context) -> None:
    """Make one request to open anew all drives of the table."""
    world = world_of(context)
    listed = rows(context, ("drive", "read-only"))
    asked = [(world.drives.drive(cell(row, "drive")), yes(cell(row, "read-only"))) for row in listed]
    world.dialogue.ask(opening.reopen_together(asked))


@given("the drives' images are on a disk with {size:Size} of free space")
@needing("small-disk")
def drives_on_small_disk(context: Context, size: int) -> None:
    """Put the images of all further drives on a disk of their own, which will be full soon."""
    world_of(context).keep_drives_on_small_disk(size)


@given("that disk has been filled")
@needing("small-disk")
def disk_filled(context: Context) -> None:
    """Leave no space for any image to grow."""
    opening.use_up(world_of(context))


@given("space has been freed on the drives' disk")
@when("space is freed on the drives' disk")
def disk_freed(context: Context) -> None:
    """Let the images grow again."""
    opening.free(world_of(context))


@then("QEMU should have said {words:Name}")
def said(context: Context, words: str) -> None:
    """Look for words in what QEMU has written to stderr."""
    assert_that(world_of(context).machine.last_words, contains_string(words))
