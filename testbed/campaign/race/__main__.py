"""Races the suite's first cases against QEMU's own script: `python -m testbed.campaign.race --source TREE [ARGUMENTS]`.

Or `make race QEMU_SRC=TREE`, where TREE is a source tree of QEMU. Both have the same thirteen cases, with drive-backup;
they run in turn on the same build, in one process each. Other arguments are for behave. The exit status is 0 when both
have passed each time, however fast they were, and 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from testbed.base.problems import EnvironmentUnusable
from testbed.base.process import ToolFailed, watched_by
from testbed.base.scratch import Scratch
from testbed.base.settings import Settings
from testbed.build.toolchain import Toolchain
from testbed.campaign.console import Console
from testbed.campaign.ending import ended
from testbed.campaign.options import defines_in, number, told_arguments
from testbed.campaign.outside import Outside, Whole
from testbed.campaign.race.script import CASES, NotRun, Script, insist_on_cases
from testbed.campaign.race.standings import Pair, standings
from testbed.campaign.runs import Run, Runs
from testbed.reports.outcome import Status

T = TypeVar("T")

TAGS = "iotest-124 and drive-backup"
"""The script's cases, with the command that it uses."""

NEEDED = """\
make race needs a source tree of QEMU, whose tests/qemu-iotests/124 it runs: QEMU_SRC=/path/to/qemu.
  remedy: unpack a release of QEMU, best that of the build, or take a tree that it was built from"""

LAP_BOUND = 600.0
"""Seconds that one lap may take."""

RUN, WANTING = 0, 1
"""The exit statuses."""


def main(arguments: Sequence[str]) -> int:
    """Run the program with these arguments; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m testbed.campaign.race",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--source", help="a source tree of QEMU")
    parser.add_argument("--pairs", type=number, default=7, help="how many laps of each (default: %(default)s)")
    options, for_behave = parser.parse_known_args(arguments)
    if not options.source:
        sys.stderr.write(f"{NEEDED}\n")
        return WANTING
    failures = (EnvironmentUnusable, NotRun, OSError, ToolFailed)
    return ended(lambda: _race(options, for_behave, Console()), WANTING, *failures)


def _race(options: argparse.Namespace, for_behave: Sequence[str], console: Console) -> int:
    """Do what the options say; return the exit status."""
    settings = Settings.load(defines_in(for_behave), os.environ)
    toolchain = Toolchain.find(settings, os.environ)
    with Scratch.make(settings.scratch) as scratch, Runs(LAP_BOUND) as runs:
        script = Script.of(Path(options.source), toolchain, scratch.directory_for("script"))
        race = Race(script, runs, scratch.directory_for("reports"), for_behave)
        pairs = _raced(race, options.pairs, console)
    console.say("\n".join(["", standings(pairs), f"Judged: {toolchain.qemu.banner}", told_arguments(for_behave)]))
    return RUN


def _raced(race: Race, laps: int, console: Console) -> Sequence[Pair]:
    """Run so many pairs, and tell of each."""
    race.pair(0)  # what is read for the first time is read from the disk
    pairs = []
    for lap in range(laps):
        pairs.append(race.pair(lap))
        console.say(str(pairs[-1]))
    return pairs


@dataclass(frozen=True)
class Race:
    """A race of a script against the suite, which reports into `reports`; `arguments` are further ones for behave."""

    script: Script
    runs: Runs
    reports: Path
    arguments: Sequence[str]

    def pair(self, lap: int) -> Pair:
        """Run each once, every other time the suite first. Raises NotRun, ToolFailed and OSError."""
        if lap % 2:
            suite = self._suite()
            return Pair(self._script(), suite)
        return Pair(self._script(), self._suite())

    def _script(self) -> Whole:
        command, home = self.script.command, self.script.home
        finished, whole = _timed(lambda: self.runs.run_tool(command, cwd=home, bound=LAP_BOUND, allowed=(0, 1)))
        insist_on_cases(finished)
        return whole

    def _suite(self) -> Whole:
        wanted = Run(self.reports, {}, [*self.arguments, "--tags", TAGS, "--jobs", "1"])
        run, whole = _timed(lambda: self.runs.run(wanted))
        passed = sum(one.status is Status.PASSED for one in run.outcomes)
        if passed != CASES or passed != len(run.outcomes):
            said = "\n".join([*run.problems, run.last_words])
            raise NotRun(f"{passed} scenarios have passed, not {CASES}; the end of what the suite said:\n{said}")
        return whole


def _timed(act: Callable[[], T]) -> tuple[T, Whole]:
    """Do something that starts one process and waits for it; return what came of it, and what the process took."""
    outside = Outside()
    with watched_by(outside):
        result = act()
    return result, outside.whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
