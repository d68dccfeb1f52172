"""Text that every report can show, whatever QEMU, a tool or a name has put into it."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def printable(text: str) -> str:
    r"""Return the text with what neither XML nor a terminal can show as visible escapes, such as \x1b."""
    plain = text.replace("\r\n", "\n")
    return _UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), plain)


def one_line(text: str) -> str:
    """Return a text on one line, blanks joined, with escapes for what cannot be shown."""
    return " ".join(printable(text).split())
