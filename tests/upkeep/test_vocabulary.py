from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from behave.step_registry import StepRegistry
from feature_files import ROOT, feature_file, features

from testbed.upkeep import vocabulary


@cache
def steps() -> Any:
    return vocabulary.load(ROOT)


def test_each_step_means_exactly_one_definition() -> None:
    assert vocabulary.unclear(features(), steps()) == []


def test_no_definition_is_unused() -> None:
    assert vocabulary.unused(features(), steps()) == []


def test_each_parameter_has_a_registered_type() -> None:
    assert vocabulary.untyped(steps()) == []


# The checks themselves, each seen to fail.


def registry_of(**definitions: str) -> Any:
    registry = StepRegistry()
    for step_type, pattern in definitions.items():
        registry.add_step_definition(step_type, pattern, lambda _: None)
    return registry


STORY = feature_file(
    """\
Feature: F
  Background:
    Given a drive
  Rule: R
    Scenario Outline: O
      When <size> are written

      Examples:
        | size  |
        | 1 KiB |
"""
)


def test_sentences_of_rows_and_backgrounds_are_found() -> None:
    registry = registry_of(given="a drive", when="1 KiB are written")
    assert vocabulary.unclear([STORY], registry) == []
    assert vocabulary.unused([STORY], registry) == []


def test_undefined_step_is_found() -> None:
    (found,) = vocabulary.unclear([STORY], registry_of(given="a drive"))
    assert found.endswith('0 definitions, not one, for "1 KiB are written"')


def test_ambiguous_step_is_found() -> None:
    registry = registry_of(given="a drive", when="{size} are written", step="1 KiB are {what}")
    (found,) = vocabulary.unclear([STORY], registry)
    assert found.endswith('2 definitions, not one, for "1 KiB are written"')


def test_unused_definition_is_found() -> None:
    registry = registry_of(given="a drive", when="1 KiB are written", then="all should be well")
    (found,) = vocabulary.unused([STORY], registry)
    assert found.endswith('no feature says "all should be well"')


@pytest.mark.parametrize("pattern", ["{size} are written", "{size:d} are written", "{} are written"])
def test_parameter_without_a_registered_type_is_found(pattern: str) -> None:
    (found,) = vocabulary.untyped(registry_of(when=pattern))
    assert found.endswith(f'has no registered type in "{pattern}"')
