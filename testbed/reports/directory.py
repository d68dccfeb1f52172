"""The directory that a run reports into: who may write there, and what is in it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import cast

from testbed.base.files import CONTENTS, ELSEWHERE, remove_folder, shown, write_atomically, write_json
from testbed.base.gherkin import Config, Context
from testbed.base.keeping import FILES, left_out_of
from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.base.text import printable
from testbed.reports.outcome import Outcome, RunSummary
from testbed.reports.warnings import warnings_of

DEFAULT = "reports"
"""Where reports go unless the command line says otherwise, also for behave's own --junit-directory."""

ENVIRONMENT = "environment.json"
SUMMARY = "summary.json"
LOCK = ".lock"
"""Files in the directory."""

REPETITION = "repeat"
"""The folder that a repetition reports into: beside its script, or in the reports of the run that it repeats."""

EVIDENCE = "evidence"
"""The folder in the directory that has a folder for each scenario whose evidence is kept."""


@dataclass
class Reports:
    """The directories of a run and what is to stand in all of its reports."""

    root: Path
    junit: Path
    """Where the TEST-*.xml files go."""
    remark: str | None = None
    """What the user must be told about the directory, if anything."""
    subject: str | None = None
    """One line on what is tested, such as name and version of the QEMU. For others to set."""
    properties: dict[str, str] = field(default_factory=dict)
    """Properties of every JUnit suite. For others to add to."""
    options: dict[str, str] = field(default_factory=dict)
    """The -D options that it takes to repeat a scenario. For others to add to."""
    facts: dict[str, object] = field(default_factory=dict)
    """What environment.json says."""

    @property
    def opening(self) -> list[str]:
        """What there is to say before the first scenario."""
        judged = [f"judging {self.subject}"] if self.subject else []
        return [*judged, *([self.remark] if self.remark else [])]

    @property
    def evidence(self) -> Path:
        """The folder for the scenarios' evidence; it need not exist."""
        return self.root / EVIDENCE

    def describe_environment(self, facts: Mapping[str, object]) -> None:
        """Say what is tested and with what: in environment.json, and as properties of the JUnit suites.

        A fact may itself be a mapping; its properties are then named `outer.inner`. Raises OSError.
        """
        self.facts.update(facts)
        write_json(self.root / ENVIRONMENT, self.facts)
        self.properties.update(_flat(facts))

    def describe_warnings(self, outcomes: Iterable[Outcome]) -> None:
        """Say in the same places what the build has warned of, if it has, by numbers from 1 on. Raises OSError."""
        if warned := warnings_of(outcomes):
            self.describe_environment({"warnings": {str(number): str(one) for number, one in enumerate(warned, 1)}})

    def write_summary(self, summary: RunSummary) -> None:
        """Write summary.json: verdict, counts, what was left out, and all known of each scenario. Raises OSError."""
        counts = {status.value: count for status, count in summary.counts().items()}
        left_out = left_out_of(self.evidence)
        told = {"failed": summary.failed, "counts": counts, "left_out_of_evidence": left_out, **asdict(summary)}
        write_json(self.root / SUMMARY, told)


def reports_of(context: Context) -> Reports:
    """Return the reports of the run in progress; for hooks, from before_all on."""
    return cast("Reports", context.reports)


def directories(config: Config) -> tuple[Path, Path]:
    """Return where the command line wants the reports, and the JUnit files among them.

    `-D reports=` names the whole directory, with the JUnit files in a folder of their own. behave's
    --junit-directory names the folder of the JUnit files; everything else then stands beside them.
    """
    named = config.userdata.get("reports")
    if named is None and config.junit_directory != DEFAULT:
        return Path(config.junit_directory), Path(config.junit_directory)
    root = Path(named or DEFAULT).expanduser()
    return root, root / "junit"


@contextmanager
def open_reports(root: Path, junit: Path) -> Iterator[Reports]:
    """Take the directory for this run, without the results of an earlier one.

    `junit` is `root` or a folder below it. While another run that lives has the directory, this run
    gets a folder of its own in it. Raises EnvironmentUnusable when nothing can be written there.
    """
    with ExitStack() as held:
        try:
            own, lock = _take(root.absolute())
            held.callback(os.close, lock)
            folder = own / junit.relative_to(root)
            folder.mkdir(parents=True, exist_ok=True)
            _remove_results(own, folder)
            write_atomically(folder / ".writable", "")
            (folder / ".writable").unlink()
        except OSError as error:
            what = f"reports cannot be written to {root}/: {error.strerror or error}"
            raise EnvironmentUnusable([Problem(what, ELSEWHERE)]) from error
        reports = Reports(own, folder)
        if own != root.absolute():
            reports.remark = f"another run is reporting to {shown(root)}/, this one reports to {shown(own)}/"
        yield reports


def _flat(facts: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", printable(str(value))


def _take(root: Path) -> tuple[Path, int]:
    """Lock the directory, or a folder in it if another run has that; return what was locked, and its lock."""
    if (lock := _lock(root)) is not None:
        _remove_dead_runs(root)
        return root, lock
    # Runs in different containers can have one number.
    for suffix in count():
        own = root / f"run-{os.getpid()}-{suffix}"
        if (lock := _lock(own)) is not None:
            return own, lock
    raise AssertionError("count() ends")


def _lock(folder: Path) -> int | None:
    """Make and lock a folder; return what keeps the lock while it is open, or None if another run has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:
        os.close(lock)
        raise
    return lock


def _remove_results(root: Path, junit: Path) -> None:
    """Remove what would be taken for this run's if it ended early."""
    of_evidence = [root / EVIDENCE / name for name in FILES]
    stale = [*junit.glob("TEST-*.xml"), *junit.glob(".TEST-*.tmp"), root / ENVIRONMENT, root / SUMMARY, *of_evidence]
    for file in stale:
        file.unlink(missing_ok=True)
    for contents in (root / EVIDENCE).glob(f"*/{CONTENTS}"):
        _remove_run(contents.parent / REPETITION)
        remove_folder(contents.parent)


def _remove_dead_runs(root: Path) -> None:
    """Remove the folders of runs that had to share the directory and are over."""
    for folder in root.glob("run-*"):
        name = re.fullmatch(r"run-(\d+)-\d+", folder.name)
        if name is None:
            continue
        # The process tells before the lock is taken, the lock when the process is in another container.
        if not Path("/proc", name[1]).exists():
            _remove_run(folder)


def _remove_run(folder: Path) -> None:
    """Remove a folder that a run has reported into, unless that goes on."""
    if (folder / LOCK).exists() and (lock := _lock(folder)) is not None:
        shutil.rmtree(folder)
        os.close(lock)
