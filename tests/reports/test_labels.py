from __future__ import annotations

import pytest
from parsed import TEXT, labelled, parsed

from testbed.reports.labels import Labels


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
