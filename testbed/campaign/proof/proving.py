"""Shows what the suite would find: runs it against each fault of the stand-in, and writes what found which.

`python -m testbed.campaign.proof [--faults a,b] [ARGUMENTS FOR BEHAVE]`, or `make prove`. Writes sensitivity.md
and .html into the reports folder. The exit status is 0 if each fault was found with words that lead to it, the stand-in
without a fault was not found to be faulty, and each scenario was made to fail by some fault; 1 otherwise. Of scenarios
nothing is said where only some faults are named.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from testbed.campaign.checkout import README, ROOT
from testbed.campaign.pages.publishing import write_page, write_part
from testbed.campaign.proof import page
from testbed.campaign.proof.faults.bitmaps import FAULTS, WIDE, Kind
from testbed.campaign.proof.findings import Finding, Proof, Red

HERE = Path(__file__).parent

PATIENCE = 0.5
"""What every bound is multiplied by where a fault may make QEMU hang: each scenario would else wait for long."""

JUDGED = ("failed", "error")

PYTHON = Path(sys.executable).absolute()
"""This Python, wherever one stands: started by way of a PATH with relative folders, it knows itself by a relative name,
and what starts the stand-in stands in a scenario's own folder."""


@dataclass
class Suite:
    """The suite as it is run against faults: with this QEMU behind them, and further arguments for behave.

    What a run needs lies in `place`.
    """

    place: Path
    qemu: Path
    arguments: Sequence[str]

    def __post_init__(self) -> None:
        self._runs = count()

    def run(self, kind: Kind, *arguments: str, without: str = "") -> Any:
        """Run it against one fault, `without` an oracle if one is named; return the summary of the run."""
        reports = self.place / f"reports-{next(self._runs)}"
        program = self.place / f"qemu-system-{kind.name}"
        words = (str(PYTHON), "-S", "-E", str(HERE / "standin.py"), kind.name, str(self.qemu))
        program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        patience = 1 if kind.name == "none" else PATIENCE
        options = {"qemu": program, "reports": reports, "keep": "never", "patience": patience}
        behave = [str(HERE / "silencers.py"), without] if without else ["-m", "behave"]
        given = [word for name, value in options.items() for word in ("-D", f"{name}={value}")]
        ran = subprocess.run(
            [PYTHON, *behave, *given, *self.arguments, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            summary = json.loads((reports / "summary.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RuntimeError(f"behave left no summary; it said: {ran.stdout}{ran.stderr}") from None
        shutil.rmtree(reports)
        return summary

    def look_for(self, kind: Kind) -> Finding:
        """Try one fault where it must be found: up to the first red, and if that does not lead to it, to the end."""
        where = [f"features/{name}.feature" for name in kind.where]
        finding = Finding(kind, [])
        for arguments in ([*where, "--stop"], where):
            finding = replace(finding, red=[*finding.red, *red_in(self.run(kind, *arguments))])
            if finding.leading or kind.name == "none":
                break
        if kind.alone and finding.leading:
            finding = replace(finding, without=list(red_in(self.run(kind, *where, without=kind.alone))))
        return finding


def red_in(summary: Any) -> Iterator[Red]:
    """Yield what a run has found, in the order of the features."""
    for error in summary["errors"]:
        yield Red("", f"the run ({error['name']})", " ".join(error["message"].split()))
    for outcome in summary["outcomes"]:
        if outcome["status"] in JUDGED:
            yield Red(place_of(outcome), outcome["name"], " ".join(outcome["message"].split()))


def place_of(outcome: Any) -> str:
    """Return the words by which behave finds a scenario again."""
    return f"{outcome['file']}:{outcome['line']}"


def failed_by(findings: Sequence[Finding]) -> dict[str, list[str]]:
    """Return which faults have made which scenarios fail, by place, in words that lead to them.

    A fault that no scenario can survive shows nothing of any.
    """
    failed: dict[str, list[str]] = {}
    for finding in findings:
        for red in finding.leading if finding.kind.shows else ():
            if finding.kind.name not in failed.setdefault(red.place, []):
                failed[red.place].append(finding.kind.name)
    return failed


def prove(suite: Suite, kinds: Sequence[Kind], at_once: int) -> list[Finding]:
    """Look for the faults, several at a time, and tell of each."""
    findings = []
    with ThreadPoolExecutor(at_once) as pool:
        for finding in pool.map(suite.look_for, kinds):
            tell(finding)
            findings.append(finding)
    return findings


def widen(suite: Suite, findings: list[Finding], scenarios: dict[str, str], at_once: int) -> list[Finding]:
    """Run the scenarios that no fault has made fail yet against faults that show themselves nearly everywhere."""
    for name in WIDE:
        left = [place for place in scenarios if place not in failed_by(findings)]
        if left:
            red = list(red_in(suite.run(FAULTS[name], "--jobs", str(at_once), *left)))
            findings = [*findings, Finding(FAULTS[name], red)]
            sys.stdout.write(f"{len(left)} scenarios were left for {name}, which made {len(red)} fail\n")
            sys.stdout.flush()
    return findings


def tell(finding: Finding) -> None:
    """Say on the console what became of a fault."""
    sys.stdout.write(f"{finding.verdict:40} {finding.kind.name:40} {finding.shown.said[:90]}\n")
    sys.stdout.flush()


def main() -> int:
    """Try the faults, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", help="names of faults, with commas; without it, all", default="")
    parser.add_argument("--qemu", help="the real QEMU", default=shutil.which("qemu-system-x86_64"))
    parser.add_argument("--reports", type=Path, default=ROOT / "reports", help="where the tables go")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="how many runs at a time")
    parser.add_argument("--update-readme", action="store_true", help="write the totals into the README")
    chosen, arguments = parser.parse_known_args()
    names = chosen.faults.split(",") if chosen.faults else list(FAULTS)
    unknown = [name for name in names if name not in FAULTS]
    if unknown or not chosen.qemu:
        parser.error(f"there is no fault {', '.join(unknown)}" if unknown else "no QEMU is found; name one with --qemu")
    when, start = datetime.now(UTC), monotonic()
    qemu = Path(chosen.qemu).absolute()
    version = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True).stdout.split()[3]
    with tempfile.TemporaryDirectory(prefix="qemu-accept-prove-") as place:
        suite = Suite(Path(place), qemu, arguments)
        findings, scenarios = [], {}
        if not chosen.faults:
            names.remove("none")
            sound = suite.run(FAULTS["none"], "--jobs", str(chosen.at_once))
            findings = [Finding(FAULTS["none"], list(red_in(sound)))]
            tell(findings[0])
            scenarios = {place_of(one): one["name"] for one in sound["outcomes"] if one["status"] == "passed"}
            if not scenarios:
                said = findings[0].shown.said
                parser.exit(1, f"Without a fault, no scenario passes, so that no fault can be shown. {said}\n")
        findings += prove(suite, [FAULTS[name] for name in names], chosen.at_once)
        failed = failed_by(widen(suite, findings, scenarios, chosen.at_once) if scenarios else findings)
    proof = Proof(findings, scenarios, version, when, monotonic() - start, failed)
    chosen.reports.mkdir(parents=True, exist_ok=True)
    write_page(page.document(proof), chosen.reports, "sensitivity")
    if chosen.update_readme:
        write_part(README, "sensitivity", "make prove", page.summary(proof))
    sys.stdout.write("\n".join([*proof.problems, f"{proof.total}."]) + "\n")
    return 1 if proof.problems else 0
