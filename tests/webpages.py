"""Web pages, read back as a browser would read them."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = frozenset({"meta", "input", "br", "hr", "img"})
"""Elements that have no end."""

ONE_LINE = frozenset({"h1", "h2", "h3", "p", "li", "th", "td", "summary"})
"""Elements whose text stands on one line."""


class Page(HTMLParser):
    """An HTML page, or a part of one, in which each element must be closed; `text` is what a reader sees."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.styles: list[str] = []
        self.texts: dict[str, list[str]] = {}
        """What stands in the elements of each name."""
        self._open: list[tuple[str, list[str]]] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements[tag] += 1
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag == "a" and given.get("id"):
            self.anchors.append(given["id"] or "")
        self.styles += (given.get("class") or "").split()
        if tag not in VOID:
            self._open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        opened, pieces = self._open.pop()
        assert opened == tag
        text = "".join(pieces)
        self.texts.setdefault(tag, []).append(" ".join(text.split()) if tag in ONE_LINE else text)

    def handle_data(self, data: str) -> None:
        for _, pieces in self._open:
            pieces.append(data)
