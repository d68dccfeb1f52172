"""Sentences about what qemu-img does to the images of machines that are off."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.cells import bitmap_name
from testbed.language.context import world_of
from testbed.language.needs import needing
from testbed.language.offline import bitmap_actions, call_of
from testbed.promises.imagetools import (
    has_no_room_measured_for_bitmaps,
    is_measured_exactly,
    is_refused_saying,
    is_restored_by_increment,
    lists_bitmaps_in_words,
    shows_what_is_recorded,
)
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.offline_export import OfflineExport
from testbed.scenario.acts import offline
from testbed.scenario.acts.registry import Act


@given("the bitmap {bitmap:Name} of {drive:Name} has been changed by qemu-img:")
@when("the bitmap {bitmap:Name} of {drive:Name} is changed by qemu-img:")
@needing("qemu-img-bitmap")
def bitmap_changed(context: Context, bitmap: str, drive: str) -> None:
    """Let one call of qemu-img do all actions of the table, in their order."""
    world = world_of(context)
    image = world.drives.switched_off(drive).image
    world.bench.do(offline.change_bitmap(image, bitmap_name(bitmap), bitmap_actions(context, world, image)))


@then("qemu-img should refuse to change the bitmap {bitmap:Name} of {drive:Name}, saying {words:Name}:")
@needing("qemu-img-bitmap")
def bitmap_not_changed(context: Context, bitmap: str, drive: str, words: str) -> None:
    """Let one call of qemu-img try the actions of the table; nothing may come of it."""
    world = world_of(context)
    image = world.drives.switched_off(drive).image
    answer = world.bench.ask(offline.change_bitmap(image, bitmap_name(bitmap), bitmap_actions(context, world, image)))
    assert_that(answer, is_refused_saying(words))


@then(
    "on full storage, qemu-img should refuse to change the bitmap {bitmap:Name} of {drive:Name}, saying {words:Name}:"
)
@needing("qemu-img-bitmap", "blkdebug")
def bitmap_not_changed_on_full_storage(context: Context, bitmap: str, drive: str, words: str) -> None:
    """Do the same while each write to the image fails since there is no space; a bitmap would be seen in the end."""
    world = world_of(context)
    image = world.drives.switched_off(drive).image
    call = offline.change_bitmap(image, bitmap, bitmap_actions(context, world, image), offline.on_full_storage(image))
    image.has_stored = True
    assert_that(world.bench.ask(call), is_refused_saying(words))


@given("the image of {drive:Name} has been {act:ImageAct}")
@when("the image of {drive:Name} is {act:ImageAct}")
def image_act(context: Context, drive: str, act: Act) -> None:
    """Let qemu-img do something to an image, or make a copy of it that takes its place."""
    world = world_of(context)
    world.bench.do(call_of(world, act, drive))


@given("the image of {drive:Name} has been resized to {size:Size}")
@when("the image of {drive:Name} is resized to {size:Size}")
def image_resized(context: Context, drive: str, size: int) -> None:
    """Let qemu-img change the size of an image."""
    world = world_of(context)
    world.bench.do(offline.resize(world.drives.switched_off(drive), size))


@then("qemu-img should refuse that the image of {drive:Name} is {act:ImageAct}, saying {words:Name}")
def image_act_refused(context: Context, drive: str, act: Act, words: str) -> None:
    """Let qemu-img try to do something to an image; nothing may come of it."""
    world = world_of(context)
    assert_that(world.bench.ask(call_of(world, act, drive)), is_refused_saying(words))


@then("qemu-img should refuse that the image of {drive:Name} is resized to {size:Size}, saying {words:Name}")
def image_resize_refused(context: Context, drive: str, size: int, words: str) -> None:
    """Let qemu-img try to change the size of an image; nothing may come of it."""
    world = world_of(context)
    answer = world.bench.ask(offline.resize(world.drives.switched_off(drive), size))
    assert_that(answer, is_refused_saying(words))


@then("a client of qemu-nbd should be told what {bitmap:Name} of {drive:Name} has recorded")
@needing("qemu-nbd", "nbd")
def bitmap_shown(context: Context, bitmap: str, drive: str) -> None:
    """Let qemu-nbd show an image with one of its bitmaps, and compare what a client reads of that."""
    world = world_of(context)
    promise = shows_what_is_recorded(OfflineExport(world.images), bitmap)
    assert_that(world.drives.switched_off(drive).image, promise)


@then("an increment that a client of qemu-nbd copies by {bitmap:Name} of {drive:Name} should restore it")
@needing("qemu-nbd", "nbd")
def increment_pulled(context: Context, bitmap: str, drive: str) -> None:
    """Let a client copy what is dirty on top of the drive's newest backup, and compare that with the drive."""
    world = world_of(context)
    base = world.catalogue.newest_of(drive).target
    promise = is_restored_by_increment(OfflineExport(world.images), bitmap, base)
    assert_that(world.drives.switched_off(drive).image, promise)


@then("qemu-nbd should refuse to show {bitmap:Name} of {drive:Name}, saying {words:Name}")
@needing("qemu-nbd", "nbd")
def bitmap_not_shown(context: Context, bitmap: str, drive: str, words: str) -> None:
    """Let qemu-nbd try to show an image with a bitmap that nobody can rely on."""
    world = world_of(context)
    image = world.drives.switched_off(drive).image
    assert_that(OfflineExport(world.images).refusal(image.name, image.image_format, bitmap), is_refused_saying(words))


@then("a copy of the image of {drive:Name} with its bitmaps should take the space that qemu-img measures")
def measured(context: Context, drive: str) -> None:
    """Compare what qemu-img measures with what a copy takes, each cluster of whose bitmaps must hold a record."""
    world = world_of(context)
    assert_that(world.drives.switched_off(drive).image, is_measured_exactly(world.images))


@then("qemu-img should measure no room for bitmaps of {drive:Name} in {kind:ImageKind}")
def nothing_measured(context: Context, drive: str, kind: ImageKind) -> None:
    """Let qemu-img measure a copy in an image that cannot store bitmaps."""
    world = world_of(context)
    assert_that(world.drives.switched_off(drive).image, has_no_room_measured_for_bitmaps(world.images, kind))


@then("qemu-img should list the bitmaps in the image of {drive:Name}")
def listed(context: Context, drive: str) -> None:
    """Compare what qemu-img lists in words with the bitmaps that an image must store."""
    world = world_of(context)
    assert_that(world.drives.switched_off(drive).image, lists_bitmaps_in_words(world.images))
