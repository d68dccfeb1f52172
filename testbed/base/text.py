"""Text that every report can show, whatever has put something into it; and documents with parts that commands write.

Such a part of a document stands between two lines, `<!-- NAME: written by COMMAND -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import re
import textwrap

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")

_PART = re.compile(
    r"(?P<begin><!-- (?P<name>[a-z-]+): written by (?P<command>[a-z ]+) -->\n).*?(?P<end><!-- end of (?P=name) -->)",
    re.DOTALL,
)


def printable(text: str) -> str:
    r"""Return the text with what neither XML nor a terminal can show as visible escapes, such as \x1b."""
    plain = text.replace("\r\n", "\n")
    return _UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), plain)


def one_line(text: str) -> str:
    """Return a text on one line, blanks joined, with escapes for what cannot be shown."""
    return " ".join(printable(text).split())


def folded(line: str, width: int, column: int = 0) -> str:
    """Return a line folded at the ends of words, so that none is wider than so many characters, but for a long word.

    `column` is how many characters stand in the first line already. What follows stands below the words of the first.
    """
    if column + len(line) <= width:
        return line
    own = len(line) - len(line.lstrip())
    lines = textwrap.wrap(
        line,
        width,
        initial_indent=" " * column,
        subsequent_indent=" " * (column or own + 2),
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return "\n".join(lines)[column:]


def parts_by(command: str, document: str) -> list[str]:
    """Return the names of the parts of a document that a command such as "make docs" writes, in their order."""
    return [part["name"] for part in _PART.finditer(document) if part["command"] == command]


def with_part(document: str, name: str, command: str, content: str) -> str:
    """Return a document with a part of it, which `command` writes, made anew from `content`, which ends in a newline.

    Raises LookupError when the document has no place for it.
    """

    def renewed(part: re.Match[str]) -> str:
        return f"{part['begin']}{content}{part['end']}" if part["name"] == name else part[0]

    if name not in parts_by(command, document):
        lines = f"<!-- {name}: written by {command} --> and <!-- end of {name} -->"
        raise LookupError(f"the document has no lines {lines} to write between")
    return _PART.sub(renewed, document)
