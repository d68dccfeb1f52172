"""Features that are parsed from text, and what the reports call their scenarios."""

from __future__ import annotations

from textwrap import dedent
from typing import cast

from behave.parser import parse_feature

from testbed.base.gherkin import Feature
from testbed.reports.labels import Labels
from testbed.reports.outcome import Outcome

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
