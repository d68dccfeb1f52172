"""Sentences about the machine's drives and what the guest does with them."""

from behave import given, when
from behave.runner import Context

from testbed.fault import Storage
from testbed.sentences import let_guest_do, rows, runs, world_of


@given("the {size:Size} drive {name:Name}")
def empty_drive(context: Context, size: int, name: str) -> None:
    """Give the machine a drive that holds nothing but zeros."""
    world_of(context).add_drive(name, size)


@given("the {size:Size} drive {name:Name} holding:")
def drive_holding(context: Context, size: int, name: str) -> None:
    """Give the machine a drive whose image holds the patterns of the table, and zeros elsewhere."""
    world_of(context).add_drive(name, size, runs(context))


@given("the {size:Size} drive {name:Name}, whose storage {storage:Storage}, holding:")
def drive_on_failing_storage(context: Context, size: int, name: str, storage: Storage) -> None:
    """Do the same on storage that fails in the way named."""
    world_of(context).add_drive(name, size, runs(context), storage)


@given("the guest has written to {name:Name}:")
@when("the guest writes to {name:Name}:")
def guest_writes(context: Context, name: str) -> None:
    """Let the guest do what the table says in its order, and flush; what does not happen, fails the step."""
    drive = world_of(context).drive(name)
    for row in rows(context, ("at", "length"), ("pattern", "request")):
        let_guest_do(drive, row)
    drive.flush()


@given("{name:Name} has been resized to {size:Size}")
@when("{name:Name} is resized to {size:Size}")
def drive_resized(context: Context, name: str, size: int) -> None:
    """Change a drive's size while the machine runs."""
    world = world_of(context)
    world.ask(world.drive(name).resize(size))
