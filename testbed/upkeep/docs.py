"""Writes the generated parts of the documentation: `python -m testbed.upkeep.docs`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from pathlib import Path

from testbed.base import settings
from testbed.base.text import parts_by, with_part
from testbed.build import defects, needs
from testbed.language import tags
from testbed.upkeep import featurelint

ROOT = Path(__file__).parents[2]

DOCUMENTS = ("README.md", "CONTRIBUTING.md")

COMMAND = "make docs"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    lines = [list(headings), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def rooms() -> str:
    """Return the packages of the testbed with their modules, each with what it is for."""
    rows = []
    for package in sorted((ROOT / "testbed").rglob("__init__.py")):
        name = ".".join(package.parent.relative_to(ROOT / "testbed").parts)
        if name:
            modules = (path for path in sorted(package.parent.glob("*.py")) if path != package)
            rows += [(f"**{name}**", "", first_line(package)), *(("", f"`{m.stem}`", first_line(m)) for m in modules)]
    return table(("package", "module", "what it is for"), rows)


def tag_list() -> str:
    """Return all tags and families of tags with their meaning."""
    return table(("tag", "meaning"), ((f"`@{tag.form}`", tag.meaning) for tag in tags.TAGS))


def style() -> str:
    """Return the rules of style that the feature files are held to."""
    return "".join(f"- {check.__doc__}\n" for check in featurelint.RULES.values())


def promises() -> str:
    """Return the rules of the features by area: what an incremental backup must do."""
    files = [featurelint.FeatureFile.read(path) for path in sorted((ROOT / "features").rglob("*.feature"))]
    rows = [
        (file.path.parent.name, f"[{file.feature.name}]({file.path.relative_to(ROOT)})", rule.name)
        for file in files
        for rule in file.feature.rules
    ]
    return table(("area", "feature", "what QEMU promises"), rows)


def options() -> str:
    """Return the options of a run."""
    rows = (
        (
            f"`-D {option.name}=`",
            option.meaning,
            option.values,
            option.unset,
            f"`{option.variable}`" * bool(option.variable),
        )
        for option in settings.OPTIONS
    )
    return table(("option", "what it is for", "may be", "if not given", "environment"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "rooms": rooms,
    "tags": tag_list,
    "needs": needs.table,
    "defects": defects.table,
    "style": style,
    "promises": promises,
    "options": options,
}


def rewritten(text: str) -> str:
    """Return a document with its generated parts made anew; raises KeyError for one that nothing makes."""
    for name in parts_by(COMMAND, text):
        text = with_part(text, name, COMMAND, PARTS[name]())
    return text


def main() -> None:
    """Make the generated parts of all documents anew."""
    for path in (ROOT / name for name in DOCUMENTS):
        if path.exists():
            path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
