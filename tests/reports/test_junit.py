from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ROOT, Finished, Project
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from lxml import etree
from parsed import labelled, parsed

from testbed.base.files import write_atomically
from testbed.reports.junit import JUnitFiles, link_of, options_of
from testbed.reports.outcome import Outcome, RunError, RunSummary, Status

SCHEMAS = ROOT.parent / "shared" / "schemas"
"""Schemas of others, where a developer has them at hand."""

ENVIRONMENT = r"""
    from time import monotonic

    from testbed.run import recorder
    from testbed.reports.outcome import notes_of
    from testbed.reports.directory import reports_of

    def before_all(context):
        context.config.setup_logging()
        reports_of(context).describe_environment({"qemu": {"version": "7.2"}, "options": {"format": "raw"}})

    def before_feature(context, feature):
        if "broken" in feature.tags:
            raise RuntimeError("no room for the feature")

    def before_scenario(context, scenario):
        if "slow-to-set-up" in scenario.tags:
            recorder.monotonic = lambda: monotonic() + 60  # as if it had taken a minute
        if "needs-much" in scenario.tags:
            scenario.skip("needs a flux capacitor\nneeds 1.21 gigawatts")
        if "hook" in scenario.tags:
            raise RuntimeError("no machine")

    def after_scenario(context, scenario):
        notes = notes_of(scenario)
        if "kept" in scenario.tags:
            notes.evidence = reports_of(context).evidence / notes.folder
            notes.evidence.mkdir(parents=True)
            (notes.evidence / "stderr.txt").write_text("said at the end")
        if "on-record" in scenario.tags:
            notes.known_defect, notes.known_defect_text = "D1", "it does not hold"
        if "surprise" in scenario.tags:
            notes.unexpected = "D1 did not show"
        if "leaks" in scenario.tags:
            notes.teardown_errors.append("a process was left")
"""

STEPS = r"""
    import logging

    from behave import given, then

    @given("a state")
    def state(context):
        pass

    @then("it should say odd things")
    def odd(context):
        assert False, "a NUL \x00, an \x1b[31mescape, a lone \udc80, a \ufffe"

    @then("it should talk")
    def talk(context):
        print("to stdout \x00")
        logging.getLogger("qmp").warning("to the log")
        assert False, "offset 65536 holds 0x00, not 0xab"

    @then("it should break and not clean up")
    def breaks(context):
        def close():
            raise OSError("the socket is gone")
        context.add_cleanup(close)
        assert False, "the image differs"
"""

BITMAPS = """
    @area-tag
    Feature: Bitmaps of QEMU 10.1

      Background:
        Given a state

      @slow-to-set-up
      Scenario: Passes
        Given a state

      Scenario: Says odd things
        Then it should say odd things

      @needs-much
      Scenario: Needs much
        Given a state

      Scenario: Is cut in two
        Then it should break and not clean up

      Scenario: Is not written
        Then nobody knows this sentence

      @rule-of-one
      Rule: One

        @id:BK-017 @id:BK-018 @bug-B07 @kept
        Scenario: Talks
          Then it should talk

        Scenario: Same name
          Given a state

        Scenario Outline: Same name
          Given a state

          Examples: sizes
            | size   | what  |
            | 64 KiB | small |
            | 1 MiB  | large |

      Rule: Two

        Scenario: Same name
          Given a state

        Scenario: Same name
          Given a state

        @on-record
        Scenario: Fails as on record
          Then it should talk

        @surprise
        Scenario: Passes against the record
          Given a state

        @on-record
        Scenario: Is on record and passes
          Given a state

        @leaks
        Scenario: Leaves a process
          Given a state

        @hook
        Scenario: Has no machine
          Given a state
"""

BROKEN = """
    @broken
    Feature: Cannot begin

      Scenario: First
        Given a state

      Rule: Of the broken

        Scenario: Second
          Given a state
"""


def written(new_project: Callable[[], Project], *args: str) -> Finished:
    project = new_project()
    project.write("environment.py", ENVIRONMENT)
    project.write("steps/steps.py", STEPS)
    project.write("features/life/bitmaps.feature", BITMAPS)
    project.write("features/life/broken.feature", BROKEN)
    return project.run("-D", "junit.tag.area=component", "-D", "junit.property.polarion-project-id=Q", *args)


@pytest.fixture(scope="module")
def full(new_project: Callable[[], Project]) -> Finished:
    return written(new_project)


@pytest.fixture(scope="module")
def strict(new_project: Callable[[], Project]) -> Finished:
    return written(new_project, "-D", "junit=strict")


def line_of(sentence: str, occurrence: int = 1) -> int:
    lines = [line for line, text in enumerate(BITMAPS.splitlines(), 1) if text.strip() == sentence]
    return lines[occurrence - 1]


def result(case: TestCase) -> Error | Failure | Skipped:
    (only,) = case.result
    assert isinstance(only, Error | Failure | Skipped)
    return only


def properties(element: TestCase | TestSuite) -> dict[str, str]:
    """Return the properties of a case, or of a suite without those of its cases."""
    found = element._elem.iterfind("properties/property")
    return {str(prop.attrib["name"]): str(prop.attrib["value"]) for prop in found}


# The defects of behave's own reporter, one by one.


def test_j01_control_characters_are_shown_and_leave_the_file_well_formed(full: Finished) -> None:
    failure = result(full.case("life.bitmaps", "Says odd things"))
    assert failure.message == r"a NUL \x00, an \x1b[31mescape, a lone \udc80, a \ufffe"
    assert failure.message in failure.text


def test_j02_a_broken_before_feature_makes_each_of_its_scenarios_an_error(full: Finished) -> None:
    suite = full.suite("life.broken")
    assert (suite.tests, suite.errors, suite.skipped) == (2, 2, 0)
    for case in suite:
        assert result(case).message == "RuntimeError: no room for the feature (in the before_feature hook)"


def test_j03_a_broken_before_all_is_a_failing_test_case(project: Project) -> None:
    project.write("features/a.feature", "Feature: F\n  Scenario: S\n    Given a state\n")
    project.write("environment.py", "def before_all(context):\n    raise RuntimeError('no QEMU here')\n")
    finished = project.run()
    assert (finished.status, finished.files) == (1, ["TEST-environment.xml"])
    error = result(finished.case("environment", "environment"))
    assert isinstance(error, Error)
    assert error.message == "RuntimeError: no QEMU here"
    assert "environment.py" in error.text
    assert "ABORTED" not in finished.stdout + finished.stderr


def test_j03_a_broken_after_all_is_a_failing_test_case(project: Project) -> None:
    project.write("features/a.feature", "Feature: F\n  Scenario: S\n    Given a state\n")
    project.write("environment.py", "def after_all(context):\n    raise RuntimeError('processes leaked')\n")
    finished = project.run()
    assert (finished.status, finished.files) == (1, ["TEST-a.xml", "TEST-environment.xml"])
    assert (
        result(finished.case("environment", "after_all")).message
        == "RuntimeError: processes leaked (in the after_all hook)"
    )
    assert finished.case("a", "S").is_passed


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("features/b.feature", "Feature: F\n  Scenario: S\n    Given a state\n    Gibberish\n", "b.feature"),
        ("steps/more.py", "import no_such_module\n", "no_such_module"),
        (
            "steps/more.py",
            "from behave import given\n@given('a state')\ndef again(context): pass\n",
            "a state",
        ),
        ("environment.py", "def before_all(context:\n", "environment.py"),
    ],
    ids=["feature", "import", "ambiguous", "hooks"],
)
def test_j04_what_cannot_be_read_is_a_failing_test_case(project: Project, file: str, text: str, said: str) -> None:
    project.write("features/a.feature", "Feature: F\n  Scenario: S\n    Given a state\n")
    project.write(file, text)
    finished = project.run()
    assert (finished.status, finished.files) == (1, ["TEST-environment.xml"])
    (case,) = finished.suite("environment")
    assert said in result(case).text
    assert said in finished.stderr


def test_j05_the_reasons_of_a_skip_are_told(full: Finished) -> None:
    skipped = result(full.case("life.bitmaps", "Needs much"))
    assert isinstance(skipped, Skipped)
    assert skipped.message == "not applicable: needs a flux capacitor; needs 1.21 gigawatts"
    assert skipped.text == skipped.message


def test_j06_a_failing_clean_up_does_not_hide_the_failing_step(full: Finished) -> None:
    failure = result(full.case("life.bitmaps", "Is cut in two"))
    assert isinstance(failure, Failure)
    assert failure.type == "AssertionError"
    assert failure.message.startswith("the image differs; then OSError: ")
    assert failure.text.index("Then it should break") < failure.text.index("OSError: the socket is gone")


def test_j07_an_undefined_step_is_named_and_where_to_look(full: Finished) -> None:
    error = result(full.case("life.bitmaps", "Is not written"))
    assert error.type == "UndefinedStep"
    assert error.message.startswith("no step definition matches: Then nobody knows this sentence")
    line = line_of("Then nobody knows this sentence")
    assert f"features/life/bitmaps.feature:{line}" in error.text
    assert "--steps-catalog" in error.text


def test_j08_what_was_logged_is_there(full: Finished) -> None:
    output = full.case("life.bitmaps", "Talks").system_out
    assert output is not None
    assert "LOG_WARNING:qmp: to the log" in output
    assert r"to stdout \x00" in output


def test_j09_tags_become_properties_each_once(full: Finished) -> None:
    found = properties(full.case("life.bitmaps", "Talks"))
    assert found == {
        "tags": "area-tag,rule-of-one,id:BK-017,id:BK-018,bug-B07,kept",
        "test_id": "BK-017,BK-018",
        "polarion-testcase-id": "BK-017,BK-018",
        "test_key": "BK-017,BK-018",
        "requirements": "bug-B07",
        "link": "docs/bugs.md#b07",
        "component": "area-tag",
    }


@pytest.mark.parametrize(
    ("tag", "link"),
    [("bug-B07", "docs/bugs.md#b07"), ("bug-B107", "docs/bugs.md#b107"), ("bug:B07", None), ("needs.bug-B07", None)],
)
def test_j09_only_a_bug_of_the_past_leads_to_the_list_of_bugs(tag: str, link: str | None) -> None:
    assert link_of(tag) == link


def test_j09_suites_say_what_was_tested(full: Finished) -> None:
    assert properties(full.suite("life.bitmaps")) == {
        "qemu.version": "7.2",
        "options.format": "raw",
        "polarion-project-id": "Q",
    }


def test_j10_a_test_case_tells_file_line_and_rule(full: Finished) -> None:
    case = full.case("life.bitmaps", "Talks")
    assert case._elem.get("file") == "features/life/bitmaps.feature"
    assert case._elem.get("line") == str(line_of("Scenario: Talks"))
    assert case.name == "One: Talks"


def test_j11_names_are_unique(full: Finished) -> None:
    names = [case.name for case in full.suite("life.bitmaps")]
    assert len(set(names)) == len(names)
    assert [name for name in names if "Same name" in name] == [
        "One: Same name",
        "One: Same name [64 KiB]",
        "One: Same name [1 MiB]",
        "Two: Same name",
        f"Two: Same name [line {line_of('Scenario: Same name', 3)}]",
    ]


def test_j12_a_version_in_a_title_is_no_package(full: Finished) -> None:
    assert {case.classname for case in full.suite("life.bitmaps")} == {"life.Bitmaps of QEMU 10_1"}


def test_j13_files_of_one_name_do_not_overwrite_each_other(project: Project) -> None:
    for root in ("../one", "../two"):
        project.write(f"{root}/life/a.feature", "Feature: F\n  Scenario: S\n    Given a state\n")
    project.write("features/life/a.feature", "Feature: F\n  Scenario: S\n    Given a state\n")
    finished = project.run("features", "../one/life", "../two/life")
    assert (finished.status, finished.files) == (
        0,
        ["TEST-life.a-2.xml", "TEST-life.a-3.xml", "TEST-life.a.xml"],
    )
    names = [(case.classname, case.name) for file in ("a", "a-2", "a-3") for case in finished.suite(f"life.{file}")]
    assert len(set(names)) == len(names) == 3


def test_j13_a_file_named_twice_is_run_once(project: Project) -> None:
    text = "Feature: F\n  Scenario: S\n    Given a state\n  Scenario: T\n    Given a state\n"
    project.write("features/a.feature", text)
    project.write("features/b.feature", text)
    finished = project.run("features/a.feature:2", "features/b.feature", "./features/../features/a.feature:4")
    assert finished.status == 0
    assert [case.name for case in finished.suite("a")] == ["S", "T"]
    assert "4 scenarios" in finished.stdout


def test_j15_the_time_stamp_is_the_start_in_utc(full: Finished) -> None:
    suite = full.suite("life.bitmaps")
    begun = datetime.fromisoformat(str(suite.timestamp)).replace(tzinfo=UTC)
    assert timedelta(0) <= datetime.now(UTC) - begun < timedelta(minutes=5)
    assert begun.isoformat(timespec="seconds").removesuffix("+00:00") == suite.timestamp
    first = full.summary()["outcomes"][0]["started"]
    assert first.removesuffix("+00:00") == suite.timestamp


def test_j16_there_is_output_only_where_there_is_something_to_say(full: Finished) -> None:
    said = {str(case.name): case.system_out for case in full.suite("life.bitmaps") if case.system_out}
    assert said.keys() == {"One: Talks", "Two: Fails as on record"}


# What else is there.


def test_time_is_wall_clock_time_with_set_up(full: Finished) -> None:
    assert 60 <= (full.case("life.bitmaps", "Passes").time or 0) < 65


def test_the_failure_text_ends_with_the_evidence_and_how_to_repeat_it(full: Finished) -> None:
    case = full.case("life.bitmaps", "Talks")
    folder = "reports/evidence/life.bitmaps.Talks"
    evidence, again = result(case).text.splitlines()[-2:]
    assert evidence == f"evidence: {folder}"
    assert again.startswith(f"repeat:   cd {full.home} && ")
    reports = full.home / "reports" / "repeat"
    assert again.endswith(f" features/life/bitmaps.feature:{line_of('Scenario: Talks')} -D reports={reports}")
    assert f"[[ATTACHMENT|{folder}/stderr.txt]]" in str(case.system_out)


def test_a_known_defect_is_told_apart_from_not_applicable(full: Finished) -> None:
    skipped = result(full.case("life.bitmaps", "Fails as on record"))
    assert isinstance(skipped, Skipped)
    assert skipped.message == "known defect D1: it does not hold"
    assert "offset 65536 holds 0x00, not 0xab" in skipped.text


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("Passes against the record", "UnexpectedPass", "D1 did not show"),
        ("Is on record and passes", "UnexpectedPass", "passed, and yet reported as known defect D1"),
        ("Leaves a process", "TeardownError", "a process was left (in the teardown)"),
        ("Has no machine", "RuntimeError", "RuntimeError: no machine (at the start of the scenario)"),
    ],
)
def test_what_a_passing_step_cannot_show_is_red(full: Finished, name: str, kind: str, message: str) -> None:
    red = result(full.case("life.bitmaps", name))
    assert (red.type, red.message) == (kind, message)


def test_counts_are_those_of_the_cases(full: Finished) -> None:
    suite = full.suite("life.bitmaps")
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (16, 5, 3, 2)


def refused_by(judge: etree.RelaxNG | etree.XMLSchema, finished: Finished) -> list[str]:
    """Return what a schema says against the files of a run."""
    folder = finished.home / "reports" / "junit"
    return [str(judge.error_log) for name in finished.files if not judge.validate(etree.parse(folder / name))]


@pytest.mark.parametrize("style", ["full", "strict"])
def test_every_file_has_the_form_of_its_style(style: str, request: pytest.FixtureRequest) -> None:
    finished: Finished = request.getfixturevalue(style)
    form = etree.RelaxNG(etree.parse(Path(__file__).with_name(f"junit-{style}.rng")))
    assert len(finished.files) > 1
    assert refused_by(form, finished) == []


def test_the_form_refuses_what_importers_refuse(full: Finished) -> None:
    form = etree.RelaxNG(etree.parse(Path(__file__).with_name("junit-strict.rng")))
    assert not form.validate(etree.parse(full.home / "reports" / "junit" / "TEST-life.bitmaps.xml"))
    assert not form.validate(etree.fromstring("<testsuites/>"))


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the schemas of others in ../shared/schemas")
@pytest.mark.parametrize("schema", ["junit-10.xsd", "surefire-test-report.xsd"])
def test_the_strict_style_satisfies_the_schemas_of_others(strict: Finished, schema: str) -> None:
    assert len(strict.files) > 1
    assert refused_by(etree.XMLSchema(etree.parse(SCHEMAS / schema)), strict) == []


# The files themselves.

OUTCOME = Outcome(
    area="life",
    suite="life.Bitmaps",
    report="life.bitmaps",
    feature="Bitmaps",
    rule=None,
    scenario="S",
    name="S",
    file="features/life/bitmaps.feature",
    line=3,
    tags=(),
    repeat="behave features/life/bitmaps.feature:3",
    started=datetime(2026, 1, 2, 3, 4, 5, 600000, UTC),
)

UNFINISHED = replace(OUTCOME, status=Status.ERROR, kind="DidNotFinish", headline="did not finish", message="No word.")


def test_a_file_holds_the_running_scenario_until_it_has_ended(tmp_path: Path) -> None:
    files = JUnitFiles(tmp_path, {})
    path = tmp_path / "TEST-life.bitmaps.xml"
    files.scenario_started(UNFINISHED)
    (suite,) = JUnitXml.fromfile(str(path))
    assert [result(case).type for case in suite] == ["DidNotFinish"]
    files.scenario_finished(replace(OUTCOME, seconds=0.00001))
    files.scenario_started(replace(UNFINISHED, report="other"))
    (suite,) = JUnitXml.fromfile(str(path))
    assert [(case.name, case.is_passed, case._elem.get("time")) for case in suite] == [("S", True, "0.000")]
    assert (suite.timestamp, suite._elem.get("time")) == ("2026-01-02T03:04:05", "0.000")


def test_what_has_failed_is_written_at_once(tmp_path: Path) -> None:
    files = JUnitFiles(tmp_path, {})
    files.scenario_started(UNFINISHED)
    files.scenario_finished(replace(OUTCOME, status=Status.FAILED))
    (suite,) = JUnitXml.fromfile(str(tmp_path / "TEST-life.bitmaps.xml"))
    assert [type(result(case)) for case in suite] == [Failure]


def test_a_run_that_goes_well_leaves_no_file_of_its_own(tmp_path: Path) -> None:
    files = JUnitFiles(tmp_path, {})
    files.expect_the_worst()
    (suite,) = JUnitXml.fromfile(str(tmp_path / "TEST-environment.xml"))
    assert suite.errors == 1
    files.run_finished(RunSummary((), (), OUTCOME.started, 1.0))
    assert list(tmp_path.iterdir()) == []


def test_errors_of_the_run_have_unique_names(tmp_path: Path) -> None:
    files = JUnitFiles(tmp_path, {"who": "a\x00b"})
    error = RunError("clean-up", "OSError", "no", "no")
    files.run_finished(RunSummary((), (error, error, error), OUTCOME.started, 1.0))
    (suite,) = JUnitXml.fromfile(str(tmp_path / "TEST-environment.xml"))
    assert [case.name for case in suite] == ["clean-up", "clean-up 2", "clean-up 3"]
    assert properties(suite) == {"who": r"a\x00b"}


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    files = JUnitFiles(tmp_path / "missing", {})
    with pytest.raises(FileNotFoundError):
        files.scenario_started(UNFINISHED)


def test_options_leave_the_tags_that_they_do_not_name() -> None:
    options = options_of({"junit": "full", "junit.tag.id": "case", "junit.property.a.b": "c", "qemu": "x"})
    assert not options.strict
    assert options.tags["id"] == ("case",)
    assert options.tags["bug"] == ("requirements",)
    assert options.properties == {"a.b": "c"}


def test_a_feature_of_many_rows_is_written_in_no_time(tmp_path: Path) -> None:
    files = JUnitFiles(tmp_path, {})
    begun = time.process_time()
    for row in range(100):
        files.scenario_finished(replace(OUTCOME, name=f"row {row}"))
    assert time.process_time() - begun < 5


def test_what_was_not_run_is_written_once_when_the_run_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def write(path: Path, text: str) -> None:
        written.append(path.name)
        write_atomically(path, text)

    monkeypatch.setattr("testbed.reports.junit.write_atomically", write)
    unrun = [replace(outcome, status=Status.NOT_RUN, reasons=("interrupted",)) for outcome in labelled(parsed())]
    # An area of which most was passed over has a property of its own in all its suites.
    passed_over = replace(unrun[0], report="other", status=Status.NOT_APPLICABLE, reasons=("no such thing",))
    files = JUnitFiles(tmp_path, {})
    for outcome in (*unrun, passed_over):
        files.scenario_finished(outcome)
    assert written == []
    files.run_finished(RunSummary((*unrun, passed_over), (), unrun[0].started, 1.0))
    assert sorted(written) == [f"TEST-{unrun[0].report}.xml", "TEST-other.xml"]
    (suite,) = JUnitXml.fromfile(str(tmp_path / f"TEST-{unrun[0].report}.xml"))
    assert [isinstance(result(case), Skipped) for case in suite] == [True] * len(unrun)
