from __future__ import annotations

from collections.abc import Iterable

import pytest

from testbed.base.problems import CALLER, AuthorError, EnvironmentUnusable, Problem, hint, in_words_of_caller, near


def test_all_problems_are_told_with_their_remedies() -> None:
    error = EnvironmentUnusable([Problem("no qemu", "install it"), Problem("no room", "make some")])
    assert str(error) == "no qemu\n  remedy: install it\nno room\n  remedy: make some"
    assert len(error.problems) == 2


def test_a_slip_is_told_with_the_nearest_words() -> None:
    error = near("claer", ["clear", "add", "clean"], "request")
    assert isinstance(error, AuthorError)
    assert str(error) == 'there is no request "claer"; did you mean "clear", "clean"?'


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (["enable", "disable"], 'there are: "enable", "disable"'),
        ((word for word in ("add",)), 'there are: "add"'),
        ([], "there are none"),
        ([f"word {number}" for number in range(30)], 'of 30, the nearest are: "word 9", "word 8", "word 7"'),
    ],
)
def test_all_words_are_named_where_none_is_near(known: Iterable[str], said: str) -> None:
    assert hint("xyz", known) == said


def test_a_slip_is_no_broken_promise() -> None:
    assert not issubclass(AuthorError, AssertionError)


@pytest.mark.parametrize(
    ("caller", "text", "said"),
    [
        ("make accept", "name one with -D qemu=PATH", "name one with make accept QEMU=PATH"),
        ("make accept", "more time with -D patience=", "more time with make accept ARGS='-D patience='"),
        (
            "make accept",
            "give -D qemu=, or -D keep=never.",
            "give make accept QEMU=/path, or make accept ARGS='-D keep=never'.",
        ),
        ("make matrix", "name one with -D qemu=PATH", "name one with make matrix BUILDS=PATH"),
        ("", "name one with -D qemu=PATH", "name one with -D qemu=PATH"),
        ("cron", "name one with -D qemu=PATH", "name one with -D qemu=PATH"),
    ],
)
def test_a_remedy_is_said_as_the_caller_would_type_it(caller: str, text: str, said: str) -> None:
    assert in_words_of_caller(text, {CALLER: caller}) == said
    assert in_words_of_caller(said, {CALLER: caller}) == said
