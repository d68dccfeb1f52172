"""What scenarios need of a build: what their sentences, words and tables say, and nothing that no scenario says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from behave import parser
from behave.matchers import Matcher
from feature_files import ROOT, features

from testbed.build.needs import NEEDS, need
from testbed.language.needs import needing, needs_of, of_options
from testbed.language.words import MAKERS, SET_UPS
from testbed.qemu.image_kinds import KINDS
from testbed.scenario.acts.registry import REGISTRY
from testbed.upkeep import vocabulary

OF_THE_TESTBED = {"bitmap-hash", "export-inactive", "human-monitor", "qcow2", "raw"}
"""What the testbed itself asks of every build, whatever a scenario says: see testbed/scenario/programs.py."""


@pytest.fixture(scope="module")
def definitions() -> Mapping[str, list[Matcher]]:
    """Return the definitions of all sentences, by their keyword."""
    steps: Mapping[str, list[Matcher]] = vocabulary.load(ROOT).steps
    return steps


def scenario_of(text: str) -> Any:
    """Return the scenario of a feature, the last one if there are several."""
    feature = parser.parse_feature(text)
    assert feature is not None
    return feature.walk_scenarios()[-1]


FRAME = """
Feature: Needs
  Background:
    {background}
  Rule: A rule
    Background:
      {background_of_rule}
    Scenario: One
      {steps}
"""


def needs_of_steps(
    definitions: Mapping[str, list[Matcher]],
    *steps: str,
    background: str = 'Given a bitmap "a" on "drive0"',
    background_of_rule: str = 'Given a bitmap "a" on "drive0"',
) -> list[str]:
    """Return what a scenario of these lines needs."""
    said = FRAME.format(steps="\n      ".join(steps), background=background, background_of_rule=background_of_rule)
    return needs_of(scenario_of(said), definitions)


@pytest.mark.parametrize(
    ("steps", "needs"),
    [
        (['Given a bitmap "a" on "drive0"'], []),
        # Sentences.
        (['Given "drive0" is a drive without a medium'], ["human-monitor"]),
        (["Given each backup goes to another machine"], ["nbd", "block-export"]),
        (['Given the machine "b" of the next build has started with the same drives'], ["next-build"]),
        # Words.
        (["Given backups are taken with drive-backup"], ["drive-backup"]),
        (['Given the 1 MiB drive "drive0" in a VDI image'], ["vdi"]),
        (["Given each backup goes into a qcow2 image made by QEMU"], ["blockdev-create"]),
        (["Given the guest is paused at its drives' errors"], ["human-monitor"]),
        (['Given a throttle filter "filter0" over "drive0"'], ["throttle"]),
        (['When the backup of "drive0" is paused'], []),
        (['When the backup of "drive0" is paused by a job command'], ["job-commands"]),
        (['When the backup of "drive0" is paused by a block-job command'], ["block-job-commands"]),
        (["Given the next backup goes to storage that fails the first write"], ["blkdebug"]),
        (["Given the next backup goes to storage that never fails"], []),
        # Acts of a table of requests, and of a guest's.
        (
            ["When these requests are made as one transaction:", "  | request | drive |", "  | export | drive0 |"],
            ["block-export"],
        ),
        (
            ["When this request is made:", "  | request | drive | bitmap |", "  | clear | drive0 | a |"],
            [],
        ),
        (
            [
                'When the guest writes to "drive0":',
                "  | pattern | at | length | request |",
                "  | 0x41 | 0 | 64 KiB | write compressed |",
            ],
            ["human-monitor"],
        ),
        # Options, unless they are left out.
        (
            [
                'When a backup of "drive0" is started with:',
                "  | option | value |",
                "  | compress | yes |",
                "  | x-perf.max-chunk | 64 KiB |",
                "  | x-perf.min-cluster-size | |",
                "  | format | vmdk |",
            ],
            ["compress", "x-perf", "vmdk"],
        ),
    ],
)
def test_sentence_its_words_and_its_table_say_what_they_need(
    definitions: Mapping[str, list[Matcher]], steps: Sequence[str], needs: list[str]
) -> None:
    assert needs_of_steps(definitions, *steps) == needs


def test_needs_of_all_backgrounds_count_and_each_once(definitions: Mapping[str, list[Matcher]]) -> None:
    needs = needs_of_steps(
        definitions,
        'Given a throttle filter "filter0" over "drive0"',
        'And "drive1" is a drive without a medium',
        background='Given "drive0" is a drive without a medium',
        background_of_rule="Given backups are taken with drive-backup",
    )
    assert needs == ["human-monitor", "drive-backup", "throttle"]


def test_needs_of_a_row_are_those_of_its_words(definitions: Mapping[str, list[Matcher]]) -> None:
    scenario = scenario_of(
        """
Feature: Needs
  Scenario Outline: One of <command>
    Given backups are taken with <command>
    Examples: commands
      | command |
      | drive-backup |
      | blockdev-backup |
"""
    )
    assert needs_of(scenario, definitions) == ["blockdev-backup"]


def test_sentence_that_there_is_not_needs_nothing(definitions: Mapping[str, list[Matcher]]) -> None:
    assert needs_of_steps(definitions, "Given the weather is fine") == []


def test_sentence_declares_its_needs_where_it_is_defined() -> None:
    @needing("nbd", "luks", rows=of_options)
    def sentence() -> str:
        return "said"

    assert sentence() == "said"
    assert vars(sentence) == {"needs": ("nbd", "luks"), "needs_of_rows": of_options}


def test_option_that_is_not_given_needs_nothing() -> None:
    assert list(of_options([{"option": "compress"}, {"option": "format", "value": "qcow2"}])) == []
    assert list(of_options([{"option": "format", "value": "qed"}])) == ["qed"]


def asked_for(definitions: Mapping[str, list[Matcher]]) -> set[str]:
    """Return all needs that some scenario has."""
    scenarios: list[Any] = [scenario for file in features() for scenario in file.feature.walk_scenarios()]
    assert len(scenarios) > 900
    return {name for scenario in scenarios for name in needs_of(scenario, definitions)}


def test_each_need_is_asked_for_by_a_scenario_or_by_the_testbed(definitions: Mapping[str, list[Matcher]]) -> None:
    asked = asked_for(definitions)
    assert {known.name for known in NEEDS} - asked <= OF_THE_TESTBED
    assert all(need(name) for name in asked)


def test_what_the_testbed_asks_of_every_build_it_does_ask() -> None:
    source = (ROOT / "testbed" / "scenario" / "programs.py").read_text(encoding="utf-8")
    told = [name for name in OF_THE_TESTBED - {"raw"} if f'"{name}"' in source]
    assert sorted(told) == sorted(OF_THE_TESTBED - {"raw"})
    assert "settings.format" in source, "which is qcow2 or raw"


def test_whatever_can_be_said_needs_only_what_there_is() -> None:
    said: list[Any] = [*KINDS.values(), *SET_UPS.values(), *MAKERS.values(), *REGISTRY.values()]
    assert all(need(name) for thing in said for name in thing.needs)
