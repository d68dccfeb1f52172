from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from test_console import PASSED, UNRUN, summed_up

from testbed.reports.warnings import warnings_of

LATER = replace(PASSED, scenario="Later", line=9, started=PASSED.started + timedelta(seconds=1))


def test_each_warning_is_told_once_with_the_scenario_that_it_came_from_first() -> None:
    outcomes = [
        replace(LATER, warnings=("drive 'b' is old", "and so is the rest")),
        replace(PASSED, warnings=("drive 'a' is old", "drive 'a2' is old")),
        UNRUN,
    ]
    assert list(map(str, warnings_of(outcomes))) == [
        "drive 'a' is old (first in Three backups, features/chain/chains.feature:7, and in 1 more)",
        "and so is the rest (first in Later, features/chain/chains.feature:9)",
    ]
    assert "\nQEMU warned of\n  drive 'a' is old (first in Three backups" in summed_up(*outcomes)


def test_where_nothing_was_warned_of_nothing_is_said() -> None:
    assert warnings_of([PASSED, LATER]) == []
    assert "warned" not in summed_up(PASSED, LATER)
