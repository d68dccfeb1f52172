"""Scenarios that were red, repeated by what the reports say: from another folder, and without a word more."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, Project
from loaded_python import LoadedPython
from test_whole_run import link, new_checkout

from testbed.build.toolchain import Toolchain
from testbed.campaign.proof.proving import write_stand_in
from testbed.reports.directory import REPETITION
from testbed.reports.repetition import SCRIPT, Repetition

pytestmark = pytest.mark.whole

STORY = """\
    @backup
    Feature: Records
      Background:
        Given the 1 MiB drive "drive0"
        And a bitmap "bitmap0" on "drive0"

      Scenario: Written
        When the guest writes to "drive0":
          | pattern | at | length |
          | 0xab    | 0  | 64 KiB |
        Then the bitmaps should still hold what had changed

      @slow
      Scenario: Taken
        When a full backup of "drive0" is started
        Then the backup of "drive0" should succeed
"""

RED_HOOK = """
def before_step(context, step):
    raise OSError("no such thing")
"""

RED_START = """
def before_tag(context, tag):
    raise OSError("no such thing")
"""


@pytest.fixture
def checkout(tmp_path: Path, loaded: LoadedPython) -> Project:
    """Return a checkout in a folder whose name a shell would not take as it is."""
    project = new_checkout(tmp_path / "the checkout's", link, loaded)
    project.write("features/backup/increments.feature", STORY)
    return project


def stand_in(checkout: Project, fault: str, qemu: Path) -> str:
    """Put a QEMU with a fault into the checkout, and return its name there."""
    write_stand_in(checkout.home / "qemu-system-spoilt", fault, qemu)
    return "./qemu-system-spoilt"


def the_red_one(reports: Path) -> Any:
    """Return what a run's summary tells of the one scenario that was red."""
    (red,) = (one for one in summary_of(reports)["outcomes"] if one["status"] in ("failed", "error"))
    return red


def repeat(command: Sequence[str], elsewhere: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in another folder, with nothing in its environment that only the first run had."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("QEMU", "PYTHON"))}
    return subprocess.run(
        command, cwd=elsewhere, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@dataclass(frozen=True)
class Case:
    """A run that is red: its fault and what is added to the hooks, how its QEMU is named, and what it must come to."""

    fault: str
    hook: str
    line: int
    status: str
    kind: str
    with_variable: bool = False

    def run(self, checkout: Project, qemu: str) -> None:
        """Run one scenario of the checkout."""
        hooks = (checkout.home / "environment.py").read_text(encoding="utf-8") + self.hook
        (checkout.home / "environment.py").unlink()
        (checkout.home / "environment.py").write_text(hooks, encoding="utf-8")
        place = f"features/backup/increments.feature:{self.line}"
        given = () if self.with_variable else ("-D", f"qemu={qemu}")
        checkout.run(place, "--tags", "slow or backup", *given, env={"QEMU_PROG": qemu} if self.with_variable else {})


CASES = {
    "a failure": Case("forgets-writes", "", 7, "failed", "AssertionError", with_variable=True),
    "a crash": Case("crash-at-backup", "", 14, "failed", "MachineDied"),
    "an error": Case("none", RED_HOOK, 7, "error", "OSError"),
    "a hook before all else": Case("none", RED_START, 7, "error", "OSError", with_variable=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_was_red_is_red_again_from_another_folder(
    checkout: Project, toolchain: Toolchain, tmp_path: Path, case: Case
) -> None:
    case.run(checkout, stand_in(checkout, case.fault, toolchain.qemu.path))
    reports = checkout.home / "reports"
    red = the_red_one(reports)
    assert (red["status"], red["kind"]) == (case.status, case.kind)
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    kept = [path for path in reports.rglob("*") if path.is_file()]
    script = Path(red["evidence"]) / SCRIPT if red["evidence"] else None
    assert (script is None) == (case.hook == RED_START), "without a world there is no evidence"
    again = repeat([str(script)] if script else ["sh", "-c", red["repeat"]], elsewhere)
    assert again.returncode == 1, again.stderr
    told = the_red_one((script.parent if script else reports) / REPETITION)
    same = ("status", "kind", "name", "file", "line", "headline")
    assert {word: told[word] for word in same} == {word: red[word] for word in same}
    assert [path for path in kept if not path.exists()] == []
    assert list(elsewhere.iterdir()) == []


def summary_of(reports: Path) -> Any:
    """Read the summary in a folder of reports."""
    return json.loads((reports / "summary.json").read_text(encoding="utf-8"))


def test_a_line_of_shell_survives_blanks_and_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "it's here"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/of mine")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    options = {"qemu": "/a b/qemu", "junit": "strict", "junit.tag.x": "y", "reports": "/r r"}
    words = shlex.split(Repetition("features/a.feature:7", options, ("slow",)).command())
    assert words[:4] == ["cd", str(home), "&&", "env"]
    assert words[4] == "LD_LIBRARY_PATH=/opt/of mine"
    assert words[6:] == [
        *("-m", "behave", "features/a.feature:7", "--tags", "slow"),
        *("-D", "qemu=/a b/qemu", "-D", "reports=/r r/repeat"),
    ]
