"""The command that repeats one scenario: from any folder, on the same build, into reports of its own."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from testbed.base.files import shown
from testbed.reports.directory import REPETITION
from testbed.reports.outcome import Outcome

SCRIPT = "repeat.sh"
"""The name of the script in a folder of evidence."""

REPORTS = "reports"
"""The option that names a run's reports: it is never one of the run that is repeated, whose evidence would be lost."""

INHERITED = ("PYTHONPATH", "LD_LIBRARY_PATH", "QEMU_MODULE_DIR")
"""Variables of the environment by which Python or QEMU finds parts of itself."""

SLOW = "slow"
"""The tag of what is only run when it is asked for."""


@dataclass(frozen=True)
class Repetition:
    """Another run of one place in the features, such as "features/job/states.feature:7", as this run was started.

    `options` are those of -D, with no relative path in them, `reports` among them if there are any; `tags` are those of
    the scenario.
    """

    place: str
    options: Mapping[str, str]
    tags: tuple[str, ...] = ()

    def command(self) -> str:
        """Return a line of shell that does it, into a folder of its own in the reports of this run."""
        if REPORTS not in self.options:
            return self._line()
        return f"{self._line()} {shlex.join(('-D', f'{REPORTS}={self.options[REPORTS]}/{REPETITION}'))}"

    def script(self) -> str:
        """Return a program that does it, into a folder beside itself; its arguments are further ones for behave."""
        return (
            "#!/bin/sh\n"
            f"# Repeats this scenario alone, on the same build. Its reports go into {REPETITION}/ beside this file.\n"
            f'reports=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)/{REPETITION}\n'
            f'{self._line()} -D "{REPORTS}=$reports" "$@"'
        )

    def _line(self) -> str:
        """Return the line without the option for the reports."""
        found = [f"{name}={os.environ[name]}" for name in INHERITED if os.environ.get(name)]
        python = [*(["env", *found] if found else []), str(Path(sys.executable).absolute()), "-m", "behave"]
        selected = [self.place, *(["--tags", SLOW] if SLOW in self.tags else [])]
        kept = [f"{name}={value}" for name, value in self.options.items() if not _concerns_reports(name)]
        defines = chain.from_iterable(("-D", define) for define in kept)
        return f"cd {shlex.quote(str(Path.cwd()))} && {shlex.join([*python, *selected, *defines])}"


def _concerns_reports(option: str) -> bool:
    return option == REPORTS or option.partition(".")[0] == "junit"


def ways_of(outcome: Outcome) -> Iterator[str]:
    """Give where to look at a failure, and how to see it again."""
    if outcome.evidence is not None:
        yield f"evidence: {shown(outcome.evidence)}"
    script = outcome.evidence / SCRIPT if outcome.evidence else None
    yield f"repeat:   {shlex.quote(shown(script)) if script and script.is_file() else outcome.repeat}"
