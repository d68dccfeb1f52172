"""Sentences about mirrors of a drive, which share it with the bitmaps."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.context import world_of
from testbed.language.tables import options
from testbed.promises.mirrors import equals_its_mirrored_drive


@given("a mirror of {drive:Name} has been started with:")
def mirror_started(context: Context, drive: str) -> None:
    """Start to copy a drive and keep the copy the same, with the options of the table, in QEMU's words."""
    world_of(context).start_mirror(drive, options(context, "blockdev-mirror"))


@when("the mirror of {drive:Name} is ended")
def mirror_ended(context: Context, drive: str) -> None:
    """Let the mirror copy what is left, and end it; the guest goes on with the drive."""
    world_of(context).mirror(drive).end()


@then("the mirror of {drive:Name} should equal it")
def mirror_equals(context: Context, drive: str) -> None:
    """Compare what the mirror holds with what the drive must have read as when the mirror ended."""
    world = world_of(context)
    assert_that(world.mirror(drive), equals_its_mirrored_drive(world.images))
