"""The real QEMU behind the faults: what it is, and which faults it can show at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.build.defects import TAG, Standing, named
from testbed.build.toolchain import Tool
from testbed.campaign.checkout import ROOT
from testbed.campaign.options import defines_in
from testbed.campaign.proof.faultkind import FaultKind
from testbed.campaign.runs import PYTHON, Runs, as_words

SURVEY = "testbed.scenario.survey"
"""What tells of a build; nothing here imports it, as campaigns know nothing of scenarios."""

BOUND = 300.0
"""Seconds that a build may take to tell what it has: a few short trials."""


class Unusable(Exception):
    """No scenario could be run on this QEMU; the text says why, and what to do."""


@dataclass(frozen=True)
class Subject:
    """A build: `line` says what it is, `qemu` is its emulator, `lacking` are needs that it does not meet, and why."""

    line: str
    qemu: Tool
    lacking: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def surveyed(cls, runs: Runs, qemu: Path, arguments: Sequence[str], faults: Iterable[FaultKind]) -> Subject:
        """Boot a QEMU and ask it for what these faults need; `arguments` are those for behave, with options of -D.

        Raises Unusable, ToolFailed when it takes too long, and Stopped.
        """
        needs = sorted({need for fault in faults for need in fault.needs})
        options = as_words({**defines_in(arguments), "qemu": qemu})
        told = runs.run_tool([str(PYTHON), "-m", SURVEY, *options, *needs], cwd=ROOT, bound=BOUND, allowed=(0, 1))
        if told.returncode:
            raise Unusable(told.stderr.strip())
        facts = json.loads(told.stdout)
        emulator = facts["qemu"]
        version = tuple(map(int, emulator["version"].split(".")))
        return cls(facts["subject"], Tool(Path(emulator["path"]), version, emulator["banner"]), facts["lacking"])

    def why_not(self, fault: FaultKind) -> str:
        """Say why a fault cannot be shown with this build, or nothing if it can."""
        lacks = [self.lacking[need] for need in fault.needs if need in self.lacking]
        for defect in named([f"{TAG}{fault.defect}"] if fault.defect else []):
            if (standing := defect.standing(self.qemu)) is not Standing.UNSEEN:
                has = "has" if standing is Standing.SEEN else "may have"
                lacks.append(f"QEMU {self.qemu.release} {has} this fault by itself: known defect {defect.name}")
        return "; ".join(lacks)
