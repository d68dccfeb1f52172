"""What a scenario needs of a build: the union of what its sentences, their words and their tables need.

Each says it where it is defined: a sentence by `needing`, a word by an attribute of its own, the rows of a table by the
function that the sentence names for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from behave.matchers import Matcher
from behave.model import Step, Table

from testbed.base.gherkin import Scenario
from testbed.language.requests import needs_of_requests
from testbed.language.tables import Row, said_in

Function = TypeVar("Function", bound=Callable[..., object])

TableNeeds = Callable[[Sequence[Row]], Iterable[str]]

OPTIONS: Mapping[str, str] = {
    "compress": "compress",
    "x-perf.max-chunk": "x-perf",
    "x-perf.max-workers": "x-perf",
    "x-perf.use-copy-range": "x-perf",
    "x-perf.min-cluster-size": "min-cluster-size",
    "active": "set-active",
    "discard-source": "discard-source",
    "on-cbw-error": "backup-on-cbw-error",
}
"""What a build must have to take an option, by the option's name in a table."""

FILTER_OPTIONS: Mapping[str, str] = {
    "on-cbw-error": "on-cbw-error",
    "cbw-timeout": "cbw-timeout",
    "min-cluster-size": "cbw-min-cluster-size",
}
"""The same for options of a filter that saves what a guest overwrites."""

FORMATS = ("qed", "vdi", "vmdk")
"""Formats that an option may ask for, and that not every build can write."""


def needing(*names: str, rows: TableNeeds = lambda _rows: ()) -> Callable[[Function], Function]:
    """Declare what a sentence needs of a build: needs by their names, and those that the rows of its table have."""

    def declare(function: Function) -> Function:
        vars(function).update(needs=names, needs_of_rows=rows)
        return function

    return declare


def of_requests(rows: Sequence[Row]) -> Iterable[str]:
    """Return what the requests of a table need."""
    return needs_of_requests(rows)


def of_options(rows: Sequence[Row]) -> Iterable[str]:
    """Return what the options of a table need; one without a value is not given."""
    given = {row["option"]: row["value"] for row in rows if "option" in row and "value" in row}
    asked_for = [need for option, need in OPTIONS.items() if option in given]
    return [*asked_for, *([given["format"]] if given.get("format") in FORMATS else [])]


def of_filter_options(rows: Sequence[Row]) -> Iterable[str]:
    """Return what the options of such a filter need; one without a value is not given."""
    return [FILTER_OPTIONS[row["option"]] for row in rows if "value" in row and row.get("option") in FILTER_OPTIONS]


def needs_of(scenario: Scenario, definitions: Mapping[str, list[Matcher]]) -> list[str]:
    """Return all that the steps of a scenario, those of its backgrounds included, need of a build; each once.

    `definitions` are those of sentences, by their keyword in small letters.
    """
    steps: Any = scenario.iter_steps()
    return list(dict.fromkeys(need for step in steps for need in _needs_of_step(step, definitions)))


def _needs_of_step(step: Step, definitions: Mapping[str, list[Matcher]]) -> Iterable[str]:
    key = step.step_type, step.name
    if key not in _KNOWN:
        _KNOWN[key] = _needs_of_sentence(step.name, definitions[step.step_type])
    said, needs_of_rows = _KNOWN[key]
    table: Table | None = step.table
    return [*said, *(needs_of_rows(said_in(table)) if table else ())]


_KNOWN: dict[tuple[str, str], tuple[tuple[str, ...], TableNeeds]] = {}
"""What sentences need, by keyword and words: each is looked up once in a run, of which there is one in a process."""


def _needs_of_sentence(name: str, definitions: Iterable[Matcher]) -> tuple[tuple[str, ...], TableNeeds]:
    """Return what a sentence and its words need, and the function for the rows of its table."""
    match: Any = next(filter(None, (definition.match(name) for definition in definitions)), None)
    if match is None:  # behave will say that there is no such sentence
        return (), lambda _rows: ()
    # behave has no arguments where a word cannot be read, which it will say when it comes to the step.
    words = tuple(need for argument in match.arguments or () for need in getattr(argument.value, "needs", ()))
    own: tuple[str, ...] = getattr(match.func, "needs", ())
    return (*own, *words), getattr(match.func, "needs_of_rows", lambda _rows: ())
