from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from textwrap import dedent
from typing import Any, cast

import pytest
from behave.matchers import StepParseError
from behave.parser import parse_feature
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from testbed.base.gherkin import Feature
from testbed.base.problems import AuthorError, EnvironmentUnusable, NotOffered, Problem
from testbed.base.process import OutOfSpace
from testbed.base.text import printable
from testbed.reports.labels import Labels
from testbed.reports.outcome import Outcome, RunError, RunSummary, ScenarioNotes, Sentence, Status, notes_of
from testbed.run.verdict import Trouble, judge, traceback_of, trouble_of

TEXT = """
    @of-feature
    Feature: Chains of 2.0

      Scenario: Plain
        Given a state

      @of-rule
      Rule: One

        @own
        Scenario: Plain
          Given a state

        @of-outline
        Scenario Outline: Of <size>
          Given a state

          @of-rows
          Examples: sizes
            | size   | what  |
            | 64 KiB | small |

          Examples:
            | size  | what                                                              |
            | 1 MiB | large, and said at such length that a name cannot take it all |
"""


def parsed(filename: str = "features/chain/long_chains.feature", text: str = TEXT) -> Feature:
    return cast("Feature", parse_feature(dedent(text), filename=filename))


def labelled(*features: Feature) -> list[Outcome]:
    labels = Labels(features)
    return [labels.scenario(scenario, {}) for feature in features for scenario in feature.walk_scenarios()]


# Names.


def test_a_row_has_a_name_that_says_which() -> None:
    assert [outcome.scenario for outcome in labelled(parsed())] == [
        "Plain",
        "Plain",
        "Of 64 KiB [sizes: small]",
        "Of 1 MiB [large, and said at such length that a name cannot take ...]",
    ]


def test_a_scenario_tells_where_it_stands() -> None:
    first, second, *_ = labelled(parsed())
    assert (first.area, first.suite, first.report) == ("chain", "chain.Chains of 2_0", "chain.long_chains")
    assert (first.rule, first.name, first.file, first.line) == (None, "Plain", "features/chain/long_chains.feature", 5)
    assert (second.rule, second.name, second.line) == ("One", "One: Plain", 12)
    assert second.repeat == "behave features/chain/long_chains.feature:12"


def test_tags_are_inherited_in_the_order_of_reading() -> None:
    assert [outcome.tags for outcome in labelled(parsed())][1:3] == [
        ("of-feature", "of-rule", "own"),
        ("of-feature", "of-rule", "of-outline", "of-rows"),
    ]


@pytest.mark.parametrize(
    ("filename", "area", "report"),
    [
        ("features/a.feature", "", "a"),
        ("features/x/y/a.feature", "x.y", "x.y.a"),
        ("features/x y/a.b: ü.feature", "x_y", "x_y.a_b_"),
        ("/else/where/a.feature", "where", "where.a"),
        ("more/x/a.feature", "more.x", "more.x.a"),
        ("features/environment.feature", "", "environment-2"),
    ],
)
def test_a_file_s_name_makes_a_safe_name(filename: str, area: str, report: str) -> None:
    outcome = labelled(parsed(filename))[0]
    assert (outcome.area, outcome.report) == (area, report)


def test_names_of_a_scenario_do_not_depend_on_other_files() -> None:
    other = parsed("features/chain/other.feature", TEXT.replace("Chains of 2.0", "Others"))
    assert {outcome.name for outcome in labelled(parsed())} <= {outcome.name for outcome in labelled(other, parsed())}


def test_folders_and_suites_are_unique() -> None:
    features = [parsed(), parsed("features/chain/other.feature"), parsed("features/chain/long chains.feature")]
    labels = Labels(features)
    scenarios = [scenario for feature in features for scenario in feature.walk_scenarios()]
    assert len({labels.folder(scenario) for scenario in scenarios}) == len(scenarios)
    assert len({labels.scenario(scenario, {}).suite for scenario in scenarios}) == len(features)


# Verdicts.

STEP = Sentence("Then it holds", "features/a.feature", 3)
CHECK = replace(trouble_of(AssertionError("differs\nat 0")), step=STEP)
CRASH = replace(trouble_of(ValueError("oops")), step=STEP)
CLEAN_UP = trouble_of(OSError("gone"), "the clean-up close")
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
    assert outcome.headline == "differs; at 0; then the clean-up close: OSError: gone"
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
        (ScenarioNotes(teardown_errors=["left"]), [], "passed", Status.ERROR, "the teardown: left"),
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
    assert "test_outcome.py" in traceback_of(caught.value).splitlines()[1]


# The run.


def summary(*statuses: Status, errors: Sequence[RunError] = (), in_earnest: bool = True) -> RunSummary:
    (first, *_) = labelled(parsed())
    outcomes = tuple(replace(first, status=status) for status in statuses)
    return RunSummary(outcomes, tuple(errors), first.started, 1.0, in_earnest)


@pytest.mark.parametrize("status", Status)
def test_only_some_statuses_make_a_run_fail(status: Status) -> None:
    is_red = status in {Status.FAILED, Status.ERROR, Status.NOT_RUN}
    assert summary(Status.PASSED, status).failed == is_red


def test_an_error_of_the_run_makes_it_fail_and_a_dry_run_does_not() -> None:
    assert summary(Status.PASSED, errors=[RunError("clean-up", "OSError", "no", "no")]).failed
    assert not summary(Status.NOT_RUN, in_earnest=False).failed


def test_counts_are_in_the_order_of_the_statuses() -> None:
    counts = summary(Status.NOT_APPLICABLE, Status.PASSED, Status.PASSED).counts()
    assert list(counts.items()) == [(Status.PASSED, 2), (Status.NOT_APPLICABLE, 1)]


def test_notes_are_the_same_each_time() -> None:
    one, two, *_ = parsed().walk_scenarios()
    assert notes_of(one) is notes_of(one)
    assert notes_of(one) is not notes_of(two)


# Text.


@given(st.text(st.characters(codec=None, categories=None)))
def test_any_text_can_be_written_as_xml(text: str) -> None:
    element = etree.Element("failure", message=printable(text))
    element.text = printable(text)
    again = etree.fromstring(etree.tostring(element, encoding="utf-8"))
    assert (again.text or "") == again.get("message") == printable(text)


def test_text_that_can_be_shown_is_left_as_it_is() -> None:
    assert printable("ü\t\U0001f40e\nline\r\nline") == "ü\t\U0001f40e\nline\nline"
    assert printable("a\rb\x7f\x9b") == r"a\rb\x7f\x9b"
