"""What an act is, and the registry of all that there are.

An act is a function: its parameters are what it works on and what it takes, its result is the request that it makes of
QEMU, with what the models learn when that is granted and what they foresee (see Request), or nothing if it is done at
once. The registry adds the words: the name that a table has for it, and what a sentence says when it is done. Tables,
sentences and whoever else draws acts use the same registry, so that a new act is written once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from testbed.base.problems import near

Function = TypeVar("Function", bound=Callable[..., Any])


class Actor(Enum):
    """Who does something."""

    GUEST = "the guest"
    OPERATOR = "the operator"
    BACKUP_TOOL = "the backup tool"
    STORAGE = "the storage"
    HOST = "the host"


class Word(Enum):
    """How a value is written in a cell of a table."""

    SIZE = "a size or an offset, as in 64 KiB"
    BYTE = "a byte, as in 0x41"
    FLAG = "yes or no"
    NAME = "a name"
    NAMES = "names with commas between"
    BITMAP = "the name of a bitmap"
    SOURCES = 'names of bitmaps with commas between, "bitmap0 of drive1" for one of another drive, or none'
    VALUE = "yes, no, a size, a number, or a word"
    PLACE = "a place in a row of things, as in 1st"


Size = Annotated[int, Word.SIZE]
Byte = Annotated[int, Word.BYTE]
Flag = Annotated[bool, Word.FLAG]
Name = Annotated[str, Word.NAME]
Names = Annotated[list[str], Word.NAMES]
BitmapName = Annotated[str, Word.BITMAP]
Sources = Annotated[list[tuple[str, str]], Word.SOURCES]
Value = Annotated[object, Word.VALUE]
Place = Annotated[int, Word.PLACE]
"""The types of what an act takes: each says how it is written."""


@dataclass(frozen=True)
class Parameter:
    """One thing that an act takes: the column in which a table has it, how it is written, and whether it must be there.

    `python` is the parameter's name in the function.
    """

    python: str
    column: str
    word: Word
    required: bool


@dataclass(frozen=True)
class Act:
    """Something that somebody can do, by the name that a table has for it.

    `on` is what it is done to ("bitmap", "drive", "job" ...); `said` is what a sentence says of that then, as in "is
    cleared"; `needs` are what a build must have for it; `do` is the function.
    """

    name: str
    actor: Actor
    on: str
    do: Callable[..., Any]
    said: str = ""
    needs: tuple[str, ...] = ()

    @cached_property
    def subjects(self) -> Mapping[str, type]:
        """Return what the act works on: the parameters that are things of the scenario, by name, with their classes."""
        return {name: hint for name, hint in self._hints.items() if isinstance(hint, type)}

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Return what it takes besides."""
        given = inspect.signature(self.do).parameters
        return tuple(
            Parameter(name, name.rstrip("_").replace("_", "-"), word, given[name].default is inspect.Parameter.empty)
            for name, hint in self._hints.items()
            if (word := _word_of(hint)) is not None
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of a table that mean something to it."""
        return tuple(parameter.column for parameter in self.parameters)

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        hints = get_type_hints(self.do, include_extras=True)
        return {name: hints[name] for name in inspect.signature(self.do).parameters if name in hints}


def _word_of(hint: Any) -> Word | None:
    """Return how a parameter of this type is written, be it one that may be left out; None for what is no word."""
    words = (getattr(kind, "__metadata__", (None,))[0] for kind in (hint, *get_args(hint)))
    return next((word for word in words if isinstance(word, Word)), None)


REGISTRY: dict[tuple[str, str], Act] = {}
"""All acts, by what they are done to and by their names; testbed.scenario.acts.registry fills it."""


def act(
    name: str, *, on: str, by: Actor, said: str = "", needs: tuple[str, ...] = ()
) -> Callable[[Function], Function]:
    """Register a function as an act; see Act for what is said of it."""

    def register(function: Function) -> Function:
        assert (on, name) not in REGISTRY, f'there is an act "{name}" on {on} already'
        REGISTRY[on, name] = Act(name, by, on, function, said, needs)
        return function

    return register


def acts_on(*kinds: str) -> dict[str, Act]:
    """Return all acts that are done to things of these kinds, by name."""
    return {name: act for (on, name), act in REGISTRY.items() if on in kinds}


def said_of(kind: str) -> dict[str, Act]:
    """Return the acts on things of a kind that a sentence can tell of, by what it says then."""
    return {act.said: act for act in acts_on(kind).values() if act.said}


def act_named(name: str, acts: Mapping[str, Act], what: str) -> Act:
    """Return the act of that name; raise AuthorError, with the nearest ones, when there is none."""
    if name not in acts:
        raise near(name, acts, what)
    return acts[name]
