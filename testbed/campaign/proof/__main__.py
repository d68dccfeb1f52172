"""Shows what the suite would find: runs it against each fault of the stand-in, and writes what found which.

`python -m testbed.campaign.proof [--faults a,b] [ARGUMENTS FOR BEHAVE]`, or `make prove`. Writes sensitivity.md and
.html into the reports folder, and with --update-quick into features/order.json which scenarios find most for their
time; where some faults are named, what is known there of the others stays. The exit status is 0 if each fault was found
with words that lead to it, the stand-in without a fault was not found to be faulty, and each scenario was made to fail
by some fault; 1 otherwise. Of scenarios nothing is said where only some faults are named.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from testbed.base.files import write_atomically
from testbed.base.problems import EnvironmentUnusable, near
from testbed.base.process import ToolFailed
from testbed.base.scratch import Scratch
from testbed.campaign.checkout import README, ROOT
from testbed.campaign.console import Console
from testbed.campaign.ending import ended
from testbed.campaign.options import add_at_once, told_arguments
from testbed.campaign.pages.publishing import write_page, write_part
from testbed.campaign.proof import page
from testbed.campaign.proof.cover import joined, order_of
from testbed.campaign.proof.faultkind import NOTHING, FaultKind
from testbed.campaign.proof.faults import FAULTS, WIDE
from testbed.campaign.proof.findings import Finding, Proof, location_of, made_to_fail
from testbed.campaign.proof.proving import FaultTrials, features_of
from testbed.campaign.proof.subject import Subject, Unusable
from testbed.campaign.runs import Runs
from testbed.reports.outcome import Outcome, Status
from testbed.run.order import ORDER, Order

RUN_BOUND = 3600.0
"""Seconds that one run of the suite, or of a part of it, may take."""

PROVEN, WANTING = 0, 1
"""The exit statuses."""


class NothingPasses(Exception):
    """Without a fault, no scenario passes, so that no fault can be shown."""


def main(arguments: Sequence[str]) -> int:
    """Run the program with these arguments; return its exit status."""
    options, for_behave = _options(arguments)
    failures = (EnvironmentUnusable, LookupError, NothingPasses, OSError, ToolFailed, Unusable)
    return ended(lambda: _conclude(_prove(options, for_behave), options), WANTING, *failures)


def _options(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the options, and what else there is, which is for behave."""
    parser = argparse.ArgumentParser(
        prog="python -m testbed.campaign.proof",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--faults", help="names of faults, with commas; without it, all", default="")
    parser.add_argument("--qemu", help="the real QEMU", default=shutil.which("qemu-system-x86_64"))
    parser.add_argument("--reports", type=Path, default=ROOT / "reports", help="where the tables go")
    add_at_once(parser, "--at-once", "runs")
    parser.add_argument("--update-readme", action="store_true", help="write the totals into the README")
    parser.add_argument(
        "--update-quick", action="store_true", help="see which scenarios find each fault, and write their order"
    )
    options, for_behave = parser.parse_known_args(arguments)
    unknown = [name for name in options.faults.split(",") if options.faults and name not in FAULTS]
    if unknown:
        parser.error("\n".join(str(near(name, FAULTS, "fault")) for name in unknown))
    if not options.qemu:
        parser.error("no QEMU is found; name one with --qemu")
    return options, for_behave


def _prove(options: argparse.Namespace, for_behave: Sequence[str]) -> Proof:
    """Try the faults that the options name, or all of them and each scenario, and tell of each.

    Raises NothingPasses, Unusable, ToolFailed when QEMU does not tell what it is, EnvironmentUnusable and OSError.
    """
    when, start = datetime.now(UTC), monotonic()
    # Programs must be able to run from there, as often they may not in memory.
    with Scratch.make(Path(tempfile.gettempdir())) as scratch, Runs(RUN_BOUND) as runs:
        chosen = [FAULTS[name] for name in options.faults.split(",")] if options.faults else FAULTS.values()
        subject = Subject.surveyed(runs, Path(options.qemu).absolute(), for_behave, chosen)
        judged = [f"Judged: {subject.line}", told_arguments(for_behave)]
        trials = FaultTrials(scratch, runs, subject, for_behave)
        trials.console.say("\n".join(judged))
        look = trials.look_everywhere if options.update_quick else trials.look_for
        scenarios: Mapping[str, str] = {}
        sound: Sequence[Outcome] = ()
        if options.faults:
            findings = _looked_for(trials, look, list(chosen), options.at_once)
            tried = findings
            if options.update_quick:
                files = sorted({file for fault in chosen for file in features_of(fault)})
                _, sound = _sound(trials, options.at_once, *files)
        else:
            finding, sound = _sound(trials, options.at_once)
            scenarios = {location_of(one): one.name for one in sound if one.status is Status.PASSED}
            faults = [fault for fault in FAULTS.values() if fault is not NOTHING]
            findings = [finding, *_looked_for(trials, look, faults, options.at_once)]
            tried = [*findings, *_widened(trials, findings, scenarios, options.at_once)]
    failed = made_to_fail(tried)
    return Proof(findings, scenarios, subject.qemu.release, when, monotonic() - start, failed, judged, tried, sound)


def _sound(trials: FaultTrials, at_once: int, *features: str) -> tuple[Finding, Sequence[Outcome]]:
    """Run features, or everything, without a fault, and tell of it; return also what became of each scenario.

    Raises NothingPasses.
    """
    with trials.console.telling(1):
        run = trials.run(NOTHING, "--jobs", str(at_once), *features)
        finding = Finding(NOTHING).with_run(run)
        _tell(finding, trials.console)
    if not any(outcome.status is Status.PASSED for outcome in run.outcomes):
        text = f"Without a fault, no scenario passes, so that no fault can be shown. {finding.shown.said}"
        raise NothingPasses(text)
    return finding, run.outcomes


def _looked_for(
    trials: FaultTrials, look: Callable[[FaultKind], Finding], faults: Sequence[FaultKind], at_once: int
) -> list[Finding]:
    """Look for the faults in this way, so many at a time, and tell of each."""
    findings = {}
    with trials.console.telling(len(faults), "unfound") as line:
        for fault, finding in trials.runs.each(look, faults, at_once):
            line.ended(fault.name, int(not finding.is_right))
            _tell(finding, trials.console)
            findings[fault] = finding
    return [findings[fault] for fault in faults]


def _widened(
    trials: FaultTrials, findings: Sequence[Finding], scenarios: Mapping[str, str], at_once: int
) -> Sequence[Finding]:
    """Run the scenarios that no fault has made fail yet against faults that show themselves nearly everywhere."""
    wide: list[Finding] = []
    for name in WIDE:
        failed = made_to_fail([*findings, *wide])
        left = [location for location in scenarios if location not in failed]
        if left:
            with trials.console.telling(1):
                wide.append(Finding(FAULTS[name]).with_run(trials.run(FAULTS[name], "--jobs", str(at_once), *left)))
            trials.console.say(f"{len(left)} scenarios were left for {name}, which made {len(wide[-1].red)} fail")
    return wide


def _conclude(proof: Proof, options: argparse.Namespace) -> int:
    """Write and say what was shown; return the exit status."""
    options.reports.mkdir(parents=True, exist_ok=True)
    write_page(page.document(proof), options.reports, "sensitivity")
    if options.update_readme:
        write_part(README, "sensitivity", "make prove", page.summary(proof))
    said = [f"{proof.total}."]
    if options.update_quick:
        order = order_of(proof, len(FAULTS) - 1)
        if options.faults:
            order = joined(order, Order.read(ROOT / ORDER))
        write_atomically(ROOT / ORDER, order.text)
        said.append(f"{order.sureness((each.feature, each.scenario) for each in order.quick)}.")
    Console().say("\n".join([*proof.problems, *said, *proof.judged]))
    return WANTING if proof.problems else PROVEN


def _tell(finding: Finding, console: Console) -> None:
    """Say on the console what became of a fault."""
    console.say(f"{finding.verdict:40} {finding.fault.name:40} {finding.shown.said[:90]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
