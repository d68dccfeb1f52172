"""A page as HTML, in one file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from testbed.base.text import printable
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

STYLE = Path(__file__).with_name("style.css")
"""How all pages look."""


def page(document: Document, folder: Path) -> str:
    """Return a document as one page, which is to lie in `folder`."""
    writer = _Writer(folder)
    with writer.element("html", lang="en"):
        with writer.element("head"):
            writer.leaf("meta", charset="utf-8")
            writer.leaf("meta", name="viewport", content="width=device-width")
            writer.leaf("title", document.title)
            writer.leaf("style", STYLE.read_text(encoding="utf-8"))
        with writer.element("body"):
            writer.leaf("h1", document.title)
            writer.blocks(document.content)
    return f"<!DOCTYPE html>\n{writer.text()}"


def element(tag: str, line: Line, folder: Path) -> str:
    """Return a line as an element, for documents in `folder` that are no pages but may have elements in them."""
    writer = _Writer(folder)
    with writer.element(tag):
        writer.line(line)
    return writer.text().rstrip("\n")


class _Writer:
    """Builds a tree of elements from blocks: to escape what stands in it is up to who writes the tree."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tree = ElementTree.TreeBuilder()

    def text(self) -> str:
        """Return what was built."""
        return ElementTree.tostring(self._tree.close(), encoding="unicode", method="html")

    @contextmanager
    def element(self, tag: str, style: str = "", **attributes: str) -> Iterator[None]:
        """Put what is written meanwhile into an element; `style` is its class. An attribute without a value is none."""
        given = {"class": style, **attributes}
        self._tree.start(tag, {name: printable(value) for name, value in given.items() if value})
        yield
        self._tree.end(tag)
        self._tree.data("\n" if tag in _OF_A_LINE else "")

    def leaf(self, tag: str, text: str = "", **attributes: str) -> None:
        """Write an element with nothing but text in it."""
        with self.element(tag, **attributes):
            self._tree.data(printable(text))

    def blocks(self, content: Iterable[Block]) -> None:
        """Write some blocks."""
        for block in content:
            self._block(block)

    def line(self, line: Line) -> None:
        """Write a line into an element."""
        for words in pieces(line):
            self._words(words)

    def _block(self, block: Block) -> None:
        match block:
            case Heading():
                self.leaf("h2", block.text)
            case Paragraph():
                with self.element("p"):
                    self.line(block.line)
            case Verbatim():
                self.leaf("pre", block.text)
            case Items():
                self._items(block.items)
            case Details():
                with self.element("details"):
                    with self.element("summary"):
                        self.line(block.summary)
                    self.blocks(block.content)
            case Table():
                self._table(block)

    def _items(self, items: Sequence[Item]) -> None:
        if items:
            self._tree.data("\n")
            with self.element("ul"):
                for item in items:
                    with self.element("li"):
                        self.line(item.line)
                        self._items(item.inner)

    def _table(self, table: Table) -> None:
        with self.element("table"):
            with self.element("thead"), self.element("tr"):
                for heading in table.headings:
                    self.leaf("th", heading)
            with self.element("tbody"):
                for row in table.rows:
                    self._row(row, len(table.headings))

    def _row(self, row: Row | Section, width: int) -> None:
        if isinstance(row, Section):
            with self.element("tr", "inner" if row.is_inner else "section"):
                self.leaf("th", row.title, colspan=str(width))
            return
        first, *others = map(as_cell, row)
        with self.element("tr"):
            self._cell("th", first)
            for cell in others:
                self._cell("td", cell)

    def _cell(self, tag: str, cell: Cell) -> None:
        words = as_words(cell.words)
        style = f"{_style(words)} {'number' if cell.is_number else ''}".strip()
        with self.element(tag, style, title=cell.hint):
            self._plain(words)
            if cell.remark:
                self.leaf("div", cell.remark, style="remark")

    def _words(self, words: Words) -> None:
        """Write a piece of a line, in the colour of its status."""
        if words.status is None:
            self._plain(words)
        else:
            with self.element("span", _style(words)):
                self._plain(words)

    def _plain(self, words: Words) -> None:
        """Write a piece of a line without a colour."""
        if words.target:
            self.leaf("a", words.text, href=address(words.target, self._folder))
        elif words.is_strong:
            self.leaf("b", words.text)
        else:
            self._tree.data(printable(words.text))


_OF_A_LINE = frozenset(
    {"head", "title", "style", "h1", "h2", "p", "pre", "li", "ul", "summary", "details", "tr", "table"}
)
"""Elements after which the page goes on in a new line."""


def _style(words: Words) -> str:
    return words.status.value.replace(" ", "-") if words.status else ""
