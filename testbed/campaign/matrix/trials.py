"""Tries the suite on builds: fetches what has to be fetched, runs, and reads what the run has left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from testbed.base.problems import EnvironmentUnusable
from testbed.base.settings import OPTIONS
from testbed.campaign.console import Console
from testbed.campaign.matrix.builds import Build
from testbed.campaign.matrix.comparison import Trial
from testbed.campaign.matrix.debian import Cache
from testbed.campaign.runs import Run, Runs, how_far
from testbed.reports.junit import JUnitFiles
from testbed.reports.outcome import RunError, RunSummary

VARIABLES = frozenset(option.variable for option in OPTIONS if option.variable)
"""The environment variables of a user who tries one build: they would give all builds the tools of that one."""

UPGRADE = "upgrade"
"""The tag of the scenarios that need a second build; nothing else is run on a pair."""


@dataclass(frozen=True)
class Trials:
    """Trials of builds, which report into folders below `folder`; `arguments` are further ones for behave."""

    folder: Path
    cache: Cache
    runs: Runs
    arguments: Sequence[str]
    console: Console = field(default_factory=Console)

    def try_out(self, build: Build) -> Trial:
        """Run the suite on a build, which is fetched if need be, and read what became of it."""
        folder = self.folder / build.folder
        folder.mkdir(parents=True)
        self.console.began(build.name, build.name, lambda: how_far(folder) or build.how_far_fetched(self.cache))
        try:
            options = build.options(self.cache)
        except EnvironmentUnusable as error:
            _write_junit(folder / "junit", str(error))
            return Trial(build.name, folder, problems=[str(error)], is_pair=build.next_build is not None)
        chosen = ("--tags", UPGRADE) if build.next_build else ()
        wanted = Run(folder, options, (*self.arguments, *chosen), hidden=VARIABLES)
        return Trial.of(build.name, self.runs.run(wanted), is_pair=build.next_build is not None)


def _write_junit(junit: Path, message: str) -> None:
    """Write for a CI server what behave would have written if it had been started."""
    junit.mkdir(exist_ok=True)
    error = RunError("the build", EnvironmentUnusable.__name__, message.partition("\n")[0], message)
    JUnitFiles(junit, {}).run_finished(RunSummary((), (error,), datetime.now(UTC), 0.0))
