"""Which feature files can have a scenario that an expression of tags selects, told from their text.

To parse a file takes as long as to run a short scenario; to search it for a tag takes next to nothing. A file is left
out only where no tag that it can have lets the expression select anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from testbed.base.gherkin import TagExpression, words_of

MANY = 8
"""Tags of an expression of which the combinations are not tried any more."""

PLACEHOLDER = re.compile(r"<([^<>]+)>")


def may_select(expression: TagExpression, feature: str) -> bool:
    """Tell whether an expression may select a scenario of a feature, whose text this is; in doubt it may."""
    said = str(expression)
    is_pattern = re.search(r"[*?\[\\]", said)  # or a tag that is not written as it is
    if is_pattern or not re.search(r"^\s*Feature:", feature, re.MULTILINE):  # what is wrong with it, behave will say
        return True
    tags = _Tags(feature)
    possible = [word for word in words_of(said) if tags.may_have(word)]
    return len(possible) > MANY or any(map(expression.evaluate, _subsets(possible)))


def _subsets(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give all that can be chosen of some words, from nothing on."""
    return (chosen for count in range(len(words) + 1) for chosen in combinations(words, count))


class _Tags:
    """The tags that stand in a feature, and those that the rows of its outlines may make."""

    def __init__(self, feature: str) -> None:
        lines = [line.strip() for line in feature.splitlines()]
        written = {tag for line in lines if line.startswith("@") for tag in line[1:].replace("@", " ").split()}
        self._templates = [tag for tag in written if PLACEHOLDER.search(tag)]
        self._plain = written.difference(self._templates)
        self._letters = _letters(feature)
        # What a cell says may name another column, or come by another keyword in another language.
        self._is_unclear = bool(self._templates) and (
            any("<" in line for line in _rows_of_examples(lines)) or "language:" in feature
        )

    def may_have(self, tag: str) -> bool:
        """Tell whether a scenario of the feature may have a tag, written without its @."""
        return tag in self._plain or self._is_unclear or any(self._may_make(form, tag) for form in self._templates)

    def _may_make(self, form: str, tag: str) -> bool:
        """Tell whether a row may make the tag of one with placeholders."""
        *before, last = PLACEHOLDER.split(form)
        names, texts = before[1::2], before[::2]
        match = re.fullmatch(f"{'(.*)'.join(map(re.escape, [*texts, last]))}", tag)
        if match is None:
            return False
        # Those with a dot are behave's own, such as the number of the row. Of a cell, behave keeps letters and digits.
        return all(
            "." in name or _letters(part) in self._letters for name, part in zip(names, match.groups(), strict=True)
        )


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _rows_of_examples(lines: Sequence[str]) -> Iterator[str]:
    """Give the rows of tables under Examples."""
    is_within = False
    for line in lines:
        if heading := re.match(r"(Examples|Scenarios|Scenario|Rule|Feature|Background|Example)\b[^:|]*:", line):
            is_within = heading[1] in {"Examples", "Scenarios"}
        elif is_within and line.startswith("|"):
            yield line
