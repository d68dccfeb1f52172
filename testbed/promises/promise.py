"""What a scenario can insist on: a PyHamcrest matcher whose mismatch says what came instead, and where.

A promise compares QEMU with one of the oracles, never with what QEMU said before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

T = TypeVar("T")


class Promise(BaseMatcher[T]):
    """A promise in words, and the function that says how a thing breaks it, or None."""

    def __init__(self, words: str, complaint: Callable[[T], str | None]) -> None:
        """Keep the words and the function."""
        self.words = words
        self.complaint = complaint

    def _matches(self, item: T) -> bool:
        return self.complaint(item) is None

    def describe_to(self, description: Description) -> None:
        """Say what was promised."""
        description.append_text(_below_each_other(self.words))

    def describe_mismatch(self, item: T, mismatch_description: Description) -> None:
        """Say what came instead."""
        mismatch_description.append_text(_below_each_other(self.complaint(item) or "it was kept when looked at again"))


def _below_each_other(text: str) -> str:
    """Begin each line below the first word of the first, which stands behind PyHamcrest's own words."""
    return text.replace("\n", "\n" + " " * len("Expected: "))


def each(promise: Promise[T]) -> Promise[Sequence[T]]:
    """Match things that all keep a promise, and at least one thing."""

    def complaint(items: Sequence[T]) -> str | None:
        if not items:
            return "there was nothing to look at"
        return "\n".join(all_complaints((item, promise) for item in items)) or None

    return Promise(f"each {promise.words.removeprefix('a ')}", complaint)


def none_of(what: str) -> Promise[Sequence[object]]:
    """Match things of which there must be none; `what` is what they are, as in "jobs that QEMU lists"."""

    def complaint(things: Sequence[object]) -> str | None:
        return "\n".join(f"{what}: {thing}" for thing in things) or None

    return Promise(f"none of this: {what}", complaint)


def all_complaints(promises: Iterable[tuple[Any, Promise[Any]]]) -> list[str]:
    """Return how things break their promises, given as pairs."""
    return [complaint for thing, promise in promises if (complaint := promise.complaint(thing))]
