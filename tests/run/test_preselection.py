"""Files are left out only where the tags of an expression select nothing in them."""

from __future__ import annotations

from textwrap import dedent
from typing import cast

import pytest
from behave.configuration import Configuration
from behave.parser import parse_feature
from feature_files import ROOT
from hypothesis import settings

from testbed.base.gherkin import TagExpression
from testbed.run.preselection import may_select

OUTLINE = """
    @area
    Feature: A feature

      Rule: A rule
        @case-<row.id> @<command> @kind-<kind>-<size> @plain
        Scenario Outline: An outline
          Given a <kind> step with <command>
            | a cell    |
            | <command> |

          @slow
          Examples: Rows
            | command      | kind | size  |
            | drive-backup | big  | 1 MiB |
            | other        | small | 7 B  |
"""

SPOKEN_ELSEWHERE = """
    # language: de
    @<was>
    Funktionalität: Eine
      Szenariogrundriss: Eines
        Angenommen etwas
        Beispiele: Drei
          | was   | dies |
          | <dies> | x   |
"""


def expression_of(text: str) -> TagExpression:
    return cast("TagExpression", Configuration(["--tags", text], load_config=False).tag_expression)


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("area", True),
        ("areas", False),
        ("drive-backup", True),
        ("drive", True),
        ("blockdev-backup", False),
        ("plain and drive-backup", True),
        ("plain and blockdev-backup", False),
        ("plain or blockdev-backup", True),
        ("not area", True),
        ("not nothing", True),
        ("kind-big-1_MiB", True),
        ("kind-huge-1_MiB", False),
        ("case-1.1", True),
        ("kase-1.1", False),
        ("(plain or nothing) and not slow", True),
        ("nothing and not slow", False),
        ("noth*", True),
    ],
)
def test_a_feature_is_left_out_where_no_tag_of_it_will_do(text: str, may: bool) -> None:  # noqa: FBT001
    assert may_select(expression_of(text), dedent(OUTLINE)) == may


@pytest.mark.parametrize("feature", [SPOKEN_ELSEWHERE, OUTLINE.replace("| other  ", "| <kind> ")])
def test_where_the_text_does_not_tell_what_rows_make_a_feature_stays(feature: str) -> None:
    assert may_select(expression_of("nobody-knows"), dedent(feature))


@pytest.mark.parametrize("text", ["", "@area\nScenario: Without a feature", "no feature"])
def test_what_is_no_feature_is_left_to_behave(text: str) -> None:
    assert may_select(expression_of("nothing"), text)


def test_many_tags_are_not_tried_in_all_ways() -> None:
    tags = [f"t{number}" for number in range(20)]
    feature = f"{' '.join(f'@{tag}' for tag in tags)}\nFeature: A feature"
    assert may_select(expression_of(" and ".join(tags)), feature)


def test_no_scenario_of_a_feature_that_is_left_out_would_be_selected() -> None:
    features = {
        file: parse_feature(file.read_text("utf-8"), filename=str(file))
        for file in (ROOT / "features").rglob("*.feature")
    }
    tags = {
        file: [frozenset(map(str, scenario.effective_tags)) for scenario in feature.walk_scenarios()]
        for file, feature in features.items()
    }
    words = sorted({word for scenarios in tags.values() for scenario in scenarios for word in scenario})
    words = words[:: max(100 // settings().max_examples, 1)]
    texts = [*words, *(f"{word} and drive-backup and not slow" for word in words[::5])]
    written = {file: file.read_text("utf-8") for file in features}
    left_out = 0
    for text in texts:
        expression = expression_of(text)
        for file, scenarios in tags.items():
            if not may_select(expression, written[file]):
                left_out += 1
                assert not any(map(expression.evaluate, scenarios)), f"{text} selects something in {file}"
    assert left_out > len(texts) * len(features) / 2, "hardly any feature is left out"
