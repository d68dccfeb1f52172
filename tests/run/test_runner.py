from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable

import pytest
from conftest import CONFIGURATION, Finished, Project
from junitparser import Skipped

from testbed.run.runner import Interruption

FEATURE = """
    @easy
    Feature: Lifecycle

      Scenario: First
        Given a state

      Scenario: Second
        Given a state
        Then it should hold
"""

WAITING = """
    import os
    import threading

    from behave import given

    def tell(context):
        os.write(int(os.environ["READY"]), b"!")

    @given("a step that waits")
    def waits(context):
        context.add_cleanup(print, "cleaned up")
        tell(context)
        threading.Event().wait(60)

    @given("a clean-up that waits")
    def waits_later(context):
        context.add_cleanup(print, "cleaned up after it")
        context.add_cleanup(os.kill, os.getpid(), 15)
        tell(context)

    @given("another state")
    def another(context):
        pass
"""

LONG = """
    Feature: Long

      Scenario: Before
        Given another state

      Scenario: Waits
        Given another state
        Given a step that waits
        Given another state

      Scenario: Never
        Given another state
"""

ANNOUNCING_HOOKS = """
    def after_scenario(context, scenario):
        print("after", scenario.name)

    def after_all(context):
        print("after all")
"""


def messages(finished: Finished, suite: str) -> dict[str, str | None]:
    return {str(case.name): case.result[0].message if case.result else None for case in finished.suite(suite)}


@pytest.fixture
def life(project: Project) -> Project:
    project.write("features/life.feature", FEATURE)
    return project


@pytest.fixture
def long(project: Project) -> Project:
    project.write("features/long.feature", LONG)
    project.write("features/never.feature", "Feature: Never\n  Scenario: Never ever\n    Given another state\n")
    project.write("steps/steps.py", WAITING)
    project.write("environment.py", ANNOUNCING_HOOKS)
    return project


# The verdict.


def test_a_good_run_has_status_0(life: Project) -> None:
    finished = life.run("--name", "First")
    assert (finished.status, finished.stderr, finished.files) == (0, "", ["TEST-life.xml"])
    assert finished.summary()["counts"] == {"passed": 1}
    assert not finished.summary()["failed"]


def test_a_failure_has_status_1(life: Project) -> None:
    finished = life.run()
    assert (finished.status, finished.stderr) == (1, "")
    assert finished.summary()["counts"] == {"passed": 1, "failed": 1}


def test_a_known_defect_does_not_fail_the_run(life: Project) -> None:
    life.write(
        "environment.py",
        """
        from testbed.reports.outcome import notes_of

        def after_scenario(context, scenario):
            notes = notes_of(scenario)
            print("failure:", notes.failure, "folder:", notes.folder, "repeat:", notes.repeat.splitlines()[-1])
            if notes.failure:
                notes.known_defect = "D1"
        """,
    )
    finished = life.run()
    assert (finished.status, finished.stderr) == (0, "")
    assert finished.summary()["counts"] == {"passed": 1, "known defect": 1}
    assert f"failure:  folder: life.First repeat: cd {life.home} && " in finished.stdout
    assert ' -m behave features/life.feature:5 -D "reports=$reports" "$@"' in finished.stdout
    assert "offset 65536 holds 0x00, not 0xab folder: life.Second" in finished.stdout


def test_deselected_scenarios_are_not_reported(life: Project) -> None:
    finished = life.run("features/life.feature:5")
    assert finished.status == 0
    assert [case.name for case in finished.suite("life")] == ["First"]


@pytest.mark.parametrize(
    "selection",
    [("--tags", "esay"), ("--name", "Frist"), ("--tags", "easy", "--dry-run", "--name", "Frist")],
    ids=["tag", "name", "dry run"],
)
def test_nothing_selected_is_an_error(life: Project, selection: tuple[str, ...]) -> None:
    finished = life.run(*selection)
    assert finished.status == 1
    assert "no scenario is selected" in finished.stderr
    if "--dry-run" not in selection:
        assert messages(finished, "environment") == {
            "selection": "no scenario is selected: is a tag, a name or a path misspelt?"
        }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("features/live.feature", "there is no file features/live.feature"),
        ("features/live", "features/live is neither a feature file nor a folder"),
    ],
)
def test_a_path_that_is_not_there_is_an_error(life: Project, path: str, said: str) -> None:
    finished = life.run(path)
    assert finished.status == 1
    assert said in finished.stderr
    assert "Traceback" not in finished.stderr
    assert messages(finished, "environment") == {"selection": said}


def test_an_unusable_environment_tells_all_problems_and_remedies(life: Project) -> None:
    life.write(
        "environment.py",
        """
        from testbed.base.problems import EnvironmentUnusable, Problem

        def fail():
            raise OSError("not undone")

        def before_all(context):
            context.add_cleanup(print, "undone")
            context.add_cleanup(fail)
            raise EnvironmentUnusable([Problem("no qemu", "install it"), Problem("no qemu-io", "build it")])

        def after_all(context):
            print("never")
        """,
    )
    finished = life.run()
    assert (finished.status, finished.files) == (1, ["TEST-environment.xml"])
    told = "no qemu\n  remedy: install it\nno qemu-io\n  remedy: build it"
    case, undoing = finished.suite("environment")
    assert (case.name, case.result[0].message, case.result[0].text) == ("environment", "no qemu; no qemu-io", told)
    assert undoing.result[0].message == "OSError: not undone (in the clean-up fail)"
    assert finished.stderr.startswith("\nERROR (environment)\n  " + told.replace("\n", "\n  ") + "\n")
    assert finished.stdout == "undone\n"


def test_a_dry_run_needs_no_environment_and_writes_nothing(life: Project) -> None:
    life.write("environment.py", "def before_all(context):\n    raise RuntimeError('no QEMU')\n")
    finished = life.run("--dry-run")
    assert (finished.status, finished.stderr) == (0, "")
    assert "Second" in finished.stdout
    assert "2 scenarios" in finished.stdout
    assert not (life.home / "reports").exists()


def test_a_catalogue_is_nothing_but_a_catalogue(life: Project) -> None:
    finished = life.run("--dry-run", "--format", "steps.doc")
    assert (finished.status, finished.stderr) == (0, "")
    assert "scenarios in" not in finished.stdout


def test_a_dry_run_finds_undefined_steps(life: Project) -> None:
    life.write("features/more.feature", "Feature: G\n  Scenario: T\n    Given a state\n    When nobody knows\n")
    finished = life.run("--dry-run")
    assert finished.status == 1
    assert "no step definition matches: When nobody knows" in finished.stdout


@pytest.mark.parametrize("way", ["sys.exit('gone')", "raise SystemExit(0)"])
def test_a_step_that_exits_ends_the_run_in_order(life: Project, way: str) -> None:
    life.write("environment.py", ANNOUNCING_HOOKS)
    life.write("features/a.feature", "Feature: A\n  Scenario: Exits\n    Given an exit\n")
    life.write(
        "steps/exit.py",
        f"""
        import sys
        from behave import given

        @given("an exit")
        def step(context):
            context.add_cleanup(print, "cleaned up")
            context.add_cleanup(open, "/missing")
            {way}
        """,
    )
    finished = life.run()
    assert finished.status == 1
    assert "cleaned up" in finished.stdout
    assert "after all" in finished.stdout
    assert (messages(finished, "a")["Exits"] or "").startswith("SystemExit")
    assert messages(finished, "life") == dict.fromkeys(["First", "Second"], "not run: the run ended early")


def test_a_formatter_that_raises_ends_the_run_in_order(life: Project) -> None:
    life.write("environment.py", ANNOUNCING_HOOKS)
    life.write(
        "fragile.py",
        """
        from behave.formatter.base import Formatter

        class Fragile(Formatter):
            def result(self, step):
                "\\udc80".encode()
        """,
    )
    finished = life.run("-f", "fragile:Fragile")
    assert finished.status == 1
    assert "UnicodeEncodeError" in finished.stderr
    assert "after all" in finished.stdout
    assert messages(finished, "life")["Second"] == "not run: the run ended early"


def test_stop_says_what_was_not_run(life: Project) -> None:
    life.write(
        "features/a.feature", FEATURE.replace("First", "Third") + "\n      Scenario: Last\n        Given a state\n"
    )
    finished = life.run("--stop")
    assert finished.status == 1
    reason = "not run: the run stopped at the first failure, as --stop asks"
    assert messages(finished, "a")["Last"] == reason
    assert messages(finished, "life") == {"First": reason, "Second": reason}


def test_hooks_and_clean_ups_around_scenarios_are_told(life: Project) -> None:
    life.write(
        "features/rules.feature",
        """
        Feature: Rules
          Rule: Broken
            Scenario: Third
              Given a state
          Rule: Sound
            Scenario: Fourth
              Given a state
        """,
    )
    life.write(
        "environment.py",
        """
        def before_rule(context, rule):
            if rule.name == "Broken":
                raise RuntimeError("no room for the rule")

        def after_feature(context, feature):
            context.add_cleanup(open, "/missing")
            raise RuntimeError("no way out")
        """,
    )
    finished = life.run("features/rules.feature")
    assert finished.status == 1
    assert messages(finished, "rules") == {
        "Broken: Third": "RuntimeError: no room for the rule (in the before_rule hook)",
        "Sound: Fourth": None,
        "after the last scenario": "RuntimeError: no way out (in the after_feature hook); then FileNotFoundError: "
        "[Errno 2] No such file or directory: '/missing' (in the clean-up "
        "Context.add_cleanup.<locals>.internal_cleanup_func)",
    }


def test_what_a_step_hook_finds_is_blamed_on_the_step(life: Project) -> None:
    life.write("features/life.feature", "Feature: F\n  Scenario: S\n    Given a monitor\n    Given a monitor\n")
    life.write(
        "steps/monitor.py",
        """
        from behave import given

        @given("a monitor")
        def step(context):
            raise EOFError("no answer")
        """,
    )
    life.write(
        "environment.py",
        """
        def after_step(context, step):
            assert not step.exception, "QEMU was killed by SIGSEGV"
        """,
    )
    finished = life.run()
    assert messages(finished, "life") == {"S": "QEMU was killed by SIGSEGV; then EOFError: no answer"}
    assert finished.case("life", "S").is_failure
    assert finished.summary()["outcomes"][0]["step"]["line"] == 3


def test_a_feature_skipped_by_its_hook_is_not_applicable(life: Project) -> None:
    hook = "def before_feature(context, feature):\n    feature.name == 'Lifecycle' and feature.skip('needs a moon')\n"
    life.write("environment.py", hook)
    life.write("features/other.feature", "Feature: Other\n  Scenario: Third\n    Given a state\n")
    for args in ((), ("--no-skipped",)):
        finished = life.run(*args)
        assert finished.status == 0
        assert messages(finished, "life") == dict.fromkeys(["First", "Second"], "not applicable: needs a moon")
        assert finished.stderr == ""


@pytest.mark.parametrize("args", [(), ("--jobs", "2"), ("--tags", "easy")])
def test_a_run_in_which_nothing_applies_is_red_and_says_what_to_do(life: Project, args: tuple[str, ...]) -> None:
    life.write("environment.py", "def before_scenario(context, scenario):\n    scenario.skip('needs a moon')\n")
    finished = life.run(*args)
    assert finished.status == 1
    assert finished.summary()["counts"] == {"not applicable": 2}
    told = "nothing was tried: none of the 2 selected scenarios is applicable, 2 of them since needs a moon"
    assert f"ERROR (selection)\n  {told}\n    remedy: select other scenarios, or name a build" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_dry_run_need_not_try_anything(life: Project) -> None:
    finished = life.run("--dry-run", "--name", "First")
    assert (finished.status, finished.stderr) == (0, "")


def test_a_run_that_was_interrupted_is_not_blamed_for_trying_nothing(life: Project) -> None:
    life.write("environment.py", "def before_all(context):\n    raise KeyboardInterrupt\n")
    finished = life.run()
    assert finished.status == 1
    assert "nothing was tried" not in finished.stderr


def test_a_skip_without_a_reason_is_an_error(life: Project) -> None:
    life.write("environment.py", "def before_scenario(context, scenario):\n    scenario.skip()\n")
    finished = life.run("--name", "First")
    assert finished.status == 1
    assert (messages(finished, "life")["First"] or "").startswith("skipped without a reason")


def test_behave_s_own_junit_reporter_is_replaced(life: Project) -> None:
    finished = life.run("--junit", "--junit-directory", "out")
    assert finished.status == 1
    files = {file.name for file in (life.home / "out").iterdir()} - {".lock"}
    assert files == {"TEST-life.xml", "summary.json"}
    assert not (life.home / "reports").exists()


def test_a_repeat_command_selects_just_one(life: Project) -> None:
    life.write(
        "features/rows.feature",
        """
        Feature: Rows
          Scenario Outline: Holds
            Given a state
            Then it should hold
            Examples: numbers
              | n | what   |
              | 1 | first  |
              | 2 | second |
        """,
    )
    outcomes = life.run("-D", "qemu=/with blanks/x").summary()["outcomes"]
    row = next(outcome for outcome in outcomes if outcome["scenario"] == "Holds [2]")
    own = f"-D reports={life.home / 'reports' / 'repeat'}"
    assert row["repeat"].endswith(f" behave features/rows.feature:{row['line']} -D 'qemu=/with blanks/x' {own}")
    finished = life.run(f"features/rows.feature:{row['line']}")
    assert [case.name for case in finished.suite("rows")] == [row["name"]]


# What is selected.

SLOW = """
    Feature: Slow
      @easy @slow
      Scenario: Takes minutes
        Given a state
      @easy
      Scenario: Takes no time
        Given a state
"""


@pytest.mark.parametrize(
    ("tags", "selected"),
    [
        ((), ["Takes no time"]),
        (("easy",), ["Takes no time"]),
        (("@easy", "not hard"), ["Takes no time"]),
        (("slow",), ["Takes minutes"]),
        (("easy and @slow",), ["Takes minutes"]),
        (("easy or (slow)",), ["Takes minutes", "Takes no time"]),
        (("easy", "not slow"), ["Takes no time"]),
    ],
)
def test_what_is_left_out_by_default_is_so_unless_it_is_named(
    project: Project, tags: tuple[str, ...], selected: list[str]
) -> None:
    project.write(
        "pyproject.toml", CONFIGURATION.replace("    summary", '    default_tags = ["not slow"]\n    summary')
    )
    project.write("features/slow.feature", SLOW)
    finished = project.run(*(f"--tags={expression}" for expression in tags))
    assert finished.status == 0
    assert [case.name for case in finished.suite("slow")] == selected


@pytest.mark.parametrize("line", [0, 12, 9999])
def test_a_line_that_the_file_does_not_have_is_an_error(life: Project, line: int) -> None:
    finished = life.run(f"features/life.feature:{line}")
    said = f"there is no line {line} in features/life.feature, which has 10 lines"
    assert finished.status == 1
    assert messages(finished, "environment") == {"selection": said}
    assert "Traceback" not in finished.stderr


def test_no_process_to_run_the_features_is_an_error_before_anything_is_loaded(life: Project) -> None:
    life.write("features/broken.feature", "no feature at all")
    finished = life.run("--jobs", "0")
    assert (finished.status, finished.files) == (1, ["TEST-environment.xml"])
    assert "0 processes are to run the features" in finished.stdout + finished.stderr
    assert "give a number from 1 on with --jobs" in finished.stdout + finished.stderr


def test_the_words_of_the_selection_are_judged_before_anything_is_loaded(life: Project) -> None:
    life.write("features/broken.feature", "no feature at all")
    life.write(
        "environment.py",
        """
        from testbed.base.problems import near

        def before_load(context, words):
            for word in words:
                if word not in {"easy", "hard"}:
                    raise near(word, ["easy", "hard"], "tag")
        """,
    )
    finished = life.run("--tags", "@easy and not (esay or hard)")
    assert (finished.status, finished.files) == (1, ["TEST-environment.xml"])
    assert finished.stderr == '\nERROR (selection)\n  there is no tag "esay"; did you mean "easy"?\n'
    assert finished.stdout == ""
    assert "no feature" in life.run("--tags", "easy or hard").stderr


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_where_nothing_can_be_run_only_that_is_told(life: Project, jobs: str) -> None:
    life.write("features/more.feature", "Feature: More\n  Scenario: Third\n    Given a state\n")
    life.write(
        "environment.py",
        """
        from testbed.base.problems import EnvironmentUnusable, Problem

        def before_all(context):
            raise EnvironmentUnusable([Problem("no qemu", "name one with -D qemu=PATH")])
        """,
    )
    finished = life.run("--jobs", jobs, env={"SUITE_CALLED_BY": "make accept"})
    assert finished.status == 1
    remedy = "name one with make accept QEMU=PATH"
    assert finished.stderr == f"\nERROR (environment)\n  no qemu\n    remedy: {remedy}\n"
    assert "not run" not in finished.stdout.lower()


REMEDIES = """
    import os
    from behave import given, when
    from testbed.base.problems import EnvironmentUnusable, Problem

    @given("no time")
    def no_time(context):
        raise EnvironmentUnusable([Problem("QEMU did not get the processor", "give more with -D patience=3")])

    @given("no room")
    def no_room(context):
        raise OSError(28, os.strerror(28))

    @given("no other build")
    def no_other_build(context):
        context.scenario.skip("none was named; -D qemu=PATH names one")
"""

REMEDIED = """
    Feature: Remedies
      Scenario: Time
        Given no time
      Scenario: Room
        Given no room
      Scenario: Build
        Given no other build
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("caller", "remedies"),
    [
        ("make accept", ("make accept ARGS='-D patience=3'", "make accept ARGS='-D scratch=", "make accept QEMU=PATH")),
        (
            "make matrix",
            ("make matrix ARGS='-D patience=3'", "make matrix ARGS='-D scratch=", "make matrix BUILDS=PATH"),
        ),
        ("", ("with -D patience=3", "with -D scratch=", "; -D qemu=PATH")),
    ],
)
def test_remedies_of_scenarios_are_said_everywhere_as_the_caller_would_type_them(
    life: Project, jobs: str, caller: str, remedies: tuple[str, ...]
) -> None:
    life.write("features/remedies.feature", REMEDIED)
    life.write("steps/remedies.py", REMEDIES)
    finished = life.run("--jobs", jobs, env={"SUITE_CALLED_BY": caller})
    outcomes = [outcome for outcome in finished.summary()["outcomes"] if outcome["file"] == "features/remedies.feature"]
    for remedy, outcome in zip(remedies, outcomes, strict=True):
        assert remedy in " ".join(finished.stdout.split())
        assert remedy in str(messages(finished, "remedies")[outcome["scenario"]])
        told = outcome["reasons"] or [outcome["headline"], outcome["message"]]
        assert [text for text in told if remedy not in text] == []


def test_a_reason_that_ends_the_run_is_said_so_once(life: Project) -> None:
    life.write("features/remedies.feature", REMEDIED)
    life.write("steps/remedies.py", REMEDIES.replace("-D qemu=", "-D next_qemu="))
    finished = life.run("--name", "Build", env={"SUITE_CALLED_BY": "make accept"})
    assert "; make accept ARGS='-D next_qemu=PATH' names one" in finished.stderr
    assert finished.stderr.count("make accept") == 2  # the other one is the remedy for that nothing was tried


# Interruption.


def test_j14_a_killed_run_leaves_valid_reports_that_are_red(long: Project) -> None:
    finished = long.run_until_told(signal.SIGKILL)
    assert finished.status == -signal.SIGKILL
    assert finished.files == ["TEST-environment.xml", "TEST-long.xml"]
    assert messages(finished, "long") == {"Before": None, "Waits": "the run ended while this scenario ran"}
    assert messages(finished, "environment") == {"the run": "the run did not finish"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_in_order(long: Project, number: signal.Signals) -> None:
    finished = long.run_until_told(number)
    assert finished.status == 1
    assert messages(finished, "long") == {
        "Before": None,
        "Waits": f"not run: the run was interrupted by {number.name}",
        "Never": f"not run: the run was interrupted by {number.name}",
    }
    assert messages(finished, "never") == {"Never ever": f"not run: the run was interrupted by {number.name}"}
    assert all(isinstance(case.result[0], Skipped) for case in finished.suite("never"))
    assert messages(finished, "environment") == {"interruption": f"the run was interrupted by {number.name}"}
    assert (finished.stdout + finished.stderr).count(number.name) == 1, "it is said once"
    assert f"\nNot run\n  3 scenarios: the run was interrupted by {number.name}\n" in finished.stdout
    assert not {"SIGINT", "SIGTERM", "ABORTED", "FAILED", "ERROR"} - {number.name} & set(
        re.findall(r"\w+", finished.stdout)
    )
    said = [finished.stdout.index(text) for text in ("after Waits", "cleaned up", "after all")]
    assert said == sorted(said)


def test_a_failure_before_the_signal_stays_one(long: Project) -> None:
    long.write(
        "features/long.feature", "Feature: F\n  Scenario: S\n    Given another state\n    Given a step that waits\n"
    )
    long.write(
        "environment.py",
        """
        def after_step(context, step):
            assert step.name != "another state", "it was broken before"
        """,
    )
    finished = long.run("features/long.feature")
    assert messages(finished, "long") == {"S": "it was broken before"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_with_several_processes_too_only_what_the_user_did_is_said(long: Project, number: signal.Signals) -> None:
    finished = long.run_until_told(number, "--jobs", "2")
    assert finished.status == 1
    assert messages(finished, "long")["Waits"] == f"not run: the run was interrupted by {number.name}"
    assert (finished.stdout + finished.stderr).count("SIG") == 1
    assert "ABORTED" not in finished.stdout + finished.stderr
    assert set(finished.summary()["counts"]) <= {"passed", "not run"}


def test_a_signal_does_not_cut_clean_ups_short(long: Project) -> None:
    long.write(
        "features/long.feature",
        """
        Feature: Long
          Scenario: Cleans up
            Given a clean-up that waits
          Scenario: Never
            Given another state
        """,
    )
    finished = long.run("features/long.feature", env={"READY": "1"})
    assert finished.status == 1
    assert "cleaned up after it" in finished.stdout
    assert messages(finished, "long") == {
        "Cleans up": None,
        "Never": "not run: the run was interrupted by SIGTERM",
    }
    assert messages(finished, "environment") == {"interruption": "the run was interrupted by SIGTERM"}


@pytest.mark.parametrize(
    ("hook", "became"),
    [
        ("before_scenario", "not run: the run was interrupted by SIGTERM"),
        ("before_step", "not run: the run was interrupted by SIGTERM"),
        ("after_step", "not run: the run was interrupted by SIGTERM"),
    ],
)
def test_a_signal_in_a_hook_lets_the_hook_end_and_no_step_begin(long: Project, hook: str, became: str) -> None:
    long.write(
        "features/long.feature", "Feature: F\n  Scenario: S\n    Given another state\n    Given a step that waits\n"
    )
    long.write(
        "environment.py",
        f"""
        import os

        def {hook}(context, _):
            if "went_on" not in context:
                os.kill(os.getpid(), 15)
                context.went_on = True

        def after_scenario(context, scenario):
            print("after, went on:", context.went_on)
        """,
    )
    finished = long.run("features/long.feature")
    assert finished.status == 1
    assert "after, went on: True" in finished.stdout
    assert "cleaned up" not in finished.stdout
    assert messages(finished, "long") == {"S": became}


def test_a_signal_during_before_all_ends_it_at_once(long: Project) -> None:
    long.write(
        "environment.py",
        """
        import os
        import threading

        def before_all(context):
            context.add_cleanup(print, "undone")
            os.write(int(os.environ["READY"]), b"!")
            threading.Event().wait(60)
        """,
    )
    finished = long.run_until_told(signal.SIGINT)
    assert (finished.status, finished.files) == (1, ["TEST-environment.xml"])
    assert "undone" in finished.stdout
    assert messages(finished, "environment") == {"interruption": "the run was interrupted by SIGINT"}
    assert "Traceback" not in finished.stderr


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Interruption(lambda: None).watch():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_only_a_second_signal_is_thrown_where_it_does_harm() -> None:
    told: list[str] = []
    interruption = Interruption(lambda: told.append("told"))
    with interruption.watch():
        interruption.may_throw = False
        os.kill(os.getpid(), signal.SIGTERM)
        assert (told, interruption.signal) == (["told"], "SIGTERM")
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert (told, interruption.signal) == (["told"], "SIGTERM")


# The reports.


def test_two_runs_at_once_do_not_touch_each_other(long: Project, new_project: Callable[[], Project]) -> None:
    del new_project
    ready, told = os.pipe()
    first = long.start("features/long.feature", env={"READY": str(told)}, pass_fds=[told])
    try:
        os.close(told)
        os.read(ready, 1)
        second = long.run("features/never.feature")
        assert second.status == 0
        (folder,) = (long.home / "reports").glob("run-*")
        assert f"this one reports to reports/{folder.name}/" in second.stdout
        assert f"Reports are in reports/{folder.name}/" in second.stdout
        assert (folder / "junit" / "TEST-never.xml").exists()
        assert second.files == ["TEST-environment.xml", "TEST-long.xml"]
    finally:
        first.send_signal(signal.SIGTERM)
        finished = long.finish(first)
        os.close(ready)
    assert messages(finished, "long")["Waits"] == "not run: the run was interrupted by SIGTERM"
    assert long.run("features/never.feature").files == ["TEST-never.xml"]
    assert list((long.home / "reports").glob("run-*")) == []


def test_reports_that_cannot_be_written_are_a_problem_with_a_remedy(life: Project) -> None:
    life.write("reports", "a file, not a directory")
    finished = life.run()
    assert finished.status == 1
    assert "reports cannot be written to reports/: File exists" in finished.stderr
    assert "remedy: give a directory that you may write to" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert life.run("-D", "reports=else where/here", "--name", "First").status == 0
    assert (life.home / "else where" / "here" / "junit" / "TEST-life.xml").exists()


def test_a_report_that_cannot_be_written_spoils_the_run_and_does_not_stop_it(life: Project) -> None:
    life.write(
        "environment.py",
        """
        import shutil
        from testbed.reports.directory import reports_of

        def before_scenario(context, scenario):
            shutil.rmtree(reports_of(context).junit, ignore_errors=True)

        def after_all(context):
            print("after all")
        """,
    )
    finished = life.run("--name", "First")
    assert finished.status == 1
    assert "ERROR (reports)" in finished.stderr
    assert "after all" in finished.stdout


def test_results_of_an_earlier_run_are_removed(life: Project) -> None:
    assert life.run().status == 1
    life.write("reports/junit/TEST-old.xml", "<old/>")
    life.write("reports/junit/notes.txt", "mine")
    assert life.run("--tags", "nothing").files == ["TEST-environment.xml", "notes.txt"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_the_build_warns_of_is_said_once(life: Project, jobs: str) -> None:
    life.write(
        "environment.py",
        """
        from testbed.reports.directory import reports_of
        from testbed.reports.outcome import notes_of

        def before_all(context):
            reports_of(context).describe_environment({"subject": "QEMU 1.2.3"})

        def after_scenario(context, scenario):
            notes_of(scenario).warnings.append(f"-mon is deprecated, see page {scenario.line}")
        """,
    )
    life.write("features/b.feature", "Feature: B\n  Scenario: Third\n    Given a state\n")
    finished = life.run("--jobs", jobs)
    (told,) = [line.strip() for line in finished.stdout.splitlines() if "deprecated" in line]
    first = r"first in \w+, features/\w+\.feature:\d+, and in 2 more"
    assert re.fullmatch(rf"-mon is deprecated, see page \d+ \({first}\)", told)
    environment = json.loads((life.home / "reports" / "environment.json").read_text())
    assert environment == {"subject": "QEMU 1.2.3", "warnings": {"1": told}}
    for file in finished.files:
        suite = finished.suite(file.removeprefix("TEST-").removesuffix(".xml"))
        found = {prop.attrib["name"]: prop.attrib["value"] for prop in suite._elem.iterfind("properties/property")}
        assert found["warnings.1"] == told


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_is_judged_is_said_first_and_last(life: Project, jobs: str) -> None:
    life.write(
        "environment.py",
        """
        from testbed.reports.directory import reports_of

        def before_all(context):
            reports_of(context).subject = "QEMU 1.2.3"
        """,
    )
    finished = life.run("--jobs", jobs)
    first, *_, judged, _reports = finished.stdout.splitlines()
    assert (first, judged) == ("judging QEMU 1.2.3", "Judged: QEMU 1.2.3")
    assert finished.stdout.count("QEMU 1.2.3") == 2
    assert finished.summary()["subject"] == "QEMU 1.2.3"


TICKING = """
    import os
    import select

    from behave import given

    from testbed.reports import progress

    # A scenario that is longer than this takes long.
    progress.EVERY = 0.5
    reading, writing = os.pipe()
    tick = progress.Line.tick

    def telling(line):
        before = line._told
        tick(line)
        if line._told != before:
            os.write(writing, b"!")

    progress.Line.tick = telling

    @given("what takes as long as it takes to tell of it")
    def takes_long(context):
        while os.read(reading, 1):  # what was told before this scenario
            if select.select([reading], [], [], 0) == ([], [], []):
                break
        assert select.select([reading], [], [], 20)[0], "nobody tells of it"
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_log_tells_of_a_scenario_that_takes_long_while_it_runs(new_project: Callable[[], Project], jobs: str) -> None:
    project = new_project()
    project.write("features/steps/ticking.py", TICKING)
    step = "Given what takes as long as it takes to tell of it"
    project.write("features/life/long.feature", f"Feature: Long\n  Scenario: It takes long\n    {step}\n")
    finished = project.run("--jobs", jobs, "features/life/long.feature")
    assert finished.status == 0, finished.stdout
    assert "... 0/1 done, 0 red; running: It takes long\n" in finished.stdout
