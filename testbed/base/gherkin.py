"""What this project uses of behave's runner and model, with types: the one module that knows their inside."""

from __future__ import annotations

import difflib
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import IO, TYPE_CHECKING, Any, Protocol, TextIO, cast

import behave
from behave.exception import ConfigError, InvalidFileLocationError, InvalidFilenameError
from behave.matchers import Matcher, StepParseError
from behave.parser import ParserError
from behave.runner import Context

PACKAGE = Path(behave.__file__).parent
"""Where behave itself lives: frames of a traceback below it say nothing to a reader."""

ROW_LENGTH = 60
"""Characters of an example row that its scenario's name may show."""

CASES = ("case", "note")
"""Headings under which a table says what is special about a row."""

_TITLES = "_testbed_titles"

UNDEFINED = frozenset({"undefined", "untested_undefined"})
FAILED = frozenset({"failed", "error", "pending"})
"""Names of a step's status."""


class NoSuchLine(Exception):
    """The command line names a line that its feature file does not have."""


class Location(Protocol):
    """A feature file as named on the command line, with a line or without."""

    filename: str
    line: int | None


class Status(Protocol):
    """How behave says that something ended."""

    name: str


class Captured(Protocol):
    """What was printed and logged while something ran."""

    stdout: str
    stderr: str
    log: str


class Statement(Protocol):
    """A feature, rule, scenario or step."""

    keyword: str
    name: str
    filename: str
    line: int
    exception: BaseException | None
    hook_failed: bool


class Step(Statement, Protocol):
    """A sentence of a scenario or background."""

    step_type: str
    status: Status


class Tagged(Statement, Protocol):
    """A feature, a rule, an outline or a scenario."""

    type: str
    tags: list[str]
    parent: Tagged | None
    status: Status
    skip_reason: str | None


class Scenario(Tagged, Protocol):
    """A scenario, or one row of an outline."""

    feature: Feature
    steps: list[Step]
    captured: Captured
    effective_tags: list[str]

    def skip(self, reason: str) -> None:
        """Leave out what has not run yet of it; each line of the reason is one."""

    def iter_steps(self) -> Iterator[Step]:
        """Give the steps of its backgrounds and its own."""

    def should_run(self, config: Config) -> bool:
        """Tell whether tags, names and lines of the command line select it."""


class Feature(Tagged, Protocol):
    """A feature file."""

    def walk_scenarios(self) -> list[Scenario]:
        """Give its scenarios, rows of outlines and those in rules included."""


class TagExpression(Protocol):
    """An expression of tags, as behave understood it."""

    def evaluate(self, tags: Iterable[str]) -> bool:
        """Tell whether it selects what has these tags."""


class Config(Protocol):
    """Command line and configuration file, as behave understood them."""

    dry_run: bool
    jobs: int
    stop: bool
    tags: str | list[str] | None
    default_tags: str | list[str] | None
    tag_expression: TagExpression
    color: str
    userdata: Mapping[str, str]
    userdata_defines: list[tuple[str, str]] | None
    junit_directory: str
    reporters: list[object]

    def setup_tag_expression(self, tags: Sequence[str]) -> None:
        """Select by these expressions from now on, by all of them together."""

    def has_colored_mode(self, file: IO[str]) -> bool:
        """Tell whether options and stream call for colours."""


class StreamOpener(Protocol):
    """Where a formatter writes to."""

    def open(self) -> IO[str]:
        """Open the stream, unless it is."""

    def close(self) -> bool:
        """Close the stream, unless it is standard output."""


if TYPE_CHECKING:
    from typing_extensions import override

    FileLocation: Any
    JUnitReporter: Any
    the_step_registry: Any
    ScenarioOutlineBuilder: Any

    class Watcher:
        """Is told of each thing that behave begins."""

        def feature(self, feature: Feature) -> None:
            """Learn that a feature begins: its hooks come next."""

        def rule(self, rule: Tagged) -> None:
            """Learn that a rule begins: its hooks come next."""

        def rule_finished(self) -> None:
            """Learn that the rule is over, its hooks and clean-ups included."""

        def scenario(self, scenario: Scenario) -> None:
            """Learn that a scenario begins: its hooks come next."""

        def eof(self) -> None:
            """Learn that the feature is over, its hooks and clean-ups included."""

        def close(self) -> None:
            """Learn that the run is over, its hooks and clean-ups included."""

    class Formatter(Watcher):
        """Is told too, and writes to the stream that the command line names."""

        name: str
        description: str
        stream_opener: StreamOpener
        config: Config

        def __init__(self, stream_opener: StreamOpener, config: Config) -> None: ...

    class Runner:
        """Finds, loads and runs the features."""

        config: Config
        context: Context | None
        aborted: bool
        features: list[Feature]
        formatters: list[Watcher]
        hooks: dict[str, Callable[..., object]]

        def __init__(self, config: Config) -> None: ...

        def run(self) -> bool:
            """Load and run; return whether the run failed."""

        def run_model(self, features: Iterable[Feature] | None = None) -> bool:
            """Run what is loaded; return whether the run failed."""

        def should_run_hook(self, hook_name: str) -> bool:
            """Tell whether there is such a hook, and a run in earnest."""

        def run_hook(self, hook_name: str, *args: Statement | str) -> bool:
            """Run a hook, if there is one; return whether it came to its end."""

        def load_step_definitions(self) -> None:
            """Load the sentences; the hooks are loaded, the features not yet."""

        def abort(self, reason: str | None = None) -> None:
            """Begin nothing more."""

        def feature_locations(self) -> list[Location]:
            """Give what the command line names, folders resolved to files."""

        def stop_capture(self) -> None:
            """Give standard output and error back, if they are not."""

        def teardown_capture(self) -> None:
            """Do the last thing of a scenario."""

else:
    from behave.formatter.api import IFormatter as Watcher
    from behave.formatter.base import Formatter
    from behave.model import ScenarioOutlineBuilder
    from behave.model_type import FileLocation
    from behave.reporter.junit import JUnitReporter
    from behave.runner import Runner, the_step_registry

    def override(method: Callable[..., object]) -> Callable[..., object]:
        """Mark a method for the type checker: Python itself has no such mark before 3.12."""
        return method


__all__ = [
    "FAILED",
    "PACKAGE",
    "UNDEFINED",
    "Config",
    "Context",
    "Feature",
    "Formatter",
    "Location",
    "Runner",
    "Scenario",
    "Statement",
    "Step",
    "StreamOpener",
    "Tagged",
    "Watcher",
    "WithoutAnnouncement",
    "adjacent",
    "clean_up",
    "definitions_of",
    "error_of_words",
    "insist_on_lines",
    "misuse",
    "override",
    "rule_of",
    "sentences_like",
    "tags",
    "title",
    "without_junit",
    "without_skip_notices",
    "words_of",
]


def title(scenario: Scenario) -> str:
    """Return the scenario's name; for a row of an outline also what is special about it, in brackets.

    That is what its table has under CASES, if anything, and of its other cells as many as tell it from other rows.
    """
    row: Any = getattr(scenario, "_row", None)
    if row is None:
        return scenario.name
    outline: Any = scenario.parent
    titles: dict[str, str] | None = getattr(outline, _TITLES, None)
    if titles is None:
        titles = _titles_of(outline)
        setattr(outline, _TITLES, titles)
    return titles[row.id]


def _titles_of(outline: Any) -> dict[str, str]:
    """Return the titles of all rows of an outline, by their numbers."""
    names: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    shown: dict[str, int] = {}
    for examples in outline.examples:
        for row in examples.table.rows if examples.table else ():
            # Left to itself, behave puts numbers where only text can be replaced.
            numbers = {"examples.index": str(examples.index), "row.index": str(row.index)}
            name = ScenarioOutlineBuilder("{name}").make_scenario_name(outline.name, examples, row, numbers)
            named = {*re.findall(r"<([^<>]+)>", outline.name)}
            cells = [(heading, cell) for heading, cell in row.items() if heading not in named and cell]
            cases = [cell for heading, cell in cells if heading in CASES and not _says(name, cell)]
            others = [cell for heading, cell in cells if heading not in CASES and not _says(name, cell)]
            names[row.id], said[row.id] = name, [*cases, *others, examples.name]
            shown[row.id] = len(cases)
    return {row: _told(names[row], said[row][: _needed(row, names, said, shown[row])]) for row in names}


def _needed(row: str, names: Mapping[str, str], said: Mapping[str, Sequence[str]], least: int) -> int:
    """Return how many of the first words on a row, at least so many, tell it from all other rows of that name."""
    mine = said[row]
    others = [words for other, words in said.items() if other != row and names[other] == names[row]]
    enough = (count for count in range(least, len(mine)) if all(words[:count] != mine[:count] for words in others))
    return next(enough, len(mine))


def _told(name: str, words: Sequence[str]) -> str:
    return f"{name} [{shorten(', '.join(words), ROW_LENGTH, placeholder=' ...')}]" if words else name


def _says(name: str, cell: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(cell)}(?!\w)", name) is not None


def rule_of(scenario: Scenario) -> Tagged | None:
    """Return the rule that a scenario or row stands under, if any."""
    around: Tagged | None = scenario.parent
    while around is not None and around.type != "rule":
        around = around.parent
    return around


def tags(scenario: Scenario) -> tuple[str, ...]:
    """Return the tags in force for a scenario, in the order of reading, each once."""
    rule = rule_of(scenario)
    tagged = [scenario.feature, *([rule] if rule else []), scenario]
    return tuple(dict.fromkeys(str(tag) for part in tagged for tag in part.tags))


def adjacent(locations: Iterable[Location]) -> list[Location]:
    """Return the locations so that those of one file stand together, under one spelling of its name.

    behave reads a file as often as it meets the name anew, and then runs it as often.
    """
    spelling: dict[Path, str] = {}
    grouped: dict[Path, list[Location]] = {}
    for location in locations:
        file = Path(location.filename).resolve()
        name = spelling.setdefault(file, location.filename)
        grouped.setdefault(file, []).append(FileLocation(name, location.line))
    return [location for group in grouped.values() for location in group]


def words_of(expressions: str | Sequence[str] | None) -> list[str]:
    """Return the tags that expressions name, without their @, each once; one may hold * for any characters."""
    text = expressions if isinstance(expressions, str) else " ".join(expressions or ())
    words = (word.lstrip("@") for word in re.split(r"[\s()]+", text))
    return [word for word in dict.fromkeys(words) if word not in {"", "and", "or", "not"}]


def insist_on_lines(locations: Sequence[Location]) -> None:
    """Raise NoSuchLine for a line that a feature file does not have: behave would run the last scenario for it."""
    for location in locations:
        file = Path(location.filename)
        if location.line is not None and file.is_file():
            count = len(file.read_text(encoding="utf-8").splitlines())
            if not 1 <= location.line <= count:
                raise NoSuchLine(f"there is no line {location.line} in {location.filename}, which has {count} lines")


def without_junit(reporters: Iterable[object]) -> list[object]:
    """Return behave's reporters but for its JUnit reporter, whose files would stand beside ours."""
    return [reporter for reporter in reporters if not isinstance(reporter, JUnitReporter)]


ANNOUNCEMENT = "USING RUNNER: "
"""How the line begins that behave prints of itself between making a runner and letting it run."""


class WithoutAnnouncement:
    """Stands in for standard output from its making on, and leaves that line out, so that ours is the first."""

    def __init__(self) -> None:
        self._stream = sys.stdout
        self._is_in_line = False
        sys.stdout = cast("TextIO", self)

    def end(self) -> None:
        """Let standard output be itself again; only whoever has this may: print() does not hold what it writes to."""
        sys.stdout = self._stream

    def write(self, text: str) -> int:
        """Write what is no part of the line."""
        is_left_out = text.startswith(ANNOUNCEMENT) or (self._is_in_line and text == "\n")
        self._is_in_line = is_left_out and text != "\n"
        return len(text) if is_left_out else self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def without_skip_notices() -> Iterator[None]:
    """Keep behave from logging each scenario that is skipped: the reports say it, and say why."""
    logger = logging.getLogger("behave")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def misuse(error: BaseException) -> str | None:
    """Say what is wrong with the command line or a feature file, if that is what behave raised."""
    match error:
        case ParserError() | ConfigError() | InvalidFileLocationError() | NoSuchLine():
            return str(error)
        case InvalidFilenameError():
            return f"{error} is neither a feature file nor a folder"
        case FileNotFoundError() if error.errno is None:
            return f"there is no file {error}"
        case _:
            return None


def definitions_of(context: Context) -> Mapping[str, list[Matcher]]:
    """Return all definitions of sentences that the run knows, by their keyword in small letters."""
    # behave has no public way from a hook to its runner, and the registry of its module may be another one.
    runner: Any = context._runner  # noqa: SLF001
    # Before it runs the first feature, it has none: then it will take that of the module.
    registry = the_step_registry if runner.step_registry is None else runner.step_registry
    definitions: Mapping[str, list[Matcher]] = registry.steps
    return definitions


def sentences_like(step: Step) -> list[str]:
    """Return the sentences that have a definition and are nearest to one that has none; the nearest first."""
    kind = {"given": "Given", "when": "When", "then": "Then"}[step.step_type]
    definitions = the_step_registry.steps[step.step_type]
    known = {_without_words(definition.pattern): definition.pattern for definition in definitions}
    near = difflib.get_close_matches(_without_words(step.name), known, n=3)
    return [f"{kind} {known[form]}" for form in near]


def _without_words(sentence: str) -> str:
    """Return what is left of a sentence, or of its definition, without the words that change from one to the next."""
    return re.sub(r'"[^"]*"|\{[^}]*\}', "*", sentence)


def error_of_words(error: BaseException) -> BaseException:
    """Return what the reader of a sentence's words has raised, which behave wraps; any other error as it is."""
    return error.__cause__ if isinstance(error, StepParseError) and error.__cause__ else error


def clean_up(context: Context) -> None:
    """Do every clean-up that is still registered. What goes wrong is told to context.on_cleanup_error, one by one."""
    # behave has no public names for these; without the first it would raise an error again that has been told.
    context._set_root_attribute("fail_on_cleanup_errors", False)  # noqa: FBT003, SLF001
    context._do_remaining_cleanups()  # noqa: SLF001
