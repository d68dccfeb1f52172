"""Sentences about background jobs and what QEMU reports of them."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, empty, is_in

from testbed.matchers import reports
from testbed.sentences import EVENT_COLUMNS, JobAct, event_row, rows, world_of


@then("QEMU should have reported these {kind:EventKind} and no others:")
def reported_events(context: Context, kind: str) -> None:
    """Compare all events since the last such sentence, changes of job states left out, in any order, with the table."""
    listed = [event_row(row) for row in rows(context, ("event",), EVENT_COLUMNS)]
    heard = [event for event in world_of(context).new_events() if kind == "events" or event.is_error]
    assert_that(heard, reports(listed))


@then("QEMU should report this error again and again:")
def repeated_error(context: Context) -> None:
    """Wait until QEMU has reported the error of the table twice; that it goes on doing so surprises nobody then."""
    (row,) = rows(context, ("event",), EVENT_COLUMNS)
    world_of(context).hear_again_and_again(*event_row(row))


@then("no job should be left")
def no_job_left(context: Context) -> None:
    """Fail when QEMU still lists a job."""
    assert_that(world_of(context).jobs(), empty(), "jobs that QEMU lists")


@given("the backup of {drive:Name} has stopped{statuses:IoStatuses}")
@then("the backup of {drive:Name} should stop{statuses:IoStatuses}")
def backup_stops(context: Context, drive: str, statuses: tuple[str, ...]) -> None:
    """Wait until the job of the drive's newest backup has stopped at an error; compare its io-status if it is named."""
    job = world_of(context).backups.newest_of(drive).job
    job.wait_until_stopped()
    assert_that(job.io_status, is_in(statuses), "the job's io-status")


@given("the backup of {drive:Name} has become {status:JobStatus}")
def backup_has_become(context: Context, drive: str, status: str) -> None:
    """Wait until the job of the drive's newest backup has been in a state."""
    world_of(context).backups.newest_of(drive).job.wait_until(status)


@when("the backup of {drive:Name} is {act:JobAct}")
def job_act(context: Context, drive: str, act: JobAct) -> None:
    """Resume, finalize or dismiss the job of the drive's newest backup, once it is ready for that."""
    world = world_of(context)
    world.ask(act(world.backups.newest_of(drive).job))


@given("the speed of the backup of {drive:Name} has been set to {speed:Speed}")
@when("the speed of the backup of {drive:Name} is set to {speed:Speed}")
def job_speed_set(context: Context, drive: str, speed: int) -> None:
    """Limit the speed of the job of the drive's newest backup; 0 bytes a second stand for no limit."""
    world = world_of(context)
    world.ask(world.backups.newest_of(drive).job.set_speed(speed))
