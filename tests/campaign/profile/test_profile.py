"""A profile of a small run: its rows add up to the whole, and its numbers are those that somebody else has counted."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
from campaigns import run_campaign

from testbed.build.toolchain import Toolchain
from testbed.campaign.outside import Whole
from testbed.campaign.profile import page
from testbed.campaign.profile.ledger import Cost, Ledger, Section
from testbed.campaign.profile.page import Profile

pytestmark = pytest.mark.whole

FEATURE = "features/refusal/incremental_backup.feature"


def counting(program: Path, home: Path, calls: Path) -> Path:
    """Write a program that is called as another is, and takes down its first argument before it becomes that."""
    wrapper = home / program.name
    taken = f'printf "%s\\n" "$1" >>{shlex.quote(str(calls))}'
    wrapper.write_text(f'#!/bin/sh\n{taken}\nexec {shlex.quote(str(program))} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    return wrapper


def test_rows_add_up_to_the_whole_and_numbers_are_right(tmp_path: Path, toolchain: Toolchain) -> None:
    calls = tmp_path / "calls"
    wrapper = counting(toolchain.qemu_img.path, tmp_path, calls)
    ended = run_campaign("profile", FEATURE, "--reports", str(tmp_path / "reports"), "-D", f"qemu_img={wrapper}")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = re.search(
        r"^(\d+) scenarios in one process: .* rows have ([\d.]+)% .* which they have ([\d.]+)%",
        ended.stdout,
        re.MULTILINE,
    )
    assert told is not None
    assert told[1] == "4"
    assert float(told[2]) == pytest.approx(100, abs=3)
    assert float(told[3]) == pytest.approx(100, abs=3)
    ledger = Ledger.read(tmp_path / "reports" / "profile.json")
    counted = {f"qemu-img {word}": number for word, number in Counter(calls.read_text().split()).items()}
    processes = {what: cost.number for what, cost in ledger.by_thing(Section.PROCESSES).items()}
    assert {what: number for what, number in processes.items() if what.startswith("qemu-img")} == counted
    assert processes["QEMU"] >= 4
    assert sum(FEATURE in scenario for scenario in ledger.by_scenario()) == 4
    assert "Waiting" in (tmp_path / "reports" / "profile.md").read_text()


def test_run_that_comes_to_no_end_has_no_profile(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    for name in ("profile.json", "console.txt"):
        (reports / name).write_text("of an earlier run")
    ended = run_campaign("profile", "--no-such-option", "--reports", str(reports))
    assert ended.returncode == 1
    assert "the run came to no end" in ended.stderr
    assert "--no-such-option" in ended.stderr
    assert "of an earlier run" not in ended.stderr


def test_rows_that_matter_to_nobody_are_put_together_and_not_left_out() -> None:
    ledger = Ledger()
    for what, seconds in {"QEMU": 10.0, "qemu-io": 0.04, "qemu-nbd": 0.02}.items():
        ledger.enter("a.feature:1", Section.PROCESSES, what, Cost(1, seconds))
    text = page.as_text(page.table(Profile(ledger, Whole(20.0, 10.06), 2, [])))
    assert re.search(r"^QEMU +1 +10\.00 +5000\.0$", text, re.MULTILINE)
    assert re.search(r"^2 others +2 +0\.06 +30\.0$", text, re.MULTILINE)
    assert re.search(r"^all +3 +10\.06 +5030\.0$", text, re.MULTILINE)
    assert "qemu-io" not in text


def test_whole_is_not_what_the_rows_have() -> None:
    ledger = Ledger()
    ledger.enter("a.feature:1", Section.PYTHON, "behave", Cost(user=4.0))
    ledger.enter("a.feature:1", Section.WAITING, "a tool", Cost(waited=2.0))
    said = page.sums(Profile(ledger, Whole(8.0, 5.0), 2, []))
    assert "8.0 s of wall time, of which the rows have 75.0%" in said
    assert "5.0 s of processor time, of which they have 80.0%: 2.500 s for a scenario" in said
