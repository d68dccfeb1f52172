"""Sentences about what qemu-img does to the images of machines that are off."""

from collections.abc import Callable, Sequence

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.domain.image import Image
from testbed.domain.imagetool import ToolCall
from testbed.language.cells import bitmap_name
from testbed.language.context import world_of
from testbed.language.needs import needing
from testbed.language.offline import bitmap_actions, call_of
from testbed.promises.imagetools import (
    INCREMENT,
    has_no_room_measured_for_bitmaps,
    has_recorded,
    is_measured_exactly,
    is_refused_saying,
    is_restored_by,
    lists_bitmaps_in_words,
)
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.offline_export import OfflineExport
from testbed.scenario.acts import offline
from testbed.scenario.acts.registry import Act


def _by_file(_image: Image) -> Sequence[str]:
    """Leave it to the tool to find an image by its file."""
    return ()


def _changed(context: Context, bitmap: str, drive: str, named: Callable[[Image], Sequence[str]] = _by_file) -> ToolCall:
    """Return the call by which the image tool does the actions of the table; `named` says how it finds the image."""
    world = world_of(context)
    image = world.drives.switched_off(drive).image
    actions = bitmap_actions(context, world, image)
    return offline.change_bitmap(image, bitmap_name(bitmap), actions, named(image))


@given("the bitmap {bitmap:Name} of {drive:Name} has been changed by the image tool:")
@when("the bitmap {bitmap:Name} of {drive:Name} is changed by the image tool:")
@needing("qemu-img-bitmap")
def bitmap_changed(context: Context, bitmap: str, drive: str) -> None:
    """Let one call of qemu-img do all actions of the table, in their order."""
    world_of(context).bench.do(_changed(context, bitmap, drive))


@when("the bitmap {bitmap:Name} of {drive:Name} is to be changed by the image tool:")
@needing("qemu-img-bitmap")
def bitmap_to_be_changed(context: Context, bitmap: str, drive: str) -> None:
    """Let one call of qemu-img try the actions of the table, which it may refuse."""
    world_of(context).bench.ask(_changed(context, bitmap, drive))


@given("the bitmap {bitmap:Name} of {drive:Name}, which is named by its options, has been changed by the image tool:")
@needing("qemu-img-bitmap")
def bitmap_of_options_changed(context: Context, bitmap: str, drive: str) -> None:
    """Do the same with an image that the tool is to find by the options of its node."""
    world_of(context).bench.do(_changed(context, bitmap, drive, offline.by_options))


@when("the bitmap {bitmap:Name} of {drive:Name}, which may only be read, is to be changed by the image tool:")
@needing("qemu-img-bitmap")
def bitmap_of_read_only_to_be_changed(context: Context, bitmap: str, drive: str) -> None:
    """Try the same with an image whose options say that it may only be read."""
    world_of(context).bench.ask(
        _changed(context, bitmap, drive, lambda image: offline.by_options(image, "read-only=on"))
    )


@given("the image tool has put the new overlay {name:Name} on {drive:Name}")
def overlay_made(context: Context, name: str, drive: str) -> None:
    """Take an external snapshot while the machine is off: the guest of the next one uses the overlay."""
    world = world_of(context)
    world.drives.overlay_when_off(name, world.drives.switched_off(drive))


@when("the bitmap {bitmap:Name} of {drive:Name} is to be changed by the image tool on full storage:")
@needing("qemu-img-bitmap", "blkdebug")
def bitmap_to_be_changed_on_full_storage(context: Context, bitmap: str, drive: str) -> None:
    """Do the same while each write to the image fails since there is no space; a bitmap would be seen in the end."""
    world_of(context).bench.ask(_changed(context, bitmap, drive, offline.on_full_storage))
    world_of(context).drives.switched_off(drive).image.has_stored = True


@then("the image tool should refuse it, saying {words:Name}")
@then("the image server should refuse it, saying {words:Name}")
def tool_refuses(context: Context, words: str) -> None:
    """Check that the tool that was asked last has refused, with these words; nothing may have come of it."""
    assert_that(world_of(context).bench.spoken_of(), is_refused_saying(words))


@given("the image of {drive:Name} has been {act:ImageAct}")
@when("the image of {drive:Name} is {act:ImageAct}")
def image_act(context: Context, drive: str, act: Act) -> None:
    """Let qemu-img do something to an image, or make a copy of it that takes its place."""
    world = world_of(context)
    world.bench.do(call_of(world, act, drive))


@given("the image of {drive:Name} has been resized to {size:Size}")
def image_resized(context: Context, drive: str, size: int) -> None:
    """Let qemu-img change the size of an image."""
    world = world_of(context)
    world.bench.do(offline.resize(world.drives.switched_off(drive), size))


@when("the image of {drive:Name} is to be {act:ImageAct}")
def image_act_tried(context: Context, drive: str, act: Act) -> None:
    """Let qemu-img try to do something to an image, which it may refuse."""
    world = world_of(context)
    world.bench.ask(call_of(world, act, drive))


@when("the image of {drive:Name} is to be resized to {size:Size}")
def image_resize_tried(context: Context, drive: str, size: int) -> None:
    """Let qemu-img try to change the size of an image, which it may refuse."""
    world = world_of(context)
    world.bench.ask(offline.resize(world.drives.switched_off(drive), size))


@when("a client of the image server asks what is dirty in {bitmap:Name} of {drive:Name}")
@needing("qemu-nbd", "nbd")
def client_asks(context: Context, bitmap: str, drive: str) -> None:
    """Let qemu-nbd show an image with one of its bitmaps, and a client read that."""
    world = world_of(context)
    image = world.drives.switched_off(drive).image
    world.bench.told = OfflineExport(world.images).dirty(image.name, image.image_format, bitmap)


@then("the client should be told what {bitmap:Name} of {drive:Name} has recorded")
def client_told(context: Context, bitmap: str, drive: str) -> None:
    """Compare what the client has read with what the bitmap must have recorded."""
    world = world_of(context)
    assert_that(world.drives.switched_off(drive).image, has_recorded(world.bench.last_told, bitmap))


@when("a client of the image server copies what is dirty in {bitmap:Name} of {drive:Name}")
@needing("qemu-nbd", "nbd")
def client_copies(context: Context, bitmap: str, drive: str) -> None:
    """Let a client copy what is dirty on top of the drive's newest backup."""
    world = world_of(context)
    base = world.catalogue.newest_of(drive).target
    image = world.drives.switched_off(drive).image
    below = (base.name, base.image_format)
    OfflineExport(world.images).copy_dirty(image.name, image.image_format, bitmap, below, INCREMENT)


@then("what the client has copied should restore {drive:Name}, and hold only what {bitmap:Name} has recorded")
def client_has_copied(context: Context, drive: str, bitmap: str) -> None:
    """Compare what the client has copied, through its chain and by itself, with the drive and the bitmap's record."""
    world = world_of(context)
    assert_that(world.drives.switched_off(drive).image, is_restored_by(world.images, INCREMENT, bitmap))


@when("the image server is to show {bitmap:Name} of {drive:Name}")
@needing("qemu-nbd", "nbd")
def bitmap_to_be_shown(context: Context, bitmap: str, drive: str) -> None:
    """Let qemu-nbd try to show an image with a bitmap that nobody can rely on."""
    world = world_of(context)
    image = world.drives.switched_off(drive).image
    world.bench.take_note("qemu-nbd", OfflineExport(world.images).refusal(image.name, image.image_format, bitmap))


@then("a copy of the image of {drive:Name} with its bitmaps should take the space that the image tool measures")
def measured(context: Context, drive: str) -> None:
    """Compare what qemu-img measures with what a copy takes, each cluster of whose bitmaps must hold a record."""
    world = world_of(context)
    assert_that(world.drives.switched_off(drive).image, is_measured_exactly(world.images))


@then("the image tool should measure no room for bitmaps of {drive:Name} in {kind:ImageKind}")
def nothing_measured(context: Context, drive: str, kind: ImageKind) -> None:
    """Let qemu-img measure a copy in an image that cannot store bitmaps."""
    world = world_of(context)
    assert_that(world.drives.switched_off(drive).image, has_no_room_measured_for_bitmaps(world.images, kind))


@then("the image tool should list the bitmaps in the image of {drive:Name}")
def listed(context: Context, drive: str) -> None:
    """Compare what qemu-img lists in words with the bitmaps that an image must store."""
    world = world_of(context)
    assert_that(world.drives.switched_off(drive).image, lists_bitmaps_in_words(world.images))
