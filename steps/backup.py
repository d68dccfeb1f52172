"""Sentences about taking backups, how they end, and what they hold."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.domain.backup import Command
from testbed.language.context import world_of
from testbed.language.needs import needing, of_options
from testbed.language.tables import options, rows, runs
from testbed.language.words import Them, Which
from testbed.promises.backups import (
    equals_its_drive,
    equals_its_reference,
    has_ended,
    holds_itself,
    holds_only_what_had_changed,
    restores_its_moment,
)
from testbed.promises.promise import each
from testbed.promises.sidebyside import are_as_many
from testbed.scenario.acts import bitmaps


@given("backups are taken with {command:Command}")
def backups_taken_with(context: Context, command: Command) -> None:
    """Choose the QMP command for all backups of the scenario."""
    world_of(context).catalogue.command = command


@given("each incremental backup is followed by a reference")
def followed_by_reference(context: Context) -> None:
    """Take a full backup into an image of its own right after each incremental backup that succeeds."""
    world_of(context).backups.with_references = True


@given("a {sync:Sync} backup of {drive:Name}")
def backup_of_drive(context: Context, sync: str, drive: str) -> None:
    """Take a backup of a kind that needs no bitmap, full or of the top layer; it must succeed."""
    world = world_of(context)
    world.backups.take_successfully(world.drives.drive(drive), sync)


@given("a full backup of {drive:Name} with a new bitmap {bitmap:Name}")
def full_backup_with_bitmap(context: Context, drive: str, bitmap: str) -> None:
    """Add a bitmap and take a full backup in one transaction, so that the chain has no gap."""
    world = world_of(context)
    source = world.drives.drive(drive)
    world.backups.take_successfully(source, "full", before=[bitmaps.add(source, bitmap)])


@given("an incremental backup of {drive:Name} with {bitmap:Name}")
def incremental_backup_taken(context: Context, drive: str, bitmap: str) -> None:
    """Take an incremental backup on top of the bitmap's newest one; it must succeed."""
    world = world_of(context)
    world.backups.take_successfully(world.drives.drive(drive), "incremental", bitmap=bitmap)


@when("an incremental backup of {drive:Name} is taken with {bitmap:Name}")
def incremental_backup(context: Context, drive: str, bitmap: str) -> None:
    """Take an incremental backup on top of the bitmap's newest one, and wait for its end, whichever it is."""
    world = world_of(context)
    world.backups.take(world.drives.drive(drive), "incremental", bitmap=bitmap)


@when(
    "an incremental backup of {drive:Name} is taken with {bitmap:Name} into an image that is put on its base afterwards"
)
def incremental_without_backing(context: Context, drive: str, bitmap: str) -> None:
    """Take an incremental backup into an image that stands alone; name its backing file when the job is over."""
    world = world_of(context)
    world.backups.take_and_base(world.drives.drive(drive), bitmap)


@given("a backup of {drive:Name} has been started with:")
@when("a backup of {drive:Name} is started with:")
@needing(rows=of_options)
def backup_started(context: Context, drive: str) -> None:
    """Ask for a backup with the options of the table, in QEMU's words, and go on while its job runs."""
    world = world_of(context)
    world.backups.start(world.drives.drive(drive), options(context, world.catalogue.command.name))


@when("a {sync:Sync} backup of {drive:Name} is started")
def plain_backup_started(context: Context, sync: str, drive: str) -> None:
    """Ask for a backup without any option, and go on while its job runs."""
    world = world_of(context)
    world.backups.start(world.drives.drive(drive), {"sync": sync})


@given("a backup of {drive:Name} with sync none has been started")
def saving_backup_started(context: Context, drive: str) -> None:
    """Ask for a backup that copies nothing by itself: it saves what the guest overwrites, until it is cancelled."""
    world = world_of(context)
    world.backups.start(world.drives.drive(drive), {"sync": "none"})


@given("an incremental backup of {drive:Name} with {bitmap:Name} has been started")
@when("an incremental backup of {drive:Name} with {bitmap:Name} is started")
def incremental_backup_started(context: Context, drive: str, bitmap: str) -> None:
    """Ask for an incremental backup, and go on while its job runs."""
    world = world_of(context)
    options = {"sync": "incremental", "bitmap": bitmap}
    world.backups.start(world.drives.drive(drive), options)


@given("each backup is taken with:")
@needing(rows=of_options)
def backups_options(context: Context) -> None:
    """Use the options of the table, in QEMU's words, for all further backups, besides what a backup asks for itself."""
    catalogue = world_of(context).catalogue
    catalogue.options = options(context, catalogue.command.name)


@when("the backup of {drive:Name} is taken again")
def backup_taken_again(context: Context, drive: str) -> None:
    """Take the drive's newest backup once more, into a new image, without what it asked for on top of its kind."""
    world_of(context).backups.take_again(drive)


@when("incremental backups are taken as one group:")
def group_taken(context: Context) -> None:
    """Take incremental backups of the drives through the bitmaps of the table, as one group with grouped completion."""
    pairs = [(row["drive"], row["bitmap"]) for row in rows(context, ("drive", "bitmap"))]
    world_of(context).backups.take_group(pairs)


@when("incremental backups are started as one group:")
def group_started(context: Context) -> None:
    """Ask for incremental backups of the drives through the bitmaps of the table, and go on while their jobs run."""
    pairs = [(row["drive"], row["bitmap"]) for row in rows(context, ("drive", "bitmap"))]
    world_of(context).backups.start_group(pairs)


@when("the same group of backups is taken again")
def group_taken_again(context: Context) -> None:
    """Throw the group's targets away and take the same backups into new ones."""
    world_of(context).backups.take_group_again()


@then("the backup {which:Which} should succeed")
def backup_succeeds(context: Context, which: Which) -> None:
    """Wait for a backup, a drive's newest or one that is named; it must complete, and is spoken of then."""
    backups = world_of(context).backups
    backups.spoken_of = [which(world_of(context).catalogue)]
    backups.end_of(backups.spoken_of[0])
    assert_that(backups.spoken_of[0], has_ended("completed"))


@then("the backups of {drives:Names} should succeed")
def backups_succeed(context: Context, drives: list[str]) -> None:
    """Wait for the newest backup of each drive; all must complete, and are spoken of then."""
    world = world_of(context)
    world.backups.spoken_of = [world.catalogue.newest_of(drive) for drive in drives]
    for backup in world.backups.spoken_of:
        world.backups.end_of(backup)
    assert_that(world.backups.spoken_of, each(has_ended("completed")))


@then("both backups should succeed")
def both_succeed(context: Context) -> None:
    """Check that both backups of the group completed."""
    backups = world_of(context).backups
    backups.spoken_of = list(backups.group)
    assert_that(backups.group, are_as_many("backups in the group", 2))
    assert_that(backups.group, each(has_ended("completed")))


@then("the backup {which:Which} should fail with {error:Name}")
def backup_fails(context: Context, which: Which, error: str) -> None:
    """Wait for a backup; it must end with this error."""
    world = world_of(context)
    backup = which(world.catalogue)
    world.backups.end_of(backup)
    assert_that(backup, has_ended(f'failed with "{error}"'))


@then("the backup {which:Which} should be cancelled")
def backup_cancelled(context: Context, which: Which) -> None:
    """Wait for a backup; it must end as cancelled, and is spoken of then."""
    backups = world_of(context).backups
    backups.spoken_of = [which(world_of(context).catalogue)]
    backups.end_of(backups.spoken_of[0])
    assert_that(backups.spoken_of[0], has_ended("cancelled"))


@then("{count:Backups} with {bitmap:Name} should restore {drive:Name} as it was at that moment")
def backups_restore(context: Context, count: int, bitmap: str, drive: str) -> None:
    """Read each backup through the bitmap with its whole chain, and compare each byte with what was written."""
    world = world_of(context)
    world.backups.spoken_of = world.catalogue.successful_with(world.drives.drive(drive), bitmap)
    assert_that(world.backups.spoken_of, are_as_many(f'backups of {drive} with "{bitmap}" that completed', count))
    assert_that(world.backups.spoken_of, each(restores_its_moment(world.images)))


@then("{them:Them} should restore its drive as it was at that moment")
def they_restore(context: Context, them: Them) -> None:
    """Do the same for the backups that were last spoken of."""
    world = world_of(context)
    assert_that(them(world.backups.spoken_of), each(restores_its_moment(world.images)))


@then("the next incremental backup of {drive:Name} with {bitmap:Name} should restore it as it was then")
def next_backup_restores(context: Context, drive: str, bitmap: str) -> None:
    """Take an incremental backup; it must complete, restore each byte of the drive and hold only what had changed."""
    world = world_of(context)
    world.backups.spoken_of = [world.backups.take_successfully(world.drives.drive(drive), "incremental", bitmap=bitmap)]
    assert_that(world.backups.spoken_of, each(restores_its_moment(world.images)))
    assert_that(world.backups.spoken_of, each(holds_only_what_had_changed(world.images)))


@then("{them:Them} should hold only what had changed")
def they_hold_changes(context: Context, them: Them) -> None:
    """Compare the own layer of each backup last spoken of with the clusters that had changed: all, and no others."""
    world = world_of(context)
    assert_that(them(world.backups.spoken_of), each(holds_only_what_had_changed(world.images)))


@then("the image of the backup {which:Which} should itself hold:")
def image_holds(context: Context, which: Which) -> None:
    """Compare what a backup's own image holds with the patterns of the table, which must be all that is in it."""
    world = world_of(context)
    assert_that(which(world.catalogue), holds_itself(world.images, runs(context)))


@then("{them:Them} should equal its reference")
def they_equal_reference(context: Context, them: Them) -> None:
    """Compare each backup last spoken of with the full one taken at the same moment, image with image."""
    world = world_of(context)
    assert_that(them(world.backups.spoken_of), each(equals_its_reference(world.images)))


@then("{them:Them} should equal its drive")
def they_equal_drive(context: Context, them: Them) -> None:
    """Shut the machine down and compare the backups last spoken of with their drives' images."""
    world = world_of(context)
    world.judge.shut_down()
    assert_that(them(world.backups.spoken_of), each(equals_its_drive(world.images)))
