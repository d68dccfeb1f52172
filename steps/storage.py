"""Sentences about the storage below images: what it is told, where it stops, and what is left then."""

from behave import given, then
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.context import world_of
from testbed.language.needs import needing
from testbed.promises.crashes import opens_wherever_it_stopped


@given("the storage of {name:Name} is recorded")
@needing("blklogwrites")
def storage_recorded(context: Context, name: str) -> None:
    """Record each write and each flush of a drive's storage, from its first opening on; before there is the drive."""
    world_of(context).drives.record(name)


@then(
    "whenever the storage had stopped, {name:Name} should open with what the guest had flushed, "
    "and no bitmap that lacks a change"
)
def opens_whenever_stopped(context: Context, name: str) -> None:
    """Shut the machine down, and judge the image as each write had left it, and with any one unflushed write lost."""
    world = world_of(context)
    world.judge.shut_down()
    base = world.drives.drive(name).image.base
    assert_that(world.drives.recorder(name), opens_wherever_it_stopped(world.images, base.content if base else None))
