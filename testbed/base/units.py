"""Sizes and byte patterns, as they are written for people and as numbers."""

from __future__ import annotations

import re

from testbed.base.problems import AuthorError

_TERM = r"\d+(?:,\d{3})*(?:\.\d+)? (?:B|[KMGT]iB)"

SIZE_PATTERN = rf"(?:0|{_TERM}(?: [+-] {_TERM})*)"
"""Regular expression of every text that `parse_size` may read, for the parameters of sentences."""

BYTE_PATTERN = r"0x[0-9A-Fa-f]{1,2}"
"""Regular expression of every text that `parse_byte` reads."""

UNITS = {"TiB": 1 << 40, "GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1}
"""Bytes in each unit, the largest first."""

MIB = UNITS["MiB"]

SECTOR = 512
"""Bytes of a sector: QEMU takes each drive and each image to have a whole number of them."""

MOST_DIGITS = 4
"""Digits of a number that is grasped at a glance."""


def parse_size(text: str) -> int:
    """Read a size or an offset, such as "64 KiB", "1.5 MiB", "2 MiB - 1 B" or "0"; return it in bytes.

    Only zero may stand without a unit. Raises AuthorError, with what to write instead, for anything else, for what is
    less than nothing, and for what is no whole number of bytes.
    """
    if re.fullmatch(SIZE_PATTERN, text) is None:
        raise AuthorError(
            f'"{text}" is not a size: write a number, a blank and B, KiB, MiB, GiB or TiB, as in "64 KiB", '
            'or several with " + " or " - " between, as in "2 MiB - 1 B"'
        )
    if text == "0":
        return 0
    first, *others = re.split(r" ([+-]) ", text)
    size = _parse_term(first)
    for sign, term in zip(others[::2], others[1::2], strict=True):
        size += _parse_term(term) * (1 if sign == "+" else -1)
    if size < 0:
        raise AuthorError(f'"{text}" is less than nothing')
    return size


def _parse_term(text: str) -> int:
    number, _, unit = text.partition(" ")
    whole, _, fraction = number.replace(",", "").partition(".")
    size, rest = divmod(int(whole + fraction) * UNITS[unit], int("1" + "0" * len(fraction)))
    if rest:
        raise AuthorError(f'"{text}" is not a whole number of bytes: write it in a smaller unit')
    return size


def format_size(size: int) -> str:
    """Write a number of bytes exactly, as a sum or difference where it has many digits: "448 KiB", "2 MiB - 1 B", "0".

    `parse_size` reads it back.
    """
    terms = [f"{'-' if count < 0 else '+'} {abs(count)} {unit}" for count, unit in _terms(size)]
    return " ".join(terms).removeprefix("+ ") or "0"


def whole_sectors(size: int) -> int:
    """Return a number of bytes rounded up to whole sectors, in bytes."""
    return -(-size // SECTOR) * SECTOR


def in_units(text: str) -> str:
    """Write the bytes that a command counts as people do: each number of more digits than are grasped at a glance."""
    return re.sub(rf"(?<![\w.])\d{{{MOST_DIGITS},}}(?![\w.])", lambda number: format_size(int(number[0])), text)


def _terms(size: int) -> list[tuple[int, str]]:
    """Return counts of units that make a size together, be it less than nothing: as few as a reader can grasp."""
    if size == 0:
        return []
    unit, factor = next((unit, factor) for unit, factor in UNITS.items() if size % factor == 0)
    if abs(size) < factor * 10**MOST_DIGITS:
        return [(size // factor, unit)]
    # A unit is fitting from where the next smaller one would be rounded to 1024 of its kind.
    unit, factor = next((unit, factor) for unit, factor in UNITS.items() if factor - factor // 2048 <= abs(size))
    nearest = (abs(size) + (factor - 1) // 2) // factor * (1 if size > 0 else -1)
    return [(nearest, unit), *_terms(size - nearest * factor)]


def parse_byte(text: str) -> int:
    """Read the byte that a pattern repeats, such as "0x41"; return it as a number from 0 to 255.

    Raises AuthorError, with what to write instead, for anything else.
    """
    if re.fullmatch(BYTE_PATTERN, text) is None:
        raise AuthorError(f'"{text}" is not a byte: write it as 0x and two hexadecimal digits, as in "0x41"')
    return int(text, 16)
