"""Writes the generated parts of the documentation: `python -m testbed.upkeep.docs`."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path

from testbed.base import settings
from testbed.base.gherkin import title
from testbed.base.text import parts_by, with_part
from testbed.build import defects, needs
from testbed.campaign.proof.cover import true_order
from testbed.campaign.proof.faultkind import NOTHING
from testbed.campaign.proof.faults import FAULTS
from testbed.language import tags
from testbed.run.order import ORDER, Order
from testbed.upkeep import bugs, featurelint, specification, survival
from testbed.upkeep.featurelint import FeatureFile

ROOT = Path(__file__).parents[2]

FEATURES = ROOT / "features"

DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
"""All documents that may have generated parts."""

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
    """Return the packages of the testbed, each with what it is for."""
    packages = sorted(package.parent for package in (ROOT / "testbed").rglob("__init__.py"))[1:]
    return table(
        ("package", "what it is for"), ((_dotted(path), first_line(path / "__init__.py")) for path in packages)
    )


def _dotted(package: Path) -> str:
    return f"`{'.'.join(package.relative_to(ROOT / 'testbed').parts)}`"


def tag_list() -> str:
    """Return all tags and families of tags with their meaning."""
    return table(("tag", "meaning"), ((f"`@{tag.form}`", tag.meaning) for tag in tags.TAGS))


def style() -> str:
    """Return the rules of style that the feature files are held to."""
    return "".join(f"- {check.__doc__}\n" for check in featurelint.RULES.values())


EXAMPLE = ("resize/regrown", "A drive shrinks and grows again before its next backup")
"""The scenario that the README shows: the feature, and the title."""


@cache
def features() -> Mapping[str, FeatureFile]:
    """Return all features by their paths below features/, without suffix."""
    paths = sorted(FEATURES.rglob("*.feature"))
    return {path.relative_to(FEATURES).with_suffix("").as_posix(): FeatureFile.read(path) for path in paths}


def example() -> str:
    """Return a scenario as it stands in its feature, with what it begins from and the rule that it shows."""
    path, title = EXAMPLE
    file = features()[path]
    ((rule, scenario),) = ((rule, one) for rule in file.feature.rules for one in rule.scenarios if one.name == title)
    lines = file.text.splitlines()
    first = min(line for line in (scenario.line, *(tag.line for tag in scenario.tags)))
    shown = [lines[file.feature.line - 1], ""]
    for background in file.backgrounds:
        shown += [*_paragraph(lines, background.line), ""]
    shown += [lines[rule.line - 1], *_paragraph(lines, first)]
    return "\n".join(["```gherkin", *shown, "```", ""])


def _paragraph(lines: Sequence[str], number: int) -> Iterable[str]:
    """Return the lines from one on, counted from 1, to the next empty one."""
    return takewhile(str.strip, lines[number - 1 :])


def chapters() -> str:
    """Return what is promised, chapter by chapter."""
    return specification.text(features())


def survived() -> str:
    """Return what bitmaps survive: the table, and what its words mean."""
    fates = table(("what happens", *survival.KINDS), survival.rows(features()))
    return f"{fates}\n{table(('word', 'meaning'), survival.words())}"


def past_bugs() -> str:
    """Return the bugs of QEMU's past that features look for."""
    looked_for: dict[str, list[str]] = {}
    for path, file in features().items():
        for number in bugs.numbers(file.tags):
            looked_for.setdefault(number, []).append(f"[{path}](../features/{path}.feature)")
    return table(("bug", "what users saw", "mended in", "looked for in"), bugs.table(looked_for))


TELLING = (
    "snapshot-during-increment",
    "stored-while-in-use",
    "empty-by-failed-flush",
    "not-stored-after-failed-move",
    "broken-backup-completes",
    "regrown-space",
    "resized-on-the-way",
    "enable-missing-bitmap",
)
"""The defects that tell somebody who ships QEMU most of what the suite is for: data lost in silence, guests killed."""


def found() -> str:
    """Return how many defects the suite has found in which release, and those that tell most."""
    by_name = {each.name: each for each in defects.DEFECTS}
    counts = Counter(release for each in defects.DEFECTS for release in each.seen)
    releases = sorted(counts, key=lambda release: [int(part) for part in release.split(".")])
    told = ", ".join(f"{counts[release]} in QEMU {release}" for release in releases)
    rows = ((each.what, ", ".join(each.seen), ", ".join(each.unseen)) for each in map(by_name.__getitem__, TELLING))
    some = table(("what breaks, and for whom", "seen in QEMU", "not in"), rows)
    return f"{len(by_name)} defects: {told}. Some of them:\n\n{some}"


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


def order() -> Order:
    """Return what is still true of the order in which scenarios find most."""
    scenarios = {(f"features/{path}.feature", title(case)) for path, file in features().items() for case in file.cases}
    faults = [name for name, fault in FAULTS.items() if fault is not NOTHING]
    return true_order(Order.read(ROOT / ORDER), scenarios, faults)


def quick() -> str:
    """Return what the quick scenarios find."""
    quick = order().quick
    named = [(finder.feature, finder.scenario) for finder in quick]
    return f"{order().sureness(named)}, in {sum(finder.seconds for finder in quick):.0f} s one after the other.\n"


PARTS: dict[str, Callable[[], str]] = {
    "rooms": rooms,
    "tags": tag_list,
    "needs": needs.table,
    "defects": defects.table,
    "found": found,
    "example": example,
    "style": style,
    "chapters": chapters,
    "survival": survived,
    "bugs": past_bugs,
    "options": options,
    "quick": quick,
}


def rewritten(text: str) -> str:
    """Return a document with its generated parts made anew; raises KeyError for one that nothing makes."""
    for name in parts_by(COMMAND, text):
        text = with_part(text, name, COMMAND, PARTS[name]())
    return text


def main() -> None:
    """Make the generated parts of all documents anew, and the order of scenarios without what is no more."""
    for path in DOCUMENTS:
        path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / ORDER).write_text(order().text, encoding="utf-8")


if __name__ == "__main__":
    main()
