"""Expected and found side by side: a row for each thing that differs, and none for what does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from testbed.promises.promise import Promise

LIST = Sequence[str]


def is_as_listed(what: str, expected: LIST) -> Promise[LIST]:
    """Match words in just this order; `what` names them for a reader, as in "the filters over drive0"."""

    def complaint(found: LIST) -> str | None:
        return "\n".join(rows_that_differ(what, expected, found)) or None

    return Promise(f"{what}: {', '.join(expected) or 'none'}", complaint)


def rows_that_differ(what: str, expected: LIST, found: LIST) -> Iterator[str]:
    """Say in a row where a list is another one, which is told by the number of the place; what is alike is left out."""
    for _, start, end, other, its_end in SequenceMatcher(None, expected, found, autojunk=False).get_opcodes():
        missing, needless = ", ".join(expected[start:end]), ", ".join(found[other:its_end])
        if missing == needless:
            continue
        if not needless:
            yield f"{what}: {missing} is missing, which should be number {start + 1}"
        elif not missing:
            yield f"{what}: {needless} should not be there, and is number {other + 1}"
        else:
            yield f"{what}: number {other + 1} should be {missing}; it is {needless}"


def has_members(what: str, expected: Mapping[str, str]) -> Promise[Mapping[str, str]]:
    """Match words under headings, all of them; `what` is whose they are, as in "the image"."""

    def complaint(found: Mapping[str, str]) -> str | None:
        wrong = [
            f"{key} of {what} should be {expected.get(key, 'nothing')}; it is {found.get(key, 'nothing')}"
            for key in {**expected, **found}
            if expected.get(key) != found.get(key)
        ]
        return "\n".join(wrong) or None

    return Promise(f"{what} with {', '.join(f'{key} {word}' for key, word in expected.items())}", complaint)


def are_as_many(what: str, count: int) -> Promise[Sequence[object]]:
    """Match so many things; `what` says of what, as in "backups that completed"."""

    def complaint(found: Sequence[object]) -> str | None:
        there_are = f"there should be {count} {what}; there are {len(found)}"
        return None if len(found) == count else ": ".join([there_are, *([", ".join(map(str, found))] if found else [])])

    return Promise(f"{count} {what}", complaint)
