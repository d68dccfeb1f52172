"""What a build answers when it is asked whether it has something: yes, no in its own words, or neither."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """A yes or a no; `words` are those in which QEMU said no, if it said any."""

    yes: bool
    words: str = ""

    def __bool__(self) -> bool:
        """Tell whether it is a yes."""
        return self.yes


YES = Answer(yes=True)

NO = Answer(yes=False)
"""A no without words: as where a list has no such entry."""


class Unclear(AssertionError):
    """The answer was neither yes nor no: a death, a silence, an error that nobody knows. That is no lack."""

    def __init__(self, what: str) -> None:
        super().__init__(f"whether this build has what the scenario needs, nobody can tell: {what}")


_LACKS = re.compile(
    r"not supported|unsupported|no crypto|not whitelisted|can only be used for read-only|cannot be used for writing|"
    r"unknown (?:driver|file format|option|protocol)|does not accept value|invalid parameter|invalid option|"
    r"unrecognized option|command not found|not compiled|not built|not available in this|"
    r"'[\w.-]+' not found|not a valid (?:device|object)|invalid object type|"
    r"could not (?:load|find)|failed to (?:find|load)|no such (?:driver|format)",
    re.IGNORECASE,
)
"""How QEMU and its tools say that they have not got something, or its firmware."""


def answer_of(refusal: str, account: str) -> Answer:
    """Take an error that QEMU or a tool has answered to a trial; `account` tells of it in full.

    It is a no if it says that something is not there; raises Unclear if nobody knows it.
    """
    words = refusal.strip()
    if _LACKS.search(words):
        return Answer(yes=False, words=words)
    raise Unclear(account)
