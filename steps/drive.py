"""Sentences about the machine's drives and what the guest does with them."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, contains_string

from testbed.domain.graph import filters_over
from testbed.domain.storage import Storage
from testbed.language.context import world_of
from testbed.language.needs import needing, of_requests
from testbed.language.requests import GUEST_COLUMNS, let_guest_do, what_guest_is_told
from testbed.language.tables import bitmap_properties, rows, runs
from testbed.promises.drives import holds_what_the_guest_wrote
from testbed.promises.sidebyside import is_as_listed
from testbed.qemu.image_kinds import ImageKind
from testbed.scenario.acts import drives
from testbed.scenario.acts.registry import Act


@given("the {size:Size} drive {name:Name}")
def empty_drive(context: Context, size: int, name: str) -> None:
    """Give the machine a drive that holds nothing but zeros."""
    world_of(context).drives.add(name, size)


@given("the {size:Size} drive {name:Name} holding:")
@given("the {size:Size} drive {name:Name} in {kind:ImageKind}, holding:")
def drive_holding(context: Context, size: int, name: str, kind: ImageKind | None = None) -> None:
    """Give the machine a drive whose image, of a kind if one is named, holds the patterns of the table, else zeros."""
    world_of(context).drives.add(name, size, runs(context), kind=kind)


@given("the {size:Size} drive {name:Name} in {kind:ImageKind}")
def drive_in_image(context: Context, size: int, name: str, kind: ImageKind) -> None:
    """Give the machine a drive whose image, of this kind whatever the run's format is, holds nothing but zeros."""
    world_of(context).drives.add(name, size, kind=kind)


@given("the {size:Size} drive {name:Name}, left by a crash with the bitmap {bitmap:Name}")
@needing("qemu-img-bitmap")
def crashed_drive(context: Context, size: int, name: str, bitmap: str) -> None:
    """Give the machine a drive whose last machine was killed while that persistent bitmap recorded."""
    world_of(context).drives.add_left_by_crash(name, size, bitmap)


@given("{name:Name} is a drive without a medium")
@needing("human-monitor")
def empty_slot(context: Context, name: str) -> None:
    """Give the machine a drive that is like an optical one when nobody has put a disc in."""
    world_of(context).drives.add_without_medium(name)


@given("the {size:Size} drive {name:Name}, in whose image these bitmaps are stored:")
@needing("qemu-img-bitmap")
def drive_with_stored_bitmaps(context: Context, size: int, name: str) -> None:
    """Give the machine a drive in whose image bitmaps were stored while no machine had it open."""
    stored = {row["bitmap"]: bitmap_properties(row) for row in rows(context, ("bitmap",), ("granularity", "recording"))}
    world_of(context).drives.add_with_stored(name, size, stored)


@given("{add:Filter} {name:Name} over {drive:Name}")
def filter_over(context: Context, add: Act, name: str, drive: str) -> None:
    """Put a filter over a drive's node, through which the guest reaches it from then on."""
    add.do(world_of(context).drives.drive(drive), name)


@given("the {size:Size} drive {name:Name}, whose storage {storage:Storage}, holding:")
@given("the {size:Size} drive {name:Name} in {kind:ImageKind}, whose storage {storage:Storage}, holding:")
def drive_on_failing_storage(
    context: Context, size: int, name: str, storage: Storage, kind: ImageKind | None = None
) -> None:
    """Do the same on storage that fails in the way named, in an image of a kind if one is named."""
    world_of(context).drives.add(name, size, runs(context), storage, kind)


@given("{name:Name} lives in an iothread of its own")
@needing("human-monitor", "block-export")
def drive_in_iothread(context: Context, name: str) -> None:
    """Let a thread other than QEMU's main one do all that concerns the drive, as for a guest with much to do."""
    world = world_of(context)
    world.exports.hold_in_iothread(world.drives.drive(name))


@given("the guest has written to {name:Name}:")
@when("the guest writes to {name:Name}:")
@needing(rows=of_requests)
def guest_writes(context: Context, name: str) -> None:
    """Let the guest do what the table says in its order, and flush; what does not happen, fails the step."""
    drive = world_of(context).drives.drive(name)
    for row in rows(context, ("at", "length"), GUEST_COLUMNS):
        let_guest_do(drive, row)
    drive.flush()


@then("these requests of the guest to {name:Name} should fail with {error:Name}:")
def guest_fails(context: Context, name: str, error: str) -> None:
    """Insist that the guest is told so of each request of the table, and that none of them is carried out."""
    drive = world_of(context).drives.drive(name)
    for row in rows(context, ("at", "length"), GUEST_COLUMNS):
        assert_that(what_guest_is_told(drive, row), contains_string(error))


@given("these writes of the guest to {name:Name} are on their way:")
@needing("human-monitor")
def guest_writes_held(context: Context, name: str) -> None:
    """Let the guest make writes that do not reach the drive before QEMU has to wait for all that is on its way."""
    world_of(context).drives.drive(name).send(runs(context))


@given("the next {request:Holdable} of {name:Name} is to be held up")
@needing("human-monitor")
def next_held(context: Context, request: str, name: str) -> None:
    """Let the drive's storage hold up the next read or write, be it a backup's or the guest's."""
    world_of(context).drives.drive(name).hold_next(request)


@given("a {request:Holdable} of {name:Name} is held up")
@when("a {request:Holdable} of {name:Name} is held up")
def request_held(context: Context, request: str, name: str) -> None:
    """Wait until the storage holds up the request that it was told to."""
    world_of(context).drives.drive(name).wait_for_held(request)


@given("the guest has begun to write to {name:Name}:")
def guest_begins(context: Context, name: str) -> None:
    """Let the guest make writes, and wait for none of them; the pattern 0x00 is zeros that take no space."""
    world_of(context).drives.drive(name).begin(runs(context))


@given("the {request:Holdable} of {name:Name} has gone on")
@when("the {request:Holdable} of {name:Name} goes on")
def request_goes_on(context: Context, request: str, name: str) -> None:
    """Let the held-up request go on, and wait until the writes that had begun are done."""
    world_of(context).drives.drive(name).let_go_on(request)


@given("a snapshot has put the overlay {overlay:Name} on {drive:Name}")
def overlay_put(context: Context, overlay: str, drive: str) -> None:
    """Take an external snapshot: the drive is kept as it is, and the guest goes on with a new image on top of it."""
    world = world_of(context)
    world.dialogue.ask(drives.snapshot(world, world.drives.drive(drive), overlay))


@given("{name:Name} has been {act:DiskAct}")
@when("{name:Name} is {act:DiskAct}")
def disk_act(context: Context, name: str, act: Act) -> None:
    """Take a drive away from the machine, or give it back: a disk of its guest, or a node that no device uses."""
    act.do(world_of(context).drives.drive(name))


@given("{name:Name} has been resized to {size:Size}")
@when("{name:Name} is resized to {size:Size}")
def drive_resized(context: Context, name: str, size: int) -> None:
    """Change a drive's size while the machine runs."""
    world = world_of(context)
    world.dialogue.ask(drives.resize(world, world.drives.drive(name), size))


@then("the guest should reach {name:Name} {way:Way}")
@needing("block-graph")
def drive_reached(context: Context, name: str, way: list[str]) -> None:
    """Compare the filters that QEMU has between a drive's node and the guest, uppermost first, with those named."""
    found = filters_over(world_of(context).drives.drive(name))
    assert_that(found, is_as_listed(f"filters over {name}, the uppermost first", way))


@then("{name:Name} should hold what the guest has written")
def drive_holds(context: Context, name: str) -> None:
    """Shut the machine down and compare each byte of a drive's image with what the guest has written."""
    world = world_of(context)
    world.judge.shut_down()
    assert_that(world.drives.drive(name), holds_what_the_guest_wrote(world.images))
