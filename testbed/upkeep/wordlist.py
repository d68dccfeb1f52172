"""The words that a regular expression stands for, as somebody would list them who explains it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

_GRAMMAR: Any = importlib.import_module("re._parser")
"""The reader of regular expressions in Python's own library; the documentation does not mention it."""

MOST_WORDS = 60
"""What is longer than this is no list for people."""

_MARK = 0xE000
"""The first of the characters, of no alphabet, that stand for the expressions of other kinds of words."""


class _Open(Exception):
    """There is no list: the expression allows for what nobody can list."""


def words(pattern: str, others: Mapping[str, str]) -> list[str]:
    """Return the words that `pattern` matches; none where they make no list.

    `others` are the expressions of the other kinds of words, by name. Where one is a part of this one, its name stands
    for it in braces. N is a number and TEXT any text; what is in brackets may be left out, and with three dots be
    repeated.
    """
    names: dict[str, str] = {}
    for name, other in sorted(others.items(), key=lambda item: -len(item[1])):
        if _is_a_whole(other) and other != pattern and other in pattern:
            mark = chr(_MARK + len(names))
            names[mark] = f"{{{name}}}"
            pattern = pattern.replace(other, mark)
    try:
        found = _sequence(_GRAMMAR.parse(pattern))
    except _Open:
        return []
    return ["".join(names.get(letter, letter) for letter in word) for word in found]


def _is_a_whole(pattern: str) -> bool:
    """Tell whether an expression means within another one what it means alone."""
    return "|" not in pattern or (pattern.startswith("(?:") and pattern.endswith(")"))


def _sequence(nodes: Iterable[tuple[Any, Any]]) -> list[str]:
    choices = [_node(str(kind), value) for kind, value in nodes]
    found = list(dict.fromkeys("".join(parts) for parts in product(*choices)))
    if len(found) > MOST_WORDS:
        raise _Open
    return found


def _node(kind: str, value: Any) -> list[str]:
    if kind not in _READERS:
        raise _Open
    return _READERS[kind](value)


def _branch(value: tuple[None, Sequence[Any]]) -> list[str]:
    return [word for branch in value[1] for word in _sequence(branch)]


def _one_of(value: Sequence[tuple[Any, Any]]) -> list[str]:
    """List the letters of a class; a class of more than letters is a digit, or makes no list."""
    if all(str(kind) == "LITERAL" for kind, _ in value):
        return [chr(code) for _, code in value]
    if [str(meaning) for _, meaning in value] == ["CATEGORY_DIGIT"]:
        return ["N"]
    raise _Open


def _repeat(value: tuple[int, Any, Any]) -> list[str]:
    least, most, inner = value
    found = _sequence(inner)
    if found == ["TEXT"] or (found == ["N"] and least > 0):
        return found
    if most == 1:
        return [f"[{found[0]}]"] if len(found) == 1 else ["", *found]
    if least == 0 and len(found) == 1:
        return [f"[{found[0]}]..."]
    raise _Open


_READERS: Mapping[str, Callable[[Any], list[str]]] = {
    "LITERAL": lambda code: [chr(code)],
    "BRANCH": _branch,
    "IN": _one_of,
    "NOT_LITERAL": lambda _: ["TEXT"],
    "SUBPATTERN": lambda value: _sequence(value[-1]),
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "AT": lambda _: [""],
}
