from __future__ import annotations

from pathlib import Path

import pytest

from testbed.campaign.proof.faults.bitmaps import CASES, FAULTS, KINDS, WIDE, Kind
from testbed.campaign.proof.silencers import SILENCERS

ROOT = Path(__file__).parents[3]


def test_no_two_faults_have_one_name_or_one_description() -> None:
    assert len(FAULTS) == len(KINDS)
    assert len({kind.words for kind in KINDS}) == len(KINDS)


def test_each_fault_has_words_that_lead_to_it() -> None:
    assert [kind.name for kind in KINDS if not kind.leads] == ["none"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_fault_is_looked_for_in_features_that_there_are(kind: Kind) -> None:
    missing = [name for name in kind.where if not (ROOT / "features" / f"{name}.feature").exists()]
    assert not missing
    assert kind.alone in ("", *SILENCERS)


@pytest.mark.parametrize("oracle", SILENCERS)
def test_each_oracle_alone_sees_some_fault(oracle: str) -> None:
    assert any(kind.alone == oracle for kind in KINDS)


def test_wide_faults_are_in_the_table_and_can_show_something() -> None:
    assert all(FAULTS[name].shows and FAULTS[name].leads for name in WIDE)
    assert CASES
