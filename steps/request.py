"""Sentences about a request that is made of QEMU, and what it answers."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, empty

from testbed.language.requests import REQUEST_COLUMNS, request
from testbed.language.words import rows, world_of
from testbed.promises.refusals import refused_with


@given("this request has been granted:")
@when("this request is made:")
def request_made(context: Context) -> None:
    """Make the one request of the table."""
    world = world_of(context)
    (row,) = rows(context, ("request",), REQUEST_COLUMNS)
    world.ask(request(world, row))


@then("QEMU should grant it")
def granted(context: Context) -> None:
    """Check that the last request was not refused; what must be true then, is judged when the scenario ends."""
    world_of(context).insist_on_grant()


@then("QEMU should refuse it as a {kind:ErrorClass} that says {words:Name}")
def refused(context: Context, kind: str, words: str) -> None:
    """Check that the last request was refused, with this class of error and these words in its text."""
    assert_that(world_of(context).refusal(), refused_with(kind, words))


@then("nothing should have changed")
def nothing_changed(context: Context) -> None:
    """Compare nodes, jobs, exports and images with those before the refused request, and bitmaps with their record."""
    assert_that(world_of(context).traces_of_refusal(), empty(), "what the refused request has changed")
