"""The style of the feature files, as rules that a machine can check.

What behave-lint can tell as well is left to it; pyproject.toml says what that is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from behave.parser import parse_feature

from testbed.base.units import MOST_DIGITS, SIZE_PATTERN, format_size, parse_size
from testbed.language import tags

Problem = tuple[int, str]
"""A line number, and what is wrong there."""

Rule = Callable[["FeatureFile"], Iterator[Problem]]

RULES: dict[str, Rule] = {}
"""All rules about a single file, by name."""

MOST_LINES = 160
MOST_COLUMNS = 140
MOST_SCENARIOS = 10
MOST_STEPS, FEWEST_STEPS = 10, 3
MOST_STEPS_OF_A_CASE = 17
"""Steps of a scenario that retells a case with every number of its origin."""
MOST_BACKGROUND_STEPS = 4

QUOTED = re.compile(r'"[^"]*"')
PLACEHOLDER = re.compile(r"<[^>]*>")

MECHANICS = {
    "braces": r"[{}]",
    "a path": r"(?<!\S)[.~]*/\w",
    "a file name": r"\w\.(?:qcow2|raw|img|sock|json|log)\b",
    "a command of QMP": r"\b(?:blockdev|block-job|block-dirty|query|job|nbd|qom|human-monitor)-[a-z]",
    "an event of QMP": r"\b[A-Z]{3,}_[A-Z_]+\b",
    "a protocol": r"(?i)\b(?:qmp|hmp|json|sockets?|ports?)\b",
    "a program": r"\bqemu-(?:img|io|nbd|system\w*|storage-daemon)\b",
    "a shell": r"(?i)\b(?:shell|stdout|stderr|grep|exit (?:code|status))\b|\$\w",
}
"""What belongs below the sentences, by its name in a finding."""

UNITLESS = re.compile(r"(?<![\w.-])\d{4,}\b(?! (?:B|KiB|MiB|GiB|TiB)\b)")
WRONG_UNIT = re.compile(r"(?<![\w.])\d+(?: ?(?:[kKMGT]|kB|KB|MB|GB|TB|[Bb]ytes?)|(?:B|KiB|MiB|GiB|TiB))\b")
SIZE_COLUMNS = {"at", "length", "size", "offset", "len", "dirty", "farther", "granularity", "cluster", "clusters"}
SIZE_CELL = re.compile(rf"(?:{SIZE_PATTERN}|-|<[^>]*>|[a-z][a-z ]*)?")
"""A size, a word for one, or nothing, where the row leaves it open."""
MANY_DIGITS = re.compile(rf"(?<![\w.,])\d(?:,?\d){{{MOST_DIGITS},}}(?:\.\d+)? (?:B|bytes?|[KMGT]iB)\b")
"""A size that nobody grasps at a glance."""


@dataclass(frozen=True)
class Finding:
    """A place in a feature file that breaks a rule."""

    rule: str
    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what} [{self.rule}]"


@dataclass(frozen=True)
class FeatureFile:
    """A feature file, as text and as what behave makes of it."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> FeatureFile:
        """Read a file."""
        return cls(path, path.read_text(encoding="utf-8"))

    @cached_property
    def feature(self) -> Any:
        """Return the parsed feature."""
        feature = parse_feature(self.text, filename=str(self.path))
        assert feature is not None, f"{self.path} holds no feature"
        return feature

    @property
    def scenarios(self) -> list[Any]:
        """Return the scenarios inside and outside of rules; an outline counts as one."""
        return [scenario for part in (self.feature, *self.feature.rules) for scenario in part.scenarios]

    @property
    def cases(self) -> list[Any]:
        """Return what is run: the scenarios, and for each outline one for each of its rows."""
        return [case for scenario in self.scenarios for case in getattr(scenario, "scenarios", [scenario])]

    @property
    def tags(self) -> list[str]:
        """Return the tags of the feature and of all that is run of it, each once."""
        return list(dict.fromkeys(tag for case in self.cases for tag in case.effective_tags))

    @property
    def backgrounds(self) -> list[Any]:
        """Return the backgrounds that are written down."""
        parts = (self.feature, *self.feature.rules)
        return [part.background for part in parts if part.background and part.background.steps]

    @property
    def steps(self) -> list[Any]:
        """Return all steps as they stand in the file; those of an outline with their placeholders."""
        return [step for part in (*self.backgrounds, *self.scenarios) for step in part.steps]

    @property
    def titled(self) -> list[Any]:
        """Return all that has a title: the feature, its rules and its scenarios."""
        return [self.feature, *self.feature.rules, *self.scenarios]

    @property
    def examples(self) -> list[Any]:
        """Return the examples of all outlines."""
        return [example for scenario in self.scenarios for example in getattr(scenario, "examples", [])]

    @property
    def tables(self) -> list[Any]:
        """Return the tables of the steps and of the examples."""
        return [part.table for part in (*self.steps, *self.examples) if part.table]


def rule(check: Rule) -> Rule:
    """Make `check` a rule that is named like the function and told by its docstring."""
    RULES[check.__name__.replace("_", "-")] = check
    return check


def judge(file: FeatureFile) -> list[Finding]:
    """Return all that breaks a rule in one file."""
    return [Finding(name, file.path, line, what) for name, check in RULES.items() for line, what in check(file)]


def kind(element: Any) -> str:
    """Return what a reader calls an element: an outline is a scenario too."""
    return str(element.type).removesuffix("_outline")


def repeated_titles(files: Iterable[FeatureFile]) -> list[Finding]:
    """Return the titles that stand twice in the repository; reports and reruns tell scenarios by them."""
    places = [(element, file) for file in files for element in file.titled]
    counts = Counter((kind(element), element.name) for element, _ in places)
    return [
        Finding("unique-titles", file.path, element.line, f'another {kind(element)} is titled "{element.name}"')
        for element, file in places
        if counts[kind(element), element.name] > 1
    ]


@rule
def described(file: FeatureFile) -> Iterator[Problem]:
    """A feature says in at least two lines why an operator cares."""
    if len(file.feature.description) < 2:
        yield file.feature.line, "the feature lacks a description of at least two lines"


@rule
def readable_in_one_go(file: FeatureFile) -> Iterator[Problem]:
    """A file has at most 160 lines and at most ten scenarios; an outline counts as one."""
    lines = len(file.text.splitlines())
    if lines > MOST_LINES:
        yield lines, f"the file has {lines} lines; more than {MOST_LINES} are not read in one go"
    if len(file.scenarios) > MOST_SCENARIOS:
        yield file.feature.line, f"{len(file.scenarios)} scenarios are more than {MOST_SCENARIOS}"


@rule
def narrow(file: FeatureFile) -> Iterator[Problem]:
    """No line is wider than 140 columns: shorten what is special about a row, or split the table."""
    for number, line in enumerate(file.text.splitlines(), 1):
        if len(line) > MOST_COLUMNS:
            yield number, f"{len(line)} columns are wider than {MOST_COLUMNS}"


@rule
def ruled(file: FeatureFile) -> Iterator[Problem]:
    """Each scenario stands under the rule that it shows."""
    for scenario in file.feature.scenarios:
        yield scenario.line, f'the scenario "{scenario.name}" is in no rule'


@rule
def plain_titles(file: FeatureFile) -> Iterator[Problem]:
    """A title names the case: no "verify", "test" or "check", no parentheses, no full stop."""
    for element in file.titled:
        if match := re.search(r"(?i)\b(?:verif(?:y|ies)|tests?|tested|checks?)\b|[()]|\.$", element.name):
            yield element.line, f'"{match[0]}" in the title "{element.name}"'
        if not element.name:
            yield element.line, f"a {kind(element)} without a title"


@rule
def filed_by_area(file: FeatureFile) -> Iterator[Problem]:
    """The folder of a feature is its area, and its first tag says so."""
    area = file.path.parent.name
    if area not in tags.AREAS:
        yield 1, f'"{area}" is none of the areas {", ".join(tags.AREAS)}'
    elif [area] != file.feature.tags[:1]:
        yield 1, f"the first tag of the feature is not @{area}, after its folder"


@rule
def known_tags(file: FeatureFile) -> Iterator[Problem]:
    """Tags are of the closed list in testbed/language/tags.py."""
    for element in (file.feature, *file.feature.rules, *file.cases):
        for tag in tags.unknown(element.tags):
            yield element.line, f"the tag @{tag} is not in the list of testbed/language/tags.py"


@rule
def traceable_cases(file: FeatureFile) -> Iterator[Problem]:
    """The tag iotest-124 and the name of one of its cases go together."""
    for case in file.cases:
        names = [tag for tag in case.tags if tag in tags.CASES]
        if len(names) != ("iotest-124" in case.tags):
            yield case.line, f"iotest-124 goes with exactly one name of a case, here: {names or 'none'}"


@rule
def tagged_upgrades(file: FeatureFile) -> Iterator[Problem]:
    """What goes on with the next build has the tag upgrade, and nothing else has it."""
    for case in file.cases:
        needs_both = any("of the next build" in step.name for step in case.all_steps)
        if needs_both != ("upgrade" in case.effective_tags):
            yield case.line, f"the tag upgrade {'is missing' if needs_both else 'is for what needs a next build'}"


@rule
def short_scenarios(file: FeatureFile) -> Iterator[Problem]:
    """A scenario has three to ten steps, its background not counted; one that retells a case may have more."""
    for scenario in file.scenarios:
        most = MOST_STEPS_OF_A_CASE if "iotest-124" in scenario.tags else MOST_STEPS
        if not FEWEST_STEPS <= len(scenario.steps) <= most:
            yield scenario.line, f"{len(scenario.steps)} steps; {FEWEST_STEPS} to {most} are wanted"


@rule
def quiet_backgrounds(file: FeatureFile) -> Iterator[Problem]:
    """A background has at most four steps and neither acts nor asserts."""
    for background in file.backgrounds:
        if len(background.steps) > MOST_BACKGROUND_STEPS:
            yield background.line, f"{len(background.steps)} steps are more than {MOST_BACKGROUND_STEPS}"
        for step in background.steps:
            if step.step_type != "given":
                yield step.line, f'a background only states what is given, and not: "{step.name}"'


@rule
def one_act(file: FeatureFile) -> Iterator[Problem]:
    """Given comes first, then one When with its Thens; a story that must go on may do so once, after a write or so."""
    for scenario in file.scenarios:
        story = "".join(step.step_type[0] for step in scenario.steps)
        if not re.fullmatch(r"g*wt+(?:ww?t+)?", story):
            order = ", ".join(step.step_type.title() for step in scenario.steps)
            yield scenario.line, f"given, one act, its outcomes, and once more at most; here: {order}"


@rule
def should_in_then(file: FeatureFile) -> Iterator[Problem]:
    """An outcome is told with "should", and nothing else is."""
    for step in file.steps:
        has_should = re.search(r"\bshould\b", QUOTED.sub("", step.name)) is not None
        if has_should != (step.step_type == "then"):
            yield step.line, f'"should" belongs into every Then and nowhere else: "{step.name}"'


@rule
def spoken_keywords(file: FeatureFile) -> Iterator[Problem]:
    """Never `*`; `But` only for an outcome that might have been feared."""
    for step in file.steps:
        if step.keyword.strip() == "*":
            yield step.line, f'"*" cannot be read aloud: "{step.name}"'
        if step.keyword.strip() == "But" and step.step_type != "then":
            yield step.line, f'"But" is for the negative outcome: "{step.name}"'


@rule
def no_mechanics(file: FeatureFile) -> Iterator[Problem]:
    """No QMP, JSON, paths, ports, programs or shell, except in what QEMU says: in quotes or a doc string."""
    prose = [(step.line, step.name) for step in file.steps]
    for element in file.titled:
        prose += [(element.line, line) for line in (element.name, *element.description)]
    for line, text in prose:
        for what, pattern in MECHANICS.items():
            if match := re.search(pattern, QUOTED.sub("", text)):
                yield line, f'{what}, "{match[0].strip()}", belongs below the sentences: "{text}"'


@rule
def sizes_with_units(file: FeatureFile) -> Iterator[Problem]:
    """A size or an offset has a unit, B, KiB, MiB or GiB, after a blank; only 0 needs none."""
    for step in file.steps:
        text = PLACEHOLDER.sub("", QUOTED.sub("", step.name))
        if match := UNITLESS.search(text) or WRONG_UNIT.search(text):
            yield step.line, f'"{match[0]}" is no size with a unit, as in 64 KiB: "{step.name}"'
    for table in file.tables:
        for row in table.rows:
            for heading, cell in zip(table.headings, row.cells, strict=True):
                if heading in SIZE_COLUMNS and not SIZE_CELL.fullmatch(cell):
                    yield row.line, f'"{cell}" under "{heading}" is no size with a unit, as in 64 KiB'


@rule
def no_calculator(file: FeatureFile) -> Iterator[Problem]:
    """A size has at most four digits: 2 MiB - 1 B, and not 2097151 B; what QEMU says, in quotes, may have more."""
    said = [(step.line, step.name) for step in file.steps]
    said += [(row.line, cell) for table in file.tables for row in table.rows for cell in row.cells]
    for line, text in said:
        if match := MANY_DIGITS.search(QUOTED.sub("", text)):
            plain = format_size(parse_size(match[0].replace("bytes", "B")))
            yield line, f'"{match[0]}" needs a calculator, {plain} does not: "{text}"'


@rule
def reasons_first(file: FeatureFile) -> Iterator[Problem]:
    """What is special about a row stands first in Examples, under case; in the table of a step it is a note."""
    for example in file.examples:
        headings = example.table.headings
        if "case" in headings[1:]:
            yield example.table.line, "the first heading of Examples is case, if there is one"
        if wrong := {"which", "note"}.intersection(headings):
            yield example.table.line, f"what is special about a row of Examples is its case, no {', '.join(wrong)}"
    for step in file.steps:
        if step.table and (wrong := {"which", "case"}.intersection(step.table.headings)):
            yield (
                step.table.line,
                f"what is special about a row of a step's table is its note, and no {', '.join(wrong)}",
            )
