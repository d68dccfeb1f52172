"""Puts pages where people look for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.base.files import write_atomically
from testbed.base.text import with_part
from testbed.campaign.pages import markdown, webpage
from testbed.campaign.pages.document import Block, Document


def write_page(document: Document, folder: Path, name: str) -> list[Path]:
    """Write a document into a folder, as NAME.md and NAME.html; return what was written. Raises OSError."""
    written = []
    for suffix, form in ((".md", markdown.page), (".html", webpage.page)):
        path = folder / f"{name}{suffix}"
        write_atomically(path, form(document, folder))
        written.append(path)
    return written


def write_part(path: Path, name: str, command: str, content: Sequence[Block]) -> None:
    """Write the part `name`, which is for `command` to write, of a Markdown document anew.

    Raises OSError, and LookupError when the document has no such part.
    """
    document = path.read_text(encoding="utf-8")
    write_atomically(path, with_part(document, name, command, markdown.part(content, path.parent)))
