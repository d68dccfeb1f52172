"""What is not for QEMU to answer for: faults of the environment, slips of an author, what a build has not got."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something about the environment, not about QEMU, that keeps the suite from running."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}\n  remedy: {self.remedy}"


class EnvironmentUnusable(Exception):
    """The run cannot start. Holds every problem at once, each with its remedy."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def chatter(program: object, option: str, said: str) -> EnvironmentUnusable:
    """Return the error for a tool that prints besides its answer, as a script around it may; `said` is what.

    `option` is the one of -D that names such a tool. Whatever was read from its output means nothing.
    """
    what = f"{program} prints on its standard output besides its answer: {said.strip()}"
    remedy = f"name the tool itself with -D {option}=PATH, or let the script print that on standard error"
    return EnvironmentUnusable([Problem(what, remedy)])


CALLER = "SUITE_CALLED_BY"
"""The environment variable by which commands that start behave tell their name: "make accept" or "make matrix"."""

_OPTION = re.compile(r"(?<!ARGS=')-D (?P<name>\w+)=(?P<value>(?:[^\s,;]*[^\s,;.])?)")


def in_words_of_caller(text: str, environ: Mapping[str, str]) -> str:
    """Return a text with options of behave's, such as -D qemu=PATH, as they are given to the command that was typed.

    What is said so already stays as it is.
    """
    caller = environ.get(CALLER)
    build = {"make accept": "QEMU", "make matrix": "BUILDS"}.get(caller or "")
    if build is None:
        return text

    def said(option: re.Match[str]) -> str:
        if option["name"] == "qemu":
            return f"{caller} {build}={option['value'] or '/path'}"
        return f"{caller} ARGS='{option[0]}'"

    return _OPTION.sub(said, text)


class AuthorError(Exception):
    """A scenario says what nobody can mean: a word that there is not, a table without a heading that it needs.

    That says nothing of QEMU. The message tells which words would have been right; `near` finds them.
    """


MOST_WORDS = 20
"""How many words a message can name."""


def near(word: str, known: Iterable[str], what: str) -> AuthorError:
    """Return the error for a word that is none of the known ones, with those that may be meant; see `hint`.

    `what` is what such a word names, as in "request".
    """
    return AuthorError(f'there is no {what} "{word}"; {hint(word, known)}')


def hint(word: str, known: Iterable[str]) -> str:
    """Say which of the known words are near to one that is none of them; if none is, name all, unless they are many."""
    words = list(known)
    if close := difflib.get_close_matches(word, words, n=3):
        return f"did you mean {quoted(close)}?"
    if len(words) > MOST_WORDS:
        return f"of {len(words)}, the nearest are: {quoted(difflib.get_close_matches(word, words, n=3, cutoff=0))}"
    return f"there are: {quoted(words)}" if words else "there are none"


def quoted(words: Iterable[str]) -> str:
    """Return words for a message, each in quotes."""
    return ", ".join(f'"{word}"' for word in words)


class NotOffered(AssertionError):
    """This build has no such command: nothing can be said of a scenario that needs it."""
