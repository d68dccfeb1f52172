"""Sentences about pull backups: drives whose state of one moment clients read over NBD."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.context import world_of
from testbed.language.needs import needing
from testbed.language.pulls import asked_for
from testbed.promises.pulls import is_restored_by_copies
from testbed.scenario.acts import pulls


@given("these pulls have begun at one moment:")
@needing("block-export", "libnbd", "libnbd-python")
def pulls_begun(context: Context) -> None:
    """Freeze drives in one transaction, clear a bitmap of each there, and export what was frozen."""
    world = world_of(context)
    pulls.begin(world, asked_for(context, world))


@given("a client has copied what it needs of {drive:Name}")
@when("a client copies what it needs of {drive:Name}")
def client_copied(context: Context, drive: str) -> None:
    """Let a client ask the bitmap what had changed, and read that alone; all of the drive where there is no bitmap."""
    world = world_of(context)
    world.pulls.copy(world.drives.drive(drive))


@given("a client that copied {drive:Name} has been killed")
def client_killed(context: Context, drive: str) -> None:
    """Let a client read, and kill it in the midst of that."""
    world = world_of(context)
    world.pulls.die_while_copying(world.drives.drive(drive))


@given("the pull of {drive:Name} has been cleaned up")
@when("the pull of {drive:Name} is cleaned up")
def pull_ended(context: Context, drive: str) -> None:
    """Delete the export, the backup that keeps the moment, its image's node, and the bitmap that was shown."""
    world = world_of(context)
    pulls.clean_up(world, world.drives.drive(drive), pulls.STEPS)


@given("the pull of {drive:Name} has been given up, with its record back in {bitmap:Name}")
def pull_given_up(context: Context, drive: str, bitmap: str) -> None:
    """Delete the export and the view, and merge what the pull was to copy into the bitmap that it came from."""
    world = world_of(context)
    pulls.give_up(world, world.drives.drive(drive), bitmap)


@when("of the pull of {drive:Name}, {order:PullParts} are removed")
def pull_ended_in_order(context: Context, drive: str, order: list[str]) -> None:
    """Do the same in another order."""
    world = world_of(context)
    pulls.clean_up(world, world.drives.drive(drive), order)


@then("what clients have copied of {drive:Name} should restore it as it was then")
def copies_restore(context: Context, drive: str) -> None:
    """Put the copies on each other, and compare that with the drive at the moment of the newest one."""
    world = world_of(context)
    pull = world.pulls.newest_of(world.drives.drive(drive))
    assert_that(pull, is_restored_by_copies(world.images, world.pulls.restore(pull.drive)))
