"""Sentences about background jobs and what QEMU reports of them."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.cells import yes
from testbed.language.context import world_of
from testbed.language.needs import needing, of_options
from testbed.language.tables import (
    EVENT_COLUMNS,
    SHOWN_COLUMNS,
    event_row,
    history_rows,
    one_row,
    options,
    rows,
    shown_row,
)
from testbed.language.words import Which
from testbed.promises.events import reports, tells_of_disk
from testbed.promises.jobs import has_io_status, has_told, is_shown_as
from testbed.promises.promise import none_of
from testbed.scenario.acts.registry import Act
from testbed.scenario.dialogue import jobs_on


@then("QEMU should have reported these {kind:EventKind} and no others:")
def reported_events(context: Context, kind: str) -> None:
    """Compare all events since the last such sentence, changes of job states left out, in any order, with the table."""
    listed = [event_row(context, row) for row in rows(context, ("event",), EVENT_COLUMNS)]
    heard = [event for event in world_of(context).hearing.new_events() if kind == "events" or event.is_error]
    assert_that(heard, reports(listed))


@then("QEMU should report this error again and again:")
def repeated_error(context: Context) -> None:
    """Wait until QEMU has reported the error of the table twice; that it goes on doing so surprises nobody then."""
    row = one_row(context, ("event",), EVENT_COLUMNS)
    world_of(context).hearing.hear_again_and_again(*event_row(context, row))


@then("QEMU should report this error of the guest's disk {name:Name}:")
@needing("disk-reading-firmware")
def error_of_disk(context: Context, name: str) -> None:
    """Wait for an error that the guest meets, and compare all that the event says of it with the table.

    Of space, nothing is said where the guest never learns of errors.
    """
    row = one_row(context, ("action", "operation", "nospace", "reason"))
    disk = world_of(context).drives.disk(name)
    said = {**row, "nospace": yes(row["nospace"]) if "nospace" in row else None}
    assert_that(world_of(context).hearing.error_of_disk(disk), tells_of_disk(disk.name, disk.qom_path, said))


@then("no job should be left")
def no_job_left(context: Context) -> None:
    """Fail when QEMU still lists a job."""
    assert_that(jobs_on(world_of(context).machine), none_of("jobs that QEMU lists"))


@given("an incremental backup of {drive:Name} with {bitmap:Name} is kept {state:KeptState}")
def incremental_kept(context: Context, drive: str, bitmap: str, state: str) -> None:
    """Start an incremental backup whose job comes into a state and stays there until it is let go."""
    world = world_of(context)
    world.backups.hold(world.drives.drive(drive), state, {"sync": "incremental", "bitmap": bitmap})


@given("a {sync:Sync} backup of {drive:Name} is kept {state:KeptState}")
def plain_backup_kept(context: Context, sync: str, drive: str, state: str) -> None:
    """Do the same with a backup that needs no bitmap."""
    world = world_of(context)
    world.backups.hold(world.drives.drive(drive), state, {"sync": sync})


@given("a backup of {drive:Name} is kept {state:KeptState} that was started with:")
@needing(rows=of_options)
def backup_kept(context: Context, drive: str, state: str) -> None:
    """Do the same with a backup that has the options of the table, in QEMU's words."""
    world = world_of(context)
    world.backups.hold(world.drives.drive(drive), state, options(context, world.catalogue.command.name))


@given("the backup {which:Which} has stopped{statuses:IoStatuses}")
@then("the backup {which:Which} should stop{statuses:IoStatuses}")
def backup_stops(context: Context, which: Which, statuses: tuple[str, ...]) -> None:
    """Wait until the job of a backup has stopped at an error; compare its io-status if it is named."""
    job = which(world_of(context).catalogue).job
    job.wait_until_stopped()
    assert_that(job, has_io_status(statuses))


@given("the backup {which:Which} has become {status:JobStatus}")
@then("the backup {which:Which} should become {status:JobStatus}")
def backup_has_become(context: Context, which: Which, status: str) -> None:
    """Wait until the job of a backup has been in a state."""
    world = world_of(context)
    world.dialogue.insist_on_grant()
    which(world.catalogue).job.wait_until(status)


@given("the backup {which:Which} has been {act:JobAct}")
@when("the backup {which:Which} is {act:JobAct}")
def job_act(context: Context, which: Which, act: Act) -> None:
    """Do something to the job of a backup; finalize or dismiss it once it is ready for that, unless it is too early."""
    world = world_of(context)
    world.dialogue.ask(act.do(which(world.catalogue).job))


@given("the speed of the backup {which:Which} has been set to {speed:Speed}")
@when("the speed of the backup {which:Which} is set to {speed:Speed}")
def job_speed_set(context: Context, which: Which, speed: int) -> None:
    """Limit the speed of the job of a backup; 0 B a second stand for no limit."""
    world = world_of(context)
    world.dialogue.ask(which(world.catalogue).job.set_speed(speed))


@then("QEMU should show the backup {which:Which} as:")
def backup_shown(context: Context, which: Which) -> None:
    """Compare what both queries for jobs show of a backup's job, which must be at rest, with the table."""
    row = one_row(context, (), SHOWN_COLUMNS)
    assert_that(which(world_of(context).catalogue).job, is_shown_as(shown_row(row)))


@then("the backup {which:Which} should copy at least {size:Size}")
def progress_made(context: Context, which: Which, size: int) -> None:
    """Wait until QEMU shows that a backup has copied at least so much."""
    which(world_of(context).catalogue).job.wait_until_copied(size)


@then("the backup {which:Which} should copy nothing while the guest reads {count:Count} times")
def no_progress(context: Context, which: Which, count: int) -> None:
    """Compare what QEMU shows of a backup's job before and after so many requests that change nothing."""
    backup = which(world_of(context).catalogue)
    before = backup.job.shown()
    for _ in range(count):
        backup.drive.read(0, 512)
    assert_that(backup.job, is_shown_as(before))


@then("the backup {which:Which} should have gone through these states:")
def backup_went_through(context: Context, which: Which) -> None:
    """Compare all states and events that a backup's job has told so far, in their order, with the table.

    Pauses that nobody asked for do not count.
    """
    listed = history_rows(context)
    world_of(context).machine.all_events()
    assert_that(which(world_of(context).catalogue).job, has_told(listed))
