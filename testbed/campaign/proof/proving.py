"""Tries faults: runs the suite against a stand-in that plays one of them, and takes down what it said."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from testbed.base.scratch import Scratch
from testbed.campaign.console import Console
from testbed.campaign.proof import standin, toolstandin
from testbed.campaign.proof.faultkind import NOTHING, FaultKind
from testbed.campaign.proof.findings import Finding
from testbed.campaign.proof.subject import Subject
from testbed.campaign.runs import PYTHON, EndedRun, Run, Runs, as_words, how_far
from testbed.reports.progress import Share

SILENCERS = "testbed.campaign.proof.silencers"
"""What runs behave with an oracle silenced: it alone reaches into the oracles, so that it is not imported here."""

TOOLS = ("qemu-img", "qemu-nbd")
"""The tools that work on images, for which something may stand in."""

PATIENCE = 0.5
"""What every bound is multiplied by where a fault may make QEMU hang: each scenario would else wait for long."""


@dataclass(frozen=True)
class FaultTrials:
    """Trials of faults with a QEMU behind them, the subject, and further arguments for behave.

    `scratch` has what they need.
    """

    scratch: Scratch
    runs: Runs
    subject: Subject
    arguments: Sequence[str]
    console: Console = field(default_factory=Console)

    def run(self, fault: FaultKind, *arguments: str, silenced: str = "") -> EndedRun:
        """Run the suite against one fault, with an oracle silenced if one is named; return what the run has left."""
        folder = self.scratch.directory_for(fault.name)
        program = folder / f"qemu-system-{fault.name}"
        write_stand_in(program, fault.name, self.subject.qemu.path)
        if fault.tool:
            write_tools(folder, fault.name, self.subject.qemu.path)
        # The arguments of whoever called come later and have the last word.
        chosen = as_words({"keep": "never", "patience": 1 if fault is NOTHING else PATIENCE})
        wanted = Run(folder / "reports", {"qemu": program}, [*chosen, *self.arguments, *arguments])
        if silenced:
            wanted = replace(wanted, program=("-m", SILENCERS, silenced))
        what = "everything, without a fault" if fault is NOTHING else fault.name
        self.console.began(fault.name, what, lambda: how_far_against(fault, wanted.reports))
        ended = self.runs.run(wanted)
        with suppress(OSError):  # what a killed run may still write there is removed with all the rest
            self.scratch.discard(folder)
        return ended

    def look_for(self, fault: FaultKind) -> Finding:
        """Try one fault where it must be found: up to the first red, and if that does not lead to it, to the end.

        One that cannot be shown with this build is not tried.
        """
        return self._tried(fault, ["--stop"], [])

    def look_everywhere(self, fault: FaultKind) -> Finding:
        """Try one fault where it must be found, to the end: so it is seen how many scenarios find it."""
        return self._tried(fault, [])

    def _tried(self, fault: FaultKind, *ways: Sequence[str]) -> Finding:
        """Try one fault with these further arguments for behave, those after the first if nothing leads to it yet."""
        if reason := self.subject.why_not(fault):
            return Finding(fault, inapplicable=reason)
        features = features_of(fault)
        finding = Finding(fault)
        for arguments in ways:
            finding = finding.with_run(self.run(fault, *features, *arguments))
            if finding.leading or fault is NOTHING:
                break
        if fault.seen_only_by and finding.leading:
            finding = finding.with_silenced_run(self.run(fault, *features, silenced=fault.seen_only_by))
        return finding


def features_of(fault: FaultKind) -> Sequence[str]:
    """Return the files of the features that a fault is looked for in."""
    return [f"features/{name}.feature" for name in fault.features]


def write_stand_in(program: Path, fault: str, qemu: Path) -> None:
    """Write a program that is called as QEMU is, and stands in for the real one at `qemu` with a fault."""
    words = (str(PYTHON), "-S", "-E", str(Path(standin.__file__).absolute()), fault, str(qemu))
    _write(program, words)


def write_tools(folder: Path, fault: str, qemu: Path) -> None:
    """Write programs into a folder that stand in, with a fault, for the tools that lie beside QEMU or on the PATH."""
    for name in TOOLS:
        beside = qemu.with_name(name)
        if found := str(beside) if beside.exists() else shutil.which(name):
            _write(folder / name, (str(PYTHON), "-S", "-E", str(Path(toolstandin.__file__).absolute()), fault, found))


def _write(program: Path, words: Sequence[str]) -> None:
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    program.chmod(0o755)


def how_far_against(fault: FaultKind, reports: Path) -> Share | None:
    """Tell how far a run is; what is red in one against a fault is what the fault was found by."""
    share = how_far(reports)
    return share if share is None or fault is NOTHING else replace(share, red=0)
