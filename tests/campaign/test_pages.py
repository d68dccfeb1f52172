"""Pages: what both formats make of one document, whatever stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from webpages import Page

from testbed.base.text import one_line, printable
from testbed.campaign.pages import markdown, webpage
from testbed.campaign.pages.document import (
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
)
from testbed.campaign.pages.publishing import write_page, write_part
from testbed.reports.outcome import Status

HERE = Path("/reports")


def read_markdown(text: str) -> Page:
    """Read Markdown as GitHub, GitLab and others show it."""
    return Page(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


def as_markdown(document: Document) -> Page:
    return read_markdown(markdown.page(document, HERE))


def as_web_page(document: Document) -> Page:
    return Page(webpage.page(document, HERE))


Reader = Callable[[Document], Page]

READERS = pytest.mark.parametrize("read", [as_markdown, as_web_page])


# What each kind of block becomes.


@READERS
def test_title_headings_and_paragraphs(read: Reader) -> None:
    page = read(Document("Builds", [Heading("What fails"), Paragraph("Nothing."), Paragraph(["a ", "b"])]))
    assert page.texts["h1"] == ["Builds"]
    assert page.texts["h2"] == ["What fails"]
    assert page.texts["p"] == ["Nothing.", "a b"]


@READERS
def test_strong_words_and_links(read: Reader) -> None:
    line: Line = ["see ", Words("this", is_strong=True), " in ", Words("there", HERE / "builds" / "a")]
    page = read(Document("t", [Paragraph(line)]))
    assert page.texts["p"] == ["see this in there"]
    assert page.links == ["builds/a"]
    assert page.elements["b"] + page.elements["strong"] == 1


@READERS
def test_items_and_what_belongs_to_them(read: Reader) -> None:
    page = read(Document("t", [Items([Item("one", [Item("two"), Item("three", [Item("four")])]), Item("five")])]))
    assert page.elements["ul"] == 3
    assert page.texts["li"] == ["two", "four", "three four", "one two three four", "five"]


@READERS
def test_details_have_a_summary_and_anything_in_them(read: Reader) -> None:
    summary = (Words("1 < 2", is_strong=True), ": no `code`")
    page = read(Document("t", [Details(summary, [Items([Item("one")]), Table(("a",), [["b"]])])]))
    assert page.texts["summary"] == ["1 < 2: no `code`"]
    assert page.elements["details"] == page.elements["ul"] == page.elements["table"] == 1


@READERS
def test_table_has_its_sections(read: Reader) -> None:
    rows: list[Row | Section] = [
        Section("first"),
        Section("part", is_inner=True),
        ["a", Cell("1", is_number=True)],
        Section("second"),
        ["b", "2"],
    ]
    page = read(Document("t", [Table(("what", "count"), rows)]))
    sections = [*page.texts.get("h3", []), *page.texts["th"]]
    assert [text for text in sections if text in ("first", "second")] == ["first", "second"]
    cells = [text for text in (*page.texts["th"], *page.texts["td"]) if text]
    assert {"what", "count", "part", "a", "1", "b", "2"} <= set(cells)


@READERS
def test_table_without_rows_is_one(read: Reader) -> None:
    assert read(Document("t", [Table(("a", "b"), [])])).texts["th"] == ["a", "b"]


@READERS
def test_status_can_be_seen(read: Reader) -> None:
    cells = [Cell(Words(status.value, HERE / "x", status)) for status in Status]
    page = read(Document("t", [Table(["s"] * (len(cells) + 1), [["x", *cells]])]))
    assert {*page.texts["td"], "x"} == {"x", *(status.value for status in Status)}
    if read is as_web_page:
        assert {status.value.replace(" ", "-") for status in Status} <= set(page.styles)
    else:
        assert page.texts["strong"] == ["failed", "error"]


def test_remarks_are_numbered_in_markdown_and_stand_in_the_cells_of_a_web_page() -> None:
    rows: list[Row] = [["a", Cell("no", "too old")], ["b", Cell("no", "too odd")], ["c", Cell("no", "too old")]]
    document = Document("t", [Table(("what", "answer"), rows)], "Why")
    page = as_markdown(document)
    assert page.texts["h2"] == ["Why"]
    assert page.texts["li"] == ["too old", "too odd"]
    assert page.texts["td"] == ["a", "no 1", "b", "no 2", "c", "no 1"]
    assert page.links == ["#why-1", "#why-2", "#why-1"]
    assert page.anchors == ["why-1", "why-2"]
    assert as_web_page(document).texts["div"] == ["too old", "too odd", "too old"]


def test_page_without_remarks_has_no_heading_for_them() -> None:
    assert "Why" not in markdown.page(Document("t", [Table(("a",), [["b"]])], "Why"), HERE)


def test_web_page_needs_nothing_but_itself() -> None:
    text = webpage.page(Document("t", [Paragraph("x")]), HERE)
    assert text.startswith("<!DOCTYPE html>\n<html")
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//|<script|<link|@import|url\(", text)


def test_all_styles_are_those_of_the_one_sheet() -> None:
    rows: list[Row | Section] = [
        Section("s"),
        Section("i", is_inner=True),
        ["a", *(Cell(Words(s.value, status=s), "why", is_number=True) for s in Status)],
    ]
    page = as_web_page(Document("t", [Table(["h"] * (len(Status) + 1), rows)]))
    assert set(page.styles) <= set(re.findall(r"\.([a-z-]+)\b[^;]*?[,{]", webpage.STYLE.read_text()))


# Text that means something to a format, or to nobody.

HOSTILE = (
    "</td></tr></table><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "&lt;b&gt; &amp; &#60;",
    "<!-- end of compatibility -->",
    "</summary></details>",
    "[text](https://example.org) ![image](x) <https://example.org>",
    "a | b || c \\| d \\",
    "```\ncode\n```` `x`",
    "**bold** _low_ ~~gone~~ __x__",
    "# heading\n## another\n---\n===",
    "- item\n+ item\n1. item\n2) item",
    "1. first",
    "-",
    "=",
    "\t    indented",
    "$x$ and $$y$$",
    "\x1b[31mred\x00\x07\r\n\x85",
    "\ud800\udcff\ufffe",
    "größe → ✓",
    "   ",
    "",
)

SIGNS = st.text("`*_[]()<>|#~&$\\-+=.!:;\"'/1a é\n\t\r\x00\x7f\ud800", max_size=30)


def hostile(check: Callable[[str], None]) -> Callable[[], None]:
    for text in HOSTILE:
        check = example(text)(check)
    return given(SIGNS)(check)


def lines_of(text: str) -> Document:
    table = Table(
        (text, "b"),
        [
            Section(text),
            Section(text, is_inner=True),
            [text, Cell(Words(text, HERE / "x", Status.FAILED), text, text)],
            [text, Cell(Words(text, is_strong=True))],
        ],
    )
    item = Item(text, [Item([Words(text, status=Status.PASSED), "→", text])])
    return Document(
        text,
        [Heading(text), Paragraph(text), Items([item]), Details([Words(text), "."], [Verbatim(text), table])],
        text,
    )


@hostile
def test_any_text_is_shown_as_it_is_in_markdown(text: str) -> None:
    page = as_markdown(lines_of(text))
    plain = one_line(text)
    joined = one_line(f"{text}→{text}")
    assert page.texts["h1"] == [plain]
    assert page.texts["h3"] == [plain]
    assert page.texts["summary"] == [one_line(f"{text}.")]
    assert page.texts["pre"] == ["".join(f"{line}\n" for line in printable(text).splitlines())]
    remarks = [plain] if text else []
    assert page.texts["h2"] == [plain, *remarks]
    assert page.texts["li"] == [joined, one_line(f"{plain} {joined}"), *remarks]
    assert page.texts["th"] == [plain, "b"]
    number = " 1" if text else ""
    assert page.texts["td"] == [plain, "", plain, f"{plain}{number}".strip(), plain, plain]
    assert page.links == ["x", "#why-1"] if text else ["x"]
    assert set(page.elements) <= {
        *("h1", "h2", "h3", "p", "ul", "li", "details", "summary", "pre", "code"),
        *("table", "thead", "tbody", "tr", "th", "td", "a", "strong", "em", "span"),
    }


@hostile
def test_any_text_is_shown_as_it_is_on_a_web_page(text: str) -> None:
    page = as_web_page(lines_of(text))
    plain = one_line(text)
    assert page.texts["h1"] == page.texts["h2"] == page.texts["p"] == [plain]
    assert page.texts["title"] == [printable(text)]
    assert page.texts["summary"] == [one_line(f"{text}.")]
    assert page.texts["th"] == [plain, "b", plain, plain, plain, plain]
    assert page.texts["td"] == [one_line(printable(text) * 2), plain]
    assert page.links == ["x"]
    assert page.elements["script"] == 0
    assert page.elements["td"] == 2


@READERS
@pytest.mark.parametrize("name", ["größe, and blanks", "a)b", "a>b|c", "javascript:alert(1)", '"x"', "#?%41", "\udcff"])
def test_any_name_of_a_file_can_be_linked_to(read: Reader, name: str) -> None:
    page = read(Document("t", [Table(("a", "b"), [["x", Cell(Words("word", HERE / name))]])]))
    (link,) = page.links
    assert re.fullmatch(r"[\w.%~-]+", link)
    assert page.texts["a"] == ["word"]


# Where pages go.


def test_page_is_written_in_both_formats(tmp_path: Path) -> None:
    paths = write_page(Document("It \ud800", [Paragraph("x")]), tmp_path, "page")
    assert [path.name for path in paths] == ["page.md", "page.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "page.md"]
    assert paths[0].read_text(encoding="utf-8") == "# It \\\\ud800\n\nx\n"


def test_part_of_a_document_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- builds: written by make matrix -->\nold\n<!-- end of builds -->\nafter\n")
    write_part(path, "builds", "make matrix", [Paragraph("Two:"), Table(("a", "b"), [["1", Cell("2")]])])
    assert path.read_text() == (
        "before\n<!-- builds: written by make matrix -->\n"
        "Two:\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
        "<!-- end of builds -->\nafter\n"
    )


def test_document_without_the_part_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("nothing")
    with pytest.raises(LookupError, match="written by make matrix"):
        write_part(path, "builds", "make matrix", [Paragraph("x")])
    assert path.read_text() == "nothing"


def test_text_cannot_end_its_part(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("<!-- builds: written by make matrix -->\nold\n<!-- end of builds -->\n")
    write_part(path, "builds", "make matrix", [Paragraph("<!-- end of builds -->"), Paragraph("second")])
    write_part(path, "builds", "make matrix", [Paragraph("third")])
    assert path.read_text() == "<!-- builds: written by make matrix -->\nthird\n<!-- end of builds -->\n"
