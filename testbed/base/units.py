"""Sizes and byte patterns, as they are written for people and as numbers."""

from __future__ import annotations

import re

SIZE_PATTERN = r"(?:0|\d+(?:,\d{3})*(?:\.\d+)? (?:B|bytes?|[KMGT]iB))"
"""Regular expression of every text that `parse_size` may read, for the parameters of sentences."""

BYTE_PATTERN = r"0x[0-9A-Fa-f]{1,2}"
"""Regular expression of every text that `parse_byte` reads."""

UNITS = {"TiB": 1 << 40, "GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}
"""Bytes in each unit, the largest first."""

_BYTES = {"B": 1, "byte": 1, "bytes": 1}


def parse_size(text: str) -> int:
    """Read a size or an offset, such as "64 KiB", "1.5 MiB", "458,753 bytes" or "0"; return it in bytes.

    Only zero may stand without a unit. Raises ValueError, with what to write instead, for anything else and
    for what is no whole number of bytes.
    """
    if text == "0":
        return 0
    number, _, unit = text.partition(" ")
    factor = (UNITS | _BYTES).get(unit)
    if re.fullmatch(SIZE_PATTERN, text) is None or factor is None:
        raise ValueError(
            f'"{text}" is not a size: write a number, a blank and bytes, KiB, MiB, GiB or TiB, as in "64 KiB"'
        )
    whole, _, fraction = number.replace(",", "").partition(".")
    size, rest = divmod(int(whole + fraction) * factor, int("1" + "0" * len(fraction)))
    if rest:
        raise ValueError(f'"{text}" is not a whole number of bytes: write it in a smaller unit')
    return size


def format_size(size: int) -> str:
    """Write a number of bytes exactly, in the largest unit that needs no fraction, as in "448 KiB" or "0".

    `parse_size` reads it back.
    """
    if size == 0:
        return "0"
    for unit, factor in UNITS.items():
        if size % factor == 0:
            return f"{size // factor:,} {unit}"
    return "1 byte" if size == 1 else f"{size:,} bytes"


def parse_byte(text: str) -> int:
    """Read the byte that a pattern repeats, such as "0x41"; return it as a number from 0 to 255.

    Raises ValueError, with what to write instead, for anything else.
    """
    if re.fullmatch(BYTE_PATTERN, text) is None:
        raise ValueError(f'"{text}" is not a byte: write it as 0x and two hexadecimal digits, as in "0x41"')
    return int(text, 16)
