"""Sentences about what backups go into, and where that is."""

from behave import given, when
from behave.runner import Context

from testbed.fault import Storage
from testbed.image import Kind
from testbed.sentences import world_of
from testbed.target import Here


@given("each backup goes into {kind:ImageKind}")
def target_kind(context: Context, kind: Kind) -> None:
    """Make the images for backups of this kind from now on."""
    world_of(context).backups.targets.kind = kind


@given("the next backup goes to storage that {storage:Storage}")
def target_storage(context: Context, storage: Storage) -> None:
    """Put the image of the next backup, and of no other, on storage that fails in the way named."""
    world_of(context).backups.targets.next_place = Here(storage)


@given("each backup goes to a disk with {size:Size} of free space")
def small_disk(context: Context, size: int) -> None:
    """Put the images of all further backups on a disk of their own, which will be full soon."""
    world_of(context).keep_backups_on_small_disk(size)


@when("space is freed on that disk")
def space_freed(context: Context) -> None:
    """Free more space than any backup needs."""
    world_of(context).small_disk.free_space()
