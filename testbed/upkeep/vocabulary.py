"""The sentences of the step modules, held against those of the features."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter
from typing import Any

from behave import step_registry
from behave.runner_util import exec_file, load_step_modules

from testbed.upkeep.featurelint import FeatureFile

STEP_TYPES = ("given", "when", "then", "step")


def load(root: Path) -> Any:
    """Run the hooks' module and the step modules as behave does; return its registry with all definitions."""
    exec_file(str(root / "environment.py"), {})
    load_step_modules([str(root / "steps")])
    return step_registry.registry


def definitions(registry: Any) -> list[Any]:
    """Return all step definitions."""
    return [matcher for step_type in STEP_TYPES for matcher in registry.steps[step_type]]


def spoken(files: Iterable[FeatureFile]) -> Iterator[tuple[FeatureFile, Any]]:
    """Return all steps that a run of the files would say, with the rows of outlines filled in."""
    for file in files:
        for part in (*file.backgrounds, *file.cases):
            yield from ((file, step) for step in part.steps)


def matching(registry: Any, step: Any) -> list[Any]:
    """Return the definitions that a step could mean."""
    candidates = [*registry.steps[step.step_type], *registry.steps["step"]]
    return [matcher for matcher in candidates if matcher.match(step.name)]


def unclear(files: Iterable[FeatureFile], registry: Any) -> list[str]:
    """Return the steps that have no definition or more than one, with their places."""
    # What an outline puts into its background is behave's to fill in; the dry run finds what is undefined there.
    whole = ((file, step) for file, step in spoken(files) if not re.search(r"<[a-z-]+>", step.name))
    found = [(file, step, matching(registry, step)) for file, step in whole]
    return [
        f'{file.path}:{step.line}: {len(meant)} definitions, not one, for "{step.name}"'
        for file, step, meant in found
        if len(meant) != 1
    ]


def unused(files: Iterable[FeatureFile], registry: Any) -> list[str]:
    """Return the definitions that no step means, with their places."""
    used = {id(matcher) for _, step in spoken(files) for matcher in matching(registry, step)}
    return [
        f'{matcher.location}: no feature says "{matcher.pattern}"'
        for matcher in definitions(registry)
        if id(matcher) not in used
    ]


def untyped(registry: Any) -> list[str]:
    """Return the definitions with a parameter of no registered type: such a one could swallow anything."""
    loose = []
    for matcher in definitions(registry):
        for _, name, kind, _ in Formatter().parse(matcher.pattern):
            if name is not None and not matcher.has_registered_type((kind or "").rstrip("?*+")):
                loose.append(f'{matcher.location}: "{name}" has no registered type in "{matcher.pattern}"')
    return loose
