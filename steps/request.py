"""Sentences about what QEMU answers to a request."""

from behave import then
from behave.runner import Context
from hamcrest import assert_that, empty

from testbed.matchers import refused_with
from testbed.sentences import world_of


@then("QEMU should refuse it as a {kind:ErrorClass} that says {words:Name}")
def refused(context: Context, kind: str, words: str) -> None:
    """Check that the last request was refused, with this class of error and these words in its text."""
    assert_that(world_of(context).refusal(), refused_with(kind, words))


@then("nothing should have changed")
def nothing_changed(context: Context) -> None:
    """Compare nodes and jobs with those before the refused request, and every bitmap with what it had recorded."""
    assert_that(world_of(context).traces_of_refusal(), empty(), "what the refused request has changed")
