"""What can be wrong that is not for QEMU to answer for: the place, the scenario itself, what a build has not got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something about the place, not about QEMU, that keeps the suite from running."""

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


class NotOffered(AssertionError):
    """This build has no such command: nothing can be said of a scenario that needs it."""
