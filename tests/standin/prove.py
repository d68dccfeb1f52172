"""Shows what the suite would find: runs it against each fault of the stand-in, and writes what found which.

`python tests/standin/prove.py [--faults a,b] [ARGUMENTS FOR BEHAVE]`, or `make prove`. Writes sensitivity.md, .html and
.json into the reports folder. The exit status is 0 if each fault was found with words that lead to it, and the stand-in
without a fault was not found to be faulty; 1 otherwise.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults import FAULTS, Kind

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

PATIENCE = 0.3
"""What every bound is multiplied by: a fault that makes QEMU hang would else cost a long wait in each scenario."""


@dataclass(frozen=True)
class Finding:
    """What the suite said of one fault: the scenarios that it made red, each with the first line of its message."""

    kind: Kind
    red: Sequence[tuple[str, str]]
    passed: Sequence[str]

    @property
    def leading(self) -> tuple[str, str] | None:
        """Return the first scenario whose message leads to the fault."""
        words = self.kind.leads or ("",)
        return next((found for found in self.red if any(word in found[1] for word in words)), None)

    @property
    def verdict(self) -> str:
        """Say in a word or two what came of it."""
        if self.kind.name == "none":
            return "a false alarm" if self.red else "rightly nothing"
        if not self.red:
            return "NOT FOUND"
        return "found" if self.leading else "found, in words that do not lead to it"

    @property
    def is_right(self) -> bool:
        """Tell whether it is what it should be."""
        return self.verdict in ("found", "rightly nothing")


def try_out(kind: Kind, place: Path, qemu: str, arguments: Sequence[str]) -> Finding:
    """Run the suite against one fault and read what it said."""
    program = place / f"qemu-system-{kind.name}"
    words = (sys.executable, "-S", "-E", str(HERE / "relay.py"), kind.name, qemu)
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    reports = place / kind.name
    options = ("-D", f"qemu={program}", "-D", f"reports={reports}", "-D", "keep=never", "-D", f"patience={PATIENCE}")
    subprocess.run(
        [sys.executable, "-m", "behave", *options, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    summary = json.loads((reports / "summary.json").read_text(encoding="utf-8"))
    shutil.rmtree(reports)
    return Finding(kind, list(_red(summary)), [one["name"] for one in summary["outcomes"] if one["status"] == "passed"])


def _red(summary: Any) -> Iterator[tuple[str, str]]:
    for error in summary["errors"]:
        yield f"the run ({error['name']})", " ".join(error["message"].split())
    for outcome in summary["outcomes"]:
        if outcome["status"] in ("failed", "error"):
            yield outcome["name"], " ".join(outcome["message"].split())


def unproven(findings: Sequence[Finding]) -> list[str]:
    """Return the scenarios that no fault has made red, in the order of the features."""
    red = {name for finding in findings for name, _ in finding.red}
    seen = dict.fromkeys(name for finding in findings for name in finding.passed)
    return [name for name in seen if name not in red]


def as_rows(findings: Sequence[Finding]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the table: the fault, what came of it, how many scenarios were red, and what the first said."""
    for finding in findings:
        scenario, said = finding.leading or (finding.red[0] if finding.red else ("", ""))
        yield finding.kind.words, finding.verdict, str(len(finding.red)), f"{scenario}: {said[:300]}" if said else ""


HEADINGS = ("fault", "verdict", "scenarios", "the first that leads to it, and what it said")


def write(findings: Sequence[Finding], reports: Path) -> str:
    """Write the three reports; return the sentence that sums them up."""
    faults = [finding for finding in findings if finding.kind.name != "none"]
    found = sum(finding.is_right for finding in faults)
    unshown = unproven(findings)
    total = f"{found} of {len(faults)} faults found; {len(unshown)} scenarios that none of them made fail"
    cells = [[cell.replace("|", "/") for cell in row] for row in as_rows(findings)]
    lines = [" | ".join(HEADINGS), " | ".join("---" for _ in HEADINGS), *(" | ".join(row) for row in cells)]
    table = "\n".join(f"| {line} |" for line in lines)
    rest = "\n".join(f"- {name}" for name in unshown)
    heading = "What the suite finds"
    reports.mkdir(parents=True, exist_ok=True)
    markdown = f"# {heading}\n\n{total}.\n\n{table}\n\n## Scenarios that no fault made fail\n\n{rest}\n"
    (reports / "sensitivity.md").write_text(markdown, encoding="utf-8", errors="backslashreplace")
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in as_rows(findings)
    )
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in HEADINGS)
    items = "".join(f"<li>{html.escape(name)}</li>" for name in unshown)
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{heading}</title>\n'
        f"<style>body{{font:15px/1.45 system-ui;margin:2rem}}td,th{{border:1px solid #ccc;padding:.3rem .6rem;"
        f"text-align:left;vertical-align:top}}table{{border-collapse:collapse}}</style>\n"
        f"<h1>{heading}</h1><p>{total}.</p><table><tr>{head}</tr>\n{rows}</table>\n"
        f"<h2>Scenarios that no fault made fail</h2><ul>{items}</ul></html>\n"
    )
    (reports / "sensitivity.html").write_text(page, encoding="utf-8", errors="backslashreplace")
    return total


def main() -> int:
    """Try the faults, several at a time, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", help="names of faults, with commas; without it, all", default=",".join(FAULTS))
    parser.add_argument("--qemu", help="the real QEMU", default=shutil.which("qemu-system-x86_64"))
    parser.add_argument("--reports", type=Path, default=ROOT / "reports", help="where the tables go")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="how many runs at a time")
    chosen, arguments = parser.parse_known_args()
    unknown = [name for name in chosen.faults.split(",") if name not in FAULTS]
    if unknown or not chosen.qemu:
        parser.error(f"there is no fault {', '.join(unknown)}" if unknown else "no QEMU is found; name one with --qemu")
    kinds = [FAULTS[name] for name in chosen.faults.split(",")]
    with tempfile.TemporaryDirectory(prefix="qemu-accept-prove-") as place, ThreadPoolExecutor(chosen.at_once) as pool:
        tried = [pool.submit(try_out, kind, Path(place), chosen.qemu, arguments) for kind in kinds]
        findings = [trial.result() for trial in tried]
    for finding in findings:
        sys.stdout.write(f"{finding.verdict:40} {len(finding.red):4} red  {finding.kind.words}\n")
    sys.stdout.write(write(findings, chosen.reports) + "\n")
    return 0 if all(finding.is_right for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
