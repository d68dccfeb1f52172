"""Sentences about background jobs and what QEMU reports of them."""

from behave import then, when
from behave.runner import Context
from hamcrest import assert_that, empty

from testbed.matchers import reports
from testbed.sentences import EVENT_COLUMNS, event_row, rows, world_of


@then("QEMU should have reported these events and no others:")
def reported_events(context: Context) -> None:
    """Compare all events since the last such sentence, changes of job states left out, in any order, with the table."""
    listed = [event_row(row) for row in rows(context, ("event",), EVENT_COLUMNS)]
    assert_that(world_of(context).new_events(), reports(listed))


@then("no job should be left")
def no_job_left(context: Context) -> None:
    """Fail when QEMU still lists a job."""
    assert_that(world_of(context).jobs(), empty(), "jobs that QEMU lists")


@then("the backup of {drive:Name} should stop")
def backup_stops(context: Context, drive: str) -> None:
    """Wait until the job of the drive's newest backup has paused at an error."""
    world_of(context).backups.newest_of(drive).job.wait_until_stopped()


@when("the backup of {drive:Name} is resumed")
def backup_resumed(context: Context, drive: str) -> None:
    """Let the stopped job of the drive's newest backup go on."""
    world = world_of(context)
    world.ask(world.backups.newest_of(drive).job.resume())
