from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from testbed.build.defects import DEFECTS
from testbed.build.needs import need
from testbed.campaign.proof.faultkind import FIRST_CASES, NOTHING, FaultKind
from testbed.campaign.proof.faults import FAULTS, WIDE, bitmaps, by_name, endings
from testbed.campaign.proof.silencers import SILENCERS

ROOT = Path(__file__).parents[3]


def test_faults_of_each_area_are_listed() -> None:
    assert {*bitmaps.FAULTS, *endings.FAULTS, NOTHING} < set(FAULTS.values())
    assert len(FAULTS) > 190


def test_two_faults_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match='two faults are called "never-busy"'):
        by_name([FAULTS["never-busy"], replace(FAULTS["always-busy"], name="never-busy")])


def test_no_two_faults_have_one_description() -> None:
    assert len({fault.description for fault in FAULTS.values()}) == len(FAULTS)


def test_each_fault_has_words_that_lead_to_it() -> None:
    assert [fault.name for fault in FAULTS.values() if not fault.clues] == [NOTHING.name]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_each_fault_is_looked_for_in_features_that_there_are(fault: FaultKind) -> None:
    missing = [name for name in fault.features if not (ROOT / "features" / f"{name}.feature").exists()]
    assert not missing
    assert fault.seen_only_by in ("", *SILENCERS)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_each_fault_names_needs_and_defects_that_there_are(fault: FaultKind) -> None:
    assert [need(name).name for name in fault.needs] == list(fault.needs)
    assert fault.defect in ("", *(defect.name for defect in DEFECTS))


@pytest.mark.parametrize("act", ["add", "remove", "clear", "enable", "disable", "merge"])
def test_build_without_a_core_command_is_a_fault(act: str) -> None:
    assert f"block-dirty-bitmap-{act}-gone" in FAULTS


@pytest.mark.parametrize("oracle", SILENCERS)
def test_each_oracle_alone_sees_some_fault(oracle: str) -> None:
    assert any(fault.seen_only_by == oracle for fault in FAULTS.values())


def test_wide_faults_are_in_the_table_and_can_show_something() -> None:
    assert all(FAULTS[name].is_survivable and FAULTS[name].clues for name in WIDE)
    assert FIRST_CASES
