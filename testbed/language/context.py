"""The way from a step to what it is about: behave's context carries the scenario's world and the run's testbed."""

from __future__ import annotations

from typing import cast

from behave.runner import Context

from testbed.base.problems import AuthorError
from testbed.scenario.failing import Story
from testbed.scenario.testbed import Testbed
from testbed.scenario.world import World


def world_of(context: Context) -> World:
    """Return the scenario's world."""
    return cast("World", context.world)


def testbed_of(context: Context) -> Testbed:
    """Return what all scenarios of the run share."""
    return cast("Testbed", context.testbed)


def story_of(context: Context) -> Story:
    """Return the story that the scenario tells; raise AuthorError when it tells none."""
    told = getattr(context, "story", None)
    if not isinstance(told, Story):
        raise AuthorError("the scenario tells no story: let it begin with one")
    return told
