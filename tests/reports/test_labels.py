from __future__ import annotations

import pytest
from parsed import TEXT, labelled, parsed

from testbed.reports.labels import Labels


def test_a_row_has_a_name_that_says_which() -> None:
    assert [outcome.scenario for outcome in labelled(parsed())] == [
        "Plain",
        "Plain",
        "Of 64 KiB",
        "Of 1 MiB",
    ]


OUTLINE = """
    Feature: F
      Scenario Outline: A <size> bitmap
        Given a state

        Examples: those of one table
          | case        | size   | command | error |
          | the default | 64 KiB | merge   | a     |
          | the 64 KiB  | 64 KiB | merge   | b     |
          | too large   | 1 GiB  | merge   | c     |
          |             | 2 GiB  | merge   | d     |

        Examples: those of another
          | size   | command | error |
          | 1 KiB  | add     | a     |
          | 1 KiB  | clear   | a     |
          | 2 KiB  | add     | a     |
          | 4 KiB  | add     | a     |
          | 4 KiB  | add     | b     |

        Examples: {again}
          | size   | command | error |
          | 2 KiB  | add     | a     |
"""


def test_rows_are_named_by_their_case_or_by_what_tells_them_apart() -> None:
    text = OUTLINE.format(again="once more")
    assert [outcome.scenario for outcome in labelled(parsed(text=text))] == [
        "A 64 KiB bitmap [the default]",
        "A 64 KiB bitmap [the 64 KiB]",
        "A 1 GiB bitmap [too large]",
        "A 2 GiB bitmap",
        "A 1 KiB bitmap [add]",
        "A 1 KiB bitmap [clear]",
        "A 2 KiB bitmap [add, a, those of another]",
        "A 4 KiB bitmap [add, a]",
        "A 4 KiB bitmap [add, b]",
        "A 2 KiB bitmap [add, a, once more]",
    ]


def test_what_the_title_says_is_not_said_again() -> None:
    text = OUTLINE.format(again="x").replace("too large  ", "1 GiB      ")
    assert "A 1 GiB bitmap" in [outcome.scenario for outcome in labelled(parsed(text=text))]


def test_words_of_a_row_have_little_room() -> None:
    text = OUTLINE.format(again="x").replace("too large  ", "too large " * 9)
    (long,) = [one.scenario for one in labelled(parsed(text=text)) if "too" in one.scenario]
    assert long.endswith(" too large too ...]")
    assert len(long) < len("A 1 GiB bitmap []") + 60


def test_a_scenario_tells_where_it_stands() -> None:
    first, second, *_ = labelled(parsed())
    assert (first.area, first.suite, first.report) == ("chain", "chain.Chains of 2_0", "chain.long_chains")
    assert (first.rule, first.name, first.file, first.line) == (None, "Plain", "features/chain/long_chains.feature", 5)
    assert (second.rule, second.name, second.line) == ("One", "One: Plain", 12)
    assert second.repeat.endswith(" -m behave features/chain/long_chains.feature:12")


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
