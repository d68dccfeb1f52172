"""How a cell of a table is read: sizes, bytes, yes and no, names; a cell that nobody can mean is an author's slip."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from testbed.base.problems import AuthorError
from testbed.base.units import SIZE_PATTERN, parse_byte, parse_size
from testbed.scenario.acts.act import Word


def yes(text: str) -> bool:
    """Read yes or no; raise AuthorError for anything else."""
    if text not in ("yes", "no"):
        raise AuthorError(f'"{text}" should be yes or no')
    return text == "yes"


def value(text: str) -> object:
    """Read the value of an option: yes, no, a size in bytes, a plain number, or a word, which quotes may enclose.

    One that is "left out" although it is usually given, is None.
    """
    if text == "left out":
        return None
    if text in ("yes", "no"):
        return text == "yes"
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return parse_size(text) if re.fullmatch(SIZE_PATTERN, text) else text.strip('"')


def bitmap_name(text: str) -> str:
    """Read a bitmap's name, which quotes may enclose; "x repeated 1023 times" says a long one."""
    if repeated := re.fullmatch(r"(\S+) repeated (\d+) times", text):
        return repeated[1] * int(repeated[2])
    return text.strip('"')


def names(text: str) -> list[str]:
    """Read names with commas between."""
    return [bitmap_name(name) for name in text.split(", ")]


def sources(text: str) -> list[tuple[str, str]]:
    """Read the names of bitmaps with commas between, or "none"; "bitmap0 of drive1" is one of another drive.

    Returns pairs of the other drive's name, which is empty where none is said, and the bitmap's.
    """
    named = (source.partition(" of ") for source in text.split(", ") if source != "none")
    return [(other, bitmap) for bitmap, _, other in named]


PLACE = r"\d+(?:st|nd|rd|th)"
"""A regular expression for a place in a row of things."""


def place(text: str) -> int:
    """Read a place in a row of things, such as 1st, the first being 0; raise AuthorError for anything else."""
    if re.fullmatch(PLACE, text) is None:
        raise AuthorError(f'"{text}" should be a place in a row of things, as in 1st')
    return int(text[:-2]) - 1


READERS: Mapping[Word, Callable[[str], object]] = {
    Word.SIZE: parse_size,
    Word.BYTE: parse_byte,
    Word.FLAG: yes,
    Word.NAME: lambda text: text,
    Word.NAMES: names,
    Word.BITMAP: bitmap_name,
    Word.SOURCES: sources,
    Word.VALUE: value,
    Word.PLACE: place,
}
"""How what an act takes is read."""
