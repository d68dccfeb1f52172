from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from behave.matchers import StepParseError
from hamcrest import assert_that, equal_to, has_length
from hamcrest.core.matcher import Matcher
from parsed import labelled, parsed

from testbed.base.problems import AuthorError, EnvironmentUnusable, NotOffered, Problem
from testbed.base.process import OutOfSpace
from testbed.promises.promise import Promise
from testbed.reports.outcome import Outcome, ScenarioNotes, Sentence, Status
from testbed.run.verdict import HEADLINE, Trouble, fact_in, judge, traceback_of, trouble_of

STEP = Sentence("Then it holds", "features/a.feature", 3)
CHECK = replace(trouble_of(AssertionError("differs\nat 0")), step=STEP)
CRASH = replace(trouble_of(ValueError("oops")), step=STEP)
CLEAN_UP = trouble_of(OSError("gone"), "in the clean-up close")
LACK = replace(trouble_of(NotOffered("no such command")), step=STEP)


def verdict(
    status: str,
    *troubles: Trouble,
    notes: ScenarioNotes | None = None,
    steps: int = 1,
    reason: str | None = None,
) -> Outcome:
    """Judge a scenario of so many steps for which behave says so."""
    feature = parsed(text="Feature: F\n  Scenario: S\n" + "    Given a state\n" * steps)
    (scenario,) = feature.walk_scenarios()
    cast("Any", scenario).set_status(status)
    scenario.skip_reason = reason
    return judge(labelled(feature)[0], scenario, notes or ScenarioNotes(), troubles, "the run ended early")


def test_a_broken_promise_is_a_failure_and_says_where() -> None:
    outcome = verdict("failed", CHECK)
    assert (outcome.status, outcome.kind, outcome.step) == (Status.FAILED, "AssertionError", STEP)
    assert outcome.headline == "differs; at 0"
    assert outcome.message == "Then it holds (features/a.feature:3)\ndiffers\nat 0"
    assert outcome.details == ""


def test_any_other_exception_is_an_error() -> None:
    outcome = verdict("error", CRASH)
    assert (outcome.status, outcome.kind, outcome.headline) == (Status.ERROR, "ValueError", "ValueError: oops")
    assert outcome.details == "ValueError: oops"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left", "images"),
        EnvironmentUnusable([Problem("it is full", "free it")]),
        OutOfSpace("it is full\n  remedy: free it"),
    ],
)
def test_a_fault_of_the_place_is_an_error_with_its_remedy_and_no_traceback(error: Exception) -> None:
    try:
        raise error
    except type(error) as caught:
        trouble = trouble_of(caught)
    assert (trouble.status, trouble.details) == (Status.ERROR, "")
    assert "\n  remedy: free " in trouble.text


class Misspelt(AuthorError):
    """A kind of slip."""


def test_an_author_s_slip_is_an_error_and_needs_no_traceback() -> None:
    outcome = verdict("error", replace(trouble_of(Misspelt('there is no drive "a"')), step=STEP))
    assert (outcome.status, outcome.kind, outcome.details) == (Status.ERROR, "AuthorError", "")
    assert outcome.message == 'Then it holds (features/a.feature:3)\nthere is no drive "a"'


def test_what_the_reader_of_a_word_raised_is_told_in_place_of_behave_s_error() -> None:
    wrapped = StepParseError(exc_cause=AuthorError('"1 KB" is not a size'))
    assert (trouble_of(wrapped).kind, trouble_of(wrapped).text) == ("AuthorError", '"1 KB" is not a size')
    assert trouble_of(StepParseError(text="no words")).kind == "StepParseError"


def test_the_first_trouble_decides_and_the_others_are_told() -> None:
    outcome = verdict("cleanup_error", CHECK, CLEAN_UP)
    assert (outcome.status, outcome.step) == (Status.FAILED, STEP)
    assert outcome.headline == "differs; at 0; then OSError: gone (in the clean-up close)"
    assert outcome.message.endswith("at 0\n\nafter that, in the clean-up close:\nOSError: gone")


def test_a_check_without_words_shows_its_code() -> None:
    with pytest.raises(AssertionError) as caught:
        raise AssertionError
    trouble = trouble_of(caught.value)
    assert (trouble.status, trouble.text) == (Status.FAILED, "AssertionError: without a message")
    assert "raise AssertionError" in trouble.details


@pytest.mark.parametrize(
    ("notes", "troubles", "status", "expected", "said"),
    [
        (ScenarioNotes(known_defect="D1"), [CHECK], "failed", Status.KNOWN_DEFECT, "differs"),
        (ScenarioNotes(known_defect="D1"), [CRASH], "error", Status.KNOWN_DEFECT, "oops"),
        (ScenarioNotes(known_defect="D1"), [CHECK, CLEAN_UP], "cleanup_error", Status.FAILED, "differs"),
        (ScenarioNotes(known_defect="D1"), [], "passed", Status.FAILED, "known defect D1"),
        (ScenarioNotes(known_defect="D1", teardown_errors=["left"]), [CHECK], "failed", Status.FAILED, "left"),
        (ScenarioNotes(unexpected="D1 did not show"), [], "passed", Status.FAILED, "D1 did not show"),
        (ScenarioNotes(teardown_errors=["left"]), [], "passed", Status.ERROR, "left (in the teardown)"),
        (ScenarioNotes(excuse="the disk is full"), [CHECK], "failed", Status.ERROR, "the disk is full; then differs"),
        (ScenarioNotes(known_defect="D1", excuse="the disk is full"), [CHECK], "failed", Status.ERROR, "full"),
        (ScenarioNotes(excuse="the disk is full"), [], "passed", Status.PASSED, ""),
        (ScenarioNotes(lacking="no such command"), [LACK], "failed", Status.NOT_APPLICABLE, ""),
        (ScenarioNotes(lacking="no such command"), [LACK, CLEAN_UP], "failed", Status.FAILED, "gone"),
        (ScenarioNotes(lacking="no such command", teardown_errors=["left"]), [LACK], "failed", Status.FAILED, "left"),
        (ScenarioNotes(lacking="no such command"), [CHECK, LACK], "failed", Status.FAILED, "differs"),
    ],
)
def test_what_hooks_know_counts(
    notes: ScenarioNotes, troubles: Sequence[Trouble], status: str, expected: Status, said: str
) -> None:
    outcome = verdict(status, *troubles, notes=notes)
    assert outcome.status is expected
    assert said in outcome.headline


def test_a_known_defect_says_which() -> None:
    notes = ScenarioNotes(known_defect="D1", known_defect_text="it dies")
    assert verdict("failed", CHECK, notes=notes).reasons == ("known defect D1: it dies",)


def test_each_line_of_a_reason_is_one() -> None:
    outcome = verdict("skipped", reason="needs this\n\n  needs that\n")
    assert (outcome.status, outcome.reasons) == (Status.NOT_APPLICABLE, ("needs this", "needs that"))


@pytest.mark.parametrize(
    ("status", "steps", "kind"),
    [
        ("skipped", 1, "SkippedSilently"),
        ("passed", 0, "EmptyScenario"),
        ("cleanup_error", 1, "Unexplained"),
        ("hook_error", 1, "Unexplained"),
    ],
)
def test_what_would_pass_for_fine_is_an_error(status: str, steps: int, kind: str) -> None:
    outcome = verdict(status, steps=steps)
    assert (outcome.status, outcome.kind) == (Status.ERROR, kind)


def test_what_did_not_run_says_why() -> None:
    outcome = verdict("untested")
    assert (outcome.status, outcome.reasons) == (Status.NOT_RUN, ("the run ended early",))


def test_a_traceback_begins_where_it_concerns_a_reader() -> None:
    with pytest.raises(Exception, match="Parser failure") as caught:
        parsed(text="Feature: F\n  Scenario: S\n    Given x\n      y\n")
    assert "test_verdict.py" in traceback_of(caught.value).splitlines()[1]


# The headline.


def mismatch(thing: Any, matcher: Matcher[Any], reason: str = "") -> str:
    """Return what PyHamcrest says of a mismatch."""
    with pytest.raises(AssertionError) as caught:
        assert_that(thing, matcher, reason)
    return str(caught.value)


def test_a_headline_begins_with_what_came_instead() -> None:
    said = mismatch(3, Promise("a number", lambda _thing: "drive0: 3 at 64 KiB\ndrive1: 4 at 0"))
    assert fact_in(said) == "drive0: 3 at 64 KiB; drive1: 4 at 0"
    assert fact_in(mismatch("failed", equal_to("completed"))) == "was 'failed', and should be 'completed'"
    assert fact_in(mismatch([], has_length(2), "the group")) == (
        "the group was <[]> with length of <0>, and should be an object with length of <2>"
    )
    assert fact_in("Expected: nothing of that kind") == "Expected: nothing of that kind"


def test_a_headline_fits_and_counts_what_it_leaves_out() -> None:
    fact = "drive0-1.qcow2: the byte at offset 3 MiB should be 0x00 and is 0x99"
    broken = AssertionError(mismatch(3, Promise("x" * 300, lambda _thing: "\n".join([fact] * 31))))
    outcome = verdict("failed", trouble_of(broken, "at the end of the scenario"), *[CLEAN_UP] * 9)
    assert outcome.headline == f"{fact} (and 30 more) (at the end of the scenario); then 9 more"
    assert outcome.message.count(fact) == 31
    assert len(verdict("failed", trouble_of(AssertionError("x " * 300)), CLEAN_UP).headline) <= HEADLINE
