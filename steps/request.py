"""Sentences about a request that is made of QEMU, and what it answers."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.domain.request import Refusal
from testbed.language.context import world_of
from testbed.language.needs import needing, of_requests
from testbed.language.requests import REQUEST_COLUMNS, answer_to, request
from testbed.language.tables import one_row, rows
from testbed.promises.promise import none_of
from testbed.promises.refusals import is_granted, refused_with


@given("this request has been granted:")
@when("this request is made:")
@needing(rows=of_requests)
def request_made(context: Context) -> None:
    """Make the one request of the table."""
    world = world_of(context)
    row = one_row(context, ("request",), REQUEST_COLUMNS)
    world.dialogue.ask(request(world, row))


@given("these requests have been granted, one after the other:")
@when("these requests are made, one after the other:")
@needing(rows=of_requests)
def requests_made(context: Context) -> None:
    """Make the requests of the table in their order; but for the last one, each must be granted."""
    world = world_of(context)
    for row in rows(context, ("request",), REQUEST_COLUMNS):
        world.dialogue.ask(request(world, row))


@then("QEMU should grant it")
def granted(context: Context) -> None:
    """Check that the last request was not refused; what must be true then, is judged when the scenario ends."""
    assert_that(answer_to(world_of(context), None), is_granted())


@then("QEMU should refuse it as a {kind:ErrorClass} that says {words:Name}")
def refused(context: Context, kind: str, words: str) -> None:
    """Check that the last request was refused, with this class of error and these words in its text."""
    expected = Refusal(words, kind)
    assert_that(answer_to(world_of(context), expected), refused_with(expected))


@then("nothing should have changed")
def nothing_changed(context: Context) -> None:
    """Compare nodes, jobs, exports and images with those before the refused request, and bitmaps with their record."""
    assert_that(world_of(context).judge.traces_of_refusal(), none_of("what the refused request has changed"))
