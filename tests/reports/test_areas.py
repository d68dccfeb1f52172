from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from junitparser import JUnitXml, TestSuite
from test_console import FAILED, ON_RECORD, PASSED, UNFIT, UNRUN, summed_up
from test_junit import properties

from testbed.reports.areas import Area, areas_of
from testbed.reports.junit import PASSED_OVER, JUnitFiles
from testbed.reports.outcome import Outcome, RunSummary

LITTLE = (PASSED, UNFIT, UNFIT, UNRUN)
ENOUGH = (PASSED, FAILED, ON_RECORD, UNFIT, UNFIT)


def test_areas_of_which_nothing_was_passed_over_are_not_named() -> None:
    other = replace(PASSED, area="other")
    assert areas_of([*LITTLE, other]) == [Area("chain", 1, 2)]
    assert areas_of([PASSED, UNRUN]) == []
    assert areas_of([replace(UNFIT, area="")]) == [Area("features", 0, 1)]


@pytest.mark.parametrize(("outcomes", "is_loud"), [(LITTLE, True), (ENOUGH, False), ((PASSED, UNFIT), False)])
def test_area_that_was_mostly_passed_over_is_told_loudly(outcomes: tuple[Outcome, ...], *, is_loud: bool) -> None:
    assert ("MOSTLY PASSED OVER: chain: 1 of 3 tried" in summed_up(*outcomes)) == is_loud
    assert "Areas of which something was passed over\n  chain: " in summed_up(*outcomes)


@pytest.mark.parametrize(("outcomes", "found"), [(LITTLE, "chain: 1 of 3 tried"), (ENOUGH, None)])
def test_suites_of_such_an_area_have_a_property(
    tmp_path: Path, outcomes: tuple[Outcome, ...], found: str | None
) -> None:
    files = JUnitFiles(tmp_path, {})
    named = [replace(outcome, name=str(number)) for number, outcome in enumerate(outcomes)]
    for outcome in named:
        files.scenario_finished(outcome)
    files.run_finished(RunSummary(tuple(named), (), PASSED.started, 1.0))
    (suite,) = JUnitXml.fromfile(str(tmp_path / "TEST-chain.chains.xml"))
    assert isinstance(suite, TestSuite)
    assert properties(suite).get(PASSED_OVER) == found


def test_the_property_is_the_one_that_the_documents_name() -> None:
    assert f"`{PASSED_OVER}`" in (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
