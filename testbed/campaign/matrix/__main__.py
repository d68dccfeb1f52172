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
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import NoReturn

from testbed.base.files import shown
from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.base.process import Child, ToolFailed
from testbed.base.settings import OPTIONS
from testbed.campaign.checkout import README, ROOT
from testbed.campaign.matrix import builds, page
from testbed.campaign.matrix.builds import Build
from testbed.campaign.matrix.comparison import Comparison, Trial
from testbed.campaign.matrix.debian import Cache, Debian
from testbed.campaign.pages.publishing import write_page, write_part
from testbed.reports.directory import DEFAULT, open_reports
from testbed.reports.junit import JUnitFiles
from testbed.reports.outcome import RunError, RunSummary, Status

LIST = ROOT / ".ci" / "matrix.toml"
"""The builds that are compared when none is named."""

RUN_BOUND = 7200.0
"""Seconds that the suite may take on one build."""

END_BOUND = 10.0
"""Seconds that a run may take to end when it is killed."""

CONSOLE = "console.txt"
"""What a run said, in the folder of its reports."""

SHOWN = 5
"""How many failures of a build the console names; the comparison names all."""

KEPT, BROKEN, UNTRIED = 0, 1, 2
"""The exit statuses."""


@dataclass(frozen=True)
class Matrix:
    """The runs of the suite on several builds, which report into folders below `place`.

    `arguments` are further ones for behave.
    """

    place: Path
    cache: Cache
    arguments: Sequence[str]
    running: list[Child] = field(default_factory=list)

    def run(self, wanted: Sequence[Build], at_once: int) -> Comparison:
        """Try all builds, so many at once, and tell of each when it is done; return what became of them."""
        width = max(len(build.name) for build in wanted)
        with ThreadPoolExecutor(at_once) as workers, self._killing_on_interrupt():
            trials = [workers.submit(self.try_out, build) for build in wanted]
            for trial in as_completed(trials):
                _say(_account(trial.result(), width))
        return Comparison([trial.result() for trial in trials])

    def try_out(self, build: Build) -> Trial:
        """Run the suite on a build, which is fetched if need be, and read what became of it."""
        folder = self.place / build.name
        folder.mkdir(parents=True)
        try:
            ending = self._behave(build.locate(self.cache), folder)
        except EnvironmentUnusable as error:
            _write_junit(folder / "junit", str(error))
            return Trial(build.name, folder, problems=[str(error)])
        except ToolFailed as failure:
            return Trial.read(build.name, folder, [str(failure)])
        # behave itself says 0 or 1, and the reports why.
        return Trial.read(build.name, folder, [] if ending in (0, 1) else [f"behave ended with status {ending}"])

    def _behave(self, qemu: str, folder: Path) -> int:
        options = ("-D", f"reports={folder}", "-D", f"qemu={qemu}")
        # The variables of a user who tries one build would give all of them that build's tools.
        foreign = [word for option in OPTIONS if option.variable for word in ("-u", option.variable)]
        command = ("env", *foreign, sys.executable, "-m", "behave", *self.arguments, *options)
        child = Child.start(command, cwd=ROOT, stdout=folder / CONSOLE, stderr=folder / CONSOLE)
        self.running.append(child)
        try:
            code = child.wait(RUN_BOUND)
        finally:
            child.kill_and_reap(END_BOUND)
        if code is None:
            raise ToolFailed(f"the run did not end within {RUN_BOUND:g} s and was killed")
        return code

    @contextmanager
    def _killing_on_interrupt(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            _say("interrupted")
            for child in self.running:
                child.kill_and_reap(END_BOUND)
            # What is being fetched hangs on this process, too, and the threads that wait for it may not be waited for.
            os._exit(130)


def _write_junit(junit: Path, message: str) -> None:
    """Write for a CI server what behave would have written if it had been started."""
    junit.mkdir(exist_ok=True)
    error = RunError("the build", EnvironmentUnusable.__name__, message.partition("\n")[0], message)
    JUnitFiles(junit, {}).run_finished(RunSummary((), (error,), datetime.now(UTC), 0.0))


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


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def _places(top: Path) -> Iterator[tuple[Path, Path]]:
    """Give an empty folder for the reports of the builds, and the one for the comparison.

    While another comparison that lives has them, both are in a folder of this one's own.
    """
    with open_reports(top / "builds", top / "builds") as reports:
        if reports.remark:
            _say(reports.remark)
        for earlier in reports.root.iterdir():
            if earlier.is_dir() and not earlier.name.startswith("run-"):
                rmtree(earlier)
        yield reports.root, reports.root if reports.remark else top


def _write(comparison: Comparison, place: Path, when: datetime) -> None:
    for path in write_page(page.document(comparison, when), place, "compatibility"):
        _say(shown(path))


def _status(comparison: Comparison) -> int:
    if any(trial.red for trial in comparison.trials):
        return BROKEN
    return KEPT if all(trial.is_green for trial in comparison.trials) else UNTRIED


def compare(options: argparse.Namespace, cache: Cache, wanted: Sequence[Build], arguments: Sequence[str]) -> int:
    """Try the builds, `arguments` being further ones for behave, and write the comparison; return the exit status.

    Raises EnvironmentUnusable, OSError, and LookupError for a README that has no place for what is to be written there.
    """
    when = datetime.now(UTC)
    with _places(options.reports.expanduser().absolute()) as (folders, place):
        _say(f"{len(wanted)} build{'s' if len(wanted) > 1 else ''}, {options.jobs} at once")
        comparison = Matrix(folders, cache, arguments).run(wanted, options.jobs)
        _write(comparison, place, when)
    if options.update_readme:
        write_part(README, "compatibility", "make matrix", page.summary(comparison, when))
    return _status(comparison)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m testbed.campaign.matrix",
        description="Run the suite on several builds of QEMU and compare them.",
        epilog="What follows -- is handed to behave, as in: -- --tags 'not slow' features/backup",
    )
    source = "a QEMU binary, build tree or installation, debian:RELEASE or debian:RELEASE/TARGET"
    jobs = len(os.sched_getaffinity(0))
    parser.add_argument("builds", nargs="*", metavar="[NAME=]SOURCE", help=source)
    parser.add_argument("--file", type=Path, help="a TOML file that lists builds (default: .ci/matrix.toml)")
    parser.add_argument("--reports", type=Path, default=Path(DEFAULT), help="where reports go (default: %(default)s)")
    parser.add_argument("--jobs", type=_number, default=jobs, help="builds to try at once (default: %(default)s)")
    parser.add_argument("--mirror", help="the address to fetch releases from (default: mmdebstrap's own choice)")
    parser.add_argument("--refetch", action="store_true", help="fetch releases although the cache has them")
    parser.add_argument("--to-fetch", action="store_true", help="only print which releases would have to be fetched")
    leave_out = "leave out releases that cannot be fetched, and say why; without it, they make the comparison red"
    parser.add_argument("--leave-out-unfetched", action="store_true", help=leave_out)
    parser.add_argument("--update-readme", action="store_true", help="write the table of builds into README.md")
    return parser.parse_args(arguments)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return int(text)


def _wanted(options: argparse.Namespace) -> list[Build]:
    """Return the builds that the command line names, itself or in a file."""
    if options.builds:
        return builds.of_words(options.builds)
    return builds.of_file(options.file or LIST)


def _fetched(wanted: Sequence[Build], cache: Cache, at_once: int) -> list[Build]:
    """Return the builds that are there or could be fetched, and say of the others why not.

    Raises EnvironmentUnusable when none is left.
    """

    def fault(build: Build) -> EnvironmentUnusable | None:
        try:
            build.locate(cache)
        except EnvironmentUnusable as error:
            return error
        return None

    with ThreadPoolExecutor(at_once) as workers:
        faults = list(workers.map(fault, wanted))
    for build, error in zip(wanted, faults, strict=True):
        if error:
            _say(f"{build.name} is left out\n{error}")
    there = [build for build, error in zip(wanted, faults, strict=True) if not error]
    if not there:
        remedy = "name one that is there, as in make matrix BUILDS=/opt/qemu/build"
        raise EnvironmentUnusable([Problem("none of the builds could be fetched", remedy)])
    return there


def main(arguments: Sequence[str]) -> NoReturn:
    """Run the program with these arguments and end it."""
    place = arguments.index("--") if "--" in arguments else len(arguments)
    options = _options(arguments[:place])
    try:
        wanted = _wanted(options)
        cache = Cache.of_user(os.environ, _say, options.mirror)
        releases = [build.source for build in wanted if isinstance(build.source, Debian)]
        if options.to_fetch:
            for fault in (f"{release}: {fault}" for release in releases if (fault := cache.fault(release))):
                _say(fault)
            sys.exit(KEPT)
        if options.refetch:
            for release in releases:
                cache.forget(release)
        if options.leave_out_unfetched:
            wanted = _fetched(wanted, cache, options.jobs)
        sys.exit(compare(options, cache, wanted, arguments[place + 1 :]))
    except (EnvironmentUnusable, LookupError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(UNTRIED)


if __name__ == "__main__":
    main(sys.argv[1:])
