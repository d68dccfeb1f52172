"""Sentences about what backups go into, and where that is."""

from collections.abc import Callable

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.domain.backup import Backup
from testbed.domain.storage import Storage
from testbed.domain.target import Local
from testbed.language.context import world_of
from testbed.language.needs import needing, of_options
from testbed.language.tables import image_facts, one_row, options
from testbed.language.words import ImageMaker, Them
from testbed.promises.backups import is_as_thin_as_its_drive
from testbed.promises.promise import Promise, each
from testbed.promises.sidebyside import has_members
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.scenario.acts.registry import Act


@given("each backup goes into {kind:ImageKind}{maker:Maker}")
def target_kind(context: Context, kind: ImageKind, maker: ImageMaker) -> None:
    """Have the images for backups made of this kind from now on, by qemu-img unless somebody else is named."""
    world = world_of(context)
    world.targets.kind, world.targets.maker = kind, maker.of(world)


@given("the next backup goes to storage that {storage:Storage}")
def target_storage(context: Context, storage: Storage) -> None:
    """Put the image of the next backup, and of no other, on storage that fails in the way named."""
    world_of(context).targets.next_location = Local(storage)


@given("each target is opened with:")
@needing(rows=of_options)
def target_options(context: Context) -> None:
    """Open the targets of all further backups with the options of the table, in QEMU's words."""
    world_of(context).targets.location = Local(options=options(context, "blockdev-add"))


@given("each backup goes to another machine")
@needing("nbd", "block-export")
def another_machine(context: Context) -> None:
    """Let another machine keep the images of all further backups; it can be reached over NBD."""
    world_of(context).send_backups_away()


@given("the other machine {act:OtherMachineAct}")
@when("the other machine {act:OtherMachineAct}")
def other_machine_act(context: Context, act: Act) -> None:
    """Let the other machine go away, and all connections with it, or come back."""
    act.do(world_of(context).other_machine)


@then("the image of the backup of {drive:Name} should be:")
def image_of_backup(context: Context, drive: str) -> None:
    """Compare what qemu-img says of the image of the drive's newest backup with the table."""
    world = world_of(context)
    row = one_row(context, ("format", "size", "base", "clusters"))
    name = world.catalogue.newest_of(drive).target.name
    assert_that(world.images.facts(name), has_members(name, image_facts(row)))


@then("{them:Them} should hold no data where its drive had none")
def they_are_thin(context: Context, them: Them) -> None:
    """Compare where the backups last spoken of hold data with where their drives did."""
    world = world_of(context)
    assert_that(them(world.backups.spoken_of), each(is_as_thin_as_its_drive(world.images)))


@then("{them:Them} should be {quality:Quality}")
def they_are_of_quality(context: Context, them: Them, quality: Callable[[Images], Promise[Backup]]) -> None:
    """Look through the images of the backups last spoken of: each cluster must be compressed, or nothing legible."""
    world = world_of(context)
    assert_that(them(world.backups.spoken_of), each(quality(world.images)))


@given("each backup goes to a disk with {size:Size} of free space")
@needing("small-disk")
def small_disk(context: Context, size: int) -> None:
    """Put the images of all further backups on a disk of their own, which will be full soon."""
    world_of(context).keep_backups_on_small_disk(size)


@when("space is freed on that disk")
def space_freed(context: Context) -> None:
    """Free more space than any backup needs."""
    world_of(context).small_disk.free_space()
