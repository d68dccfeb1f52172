from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.base.problems import AuthorError
from testbed.build.defects import DEFECTS
from testbed.reports.junit import link_of
from testbed.upkeep import bugs, docs, specification
from testbed.upkeep.featurelint import FeatureFile
from testbed.upkeep.specification import Chapter

ROOT = Path(__file__).parents[2]


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    """Return by what addresses end that lead into a document."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {*map(specification.anchor, headings), *re.findall(r'<a id="([^"]+)">', text)}


def dead_links(path: Path, text: str) -> Iterator[str]:
    """Yield the links of a document to files, and to places in documents, that there are not."""
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        name, _, place = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists() or (place and place not in anchors(text if file == path else file.read_text())):
            yield target


def feature(*tags: str) -> FeatureFile:
    """Return a feature whose only scenario has these tags."""
    named = " ".join(f"@{tag}" for tag in tags)
    scenario = f"    {named}\n    Scenario: S\n      Given a drive\n"
    return FeatureFile(
        Path("f.feature"), f"@bitmap\nFeature: Title\n  Some lose\n  data.\n\n  Rule: A rule\n{scenario}"
    )


@pytest.mark.parametrize("path", docs.DOCUMENTS, ids=short)
def test_generated_parts_are_up_to_date(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert docs.rewritten(text) == text, f"{path.name} is out of date: run make docs"


def test_each_part_has_its_place_in_one_document() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in docs.DOCUMENTS)
    assert {name: text.count(f"<!-- {name}: written by make docs -->") for name in docs.PARTS} == dict.fromkeys(
        docs.PARTS, 1
    )


@pytest.mark.parametrize("path", docs.DOCUMENTS, ids=short)
def test_links_lead_somewhere(path: Path) -> None:
    assert list(dead_links(path, path.read_text(encoding="utf-8"))) == []


def test_dead_link_is_found() -> None:
    links = ("README.md", "#a-heading-that-is", "nothing.md", "#nowhere", "README.md#nowhere", "https://example.org")
    text = "# A heading, that is\n" + " ".join(f"[text]({link})" for link in links)
    assert list(dead_links(ROOT / "CONTRIBUTING.md", text)) == ["nothing.md", "#nowhere", "README.md#nowhere"]


def misquoted(text: str) -> Iterator[str]:
    """Yield what a document quotes from a run, with the place in a feature, and does not stand in that feature."""
    for quoted, name in re.findall(r"^ +(\S.*) \((features/\S+\.feature):\d+\)$", text, re.MULTILINE):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines() if (ROOT / name).exists() else []
        if not any(line.strip().removeprefix("Scenario: ") == quoted for line in lines):
            yield f"{name}: {quoted}"


def test_quoted_runs_speak_of_what_there_is() -> None:
    assert "(features/" in (ROOT / "README.md").read_text(encoding="utf-8")
    for path in docs.DOCUMENTS:
        assert list(misquoted(path.read_text(encoding="utf-8"))) == [], f"{path.name} quotes a run: quote a new one"


def test_wrong_quotation_is_found() -> None:
    text = "  It is Sunday (features/bitmap/life.feature:3)\n  Nothing (features/nowhere.feature:1)\n"
    assert list(misquoted(text)) == ["features/bitmap/life.feature: It is Sunday", "features/nowhere.feature: Nothing"]


def test_stale_part_is_written_anew_and_the_rest_kept() -> None:
    text = "before\n<!-- tags: written by make docs -->\nstale\n<!-- end of tags -->\nafter\n"
    written = docs.rewritten(text)
    assert "stale" not in written
    assert "| `@slow` |" in written
    assert written.startswith("before\n<!-- tags: written by make docs -->\n| tag |")
    assert written.endswith("|\n<!-- end of tags -->\nafter\n")
    assert docs.rewritten(written) == written


def test_part_that_nothing_makes_is_an_error() -> None:
    with pytest.raises(KeyError, match="weather"):
        docs.rewritten("<!-- weather: written by make docs -->\n<!-- end of weather -->")


def test_table_survives_bars_in_its_cells() -> None:
    assert docs.table(("a", "b"), [("1|2", "3")]) == "| a | b |\n| --- | --- |\n| 1&#124;2 | 3 |\n"


def test_each_package_has_a_line() -> None:
    packages = [path.parent for path in (ROOT / "testbed").glob("*/__init__.py")]
    assert len(packages) > 10
    assert [package.name for package in packages if f"| `{package.name}` | " not in docs.rooms()] == []


def test_readme_names_each_known_defect() -> None:
    told = docs.found()
    assert told.startswith(f"{len(DEFECTS)} defects: ")
    assert all(each.what in told for each in DEFECTS if each.name in docs.TELLING)


def test_scenario_that_readme_shows_is_whole() -> None:
    shown = docs.example()
    assert [shown.count(f"\n{keyword}") for keyword in ("Feature:", "  Rule:", "    Scenario:")] == [1, 1, 1]
    assert re.search(r"^      Then .* should .*$", shown, re.MULTILINE)


# The specification.


def test_each_feature_is_in_one_chapter() -> None:
    assert specification.misfiled(docs.features()) == []


@pytest.mark.parametrize(
    ("features", "problem"),
    [
        (["bitmap/life", "bitmap/death"], "features/bitmap/death.feature is in no chapter"),
        (["bitmap/lives"], 'there is no feature "bitmap/life"; did you mean "bitmap/lives"?'),
    ],
)
def test_feature_that_the_book_does_not_know_is_found(features: list[str], problem: str) -> None:
    book = [Chapter("bitmap", "What is it?", ["life"], "")]
    assert any(problem in found for found in specification.misfiled(features, book))


def test_feature_in_two_chapters_is_found() -> None:
    book = [Chapter("bitmap", "What is it?", ["life"], ""), Chapter("bitmap", "What else?", ["life"], "")]
    assert specification.misfiled(["bitmap/life"], book) == ["features/bitmap/life.feature is in two chapters"]


def test_book_that_is_wrong_is_not_written() -> None:
    with pytest.raises(AuthorError, match="is in no chapter"):
        specification.text({"bitmap/life": feature("slow")}, [])


def test_chapter_tells_what_is_promised_and_what_is_not() -> None:
    book = [Chapter("bitmap", "What is it?", ["life"], "Nobody looks at night.")]
    text = specification.text({"bitmap/life": feature("bug-B07", "known-defect.regrown-space")}, book)
    assert text.startswith("- [What is it?](#what-is-it)\n\n## Bitmap\n")
    for line in (
        "### What is it?",
        "**[Title](../features/bitmap/life.feature)**",
        "Some lose",
        "- A rule",
        "Broken by some releases: [regrown-space](tags.md#known-defects).",
        "Looks for bugs of the past: [B07](bugs.md#b07).",
        "*Not covered:* Nobody looks at night.",
    ):
        assert f"\n{line}\n" in text


def test_chapters_ask_and_admit() -> None:
    questions = [chapter.question for chapter in specification.BOOK]
    assert len(set(questions)) == len(questions)
    assert [question for question in questions if not question.endswith("?")] == []
    assert [chapter.question for chapter in specification.BOOK if not chapter.lacks.endswith(".")] == []


# The bugs of the past.


def test_each_bug_that_a_tag_names_is_in_the_list_and_no_other() -> None:
    tagged = {number for file in docs.features().values() for number in bugs.numbers(file.tags)}
    assert sorted(tagged) == sorted(bug.number for bug in bugs.BUGS)


def test_bugs_stand_in_the_order_of_their_numbers_each_once() -> None:
    numbers = [int(bug.number.removeprefix("B")) for bug in bugs.BUGS]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("bug", bugs.BUGS, ids=lambda bug: bug.number)
def test_reports_lead_to_the_entry_of_a_bug(bug: bugs.Bug) -> None:
    link = link_of(f"bug-{bug.number}")
    assert link is not None
    name, _, place = link.partition("#")
    assert place in anchors((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("bug", bugs.BUGS, ids=lambda bug: bug.number)
def test_bug_says_where_it_was_mended(bug: bugs.Bug) -> None:
    assert re.fullmatch(r"\d+\.\d+", bug.release)
    assert bug.commits
    assert [commit for commit in bug.commits if not re.fullmatch(r"[0-9a-f]{10}", commit)] == []


def test_numbers_of_bugs_are_read_from_tags() -> None:
    assert bugs.numbers(["bug-B107", "bug:B3", "slow", "bug-B33", "bug-B107"]) == ["B33", "B107"]


def test_line_of_a_bug_has_all_that_leads_on() -> None:
    rows = bugs.table({"B59": ["[here](x)", "[there](y)"]})
    (row,) = (row for row in rows if "B59" in row[0])
    assert row[0] == '<a id="b59"></a>B59'
    assert row[2] == (
        "6.1: [2842ff2d81](https://gitlab.com/qemu-project/qemu/-/commit/2842ff2d81), "
        "[issue 399](https://gitlab.com/qemu-project/qemu/-/issues/399)"
    )
    assert row[3] == "[here](x), [there](y)"
