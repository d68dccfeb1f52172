"""Watches behave run the features, and tells the listeners how each scenario ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import shorten
from time import monotonic

from testbed.base.gherkin import FAILED, Config, Context, Feature, Scenario, Step, Tagged, Watcher, override, rule_of
from testbed.base.problems import in_words_of_caller
from testbed.reports.labels import Labels
from testbed.reports.outcome import Listener, Outcome, RunError, ScenarioNotes, Status, notes_of
from testbed.run.verdict import (
    HEADLINE,
    INTERRUPTED,
    Trouble,
    blame,
    interrupted_by,
    judge,
    run_error,
    sentence_of,
    trouble_of,
    undefined,
)

PLAIN = {"before_scenario": "at the start of the scenario", "after_scenario": "at the end of the scenario"}
"""What a reader who knows no hooks calls them."""


@dataclass
class _Running:
    scenario: Scenario
    outcome: Outcome
    since: float
    notes: ScenarioNotes
    troubles: list[Trouble] = field(default_factory=list)

    def add(self, trouble: Trouble, before_last: int = 0) -> None:
        """Add what went wrong, in the order of time but for the last so many."""
        self.troubles.insert(len(self.troubles) - before_last, trouble)
        self.notes.failure = "\n\n".join(known.message for known in self.troubles)
        self.notes.is_cut_off = self.troubles[0].is_interruption


def in_words(outcome: Outcome, environ: Mapping[str, str]) -> Outcome:
    """Return an outcome whose remedies are in the words of the command that was typed; see in_words_of_caller."""
    headline = in_words_of_caller(outcome.headline, environ)
    return replace(
        outcome,
        headline=headline if headline == outcome.headline else shorten(headline, HEADLINE, placeholder=" ..."),
        message=in_words_of_caller(outcome.message, environ),
        reasons=tuple(in_words_of_caller(reason, environ) for reason in outcome.reasons),
    )


class Recorder(Watcher):
    """Sees every scenario from before its first hook until after its last clean-up.

    behave tells a formatter when a scenario begins but not when it is over, and keeps only a part of
    what goes wrong. So the runner tells the rest: `step_done`, `hook_failed`, `cleanup_failed` and
    `scenario_done`, and `finish` when all is over. `outcomes` and `errors` are then complete.
    """

    def __init__(
        self,
        config: Config,
        labels: Labels,
        selected: Iterable[Scenario],
        options: Mapping[str, str],
        listeners: Sequence[Listener],
    ) -> None:
        self.outcomes: list[Outcome] = []
        self.errors: list[RunError] = []
        self.interruption: str | None = None
        """Name of the signal that ends the run, once there is one."""
        self._config = config
        self._labels = labels
        self._expected = {id(scenario): scenario for scenario in selected}
        self._options = options
        self._listeners = listeners
        self._running: _Running | None = None
        self._feature: Feature | None = None
        self._rule: Tagged | None = None
        self._before: dict[int, list[Trouble]] = {}
        """What went wrong before the scenarios of a feature or a rule, by its identity: none of them can be run."""
        self._after: list[Trouble] = []
        """What went wrong after the last scenario of the feature or a rule of it."""

    def for_worker(self, listener: Listener) -> Recorder:
        """Return the recorder of one of several processes: it expects nothing yet, and tells that listener alone."""
        return Recorder(self._config, self._labels, (), self._options, [listener])

    @property
    def has_seen_red(self) -> bool:
        """Whether a scenario has failed so far, known defects not counted."""
        return any(outcome.status.is_red for outcome in self.outcomes)

    def expect(self, scenarios: Iterable[Scenario]) -> None:
        """Learn of scenarios that will be run, besides those known from the start."""
        self._expected |= {id(scenario): scenario for scenario in scenarios}

    # What workers tell.

    def started_elsewhere(self, outcome: Outcome) -> None:
        """Learn that another process begins a scenario; the outcome is for the case that nothing more is heard."""
        self._tell(lambda listener: listener.scenario_started(outcome))

    def ended_elsewhere(self, outcome: Outcome) -> None:
        """Learn how a scenario ended that another process ran, in whose words it stays."""
        where = (outcome.file, outcome.line)
        self._expected = {
            key: scenario for key, scenario in self._expected.items() if (scenario.filename, scenario.line) != where
        }
        self._pass_on(outcome)

    # What behave tells.

    @override
    def feature(self, feature: Feature) -> None:
        """Learn that a feature begins."""
        self._feature, self._rule = feature, None

    @override
    def rule(self, rule: Tagged) -> None:
        """Learn that a rule begins."""
        self._rule = rule

    @override
    def scenario(self, scenario: Scenario) -> None:
        """Learn that a scenario begins; behave says so for those that are not selected, too."""
        if self._expected.pop(id(scenario), None) is None:
            return
        outcome = self._labels.scenario(scenario, self._options)
        notes = notes_of(scenario)
        notes.repeat = self._labels.repetition(scenario, self._options).script()
        notes.folder = self._labels.folder(scenario)
        self._running = _Running(scenario, outcome, monotonic(), notes)
        unfinished = replace(
            outcome,
            status=Status.ERROR,
            kind="DidNotFinish",
            headline="the run ended while this scenario ran",
            message="The run ended while this scenario ran, without a word: perhaps behave was killed.",
        )
        self._tell(lambda listener: listener.scenario_started(unfinished))

    @override
    def rule_finished(self) -> None:
        """Report what behave has passed over in the rule."""
        rule, self._rule = self._rule, None
        self._report_rest(lambda scenario: rule is not None and rule_of(scenario) is rule)

    @override
    def eof(self) -> None:
        """Report what behave has passed over in the feature, and the feature's own hooks and clean-ups."""
        feature, self._feature = self._feature, None
        self._report_rest(lambda scenario: feature is not None and scenario.feature is feature)
        if feature is not None and self._after:
            around = self._labels.around(feature, "after the last scenario", self._options)
            self._report(blame(around, self._after))
            self._after = []

    @override
    def close(self) -> None:
        """Do nothing: what the testrun's own hooks and clean-ups do is still to come."""

    # What the runner tells.

    def step_done(self, step: Step) -> None:
        """Learn that a step has been run, its hooks after it not yet."""
        if self._running is not None and step.status.name in FAILED and step.exception is not None:
            self._running.add(self._trouble_in(step, step.exception))

    def step_hook_failed(self, step: Step, error: BaseException) -> None:
        """Learn what a hook around a step raised. The step is to blame: what they check is part of it."""
        step.hook_failed = True
        if self._running is None:
            return
        trouble = self._trouble_in(step, error)
        last = self._running.troubles[-1] if self._running.troubles else trouble
        # A check explains an error in the same step: QEMU is dead, therefore its monitor did not answer.
        explains = (
            trouble.status is Status.FAILED
            and last.status is Status.ERROR
            and last.step == trouble.step
            and not last.is_interruption
        )
        self._running.add(trouble, before_last=1 if explains else 0)

    def hook_failed(self, name: str, tag: str | None, error: BaseException) -> None:
        """Learn what any other hook raised, with the tag if it was called for one."""
        where = PLAIN.get(name, f"in the {name} hook")
        trouble = trouble_of(error, f"{where} for @{tag}" if tag else where)
        if self._running is not None:
            self._running.scenario.hook_failed = True
            self._running.add(trouble)
        elif (part := self._rule or self._feature) is None or name == "after_all":
            self.errors.append(run_error(name, trouble))
        else:
            part.hook_failed = True
            if name.startswith("before"):
                self._before.setdefault(id(part), []).append(replace(trouble, status=Status.ERROR))
            else:
                self._after.append(trouble)

    def cleanup_failed(self, _context: Context, cleanup: Callable[[], object], error: Exception) -> None:
        """Learn what a clean-up raised; the others still run."""
        trouble = trouble_of(error, f"in the clean-up {getattr(cleanup, '__qualname__', repr(cleanup))}")
        if self._running is not None:
            self._running.add(trouble)
        elif self._feature is not None:
            self._after.append(trouble)
        else:
            self.errors.append(run_error("clean-up", trouble))

    def scenario_done(self) -> None:
        """Learn that hooks and clean-ups of the scenario are over."""
        if self._running is None:
            return
        running, self._running = self._running, None
        if undefined_steps := undefined(list(running.scenario.iter_steps())):
            # They are found last; but where no step has failed, one of them is what stopped the scenario.
            running.add(undefined_steps, before_last=sum(trouble.step is None for trouble in running.troubles))
        outcome = replace(running.outcome, seconds=monotonic() - running.since)
        self._report(judge(outcome, running.scenario, running.notes, running.troubles, self._unrun()))

    def broke_off(self, error: BaseException) -> None:
        """Learn what has ended the run in the midst of a scenario: behave could not hold it."""
        if self._running is not None:
            self._running.add(self._interrupted() if isinstance(error, KeyboardInterrupt) else trouble_of(error))

    def finish(self) -> None:
        """Report whatever has not been reported."""
        if self._running is not None and not self._running.troubles:
            self._running.add(self._interrupted())
        self.scenario_done()
        self.eof()
        self._report_rest(lambda _scenario: True)

    def _trouble_in(self, step: Step, error: BaseException) -> Trouble:
        trouble = self._interrupted() if isinstance(error, KeyboardInterrupt) else trouble_of(error)
        return replace(trouble, step=sentence_of(step))

    def _interrupted(self) -> Trouble:
        return Trouble(Status.ERROR, INTERRUPTED, f"interrupted by {self.interruption or 'the user'}")

    # What the listeners are told.

    def _report_rest(self, belongs: Callable[[Scenario], bool]) -> None:
        """Report the scenarios that behave has passed over."""
        for scenario in [scenario for scenario in self._expected.values() if belongs(scenario)]:
            del self._expected[id(scenario)]
            parts = (scenario.feature, rule_of(scenario))
            before = [trouble for part in parts if part is not None for trouble in self._before.get(id(part), ())]
            outcome = self._labels.scenario(scenario, self._options)
            self._report(judge(outcome, scenario, notes_of(scenario), before, self._unrun()))

    def _unrun(self) -> str:
        if self._config.dry_run:
            return "this was a dry run"
        if self.interruption:
            return interrupted_by(self.interruption)
        if self._config.stop:
            return "the run stopped at the first failure, as --stop asks"
        return "the run ended early"

    def _report(self, outcome: Outcome) -> None:
        self._pass_on(in_words(outcome, os.environ))

    def _pass_on(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._tell(lambda listener: listener.scenario_finished(outcome))

    def _tell(self, message: Callable[[Listener], None]) -> None:
        """Tell each listener; one that cannot write spoils the run, but does not stop it."""
        for listener in self._listeners:
            try:
                message(listener)
            except OSError as error:
                spoilt = run_error("reports", trouble_of(error))
                if spoilt.headline not in {known.headline for known in self.errors}:
                    self.errors.append(spoilt)
