"""Shows where the time of a run goes: `python -m testbed.campaign.profile [ARGUMENTS FOR BEHAVE]`, or `make profile`.

Runs the suite once, in one process. Writes profile.md and .html, and the figures as profile.json, into the reports
folder. The exit status is 0 if the run came to its end, whatever it said of the build, and 1 if it did not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from testbed.base.process import watched_by
from testbed.campaign.checkout import CONTRIBUTING, ROOT
from testbed.campaign.console import Console
from testbed.campaign.ending import ended
from testbed.campaign.options import told_arguments
from testbed.campaign.outside import Outside
from testbed.campaign.pages.publishing import write_page, write_part
from testbed.campaign.profile import page
from testbed.campaign.profile.ledger import Cost, Ledger, Section
from testbed.campaign.profile.page import Profile
from testbed.campaign.profile.sampler import BETWEEN, END
from testbed.campaign.runs import CONSOLE, EndedRun, Run, Runs, how_far
from testbed.reports.outcome import Status

INSIDE = "testbed.campaign.profile.inside"
"""What runs behave in a process of its own."""

FILE = "profile.json"

RUN_BOUND = 7200.0
"""Seconds that the run may take."""

SHOWN, WANTING = 0, 1
"""The exit statuses."""


class NoProfile(Exception):
    """The run came to no end."""

    def __init__(self, run: EndedRun) -> None:
        super().__init__("\n".join(["the run came to no end", *run.problems, run.last_words]))


def main(arguments: Sequence[str]) -> int:
    """Run the program with these arguments; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m testbed.campaign.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--reports", type=Path, default=ROOT / "reports", help="where the reports of the run go")
    parser.add_argument("--update-contributing", action="store_true", help="write the table into CONTRIBUTING.md")
    options, for_behave = parser.parse_known_args(arguments)
    return ended(lambda: _show(options, for_behave, Console()), WANTING, LookupError, NoProfile, OSError)


def _show(options: argparse.Namespace, for_behave: Sequence[str], console: Console) -> int:
    """Do what the options say; return the exit status."""
    reports = options.reports.absolute()
    profile = profiled(reports, for_behave, console)
    written = write_page(page.document(profile), reports, "profile")
    if options.update_contributing:
        write_part(CONTRIBUTING, "profile", "make profile", page.summary(profile))
    console.say(page.as_text(page.table(profile)))
    console.say("\n" + page.as_text(page.costliest(profile)))
    console.say("\n".join(["", page.sums(profile), *profile.judged, f"All scenarios are in {written[0]}"]))
    return SHOWN


def profiled(reports: Path, for_behave: Sequence[str], console: Console) -> Profile:
    """Run the suite once, and return where its time went. Raises NoProfile and OSError."""
    file = reports / FILE
    for of_earlier_run in (file, reports / CONSOLE):
        of_earlier_run.unlink(missing_ok=True)
    seen = Outside()
    wanted = Run(reports, {}, for_behave, program=("-m", INSIDE, str(seen.began), str(file)))
    with Runs(RUN_BOUND) as runs, console.telling(1), watched_by(seen):
        console.began("profile", "the suite", lambda: how_far(reports))
        run = runs.run(wanted)
    if run.summary is None or not file.exists():
        raise NoProfile(run)
    judged = [f"Judged: {run.subject}", told_arguments(for_behave)]
    began = sum(one.status not in {Status.NOT_APPLICABLE, Status.NOT_RUN} for one in run.outcomes)
    ledger = Ledger.read(file)
    enter_end(ledger, seen)
    return Profile(ledger, seen.whole, began, judged)


def enter_end(ledger: Ledger, seen: Outside) -> None:
    """Enter what came when the ledger had been closed, which only somebody outside can see."""
    closed = ledger.closed
    used = Cost(user=seen.user - closed.user, kernel=seen.kernel - closed.kernel)
    waited = max(0.0, seen.ended_at - closed.at - used.processor)
    ledger.enter(BETWEEN, Section.PYTHON, END, used)
    ledger.enter(BETWEEN, Section.WAITING, END, Cost(waited=waited, idle=waited))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
