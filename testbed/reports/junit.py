"""The JUnit files of a run: one per feature, whole and valid at any moment, for the importers of CI systems.

The root is a lone <testsuite>: Surefire's schema allows nothing else, and every importer takes it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from junitparser import Attr, Element, Error, Failure, Properties, Property, Skipped, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from testbed.base.files import shown, write_atomically
from testbed.base.text import one_line, printable
from testbed.reports.areas import areas_of
from testbed.reports.labels import RUN
from testbed.reports.outcome import Outcome, RunError, RunSummary, Status
from testbed.reports.repetition import ways_of

TAG_PROPERTIES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        # TestRail, Polarion and Xray each ask for another name.
        "id": ("test_id", "polarion-testcase-id", "test_key"),
        "bug": ("requirements",),
        "iotest": ("requirements",),
    }
)
"""Names of the properties that a tag gives its test case, by the tag's part before `:` or `-`."""


PAST_BUG = re.compile(r"bug-(?P<number>B\d+)")
"""A tag that names a bug of QEMU's past."""

PASSED_OVER = "mostly-passed-over"
"""The property of the suites of an area of which less was tried than was not applicable; it says how much was tried."""

TAG_OPTION = "junit.tag."
PROPERTY_OPTION = "junit.property."
"""How the options begin by which a user adds to these, and gives all suites properties of their own."""


@dataclass(frozen=True)
class Options:
    """What the command line wants of the JUnit files."""

    strict: bool = False
    """Whether to leave out what the schema of Jenkins' xUnit plugin refuses, and Surefire's with it."""
    tags: Mapping[str, Sequence[str]] = field(default_factory=lambda: TAG_PROPERTIES)
    properties: Mapping[str, str] = field(default_factory=dict)
    """More properties for every suite, such as polarion-testrun-id."""


def options_of(userdata: Mapping[str, str]) -> Options:
    """Read `-D junit=strict`, `-D junit.tag.TAG=PROPERTY,...` and `-D junit.property.NAME=VALUE`."""
    tags = {name: tuple(value.split(",")) for name, value in _below(TAG_OPTION, userdata)}
    return Options(
        strict=userdata.get("junit") == "strict",
        tags={**TAG_PROPERTIES, **tags},
        properties=dict(_below(PROPERTY_OPTION, userdata)),
    )


def link_of(tag: str) -> str | None:
    """Return where the documentation says what a tag stands for that names a bug of the past; None for other tags."""
    bug = PAST_BUG.fullmatch(tag)
    return f"docs/bugs.md#{bug['number'].lower()}" if bug else None


def _below(prefix: str, userdata: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((name.removeprefix(prefix), value) for name, value in userdata.items() if name.startswith(prefix))


class JUnitFiles:
    """Writes the files as the run goes on."""

    def __init__(self, folder: Path, properties: Mapping[str, str]) -> None:
        """Write into `folder`; `properties` are those of every suite, as they stand when it is written."""
        self.options = Options()
        self._folder = folder
        self._properties = properties
        self._cases: dict[str, dict[str, TestCase]] = {}
        self._begun: dict[str, datetime] = {}
        self._remarks: dict[str, Mapping[str, str]] = {}
        self._unwritten: dict[str, str] = {}

    def expect_the_worst(self) -> None:
        """Write down that the run did not finish, for the case that it never comes to say otherwise."""
        message = "The run came to no verdict: perhaps behave was killed. What is reported is a part."
        self._write_errors([RunError("the run", "DidNotFinish", "the run did not finish", message)])

    def run_started(self, remarks: Sequence[str]) -> None:
        """Ignore what is for people at a console."""

    def scenario_started(self, outcome: Outcome) -> None:
        """Write the feature's file with this scenario as one that did not finish, and all that waits for that."""
        self._take(outcome)
        self._unwritten[outcome.report] = outcome.suite
        self._write_all()

    def scenario_finished(self, outcome: Outcome) -> None:
        """Take the scenario into its feature's file, in its place if it was there before.

        A red one is written at once; the others are written together with what follows, the next one or the run's end.
        """
        self._take(outcome)
        self._unwritten[outcome.report] = outcome.suite
        if outcome.status.is_red:
            self._write_all()

    def _take(self, outcome: Outcome) -> None:
        self._begun.setdefault(outcome.report, outcome.started)
        self._cases.setdefault(outcome.report, {})[outcome.name] = self._case(outcome)

    def run_finished(self, summary: RunSummary) -> None:
        """Write down what went wrong with the run as a whole, if anything did, and what only now is known of suites.

        That is which areas the run says little of, and what the build has warned of.
        """
        has_warned = any(outcome.warnings for outcome in summary.outcomes)  # properties of all suites then
        areas = {area.name: str(area) for area in areas_of(summary.outcomes) if area.is_mostly_passed_over}
        for report, suite, area in {(one.report, one.suite, one.area or "features") for one in summary.outcomes}:
            if area in areas:
                self._remarks[report] = {PASSED_OVER: areas[area]}
            if report in self._cases and (area in areas or has_warned):
                self._unwritten[report] = suite
        self._write_all()
        if summary.errors:
            self._write_errors(summary.errors)
        else:
            self._path(RUN).unlink(missing_ok=True)

    def _write_errors(self, errors: Sequence[RunError]) -> None:
        self._begun.setdefault(RUN, datetime.now(UTC))
        self._cases[RUN] = {}
        for error in errors:
            # Names must be unique; the first of a kind has the plain one.
            name = f"{error.name} {len(self._cases[RUN]) + 1}" if error.name in self._cases[RUN] else error.name
            case = TestCase(name, RUN)
            _set(case, time="0.000")
            text = "\n\n".join(part for part in (error.message, error.details) if part)
            case.result = [_result(Error(one_line(error.headline), error.kind), text)]
            self._cases[RUN][name] = case
        self._write(RUN, RUN)

    def _write_all(self) -> None:
        for report, suite in self._unwritten.items():
            self._write(report, suite)
        self._unwritten.clear()

    def _path(self, report: str) -> Path:
        return self._folder / f"TEST-{report}.xml"

    def _write(self, report: str, name: str) -> None:
        suite = TestSuite(name)
        _set(suite, timestamp=f"{self._begun[report]:%Y-%m-%dT%H:%M:%S}")
        if not self.options.strict:
            _set(suite, hostname=os.uname().nodename)
        remarks = self._remarks.get(report, {})
        for prop, value in {**self._properties, **self.options.properties, **remarks}.items():
            suite.add_property(one_line(prop), printable(value))
        cases = list(self._cases[report].values())
        suite.add_testcases(cases)
        _set(suite, time=f"{sum(case.time for case in cases):.3f}")
        buffer = BytesIO()
        suite.write(buffer)
        # These two meet in markup only: a line for each element.
        write_atomically(self._path(report), buffer.getvalue().decode().replace("><", ">\n<") + "\n")

    def _case(self, outcome: Outcome) -> TestCase:
        case = TestCase(outcome.name, outcome.suite)
        _set(case, time=f"{outcome.seconds:.3f}")
        if not self.options.strict:
            _set(case, file=printable(outcome.file), line=str(outcome.line))
            _give_properties(case, self._tag_properties(outcome.tags))
        match outcome.status:
            case Status.FAILED:
                case.result = [_result(Failure(one_line(outcome.headline), outcome.kind), _account(outcome))]
            case Status.ERROR:
                case.result = [_result(Error(one_line(outcome.headline), outcome.kind), _account(outcome))]
            case Status.NOT_APPLICABLE | Status.NOT_RUN:
                reason = f"{outcome.status.value}: {'; '.join(outcome.reasons)}"
                case.result = [_result(Skipped(one_line(reason)), reason)]
            case Status.KNOWN_DEFECT:
                reason = "; ".join(outcome.reasons)
                case.result = [_result(Skipped(one_line(reason)), f"{reason}\n\n{_account(outcome)}")]
            case Status.PASSED:
                pass
        output = "\n".join([*([outcome.output] if outcome.output else []), *_attachments(outcome.evidence)])
        if output:
            case.system_out = printable(output)
        return case

    def _tag_properties(self, tags: Sequence[str]) -> dict[str, str]:
        """Return the properties of a test case: each name once, since some importers keep them in a map."""
        values: dict[str, list[str]] = {"tags": list(tags)} if tags else {}
        for tag in tags:
            name, colon, identifier = tag.partition(":")
            if not colon:
                # Such as bug-B07: the whole tag is the name by which people know it.
                name, identifier = tag.partition("-")[0], tag
            for prop in self.options.tags.get(name, ()):
                values.setdefault(prop, []).append(identifier)
            if link := link_of(tag):
                values.setdefault("link", []).append(link)
        return {name: ",".join(found) for name, found in values.items()}


def _set(element: Element, **attributes: str) -> None:
    """Set attributes as they stand, also those that the library has none of or would write in its own way."""
    for name, value in attributes.items():
        Attr(name).__set__(element, value)


def _give_properties(case: TestCase, values: Mapping[str, str]) -> None:
    """Do for a test case what the library does for a suite only."""
    if not values:
        return
    properties = Properties()  # type: ignore[no-untyped-call]
    for name, value in values.items():
        properties.add_property(Property(one_line(name), printable(value)))
    case.append(properties)  # type: ignore[no-untyped-call]


def _result(result: FinalResult, text: str) -> FinalResult:
    result.text = printable(text)
    return result


def _account(outcome: Outcome) -> str:
    """Return what a reader of nothing else must know of a failure, and last where to look and how to see it again."""
    ways = "\n".join(ways_of(outcome))
    return "\n\n".join(part for part in (outcome.message, outcome.details, ways) if part)


def _attachments(evidence: Path | None) -> list[str]:
    """Return the marks by which GitLab finds files, from the directory of the job on."""
    if evidence is None:
        return []
    files = [evidence] if evidence.is_file() else sorted(file for file in evidence.rglob("*") if file.is_file())
    return [f"[[ATTACHMENT|{shown(file)}]]" for file in files]
