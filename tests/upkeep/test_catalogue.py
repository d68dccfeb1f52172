from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from testbed.scenario.acts.act import Act, Actor, Flag, Size
from testbed.upkeep import catalogue, vocabulary
from testbed.upkeep.wordlist import words

ROOT = Path(__file__).parents[2]

SIZE = r"(?:0|\d+ (?:B|[KM]iB))"
NAME = r'"[^"]*"'
OTHERS = {"Size": SIZE, "Name": NAME}


@pytest.fixture(scope="module")
def registry() -> Any:
    return vocabulary.load(ROOT)


@pytest.mark.parametrize(
    ("pattern", "listed"),
    [
        ("cleared|enabled", ["cleared", "enabled"]),
        ("a throttle filter|a quorum", ["a throttle filter", "a quorum"]),
        ("(?:full|top)(?: by force)?", ["full[ by force]", "top[ by force]"]),
        ("(?: with (?:grouped|default) completion)?", ["", " with grouped completion", " with default completion"]),
        ("a raw image|clusters of " + SIZE, ["a raw image", "clusters of {Size}"]),
        (f"{NAME}(?:, {NAME})*", ["{Name}[, {Name}]..."]),
        (SIZE, ["0", "N B", "N KiB", "N MiB"]),
        (NAME, ['"TEXT"']),
        (r"the \d{1,3} backups", ["the N backups"]),
        ("(?P<which>this|that)$", ["this", "that"]),
        ("a[^b]c", ["aTEXTc"]),
    ],
)
def test_words_of_a_closed_list_are_told(pattern: str, listed: list[str]) -> None:
    assert words(pattern, OTHERS) == listed


@pytest.mark.parametrize(
    "pattern",
    ["[A-Z][a-z]+", r"\w", ".*", "(?!not)this", "(?:one|two)*", "(?:a|b)(?:a|b)(?:a|b)(?:a|b)(?:a|b)(?:a|b)"],
)
def test_what_makes_no_list_is_none(pattern: str) -> None:
    assert words(pattern, OTHERS) == []


def test_expression_that_means_something_else_within_another_keeps_its_words() -> None:
    assert words("not full|topped", {"Sync": "full|top"}) == ["not full", "topped"]


def test_words_that_are_listed_are_read(registry: Any) -> None:
    assert vocabulary.definitions(registry)
    registered = catalogue.readers()
    patterns = {name: getattr(reader, "pattern", "") for name, reader in registered.items()}
    closed = {name: words(pattern, patterns) for name, pattern in patterns.items()}
    plain = [(name, word) for name, listed in closed.items() for word in listed if not re.search(r"[][{}NT]", word)]
    assert len(plain) > 50
    for name, word in plain:
        assert re.fullmatch(patterns[name], word), f"{name}: {word!r}"


def test_each_kind_of_words_says_what_it_is(registry: Any) -> None:
    assert vocabulary.definitions(registry)
    registered = catalogue.readers()
    assert len(registered) > 20
    assert [name for name, reader in registered.items() if not reader.__doc__] == []
    assert [name for name, reader in registered.items() if not getattr(reader, "pattern", "")] == []


def reader(pattern: str, docstring: str) -> catalogue.Reader:
    def read(text: str) -> str:
        return text

    read.__doc__ = docstring
    vars(read)["pattern"] = pattern
    return read


def test_kinds_of_words_are_told_with_their_words() -> None:
    image = reader(f"raw|qcow2 of {SIZE}", "Read an image.")
    size = reader(SIZE, "Read a size.\n\n    It has a unit.\n    ")
    text = catalogue.kinds({"Size": size, "Image": image})
    assert "  {Image}\n        Read an image.\n          raw\n          qcow2 of {Size}\n" in text
    assert "  {Size}\n        Read a size.\n\n        It has a unit.\n          0\n          N B\n" in text
    assert text.index("  {Image}\n") < text.index("  {Size}\n")


def test_kind_that_is_no_list_is_told_without_words() -> None:
    text = catalogue.kinds({"ErrorClass": reader("[A-Z][a-z]+", "Read a class of errors.")})
    assert text.endswith("\n  {ErrorClass}\n        Read a class of errors.\n")


def test_word_that_is_none_is_told_in_words() -> None:
    text = catalogue.kinds({"Maker": reader("(?: by QEMU| by hand)?", "Read who makes it.")})
    assert text.endswith("\n          nothing at all\n          by QEMU\n          by hand\n")


def test_sentences_are_told_by_module_each_with_what_it_does(registry: Any) -> None:
    text = catalogue.sentences(registry)
    assert [matcher.pattern for matcher in vocabulary.definitions(registry) if matcher.pattern not in text] == []
    for path in (ROOT / "steps").glob("*.py"):
        assert re.search(rf"^steps/{path.name}: [A-Z].*\.$", text, re.MULTILINE)


def test_sentences_of_one_step_share_what_it_does(registry: Any) -> None:
    functions = {matcher.func for matcher in vocabulary.definitions(registry)}
    told = [line for line in catalogue.sentences(registry).splitlines() if line.startswith(" " * 8)]
    assert len(functions) <= len(told) < 2 * len(functions)


def turn(knob: str, far: Size, *, slowly: Flag = False) -> None:
    """Turn a knob."""


def test_requests_are_told_with_their_columns() -> None:
    told = catalogue.requests([Act("turn", Actor.OPERATOR, "knob", turn), Act("push", Actor.GUEST, "door", turn)])
    assert told.endswith(
        """
  on: door
    push
        Turn a knob.
          far: a size or an offset, as in 64 KiB
          [slowly]: yes or no

  on: knob
    turn
        Turn a knob.
          far: a size or an offset, as in 64 KiB
          [slowly]: yes or no
"""
    )
