from __future__ import annotations

from pathlib import Path

import pytest

from testbed.base.problems import AuthorError
from testbed.upkeep import docs, survival
from testbed.upkeep.fates import FATES, Shown
from testbed.upkeep.featurelint import FeatureFile
from testbed.upkeep.survival import EVENTS, KINDS, Event

STORY = """\
@restart
Feature: Nights
  Some lose
  data.

  Background:
    Given a drive with these requests:
      | request | bitmap | drive  | persistent | recording |
      | add     | one    | drive0 | yes        | yes       |
      | add     | two    | drive0 | yes        | no        |
      | add     | three  | drive0 | no         | yes       |
    And the bitmap "two" of "drive0" has been enabled

  Rule: A rule
    Scenario Outline: It is <ended>
      Given an incremental backup of "drive0" with "one" is kept running
      When the machine is <ended>
      Then QEMU should have said "Bye"
      When the machine starts
      Then the bitmaps of "drive0" should be:
        | bitmap | inconsistent |
        | one    | <spoilt>     |
        | two    | no           |
      And the image of "drive0" should store its persistent bitmaps and no others
      When the bitmap "one" of "drive0" is removed
      Then "drive0" should have no bitmap

      Examples: how
        | case | ended     | spoilt |
        | soft | shut down | no     |
        | hard | killed    | yes    |

    @known-defect.merge-empty-list
    Scenario: It is asked for
      When the bitmap "one" of "drive0" is wanted
      Then QEMU should refuse it as a GenericError that says "No"
      And the next incremental backup of "drive0" with "one" should restore it as it was then
      And the 2 backups with "two" should restore "drive0" as it was at that moment

    Scenario: Another drive has one of that name
      Given the drive "drive1", in whose image these bitmaps are stored:
        | bitmap |
        | one    |
      And a full backup of "drive1" with a new bitmap "new"
      And the drive "drive2", left by a crash with the bitmap "old"
      When the machine is wanted
      Then the bitmaps of "drive1" should be:
        | bitmap |
        | one    |
        | new    |
      And "drive2" should have no bitmap
      And the bitmaps of "drive0" should be:
        | bitmap |
        | three  |
"""


@pytest.fixture
def files() -> dict[str, FeatureFile]:
    return {"restart/nights": FeatureFile(Path("nights.feature"), STORY)}


def shown(title: str, bitmap: str, case: str = "", drive: str = "drive0") -> Shown:
    return Shown("restart/nights", title, bitmap, drive, case)


ENDED, WANTED, OTHER = "It is <ended>", "It is asked for", "Another drive has one of that name"


@pytest.mark.parametrize(
    ("cell", "words", "fate", "kinds"),
    [
        (shown(ENDED, "one", "soft"), "shut down", "kept, stored", {"records", "busy"}),
        (shown(ENDED, "one", "hard"), "killed", "stored, inconsistent", {"records", "inconsistent", "busy"}),
        (shown(ENDED, "two", "soft"), "shut down", "kept, stored", {"records"}),
        (shown(ENDED, "three", "soft"), "shut down", "gone", {"transient"}),
        (shown(ENDED, "one", "soft"), "removed", "gone", {"records", "busy"}),
        (shown(WANTED, "one"), "wanted", "refused, kept", {"records"}),
        (shown(WANTED, "two"), "wanted", "refused, kept", {"records"}),
        (shown(OTHER, "two"), "wanted", "gone", {"records"}),
        (shown(OTHER, "one", drive="drive1"), "wanted", "kept", {"records"}),
        (shown(OTHER, "new", drive="drive1"), "wanted", "kept", {"transient"}),
        (shown(OTHER, "old", drive="drive2"), "wanted", "gone", {"records", "inconsistent"}),
    ],
)
def test_fate_and_kind_are_those_that_the_scenario_tells(
    files: dict[str, FeatureFile], cell: Shown, words: str, fate: str, kinds: set[str]
) -> None:
    told = cell.told(files, words)
    assert told.fate == fate
    assert {kind for kind, belongs in KINDS.items() if belongs(told)} == kinds


def test_what_is_added_as_disabled_is_of_that_kind() -> None:
    text = STORY.replace('    And the bitmap "two" of "drive0" has been enabled\n', "")
    told = shown(ENDED, "two", "soft").told({"restart/nights": FeatureFile(Path("f"), text)}, "shut down")
    assert [kind for kind, belongs in KINDS.items() if belongs(told)] == ["disabled"]


@pytest.mark.parametrize(
    ("kind", "cell", "words", "said"),
    [
        ("records", Shown("restart/night", ENDED), "", 'no feature "restart/night"; did you mean "restart/nights"?'),
        ("records", shown("It is ended", "one"), "", 'no scenario of restart/nights "It is ended"; did you mean'),
        ("records", shown(ENDED, "one"), "", f'no case of "{ENDED}" ""'),
        ("records", shown(WANTED, "one"), "killed", 'no step says "killed"'),
        ("records", shown(ENDED, "one", "soft", "drive1"), "shut", 'no outcome tells of "one" of "drive1"'),
        ("transient", shown(ENDED, "one", "soft"), "shut", '"one" of "It is <ended>" is not of that kind'),
    ],
)
def test_cell_that_its_scenario_does_not_show_is_an_error(
    files: dict[str, FeatureFile], kind: str, cell: Shown, words: str, said: str
) -> None:
    with pytest.raises(AuthorError) as error:
        survival.rows(files, [Event("night", words, {kind: cell})])
    assert str(error.value).startswith(f"night, {kind}: ")
    assert said in str(error.value)


def test_row_has_a_cell_for_each_kind(files: dict[str, FeatureFile]) -> None:
    cells = {"records": shown(WANTED, "one")}
    ((*row,),) = survival.rows(files, [Event("asking", "wanted", cells)])
    link = f'[refused, kept](../features/restart/nights.feature "{WANTED}") \\*'
    assert row == ["asking", link, *["not looked at"] * 4]
    ((*row,),) = survival.rows(files, [Event("asking", "wanted", cells, is_offline=True)])
    assert row == ["asking", link, "not looked at", "-", "not looked at", "-"]


def test_no_event_is_named_twice_and_each_has_a_scenario() -> None:
    assert len({event.name for event in EVENTS}) == len(EVENTS)
    assert [event.name for event in EVENTS if not event.shown or not set(event.shown) <= set(KINDS)] == []


def test_each_word_of_the_table_has_a_meaning() -> None:
    table, _, meanings = docs.survived().partition("\n\n")
    used = {word for cell in table.split("[")[1:] for word in cell.partition("]")[0].split(", ")}
    assert used <= set(FATES)
    assert all(f"| {word} | " in meanings for word in used)
