"""How to judge a scenario that is over, from what went wrong in it and what behave says."""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import indent, shorten
from types import TracebackType

from testbed.base.gherkin import PACKAGE, UNDEFINED, Captured, Scenario, Step, error_of_words, sentences_like
from testbed.base.problems import AuthorError, EnvironmentUnusable, NotOffered, Problem
from testbed.base.process import MORE_ROOM, OutOfSpace
from testbed.base.text import one_line, printable
from testbed.reports.outcome import Outcome, RunError, ScenarioNotes, Sentence, Status

HEADLINE = 200
"""Characters of a headline."""

ROOM = 50
"""Those of them that are left for where it went wrong."""

INTERRUPTED = "Interrupted"
"""The kind of what is no trouble of a scenario's own: the run was told to end while it ran."""


@dataclass(frozen=True)
class Trouble:
    """One thing that went wrong in a scenario, or around it."""

    status: Status
    kind: str
    text: str
    details: str = ""
    where: str = ""
    """Where it went wrong, if not in a step: "in the clean-up drop"."""
    step: Sentence | None = None

    @property
    def is_interruption(self) -> bool:
        """Whether the run was told to end, which says nothing of the scenario."""
        return self.kind == INTERRUPTED

    @property
    def headline(self) -> str:
        """One line that begins with the fact."""
        place = f" ({self.where})" if self.where else ""
        return shorten(fact_in(self.text), HEADLINE - len(place), placeholder=" ...") + place

    @property
    def message(self) -> str:
        """All of it, with the step or hook that it happened in."""
        where = [str(self.step)] if self.step else []
        if self.where:
            where.append(f"{self.where}:")
        return "\n".join([*where, self.text])


_MATCHER = re.compile(r"(?:(?P<what>[^\n]+)\n)?Expected: (?P<expected>[\s\S]*?)\n +but: (?P<found>[\s\S]*)")
"""What PyHamcrest says of a mismatch."""


def fact_in(text: str) -> str:
    """Return what a message tells on one line, first what came instead of what was expected: the rest is below it."""
    mismatch = _MATCHER.fullmatch(text.strip())
    if mismatch is None:
        return _first_of(text)
    found = mismatch["found"]
    if not found.startswith("was "):
        return _first_of(found)
    what = f"{mismatch['what']} " if mismatch["what"] else ""
    return f"{what}{one_line(found)}, and should be {one_line(mismatch['expected'])}"


def _first_of(text: str) -> str:
    """Return all lines as one if they fit a headline; else the first, and how many there are besides."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    whole = "; ".join(lines)
    return whole if len(whole) <= HEADLINE - ROOM or len(lines) == 1 else f"{lines[0]} (and {len(lines) - 1} more)"


def trouble_of(error: BaseException, where: str = "") -> Trouble:
    """Describe an exception: an AssertionError is a broken promise, any other is an error.

    A traceback goes with what is neither a check's word, nor a slip of the author's, nor a fault of the environment.
    """
    error = error_of_words(error)
    kind, said = type(error).__name__, str(error).strip()
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        said, error = str(Problem(said, MORE_ROOM)), OutOfSpace()
    if isinstance(error, AuthorError):
        return Trouble(Status.ERROR, AuthorError.__name__, said, "", where)
    if isinstance(error, (EnvironmentUnusable, OutOfSpace)):
        return Trouble(Status.ERROR, type(error).__name__, said, "", where)
    if isinstance(error, AssertionError) and said:
        # What a check has to say is in its message: a reader need not see the code.
        return Trouble(Status.FAILED, kind, said, "", where)
    status = Status.FAILED if isinstance(error, AssertionError) else Status.ERROR
    return Trouble(status, kind, f"{kind}: {said or 'without a message'}", traceback_of(error), where)


def interrupted_by(who: str) -> str:
    """Say that the run was told to end, by a signal of that name or the user."""
    return f"the run was interrupted by {who}"


def traceback_of(error: BaseException) -> str:
    """Return the traceback without the frames of behave and the runner that lead to the rest."""
    position: TracebackType | None = error.__traceback__
    while position is not None and _leads_there(Path(position.tb_frame.f_code.co_filename)):
        position = position.tb_next
    return "".join(traceback.format_exception(type(error), error, position or error.__traceback__)).rstrip()


def _leads_there(file: Path) -> bool:
    return file.is_relative_to(PACKAGE) or file == Path(__file__).with_name("runner.py")


def run_error(name: str, trouble: Trouble) -> RunError:
    """Return the trouble as one of the run as a whole; `name` is a word for what had it."""
    return RunError(name, trouble.kind, trouble.headline, trouble.message, trouble.details)


def sentence_of(step: Step) -> Sentence:
    """Return a step's sentence and where it stands."""
    return Sentence(f"{step.keyword} {step.name}", step.filename, step.line)


def undefined(steps: Sequence[Step]) -> Trouble | None:
    """Describe the steps of a scenario that no definition matches, if there are any."""
    unknown = [step for step in steps if step.status.name in UNDEFINED]
    if not unknown:
        return None
    first, *_ = unknown
    sentences = [sentence_of(step) for step in unknown]
    others = "".join(f"\nalso undefined: {sentence}" for sentence in sentences[1:])
    near = "".join(f"\nnearest to it: {sentence}" for sentence in sentences_like(first))
    said = sentences[0].text
    text = f"no step definition matches: {said}{others}{near}\nbehave --steps-catalog lists those there are"
    return Trouble(Status.ERROR, "UndefinedStep", text, step=sentences[0])


def judge(
    outcome: Outcome, scenario: Scenario, notes: ScenarioNotes, troubles: Sequence[Trouble], unrun: str
) -> Outcome:
    """Return the outcome with everything filled in that is known once the scenario is over.

    `troubles` are in the order of time, `unrun` is why it was not run if it turns out that it was not.
    """
    output = "\n".join([*notes.log, *notes.remarks])
    known = replace(outcome, evidence=notes.evidence, output=output, warnings=tuple(notes.warnings))
    before = [Trouble(Status.FAILED, "UnexpectedPass", notes.unexpected)] if notes.unexpected else []
    after = [Trouble(Status.ERROR, "TeardownError", text, where="in the teardown") for text in notes.teardown_errors]
    found = [*before, *troubles, *after] or _oversights(scenario, notes)
    if found and found[0].is_interruption:
        return replace(known, status=Status.NOT_RUN, reasons=(unrun,))
    if found and notes.excuse:
        found = [Trouble(Status.ERROR, EnvironmentUnusable.__name__, notes.excuse), *found]
    if notes.lacking and found and all(trouble.kind == NotOffered.__name__ for trouble in found):
        return replace(known, status=Status.NOT_APPLICABLE, reasons=(notes.lacking,), step=found[0].step)
    if found:
        output = "\n".join(part for part in (known.output, _captured(scenario.captured)) if part)
        blamed = blame(replace(known, output=output), found)
        is_on_record = notes.known_defect is not None and all(trouble.step for trouble in found)
        return _on_record(blamed, notes) if is_on_record else blamed
    match scenario.status.name:
        case "skipped":
            return replace(known, status=Status.NOT_APPLICABLE, reasons=_reasons(scenario))
        case "passed":
            return replace(known, status=Status.PASSED, reasons=tuple(notes.remarks))
        case _:
            return replace(known, status=Status.NOT_RUN, reasons=(unrun,))


def blame(outcome: Outcome, found: Sequence[Trouble]) -> Outcome:
    """Return the outcome made red by the first trouble found; the others are told, too."""
    first, later = found[0], found[1:]
    return replace(
        outcome,
        status=first.status,
        kind=first.kind,
        headline=_joined([trouble.headline for trouble in found]),
        message="\n\n".join([first.message, *("after that, " + trouble.message for trouble in later)]),
        details="\n\n".join(trouble.details for trouble in found if trouble.details),
        step=first.step,
    )


def _joined(headlines: Sequence[str]) -> str:
    """Return headlines as one: the first, and of the others as much as there is room for."""
    whole = "; then ".join(headlines)
    if len(whole) <= HEADLINE or len(headlines) == 1:
        return whole
    rest = f"; then {len(headlines) - 1} more"
    return shorten(headlines[0], HEADLINE - len(rest), placeholder=" ...") + rest


def _on_record(outcome: Outcome, notes: ScenarioNotes) -> Outcome:
    defect = ": ".join(part for part in (notes.known_defect, notes.known_defect_text) if part)
    return replace(outcome, status=Status.KNOWN_DEFECT, reasons=(f"known defect {defect}",))


def _oversights(scenario: Scenario, notes: ScenarioNotes) -> list[Trouble]:
    """Describe what would pass for fine although nothing shows it."""
    match scenario.status.name:
        case "passed" if notes.known_defect:
            text = f"passed, and yet reported as known defect {notes.known_defect}"
            return [Trouble(Status.FAILED, "UnexpectedPass", text)]
        case "passed" if not any(True for _ in scenario.iter_steps()):
            return [Trouble(Status.ERROR, "EmptyScenario", "has no steps: nothing was tested")]
        case "skipped" if not _reasons(scenario):
            text = "skipped without a reason: whoever calls scenario.skip() must give one"
            return [Trouble(Status.ERROR, "SkippedSilently", text)]
        case "passed" | "skipped" | "untested":
            return []
        case other:
            return [Trouble(Status.ERROR, "Unexplained", f"behave's verdict is {other}, without a word why")]


def _reasons(scenario: Scenario) -> tuple[str, ...]:
    """Return why a scenario is not applicable: each line of behave's reason is one."""
    return tuple(line.strip() for line in (scenario.skip_reason or "").splitlines() if line.strip())


def _captured(captured: Captured) -> str:
    parts = (("stdout", captured.stdout), ("stderr", captured.stderr), ("log", captured.log))
    return "\n".join(f"{name}:\n{indent(printable(text).strip(), '  ')}" for name, text in parts if text.strip())
