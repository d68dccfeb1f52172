"""What a page is made of: values that say what is told, and leave it to the formats how that looks.

All text in them is plain; what a format takes for its own signs, it escapes itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from testbed.reports.outcome import Status


@dataclass(frozen=True)
class Words:
    """A piece of a line that may be more than text: a way to a file or folder, of the colour of a status, or strong."""

    text: str
    target: Path | None = None
    status: Status | None = None
    is_strong: bool = False


Line = str | Sequence[str | Words]
"""What stands on one line: text, or pieces that follow each other with nothing between them."""


@dataclass(frozen=True)
class Heading:
    """Heads all that follows it, up to the next one."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A line that stands for itself."""

    line: Line


@dataclass(frozen=True)
class Verbatim:
    """Text of several lines as a program wrote it."""

    text: str


@dataclass(frozen=True)
class Item:
    """A line of a list, and the lines that belong to it."""

    line: Line
    inner: Sequence[Item] = ()


@dataclass(frozen=True)
class Items:
    """A list."""

    items: Sequence[Item]


@dataclass(frozen=True)
class Details:
    """What is shown only to a reader who wants to see more than the summary."""

    summary: Line
    content: Sequence[Block]


@dataclass(frozen=True)
class Cell:
    """A cell of a table: a remark explains it, and a hint tells what few readers want to know."""

    words: str | Words
    remark: str = ""
    hint: str = ""
    is_number: bool = False


@dataclass(frozen=True)
class Section:
    """A row across a table, which heads those below it; `is_inner` where that is a part of the section before it."""

    title: str
    is_inner: bool = False


Row = Sequence[str | Cell]
"""A row of a table; its first cell tells what it is about."""


@dataclass(frozen=True)
class Table:
    """A table: each row has a cell for each heading."""

    headings: Sequence[str]
    rows: Sequence[Row | Section]


Block = Heading | Paragraph | Verbatim | Items | Details | Table


@dataclass(frozen=True)
class Document:
    """A page. `remarks` is the heading that remarks stand under where a format has no room for them in their cells."""

    title: str
    content: Sequence[Block]
    remarks: str = "Remarks"


def pieces(line: Line) -> Sequence[Words]:
    """Return what a line is made of."""
    parts = (line,) if isinstance(line, str) else line
    return [as_words(part) for part in parts]


def as_words(piece: str | Words) -> Words:
    """Return a piece of a line that may be plain text."""
    return Words(piece) if isinstance(piece, str) else piece


def as_cell(cell: str | Cell) -> Cell:
    """Return a cell that may be plain text."""
    return Cell(cell) if isinstance(cell, str) else cell


def address(target: Path, folder: Path) -> str:
    """Return the address by which a page that lies in `folder` leads to a file or folder, fit for any format."""
    return quote(os.fsencode(os.path.relpath(target, folder)))
