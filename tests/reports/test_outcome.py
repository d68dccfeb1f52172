from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from parsed import labelled, parsed

from testbed.reports.outcome import RunError, RunSummary, Status, notes_of


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
