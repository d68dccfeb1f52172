"""Sentences about the storage below images: what it is told, where it stops, and what is left then."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.context import story_of, world_of
from testbed.language.needs import needing
from testbed.language.stories import STORY_COLUMNS, story
from testbed.language.tables import rows
from testbed.promises.crashes import opens_wherever_it_stopped
from testbed.promises.promise import none_of


@given("the storage of {name:Name} is recorded")
@needing("blklogwrites")
def storage_recorded(context: Context, name: str) -> None:
    """Record each write and each flush of a drive's storage, from its first opening on; before there is the drive."""
    world_of(context).drives.record(name)


@then("whenever the storage had stopped, {name:Name} should hold what was flushed, and no bitmap that lacks a change")
def opens_whenever_stopped(context: Context, name: str) -> None:
    """Shut the machine down, and judge the image as each write had left it, and with any one unflushed write lost."""
    world = world_of(context)
    world.judge.shut_down()
    base = world.drives.drive(name).image.base
    assert_that(world.drives.recorder(name), opens_wherever_it_stopped(world.images, base.content if base else None))


@given("this story of {name:Name}:")
@needing("blkdebug", "blklogwrites", "human-monitor")
def told_story(context: Context, name: str) -> None:
    """Shut the machine down, and keep what the table tells, to be played with copies of the drive's image."""
    world = world_of(context)
    world.judge.shut_down()
    context.story = story(world.drives.drive(name).image, rows(context, ("request",), STORY_COLUMNS))


@when("each {kind:Failing} of its storage fails in turn, once")
def story_played(context: Context, kind: str) -> None:
    """Play the story again and again, each time with another write, or flush, that fails."""
    story_of(context).play(world_of(context), kind)


@then("what was flushed should be there each time, and each bitmap be whole or inconsistent")
def all_plays_end_well(context: Context) -> None:
    """Judge the image that each play has left, without QEMU."""
    assert_that(story_of(context).wrongs(), none_of("wrong"))
