"""Prints what features can say, sentences, words and requests: `python -m testbed.upkeep.catalogue`, `make steps`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from textwrap import indent
from typing import Any

from behave.matchers import ParseMatcher

from testbed.language.requests import GUEST_REQUESTS, REQUESTS
from testbed.scenario.acts.registry import Act
from testbed.upkeep import vocabulary
from testbed.upkeep.wordlist import words

ROOT = Path(__file__).parents[2]

Reader = Callable[[str], Any]


def readers() -> Mapping[str, Reader]:
    """Return what reads each kind of words, by the name that sentences give it."""
    registered: Mapping[str, Reader] = ParseMatcher.TYPE_REGISTRY
    return registered


def sentences(registry: Any) -> str:
    """Return all sentences by the module they are in, each with what it does."""
    modules: dict[str, list[Any]] = {}
    for matcher in sorted(vocabulary.definitions(registry), key=_place):
        modules.setdefault(matcher.location.filename, []).append(matcher)
    return "\n".join(line for path, matchers in modules.items() for line in _module(path, matchers))


def _place(matcher: Any) -> tuple[str, int]:
    return matcher.location.filename, matcher.location.line


def _module(path: str, matchers: Iterable[Any]) -> Iterator[str]:
    by_function: dict[Any, list[Any]] = {}
    for matcher in matchers:
        by_function.setdefault(matcher.func, []).append(matcher)
    about = next(iter(by_function)).__globals__.get("__doc__")
    yield from (f"{path}: {about}", "")
    for function, same in by_function.items():
        yield from (f"  {matcher.step_type.title():5} {matcher.pattern}" for matcher in same)
        yield from (indent(inspect.getdoc(function) or "", " " * 8), "")


def kinds(registered: Mapping[str, Reader]) -> str:
    """Return all kinds of words, each with what it stands for and, where it is a closed list, with its words."""
    patterns = {name: str(getattr(reader, "pattern", "")) for name, reader in registered.items()}
    lines = ["Words in braces: [may be left out], [may be repeated]..., N is a number, TEXT any text.", ""]
    for name, reader in sorted(registered.items()):
        lines.append(f"  {{{name}}}")
        lines.append(indent(inspect.getdoc(reader) or "", " " * 8))
        listed = words(patterns[name], {other: patterns[other] for other in patterns if other != name})
        lines += [f"          {word.strip() or 'nothing at all'}" for word in listed]
        lines.append("")
    return "\n".join(lines)


def requests(known: Iterable[Act]) -> str:
    """Return acts that the rows of tables can name, by what they are done to, each with the columns that it heeds."""
    lines = ["Requests, as the rows of tables name them, with their columns: [those in brackets] may be empty."]
    for on, alike in groupby(sorted(known, key=lambda act: (act.on, act.name)), key=lambda act: act.on):
        lines += ["", f"  on: {on}"]
        for act in alike:
            lines.append(f"    {act.name}")
            lines.append(indent(inspect.getdoc(act.do) or "", " " * 8))
            for parameter in act.parameters:
                column = parameter.column if parameter.required else f"[{parameter.column}]"
                lines.append(f"          {column}: {parameter.word.value}")
    return "\n".join([*lines, ""])


def main() -> None:
    """Print the catalogue."""
    registry = vocabulary.load(ROOT)
    acts = (*REQUESTS.values(), *GUEST_REQUESTS.values())
    sys.stdout.write("\n".join([sentences(registry), kinds(readers()), requests(acts)]))


if __name__ == "__main__":
    main()
