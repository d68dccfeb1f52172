from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from testbed.base.text import folded, one_line, parts_by, printable, with_part

DOCUMENT = """\
before
<!-- table: written by make matrix -->
stale
<!-- end of table -->
between <!-- end of table -->
<!-- list: written by make docs -->
<!-- end of list -->
<!-- totals: written by make matrix -->
old
<!-- end of totals -->
after
"""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe\n\tok", "größe\n\tok"),
        ("one\r\ntwo", "one\ntwo"),
        ("\x1b[31m\x00\x7f", r"\x1b[31m\x00\x7f"),
        ("\udcff\ufffe", r"\udcff\ufffe"),
    ],
)
def test_what_cannot_be_shown_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_text_on_one_line() -> None:
    assert one_line("  one\n\ttwo \x07") == r"one two \x07"


def test_parts_are_told_by_the_command_that_writes_them() -> None:
    assert parts_by("make matrix", DOCUMENT) == ["table", "totals"]
    assert parts_by("make docs", DOCUMENT) == ["list"]
    assert parts_by("make", DOCUMENT) == []


def test_part_is_written_anew_and_the_rest_is_kept() -> None:
    text = with_part(DOCUMENT, "table", "make matrix", "new \\1\n")
    assert text == DOCUMENT.replace("stale\n", "new \\1\n")
    assert with_part(text, "table", "make matrix", "new \\1\n") == text


@pytest.mark.parametrize(
    ("document", "name", "command"),
    [
        ("nothing", "table", "make matrix"),
        (DOCUMENT, "tables", "make matrix"),
        (DOCUMENT, "table", "make docs"),
        ("<!-- table: written by make matrix -->\nno end", "table", "make matrix"),
        ("<!-- table: written by make matrix -->\n<!-- end of tables -->", "table", "make matrix"),
    ],
)
def test_document_without_the_part_is_an_error(document: str, name: str, command: str) -> None:
    with pytest.raises(LookupError, match=f"no lines <!-- {name}: written by {command} -->"):
        with_part(document, name, command, "new\n")


@given(st.text(st.characters(codec=None, categories=None)))
def test_any_text_can_be_written_as_xml(text: str) -> None:
    element = etree.Element("failure", message=printable(text))
    element.text = printable(text)
    again = etree.fromstring(etree.tostring(element, encoding="utf-8"))
    assert (again.text or "") == again.get("message") == printable(text)


def test_text_that_can_be_shown_is_left_as_it_is() -> None:
    assert printable("ü\t\U0001f40e\nline\r\nline") == "ü\t\U0001f40e\nline\nline"
    assert printable("a\rb\x7f\x9b") == r"a\rb\x7f\x9b"


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("short", 0, "short"),
        ("  one two three four", 0, "  one two\n    three\n    four"),
        ("one two three", 4, "one two\n    three"),
        ("a /path/that/is/long b", 0, "a\n  /path/that/is/long\n  b"),
        ("well-known words", 0, "well-known\n  words"),
        ("twelve chars", 0, "twelve chars"),
    ],
)
def test_lines_are_folded_at_the_ends_of_words(line: str, column: int, expected: str) -> None:
    assert folded(line, 12, column) == expected
