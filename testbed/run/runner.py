"""Runs the features, and owns the verdict: named in pyproject.toml as behave's runner."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from textwrap import shorten
from time import monotonic
from types import FrameType
from typing import Any, cast

from testbed.base.gherkin import (
    Config,
    Context,
    Feature,
    Location,
    Runner,
    Scenario,
    Statement,
    Step,
    WithoutAnnouncement,
    adjacent,
    clean_up,
    insist_on_lines,
    misuse,
    override,
    without_junit,
    without_skip_notices,
    words_of,
)
from testbed.base.problems import AuthorError, EnvironmentUnusable, Problem, in_words_of_caller
from testbed.reports.console import Printer, Story, complain, print_summary
from testbed.reports.directory import Reports, directories, open_reports
from testbed.reports.junit import JUnitFiles, options_of
from testbed.reports.labels import RUN, Labels
from testbed.reports.outcome import Listener, Outcome, RunError, RunSummary, Status
from testbed.reports.progress import InTurn, Progress
from testbed.reports.repetition import REPORTS
from testbed.run.order import Order
from testbed.run.preselection import may_select
from testbed.run.recorder import Recorder
from testbed.run.verdict import HEADLINE, INTERRUPTED, interrupted_by, run_error, trouble_of
from testbed.run.workers import FeatureByFeature, Forwarder, MainProcess, Workers

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a run to end. It then ends in order: hooks and clean-ups run, and all is reported."""


class Interruption:
    """Throws a KeyboardInterrupt on the first signal where one does no harm, and else only remembers it.

    Thrown into a clean-up it would leave the clean-ups after it undone. A second signal, of somebody
    who cannot wait, is thrown wherever it comes.
    """

    def __init__(self, on_signal: Callable[[], None]) -> None:
        self.signal: str | None = None
        """Name of the signal that came first."""
        self.may_throw = True
        self._on_signal = on_signal

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Handle the signals until the block ends. One that is ignored, as under nohup, stays so."""
        watched = SIGNALS if threading.current_thread() is threading.main_thread() else ()
        before = {number: signal.getsignal(number) for number in watched}
        mine = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
        try:
            for number in mine:
                signal.signal(number, self._handle)
            yield
        finally:
            for number, handler in mine.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        is_first = self.signal is None
        if is_first:
            self.signal = signal.Signals(number).name
            self._on_signal()
        if self.may_throw or not is_first:
            raise KeyboardInterrupt


class NothingSelected(Exception):
    """No scenario is selected: most likely a tag or a name is misspelt."""


class NothingTried(Exception):
    """Scenarios were selected, and none applies: whoever takes that for success is mistaken."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        (reason, often), *_ = Counter(reason for outcome in outcomes for reason in outcome.reasons).most_common(1)
        what = f"nothing was tried: none of the {len(outcomes)} selected scenarios is applicable"
        remedy = "select other scenarios, or name a build that has what these need, with -D qemu=PATH"
        super().__init__(f"{what}, {often} of them since {reason}\n  remedy: {remedy}")


class AcceptanceRunner(Runner):
    """Runs the features; says in reports and exit status what became of each scenario, and of the run."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        config.reporters = without_junit(config.reporters)
        _leave_out_by_default(config)
        # behave would stop at a known defect, too.
        self._stops, config.stop = config.stop, False
        self._interruption = Interruption(self._abort)
        self._errors: list[RunError] = []
        self._reports: Reports | None = None
        self._junit: JUnitFiles | None = None
        self._recorder: Recorder | None = None
        self._workers: Workers | None = None
        self._by_feature: list[FeatureByFeature] = []
        self._progress: list[Progress] = []
        self._without_announcement = WithoutAnnouncement()

    @override
    def run(self) -> bool:
        """Load and run everything; return whether anything went wrong, whatever it was."""
        self._without_announcement.end()
        started, since = datetime.now(UTC), monotonic()
        with self._interruption.watch(), without_skip_notices(), ExitStack() as held:
            try:
                if not self.config.dry_run:
                    self._open_reports(held)
                self._compare(failed=super().run())
            except KeyboardInterrupt:
                self._interruption.signal = self._interruption.signal or "the user"
            except BaseException as error:  # noqa: BLE001 (whatever it is, it is told, and the run is red)
                self._errors.append(_described(error))
            failed = self._conclude(started, monotonic() - since)
        gc.freeze()  # nothing of it is needed any more: Python would search it all for cycles before it ends
        return failed

    # Before the first scenario.

    def _open_reports(self, held: ExitStack) -> None:
        self._reports = held.enter_context(open_reports(*directories(self.config)))
        self._reports.options.update(self.config.userdata_defines or ())
        self._reports.options[REPORTS] = str(self._reports.root)
        self._junit = JUnitFiles(self._reports.junit, self._reports.properties)
        self._junit.expect_the_worst()
        self._junit.options = options_of(self.config.userdata)

    @override
    def load_step_definitions(self) -> None:
        """Call the hook before_load, which behave does not have: what it raises is told before anything is loaded."""
        if self.config.jobs < 1:
            nobody = f"{self.config.jobs} processes are to run the features"
            raise EnvironmentUnusable([Problem(nobody, "give a number from 1 on with --jobs, or with JOBS= to make")])
        if (hook := self.hooks.get("before_load")) is not None:
            hook(self.context, words_of(self.config.tags))
        self.hooks.setdefault("after_all", lambda _context: None)  # where behave is kept from a last word, see run_hook
        super().load_step_definitions()

    @override
    def feature_locations(self) -> list[Location]:
        """Give each file once, however often and however spelt it is named; none that the tags cannot select."""
        locations = super().feature_locations()
        insist_on_lines(locations)
        # What a catalogue of a dry run leaves out is up to whoever prints it.
        return adjacent(locations if self.config.dry_run else filter(self._may_be_selected, locations))

    def _may_be_selected(self, location: Location) -> bool:
        file = Path(location.filename)
        # What is no file, behave will say.
        return not file.is_file() or may_select(self.config.tag_expression, file.read_text("utf-8", "replace"))

    @override
    def run_model(self, features: Iterable[Feature] | None = None) -> bool:
        """Run what is selected of what was loaded; return what behave thinks of it."""
        del features
        selected = self._selected()
        if not selected:
            raise NothingSelected("no scenario is selected: is a tag, a name or a path misspelt?")
        listeners: list[Listener] = [*([self._junit] if self._junit else []), *self._tellers(selected)]
        options = self._reports.options if self._reports else dict(self.config.userdata_defines or ())
        recorder = Recorder(self.config, Labels(self.features), selected, options, listeners)
        self._recorder = recorder
        self.formatters.append(recorder)
        if not self.config.dry_run:
            self._before_running(selected)
            if not self._is_shared:
                self._before_all(recorder)
        self._interruption.may_throw = False
        try:
            for listener in listeners:
                listener.run_started(self._remarks())
            failed = self._run_side_by_side(selected) if self._is_shared else self._run_alone(selected)
        except BaseException as error:
            # behave lets nothing but a KeyboardInterrupt pass in order.
            self.stop_capture()
            recorder.broke_off(error)
            self.run_hook("after_all")
            clean_up(cast("Context", self.context))
            raise
        finally:
            self.stop_capture()
            recorder.finish()
        return failed

    @property
    def _is_shared(self) -> bool:
        """Whether several processes share the features."""
        return self.config.jobs > 1 and not self.config.dry_run

    def _tellers(self, selected: Sequence[Scenario]) -> Sequence[Listener]:
        """Return what tells the user of the run, how far it is last."""
        stories = self._stories()
        if self.config.dry_run:
            return stories
        self._progress = [Progress(story.printer, len(selected)) for story in stories]
        if self._is_shared:
            sizes = Counter(scenario.filename for scenario in selected)
            self._by_feature = [FeatureByFeature(story, sizes) for story in stories]
            return [*self._by_feature, *self._progress]
        # Nobody but a thread can tell anything while a scenario takes long.
        in_turn = [InTurn(story, progress.line) for story, progress in zip(stories, self._progress, strict=True)]
        return [*in_turn, *self._progress]

    def _in_order(self, selected: Sequence[Scenario]) -> list[Feature]:
        """Return the features with anything to run, in the order in which this run takes them.

        Features stay whole: reports, JUnit files and console then have each in one piece, in the order of its file.
        """
        features = {scenario.filename: scenario.feature for scenario in selected}
        sizes = Counter(scenario.filename for scenario in selected)
        order = Order.read()
        files = order.for_several(sizes) if self._is_shared else order.for_one(sizes)
        return [features[file] for file in files]

    def _run_alone(self, selected: Sequence[Scenario]) -> bool:
        """Run what is selected in this process; return whether anything failed."""
        with ExitStack() as held:
            for progress in self._progress:
                held.enter_context(progress.line.ticking())
            # A dry run is for catalogues, which have their own order.
            return super().run_model(None if self.config.dry_run else self._in_order(selected))

    def _tick(self) -> None:
        for progress in self._progress:
            progress.line.tick()

    def _run_side_by_side(self, selected: Sequence[Scenario]) -> bool:
        """Let several processes run what is selected; return whether anything failed."""
        features = self._in_order(selected)
        workers = Workers(features, self._hear, self._tick)
        self._workers = workers
        workers.run(min(self.config.jobs, len(features)), lambda main: self._work_for(main, selected))
        self._errors += workers.errors
        outcomes = self._recorder.outcomes if self._recorder else []
        return bool(self._run_errors()) or any(outcome.status.is_red for outcome in outcomes)

    def _work_for(self, main: MainProcess, selected: Sequence[Scenario]) -> None:
        """Run features, as one of several processes, until there are none left."""
        assert self._recorder is not None
        self._workers = None
        recorder = self._recorder.for_worker(Forwarder(main))
        self._recorder = recorder
        self.formatters = [recorder]
        try:
            self._before_all(recorder)
            main.tell("environment", self._reports)
            super().run_model(_expected(main.features(), recorder, selected))
        except BaseException as error:  # noqa: BLE001 (the other process must hear of it, whatever it is)
            recorder.errors.append(_described(error))
        finally:
            self.stop_capture()
            recorder.finish()
            main.tell("errors", recorder.errors)

    def _hear(self, word: str, value: Any) -> None:
        """Take in what a worker says."""
        recorder, reports = self._recorder, self._reports
        assert recorder is not None
        match word:
            case "started":
                recorder.started_elsewhere(value)
            case "ended":
                recorder.ended_elsewhere(value)
                if self._workers is not None and self._stops and recorder.has_seen_red:
                    self.config.stop = True
                    self._workers.hand_out_nothing_more()
            case "errors":
                known = {error.headline for error in self._errors}
                self._errors += [error for error in value if error.headline not in known]
            case "environment" if reports is not None:
                reports.properties.update(value.properties)
                reports.options.update(value.options)
                reports.facts.update(value.facts)
                if reports.subject is None:
                    self._tell_subject(value.subject)
                reports.subject = value.subject

    def _selected(self) -> list[Scenario]:
        scenarios = (scenario for feature in self.features for scenario in feature.walk_scenarios())
        return [scenario for scenario in scenarios if scenario.should_run(self.config)]

    def _stories(self) -> list[Story]:
        return [formatter for formatter in self.formatters if isinstance(formatter, Story)]

    def _tell_subject(self, subject: str | None) -> None:
        """Say what is judged when the first of several processes has found it."""
        for listener in self._by_feature if subject else ():
            listener.run_started([f"judging {subject}"])

    def _remarks(self) -> list[str]:
        return self._reports.opening if self._reports else []

    def _before_running(self, selected: Sequence[Scenario]) -> None:
        """Call the hook before_running, which behave does not have: what it learns, all processes know."""
        if (hook := self.hooks.get("before_running")) is not None:
            hook(self.context, selected)

    def _before_all(self, recorder: Recorder) -> None:
        """Run the hook here: behave would go on without what it should have made."""
        context = cast("Context", self.context)
        context.reports = self._reports
        context.on_cleanup_error = recorder.cleanup_failed
        hook = self.hooks.pop("before_all")
        try:
            with context.use_with_user_mode():
                hook(context)
        except BaseException:
            clean_up(context)
            raise

    # While it runs.

    @override
    def run_hook(self, hook_name: str, *args: Statement | str) -> bool:
        """Run a hook, and keep what it raises: behave would print it and lose half of it."""
        if hook_name == "before_step":
            return self._before_step(cast("Step", args[0]))
        if hook_name == "after_step":
            return self._after_step(cast("Step", args[0]))
        error = self._raised_by(hook_name, *args)
        if hook_name == "after_all" and self._interruption.signal is not None:
            self.aborted = False  # behave would say in words of its own what the reports say
        if error is not None and self._recorder is not None:
            tag = str(args[0]) if "tag" in hook_name else None
            self._recorder.hook_failed(hook_name, tag, error)
        return error is None

    def _before_step(self, step: Step) -> bool:
        error = self._raised_by("before_step", step)
        if self._interruption.signal is not None:
            error = KeyboardInterrupt()
        if error is not None and self._recorder is not None:
            self._recorder.step_hook_failed(step, error)
        self._interruption.may_throw = error is None
        return error is None

    def _after_step(self, step: Step) -> bool:
        self._interruption.may_throw = False
        if self._recorder is not None:
            self._recorder.step_done(step)
        error = self._raised_by("after_step", step)
        if error is not None and self._recorder is not None:
            self._recorder.step_hook_failed(step, error)
        return error is None

    def _raised_by(self, hook_name: str, *args: Statement | str) -> BaseException | None:
        if not self.should_run_hook(hook_name):
            return None
        context = cast("Context", self.context)
        try:
            with context.use_with_user_mode():
                self.hooks[hook_name](context, *args)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (it becomes the scenario's outcome)
            return error
        return None

    @override
    def teardown_capture(self) -> None:
        """Do the last thing that behave does of a scenario: only now is it known how it ended."""
        super().teardown_capture()
        if self._recorder is not None:
            self._recorder.scenario_done()
            self.config.stop = self._stops and self._recorder.has_seen_red

    def _abort(self) -> None:
        """Have behave begin nothing more, and the workers, too."""
        if self._workers is not None:
            self._workers.stop(signal.Signals[self._interruption.signal or signal.SIGTERM.name])
        if self._recorder is not None:
            self._recorder.interruption = self._interruption.signal
            self.aborted = True

    @override
    def abort(self, reason: str | None = None) -> None:
        """Begin nothing more, and say nothing: the reports do."""
        del reason
        if self.context is not None:
            self.aborted = True

    # When it is over.

    def _compare(self, *, failed: bool) -> None:
        """Notice when behave saw something fail that was not recorded."""
        outcomes = self._recorder.outcomes if self._recorder else []
        harmless = (Status.PASSED, Status.NOT_APPLICABLE)
        # What turned out not to be applicable in the midst of it, behave calls failed.
        told = (outcome for outcome in outcomes if outcome.status not in harmless or outcome.step)
        is_told = any(told) or self._run_errors()
        if failed and not is_told:
            text = "behave calls the run failed, and nothing was seen to fail"
            self._errors.append(RunError("the run", "Unexplained", text, text))

    def _insist_on_a_test(self) -> None:
        """Notice when a run that has met no trouble has tried nothing either."""
        outcomes = self._recorder.outcomes if self._recorder else []
        tried = any(outcome.status is not Status.NOT_APPLICABLE for outcome in outcomes)
        if not (tried or self.config.dry_run or self._run_errors()):
            self._errors.append(_described(NothingTried(outcomes)))

    def _run_errors(self) -> list[RunError]:
        """Return what went wrong with the run as a whole, so far."""
        errors = [*self._errors, *(self._recorder.errors if self._recorder else ())]
        if self._interruption.signal is not None:
            text = interrupted_by(self._interruption.signal)
            errors.append(RunError("interruption", INTERRUPTED, text, text))
        return errors

    def _conclude(self, started: datetime, seconds: float) -> bool:
        """Tell how it all ended, in the reports and on the console; return whether the run failed."""
        self._insist_on_a_test()
        summary = RunSummary(
            outcomes=tuple(self._recorder.outcomes) if self._recorder else (),
            errors=tuple(map(_in_words, self._run_errors())),
            started=started,
            seconds=seconds,
            in_earnest=not self.config.dry_run,
            reports=self._reports.root if self._reports else None,
            subject=self._reports.subject if self._reports else None,
        )
        try:
            if self._reports and self._junit:
                self._reports.describe_warnings(summary.outcomes)
                self._junit.run_finished(summary)
                self._reports.write_summary(summary)
        except OSError as error:
            summary = replace(summary, errors=(*summary.errors, _in_words(run_error("reports", trouble_of(error)))))
        self._tell_the_end(summary)
        return summary.failed

    def _tell_the_end(self, summary: RunSummary) -> None:
        stderr = Printer(sys.stderr, self.config)
        for listener in (*self._progress, *self._by_feature):
            listener.run_finished(summary)
        has_begun = any(outcome.status is not Status.NOT_RUN for outcome in summary.outcomes)
        # Where nothing could be run, there is nothing to tell but why.
        if summary.outcomes and (has_begun or not summary.errors):
            for story in self._stories():
                story.run_finished(summary)
            if not self._stories() and (summary.in_earnest or summary.failed):
                # The formatter chosen instead may write a file, or JSON or a catalogue to standard output.
                print_summary(summary, stderr)
        is_told = has_begun and self._stories()
        told = {reason for outcome in summary.outcomes for reason in outcome.reasons} if is_told else set()
        for run_wide in summary.errors:
            if run_wide.kind != INTERRUPTED or run_wide.message not in told:
                complain(run_wide, stderr)


def _leave_out_by_default(config: Config) -> None:
    """Leave out what the configuration leaves out by default, unless an expression speaks of it itself.

    To behave, the default is one only where no expression is given.
    """
    defaults = [config.default_tags] if isinstance(config.default_tags, str) else (config.default_tags or ())
    named = words_of(config.tags)
    if unspoken := [default for default in defaults if default and not set(words_of(default)) & set(named)]:
        given = [config.tags] if isinstance(config.tags, str) else (config.tags or ())
        config.setup_tag_expression([*(expression for expression in given if expression), *unspoken])


def _expected(features: Iterable[Feature], recorder: Recorder, selected: Sequence[Scenario]) -> Iterator[Feature]:
    """Give the features, each when the recorder knows what of it is to be run."""
    for feature in features:
        recorder.expect(scenario for scenario in selected if scenario.feature is feature)
        yield feature


def _described(error: BaseException) -> RunError:
    """Describe what kept the run from starting, or ended it."""
    if isinstance(error, EnvironmentUnusable):
        headline = shorten("; ".join(problem.what for problem in error.problems), HEADLINE, placeholder=" ...")
        return RunError(RUN, type(error).__name__, headline, str(error))
    said = str(error) if isinstance(error, (AuthorError, NothingSelected, NothingTried)) else misuse(error)
    if said is None:
        return run_error(RUN, trouble_of(error))
    return RunError("selection", type(error).__name__, shorten(said, HEADLINE, placeholder=" ..."), said)


def _in_words(error: RunError) -> RunError:
    """Return what went wrong with the run, with its remedy in the words of the command that was typed."""
    return replace(error, message=in_words_of_caller(error.message, os.environ))
