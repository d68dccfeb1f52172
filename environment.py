"""behave's hooks: they boot a QEMU for each scenario, see that it lives, and leave nothing behind."""

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from behave.runner import Context

from testbed.base.gherkin import Scenario, Step, definitions_of
from testbed.base.keeping import Keeping
from testbed.base.problems import AuthorError, EnvironmentUnusable
from testbed.base.units import MIB
from testbed.language import tags
from testbed.language.context import testbed_of, world_of
from testbed.language.needs import needs_of
from testbed.language.words import register_words
from testbed.reports.directory import Reports, reports_of
from testbed.reports.outcome import ScenarioNotes, notes_of
from testbed.scenario import evidence
from testbed.scenario.programs import Programs
from testbed.scenario.testbed import Testbed
from testbed.scenario.world import World

FEATURES = Path(__file__).parent / "features"

register_words()


def before_load(context: Context, words: Sequence[str]) -> None:
    """See that each of the words by which scenarios are selected is a tag, and that the build can be judged.

    The runner calls it before all others, and before a feature is loaded.
    """
    tags.insist_on_selectable(words, tags.of_features(FEATURES))
    if not context.config.dry_run:
        context.programs = Programs.find(context.config.userdata, os.environ)


def before_running(context: Context, scenarios: Sequence[Scenario]) -> None:
    """Ask the build what these scenarios must know of it, all at once, so that none of several processes has to.

    The runner calls it before before_all, and before it forks them.
    """
    programs: Programs = context.programs
    definitions, needs = definitions_of(context), list[str]()
    for scenario in scenarios:
        with suppress(AuthorError):  # the scenario's own, which will be told as such
            needs += needs_of(scenario, definitions)
    programs.ask_ahead(needs)
    context.number_of_scenarios = len(scenarios)


def before_all(context: Context) -> None:
    """Find a place for the images, and say what is judged."""
    context.testbed = Testbed.of(context.programs, context.number_of_scenarios)
    testbed, reports = testbed_of(context), reports_of(context)
    reports.options.update(testbed.places())
    reports.subject = testbed.subject
    chosen = {"command line": shlex.join(sys.argv[1:]), "tags": str(context.config.tag_expression)}
    reports.describe_environment({**testbed.describe(), **chosen})


def before_scenario(context: Context, scenario: Scenario) -> None:
    """Give the scenario a world of its own, unless the build lacks what it needs."""
    testbed = testbed_of(context)
    tags.insist_on_known(scenario.effective_tags)
    if reasons := testbed.unmet(needs_of(scenario, definitions_of(context))):
        if testbed.settings.require == "all":
            raise AssertionError("; ".join(reasons))
        scenario.skip("\n".join(reasons))
        return
    context.world = testbed.world(scenario.name, scenario.effective_tags)


def after_step(context: Context, step: Step) -> None:
    """Blame the death of QEMU on the step that it died in, and a refusal of the scenario's history on its sentence."""
    world, notes = world_of(context), notes_of(context.scenario)
    notes.lacking = notes.lacking or testbed_of(context).lack_told_by(step.exception)
    world.machines.check_alive()
    if step.step_type == "given":
        world.dialogue.insist_on_grant()
        world.bench.insist_on_words()


def after_scenario(context: Context, scenario: Scenario) -> None:
    """Judge what no sentence has judged, keep evidence, and end the machines."""
    if "world" not in context:
        return
    testbed, world, notes = testbed_of(context), world_of(context), notes_of(scenario)
    with ExitStack() as leaving:
        leaving.callback(testbed.discard, world)
        leaving.callback(lambda: notes.warnings.extend(world.machines.warnings))
        if notes.is_cut_off:
            return
        ending = testbed.end(world, notes.failure, scenario.effective_tags)
        notes.lacking, notes.excuse = notes.lacking or ending.lacking, ending.excuse
        notes.hold_against_record(ending.record)
        if testbed.keeps_evidence_of(ending) and not notes.lacking:
            keeping = Keeping(reports_of(context).evidence, testbed.settings.keep_mb * MIB)
            keep_evidence(reports_of(context), world, notes, ending.failure, keeping)
        ending.insist()


def keep_evidence(reports: Reports, world: World, notes: ScenarioNotes, failure: str, keeping: Keeping) -> None:
    """Keep a scenario's evidence; that this cannot be done comes after what else went wrong."""
    folder = reports.evidence / notes.folder
    try:
        build = reports.subject or ""
        evidence.write(world, folder, keeping, repeat=notes.repeat, failure=failure, build=build)
        notes.evidence = folder
    except EnvironmentUnusable as unwritable:
        notes.teardown_errors.append(str(unwritable))


def after_all(context: Context) -> None:
    """Give the scratch directory back."""
    testbed_of(context).close()
