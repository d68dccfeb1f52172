"""A page as Markdown, for people who read text, and for documents of this project that have a part made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from testbed.base.text import one_line, printable
from testbed.campaign.pages import webpage
from testbed.campaign.pages.document import (
    Block,
    Cell,
    Details,
    Document,
    Heading,
    Item,
    Items,
    Line,
    Paragraph,
    Row,
    Section,
    Table,
    Verbatim,
    Words,
    address,
    as_cell,
    as_words,
    pieces,
)

_SIGNS = re.compile(r"([\\`*_\[\]<>|#~&$])")
"""What may mean something to Markdown wherever it stands."""

_SIGNS_AT_START = re.compile(r"^(?:(\d+)(?=[.)])|(?=[-+=]))")
"""Where a sign would begin a list or underline a heading."""


def page(document: Document, folder: Path) -> str:
    """Return a document as one page, which is to lie in `folder`."""
    writer = _Writer(folder)
    lines = [f"# {writer.line(document.title)}", "", *writer.blocks(document.content), *writer.told(document.remarks)]
    return "\n".join(lines).rstrip("\n") + "\n"


def part(content: Sequence[Block], folder: Path) -> str:
    """Return some blocks as a part of a document that lies in `folder`."""
    return "\n".join(_Writer(folder).blocks(content)).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _SIGNS.sub(r"\\\1", re.sub(r"\s+", " ", printable(text)))


class _Writer:
    """Writes blocks. Remarks are numbered when they are first referred to, and told at the end of the page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._remarks: dict[str, int] = {}

    def blocks(self, content: Iterable[Block]) -> Iterator[str]:
        """Yield the lines of some blocks, an empty one after each."""
        for block in content:
            yield from self._block(block)
            yield ""

    def told(self, heading: str) -> Iterator[str]:
        """Yield the lines that tell what was remarked, if anything was."""
        if self._remarks:
            yield from (f"## {self.line(heading)}", "")
            for remark, number in self._remarks.items():
                yield f'- <a id="why-{number}"></a>{escape(remark)}'

    def line(self, line: Line) -> str:
        """Return a line, which may stand at the beginning of one of Markdown's."""
        text = "".join(self._words(words) for words in pieces(line)).strip()
        return _SIGNS_AT_START.sub(lambda found: f"{found[1] or ''}\\", text)

    def _block(self, block: Block) -> Iterator[str]:
        match block:
            case Heading():
                yield f"## {self.line(block.text)}"
            case Paragraph():
                yield self.line(block.line)
            case Verbatim():
                yield from _fenced(printable(block.text))
            case Items():
                for item in block.items:
                    yield from self._item(item, "")
            case Details():
                # What stands within elements of HTML is HTML, too, up to the next empty line.
                yield f"<details>{one_line(webpage.element('summary', block.summary, self._folder))}"
                yield from ("", *self.blocks(block.content), "</details>")
            case Table():
                yield from self._table(block)

    def _item(self, item: Item, indent: str) -> Iterator[str]:
        yield f"{indent}- {self.line(item.line)}"
        for inner in item.inner:
            yield from self._item(inner, f"{indent}  ")

    def _table(self, table: Table) -> Iterator[str]:
        """Yield the lines of a table, or of one table for each of its sections."""
        head = (_row(map(escape, table.headings)), _row(["---"] * len(table.headings)))
        if not _begins_with_section(table):
            yield from head
        for number, row in enumerate(table.rows):
            match row:
                case Section(title, is_inner=False):
                    yield from ("",) * bool(number)
                    yield from (f"### {self.line(title)}", "", *head)
                case Section(title):
                    yield _row([self._words(Words(title, is_strong=True)), *[""] * (len(table.headings) - 1)])
                case _:
                    yield self._cells(row)

    def _cells(self, row: Row) -> str:
        return _row(self._cell(as_cell(cell)) for cell in row)

    def _cell(self, cell: Cell) -> str:
        text = self._words(as_words(cell.words)).strip()
        if not cell.remark:
            return text
        number = self._remarks.setdefault(cell.remark, len(self._remarks) + 1)
        return f"{text} [{number}](#why-{number})"

    def _words(self, words: Words) -> str:
        text = escape(words.text)
        if (words.is_strong or (words.status is not None and words.status.is_red)) and (core := text.strip()):
            text = text.replace(core, f"**{core}**")
        return f"[{text}]({address(words.target, self._folder)})" if words.target else text


def _begins_with_section(table: Table) -> bool:
    return bool(table.rows) and isinstance(table.rows[0], Section) and not table.rows[0].is_inner


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fenced(text: str) -> Iterator[str]:
    """Yield text between fences that are longer than what is like a fence in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 0)
    yield from (f"{fence}text", *text.splitlines(), fence)
