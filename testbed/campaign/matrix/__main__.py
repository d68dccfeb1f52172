"""Runs the suite on several builds of QEMU and compares them: `python -m testbed.campaign.matrix`, or `make matrix`.

Each build gets a run of its own, as many at once as there are processors, and reports of its own; where one cannot be
tried, the others are. The exit status is 0 if all promises were kept on all builds, 1 if a build broke one, and 2 if a
build could not be tried or nothing could be done at all.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from testbed.base.files import shown
from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.campaign.checkout import README, ROOT
from testbed.campaign.console import Console
from testbed.campaign.ending import ended
from testbed.campaign.matrix import builds, page
from testbed.campaign.matrix.builds import Build
from testbed.campaign.matrix.comparison import Comparison, Trial
from testbed.campaign.matrix.debian import Cache, Debian
from testbed.campaign.matrix.trials import Trials
from testbed.campaign.options import add_at_once, told_arguments
from testbed.campaign.pages.publishing import write_page, write_part
from testbed.campaign.runs import Runs
from testbed.reports.directory import DEFAULT, open_reports
from testbed.reports.outcome import Status

LIST = ROOT / ".ci" / "matrix.toml"
"""The builds that are compared when none is named."""

RUN_BOUND = 7200.0
"""Seconds that the suite may take on one build."""

SHOWN = 5
"""How many failures of a build the console names; the comparison names all."""

KEPT, BROKEN, UNTRIED = 0, 1, 2
"""The exit statuses."""


def main(arguments: Sequence[str]) -> int:
    """Run the program with these arguments; return its exit status."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = _options(arguments[:end])

    def compare() -> int:
        with Runs(RUN_BOUND) as runs:
            return _compare(options, runs, arguments[end + 1 :], Console())

    return ended(compare, UNTRIED, EnvironmentUnusable, LookupError, OSError)


def _compare(options: argparse.Namespace, runs: Runs, arguments: Sequence[str], console: Console) -> int:
    """Do what the options say, `arguments` being further ones for behave; return the exit status."""
    wanted = _wanted(options)
    cache = Cache.of_user(os.environ, console.say, options.mirror, runs.run_tool)
    sources = dict.fromkeys(build.source for one in wanted for build in one.all)
    releases = [source for source in sources if isinstance(source, Debian)]
    if options.to_fetch:
        for fault in (f"{release}: {fault}" for release in releases if (fault := cache.fault(release))):
            console.say(fault)
        return KEPT
    if options.refetch:
        for release in releases:
            cache.forget(release)
    if options.leave_out_unfetched:
        wanted = _fetched(wanted, cache, runs, options.jobs, console)
    when = datetime.now(UTC)
    with _folders(options.reports.expanduser().absolute(), console) as (of_builds, of_pages):
        console.say(f"{len(wanted)} build{'s' if len(wanted) > 1 else ''}, {options.jobs} at once")
        console.say("\n".join([*map(_told, wanted), told_arguments(arguments)]))
        comparison = _tried(Trials(of_builds, cache, runs, arguments, console), wanted, options.jobs)
        for path in write_page(page.document(comparison, when), of_pages, "compatibility"):
            console.say(shown(path))
        console.say("\n".join(["Judged:", *(f"  {line}" for line in comparison.judged)]))
    if options.update_readme:
        write_part(README, "compatibility", "make matrix", page.summary(comparison, when))
    return _status(comparison)


def _wanted(options: argparse.Namespace) -> list[Build]:
    """Return the builds, and then the pairs, that the options name. Raises EnvironmentUnusable."""
    single = builds.of_words(options.builds) if options.builds else builds.of_file(options.file or LIST)
    pairs = builds.of_pairs(options.pairs.split(), single)
    if not options.pairs_only:
        return [*single, *pairs]
    if not pairs:
        raise EnvironmentUnusable([Problem("no pair is named", "name some, as in --pairs trixie:sid")])
    return pairs


def _tried(trials: Trials, wanted: Sequence[Build], at_once: int) -> Comparison:
    """Try all builds, so many at once, and tell of each when it is done; return what became of them."""
    width = max(len(build.name) for build in wanted)
    done = {}
    with trials.console.telling(len(wanted)) as line:
        for build, trial in trials.runs.each(trials.try_out, wanted, at_once):
            line.ended(build.name, len(trial.red))
            trials.console.say(_account(trial, width))
            done[build] = trial
    return Comparison([done[build] for build in wanted], told_arguments(trials.arguments))


def _told(build: Build) -> str:
    return f"{build.name}: {', then '.join(str(one.source) for one in build.all)}"


def _fetched(wanted: Sequence[Build], cache: Cache, runs: Runs, at_once: int, console: Console) -> list[Build]:
    """Return the builds that are there or could be fetched, and say of the others why not.

    Raises EnvironmentUnusable when none is left.
    """

    def fault(build: Build) -> EnvironmentUnusable | None:
        console.began(build.name, build.name, lambda: build.how_far_fetched(cache))
        try:
            build.options(cache)
        except EnvironmentUnusable as error:
            return error
        return None

    faults = {}
    with console.telling(len(wanted), "left out") as line:
        for build, found in runs.each(fault, wanted, at_once):
            line.ended(build.name, int(found is not None))
            faults[build] = found
    for build in wanted:
        if error := faults[build]:
            console.say(f"{build.name} is left out\n{error}")
    there = [build for build in wanted if not faults[build]]
    if not there:
        remedy = "name one that is there, as in make matrix BUILDS=/opt/qemu/build"
        raise EnvironmentUnusable([Problem("none of the builds could be fetched", remedy)])
    return there


@contextmanager
def _folders(reports: Path, console: Console) -> Iterator[tuple[Path, Path]]:
    """Give an empty folder for the reports of the builds, and the one for the comparison.

    While another comparison that lives has them, both are in a folder of this one's own.
    """
    with open_reports(reports / "builds", reports / "builds") as of_builds:
        if of_builds.remark:
            console.say(of_builds.remark)
        for earlier in of_builds.root.iterdir():
            if earlier.is_dir() and not earlier.name.startswith("run-"):
                rmtree(earlier)
        yield of_builds.root, of_builds.root if of_builds.remark else reports


def _account(trial: Trial, width: int) -> str:
    """Return what the console says of a trial; `width` is that of the longest name."""
    counts = ", ".join(f"{trial.count(status)} {status.value}" for status in Status if trial.count(status))
    lines = [f"{trial.build:{width}}  {trial.version or '-':8}  {counts or trial.verdict}  {trial.seconds:.1f} s"]
    lines += "\n".join(trial.problems).splitlines()
    red = [f"{result.status.value}: {case.scenario}: {result.why}" for case, result in trial.red.items()]
    lines += red[:SHOWN]
    if len(red) > SHOWN:
        lines.append(f"and {len(red) - SHOWN} more")
    return "\n    ".join(lines)


def _status(comparison: Comparison) -> int:
    if any(trial.red for trial in comparison.trials):
        return BROKEN
    return KEPT if all(trial.is_green for trial in comparison.trials) else UNTRIED


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m testbed.campaign.matrix",
        description="Run the suite on several builds of QEMU and compare them.",
        epilog="What follows -- is handed to behave, as in: -- --tags 'not slow' features/backup",
    )
    source = "a QEMU binary, build tree or installation, debian:RELEASE or debian:RELEASE/TARGET"
    parser.add_argument("builds", nargs="*", metavar="[NAME=]SOURCE", help=source)
    parser.add_argument("--file", type=Path, help="a TOML file that lists builds (default: .ci/matrix.toml)")
    parser.add_argument("--reports", type=Path, default=Path(DEFAULT), help="where reports go (default: %(default)s)")
    pairs = "pairs of these builds, by their names, whose machines go from one to the other: 'FIRST:SECOND ...'"
    parser.add_argument("--pairs", default="", help=pairs)
    parser.add_argument("--pairs-only", action="store_true", help="try the pairs alone, and not each build by itself")
    add_at_once(parser, "--jobs", "builds to try")
    parser.add_argument("--mirror", help="the address to fetch releases from (default: mmdebstrap's own choice)")
    parser.add_argument("--refetch", action="store_true", help="fetch releases although the cache has them")
    parser.add_argument("--to-fetch", action="store_true", help="only print which releases would have to be fetched")
    leave_out = "leave out releases that cannot be fetched, and say why; without it, they make the comparison red"
    parser.add_argument("--leave-out-unfetched", action="store_true", help=leave_out)
    parser.add_argument("--update-readme", action="store_true", help="write the table of builds into README.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
