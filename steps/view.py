"""Sentences about frozen views of drives, and those who read them while the guest writes."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, contains_string

from testbed.domain.storage import Storage
from testbed.language.context import world_of
from testbed.language.needs import needing, of_filter_options, of_options, of_requests
from testbed.language.tables import options
from testbed.language.views import guest_rows, parts, told_in_time, write_beside_reader
from testbed.promises.views import (
    copies_as_it_was,
    denies,
    has_empty_scratch,
    has_shown_its_moment,
    holds_what_its_view_showed,
    reads_in_one_go,
    shows_its_moment,
    takes,
)
from testbed.qemu.image_kinds import ImageKind
from testbed.scenario.acts import views


@given("each view saves into {kind:ImageKind}")
def saves_into(context: Context, kind: ImageKind) -> None:
    """Have the scratch images of all further views made of this kind."""
    world_of(context).views.scratch.kind = kind


@given("each view saves into an image of {size:Size}")
def saves_into_size(context: Context, size: int) -> None:
    """Have the scratch images of all further views made of this size, whatever the drive's is."""
    world_of(context).views.scratch.size = size


@given("each view saves to storage that {storage:Storage}")
def saves_to_storage(context: Context, storage: Storage) -> None:
    """Put the scratch images of all further views on storage that fails in the way named."""
    world_of(context).views.scratch.storage = storage


@given("each view saves at most {speed:Speed}")
@needing("throttle", "human-monitor")
def saves_slowly(context: Context, speed: int) -> None:
    """Let the scratch images of all further views take no more than so many bytes a second, but for the first write."""
    world_of(context).views.scratch.speed = speed


@given("each view saves to a disk with {size:Size} of free space")
@needing("small-disk")
def saves_to_small_disk(context: Context, size: int) -> None:
    """Put the scratch images of all further views on a disk that is full soon."""
    world = world_of(context)
    world.keep_backups_on_small_disk(size)
    world.views.scratch.directory = f"{world.targets.directory}/"


@given("{drive:Name} has been frozen in the view {view:Name}")
@needing("frozen-view")
def frozen(context: Context, drive: str, view: str) -> None:
    """Freeze a drive: put a filter below the guest that saves what is overwritten, and export what the drive held."""
    world = world_of(context)
    views.freeze(world, world.drives.drive(drive), view, {})


@given("{drive:Name} has been frozen in the view {view:Name} with:")
@when("{drive:Name} is frozen in the view {view:Name} with:")
@needing("frozen-view", rows=of_filter_options)
def frozen_with(context: Context, drive: str, view: str) -> None:
    """Do the same with options of the filter; "bitmap" is one of the drive's by name, outside of which is nothing."""
    world = world_of(context)
    views.freeze(world, world.drives.drive(drive), view, options(context, "blockdev-add"))


@when("the guest writes to {drive:Name}, and {view:Name} is read before and after each request:")
@needing(rows=of_requests)
def guest_writes_beside_reader(context: Context, drive: str, view: str) -> None:
    """Let the guest do what the table says in its order, and let a client read the whole view between."""
    world = world_of(context)
    write_beside_reader(world, world.drives.drive(drive), world.views.view(view), guest_rows(context))


@then("{view:Name} should have shown {drive:Name} as it was, each time")
def has_shown(context: Context, view: str, drive: str) -> None:
    """Insist that whoever read the view while the guest wrote, has read what the drive held when it was frozen."""
    world = world_of(context)
    assert_that(world.views.view_of(drive, view), has_shown_its_moment())


@then("{view:Name} should show {drive:Name} as it was")
def shows(context: Context, view: str, drive: str) -> None:
    """Let a client read a view, one piece after the other, and compare it with what the drive held."""
    world = world_of(context)
    assert_that(world.views.view_of(drive, view), shows_its_moment(world.images))


@then("a client that copies {view:Name} should get {drive:Name} as it was")
def copies(context: Context, view: str, drive: str) -> None:
    """Let qemu-img copy a view, going by its block status, and compare the copy, and the status, with the drive's."""
    world = world_of(context)
    assert_that(world.views.view_of(drive, view), copies_as_it_was(world.images))


@then("one read of each of these parts of {view:Name} should give what was there:")
@needing("human-monitor")
def one_read(context: Context, view: str) -> None:
    """Let QEMU itself read each part by one request, be it saved in some places and not in others."""
    assert_that(world_of(context).views.view(view), reads_in_one_go(parts(context)))


@then("{view:Name} should not let these parts be read:")
@needing("human-monitor")
def cannot_be_read(context: Context, view: str) -> None:
    """Insist that both a client and QEMU itself are refused when they read a part by one request."""
    world = world_of(context)
    assert_that(world.views.view(view), denies(parts(context), world.images))


@then("no part of {view:Name} should be readable any more")
@needing("human-monitor")
def broken(context: Context, view: str) -> None:
    """Insist that each read of a view fails that could not be kept, also of what the guest has not overwritten."""
    world = world_of(context)
    meant = world.views.view(view)
    meant.is_broken = True
    assert_that(meant, shows_its_moment(world.images))


@given("a client has discarded these parts of {view:Name}:")
@when("a client discards these parts of {view:Name}:")
def discarded(context: Context, view: str) -> None:
    """Let a client say that it needs parts of a view no more: what it has read is not saved from then on."""
    world = world_of(context)
    views.discard(world, world.views.view(view), parts(context))


@when("{view:Name} is backed up with:")
@needing(rows=of_options)
def backed_up(context: Context, view: str) -> None:
    """Let a push backup with these options of blockdev-backup copy a view, and wait for its end."""
    world = world_of(context)
    views.back_up(world, world.views.view(view), options(context, "blockdev-backup"))


@then("the backup of {view:Name} should hold what {drive:Name} did when it was frozen")
def backup_holds(context: Context, view: str, drive: str) -> None:
    """Compare each byte of a backup out of a view with what the drive held at the moment of the view."""
    world = world_of(context)
    assert_that(world.views.backup_out_of(drive, view), holds_what_its_view_showed(world.images))


@then("the scratch image of {view:Name} should be empty")
def scratch_empty(context: Context, view: str) -> None:
    """Look where the scratch image of a view holds data."""
    world = world_of(context)
    assert_that(world.views.view(view), has_empty_scratch(world.images))


@when("the {part:ViewPart} of {view:Name} is to be removed before the others")
def removed_too_early(context: Context, part: str, view: str) -> None:
    """Ask QEMU to delete a node of a view that others stand on, or the drive below it."""
    world = world_of(context)
    world.dialogue.ask(world.views.view(view).removal(part))


@given("{view:Name} has been taken down")
def taken_down(context: Context, view: str) -> None:
    """Remove the parts of a view in order, and let the guest reach its drive directly again."""
    world_of(context).views.view(view).take_down()


@then("the guest should be told {error:Name} after {least:Count} s, and not after {most:Count} s, by {drive:Name}:")
def fails_in_time(context: Context, drive: str, error: str, least: int, most: int) -> None:
    """Insist that the guest is told so of each request, not before so many seconds and long before so many."""
    for row in guest_rows(context):
        words, took = told_in_time(world_of(context).drives.drive(drive), row)
        assert_that(words, contains_string(error))
        assert_that(took, takes(least, most))
