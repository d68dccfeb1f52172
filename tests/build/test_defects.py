from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from testbed.base.problems import AuthorError, EnvironmentUnusable
from testbed.build import defects
from testbed.build.defects import DEFECTS, Comparison, Defect, Standing, compare, named, table
from testbed.build.toolchain import Tool
from testbed.language import tags
from testbed.reports.outcome import ScenarioNotes

ROOT = Path(__file__).parents[2]

MERGE = next(defect for defect in DEFECTS if defect.name == "merge-empty-list")

CRASH = (
    "When no bitmaps are merged (features/x.feature:1)\n"
    "QEMU killed by SIGSEGV (signal 11); the end of its stderr:\nwarning; "
    "the connection to QEMU ended while waiting for the answer to block-dirty-bitmap-merge"
)


def qemu(release: str, package: str = "") -> Tool:
    version = tuple(map(int, release.split(".")))
    return Tool(Path("/qemu"), version, f"QEMU emulator version {release}{f' ({package})' if package else ''}")


def made_up(*, seen: tuple[str, ...] = (), unseen: tuple[str, ...] = ()) -> Defect:
    return replace(MERGE, seen=seen, unseen=unseen)


# What is known of a build.


@pytest.mark.parametrize(
    ("release", "standing"),
    [
        ("5.2.0", Standing.UNSEEN),
        ("7.2.22", Standing.SEEN),
        ("10.0.13", Standing.SEEN),
        ("11.1.3", Standing.SEEN),
        ("6.0.0", Standing.UNTRIED),
        ("7.2.21", Standing.UNTRIED),
        ("7.2.23", Standing.UNTRIED),
        ("8.2.2", Standing.UNTRIED),
        ("11.1.50", Standing.UNTRIED),
        ("12.0", Standing.UNTRIED),
    ],
)
def test_standing_of_the_merge_of_nothing(release: str, standing: Standing) -> None:
    assert MERGE.standing(qemu(release)) is standing


@pytest.mark.parametrize(
    ("seen", "unseen", "release", "standing"),
    [
        (("7.0",), ("8.0",), "9.0", Standing.UNSEEN),
        (("7.0",), ("8.0", "9.0"), "8.2.1", Standing.UNSEEN),
        (("7.0",), ("6.0", "6.2"), "6.1", Standing.UNSEEN),
        (("7.0",), ("6.0",), "5.2", Standing.UNSEEN),
        (("7.0",), ("8.0",), "7.2", Standing.UNTRIED),
        (("7.0",), ("8.0",), "6.0", Standing.UNTRIED),
        (("10.0",), (), "9.0", Standing.UNTRIED),
        (("10.0",), ("9.2",), "9.10", Standing.UNTRIED),
    ],
)
def test_standing_of_a_version_that_was_not_tried(
    seen: tuple[str, ...], unseen: tuple[str, ...], release: str, standing: Standing
) -> None:
    assert made_up(seen=seen, unseen=unseen).standing(qemu(release)) is standing


def test_a_package_overrules_its_release() -> None:
    mended = made_up(seen=("7.2.22",), unseen=("1:7.2+dfsg-7+deb12u19",))
    assert mended.standing(qemu("7.2.22", "Debian 1:7.2+dfsg-7+deb12u18")) is Standing.SEEN
    assert mended.standing(qemu("7.2.22", "Debian 1:7.2+dfsg-7+deb12u19")) is Standing.UNSEEN
    assert mended.standing(qemu("7.2.22")) is Standing.SEEN


def test_a_package_says_nothing_of_other_releases() -> None:
    packaged = made_up(seen=("qemu-8.2.0-3.fc39",), unseen=("5.2.0",))
    assert packaged.standing(qemu("8.2.0", "qemu-8.2.0-3.fc39")) is Standing.SEEN
    assert packaged.standing(qemu("8.2.0", "qemu-8.2.0-4.fc39")) is Standing.UNSEEN


# What a build is declared to mend.


def test_a_pass_of_what_has_the_defect_tells_a_packager_what_to_do() -> None:
    tags = [f"known-defect.{MERGE.name}"]
    told = compare("", tags, qemu("7.2.22", "Debian 1:7.2+dfsg-7+deb12u19")).unexpected or ""
    assert told.startswith("passed, although QEMU 7.2.22 has the known defect merge-empty-list: a merge of no bitmaps")
    assert "say so with -D mended=merge-empty-list (make accept ARGS='-D mended=merge-empty-list')" in told
    assert 'by adding "1:7.2+dfsg-7+deb12u19" to what is unseen of this defect in testbed/build/defects.py' in told
    assert told.endswith(
        "look why it does not show: block-dirty-bitmap-merge with an empty list of sources, alone or in a transaction."
    )
    assert "the version of your package, as --version" in (compare("", tags, qemu("7.2.22")).unexpected or "")


def test_what_is_declared_mended_must_simply_pass() -> None:
    tags = [f"known-defect.{MERGE.name}"]
    assert compare("", tags, qemu("7.2.22"), [MERGE.name]) == Comparison()
    failed = compare(CRASH, tags, qemu("7.2.22"), [MERGE.name])
    note = "known defect merge-empty-list is declared mended in this build, with -D mended=merge-empty-list"
    assert failed == Comparison(log=(note,)), "it is red, whatever it looks like"
    assert compare(CRASH, tags, qemu("7.2.22"), ["regrown-space"]).shown is MERGE


def test_only_what_is_listed_can_be_declared_mended() -> None:
    defects.insist_on_listed(["merge-empty-list", "regrown-space"])
    with pytest.raises(EnvironmentUnusable) as caught:
        defects.insist_on_listed(["merge-empty-lists", "regrown-space", "regrown"])
    assert 'names "merge-empty-lists", which is no known defect\n  remedy: did you mean "merge-empty-list"' in str(
        caught.value
    )
    assert len(caught.value.problems) == 2


# What a scenario's end means.


def held(release: str, failure: str = "", *more: str) -> ScenarioNotes:
    notes = ScenarioNotes(failure=failure)
    notes.hold_against_record(compare(failure, ["bitmap", f"known-defect.{MERGE.name}", *more], qemu(release)))
    return notes


def test_the_failure_on_record_is_a_known_defect() -> None:
    notes = held("7.2.22", CRASH)
    assert (notes.known_defect, notes.known_defect_text) == (MERGE.name, MERGE.what)
    assert not notes.unexpected


def test_the_same_failure_of_an_untried_version_is_one_too_and_says_so() -> None:
    notes = held("8.2.2", CRASH)
    assert notes.known_defect == MERGE.name
    assert notes.known_defect_text.endswith("(seen here first in 8.2.2)")


def test_the_same_failure_where_it_was_not_seen_is_red() -> None:
    notes = held("5.2.0", CRASH)
    assert notes.known_defect is None
    assert notes.log == ["known defect merge-empty-list was looked for in 5.2.0 and not seen there"]


@pytest.mark.parametrize(
    "failure",
    [
        CRASH.replace("SIGSEGV (signal 11)", "SIGABRT (signal 6)"),
        CRASH.replace("block-dirty-bitmap-merge", "block-dirty-bitmap-add"),
        CRASH.replace("SIGSEGV", "a segment"),
        "QEMU refused block-dirty-bitmap-merge: Parameter 'bitmaps' is missing (GenericError)",
        "the bitmaps of drive0 are not what they should be",
    ],
)
@pytest.mark.parametrize("release", ["7.2.22", "8.2.2"])
def test_a_failure_of_another_kind_is_red(release: str, failure: str) -> None:
    notes = held(release, failure)
    assert notes.known_defect is None
    assert notes.log == ["known defect merge-empty-list does not explain this failure: it looks different"]


def test_a_crash_that_only_a_shell_reports_is_of_the_kind() -> None:
    by_shell = CRASH.replace("killed by SIGSEGV (signal 11)", "exited with status 139, as a shell does for SIGSEGV")
    assert held("7.2.22", by_shell).known_defect == MERGE.name


def test_a_pass_where_it_was_seen_is_red() -> None:
    notes = held("7.2.22")
    assert notes.unexpected is not None
    assert "testbed/build/defects.py" in notes.unexpected


def test_a_pass_of_an_untried_version_is_remarked() -> None:
    notes = held("12.0.0")
    assert not notes.unexpected
    assert notes.remarks == ["known defect merge-empty-list does not show here; QEMU 12.0.0 was never tried before"]


def test_a_pass_where_it_was_not_seen_is_nothing_special() -> None:
    assert held("5.2.0") == ScenarioNotes()


def test_a_scenario_without_such_a_tag_has_no_excuse() -> None:
    notes = ScenarioNotes(failure=CRASH)
    notes.hold_against_record(compare(CRASH, ["bitmap", "slow"], qemu("7.2.22")))
    assert notes == ScenarioNotes(failure=CRASH)


# The list, and the tags.


def test_an_unknown_defect_is_an_author_s_slip() -> None:
    with pytest.raises(AuthorError, match='no known defect "merge-emtpy-list"; did you mean "merge-empty-list"'):
        named(["known-defect.merge-emtpy-list"])
    with pytest.raises(AuthorError, match='there is no known defect "xyz"; '):
        held("7.2.22", CRASH, "known-defect.xyz")


def test_tags_of_known_defects_are_known() -> None:
    assert tags.unknown(f"known-defect.{defect.name}" for defect in DEFECTS) == []
    assert tags.unknown(["known-defect.merge-emtpy-list"]) == ["known-defect.merge-emtpy-list"]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_entry_is_complete(defect: Defect) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", defect.name)
    assert len(defect.what) > 40
    assert defect.how
    assert defect.seen, "a defect that nobody has seen is a rumour"
    assert not set(defect.seen) & set(defect.unseen)
    assert not defect.explains("")
    assert not defect.explains("the backup of drive0 should have completed; it failed")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_each_defect_has_a_scenario(defect: Defect) -> None:
    features = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "features").rglob("*.feature"))
    assert re.search(rf"@known-defect\.{re.escape(defect.name)}\b", features)


def test_names_are_unique() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


def test_table_has_a_line_for_each() -> None:
    lines = table().splitlines()
    assert len(lines) == len(DEFECTS) + 2
    assert lines[2].startswith("| `@known-defect.merge-empty-list` | a merge of no bitmaps ")
    assert lines[2].endswith(" | 7.2.22, 10.0.13, 11.1.3 | 5.2.0 |")


def test_program_prints_the_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", defects.__name__], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == table()


# On a real QEMU that calls itself another version.


@pytest.fixture
def call_it(tmp_path: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Return what runs the merges of nothing on a QEMU that has the defect and says that it is of some release."""
    real = shutil.which("qemu-system-x86_64")
    if real is None or _release(real) not in MERGE.seen:
        pytest.skip("the QEMU on the PATH is none in which the defect was seen")

    def run(release: str) -> list[dict[str, Any]]:
        emulator = tmp_path / "qemu-system-x86_64"
        emulator.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && exec echo "QEMU emulator version {release}"\n'
            f'exec {shlex.quote(str(real))} "$@"\n'
        )
        emulator.chmod(0o755)
        reports = tmp_path / "reports"
        options = ("-D", f"qemu={emulator}", "-D", f"reports={reports}")
        merges = ("features/bitmap/merging.feature", "--tags=@known-defect.merge-empty-list")
        subprocess.run([sys.executable, "-m", "behave", *merges, *options], cwd=ROOT, capture_output=True, check=False)
        outcomes: list[dict[str, Any]] = json.loads((reports / "summary.json").read_text())["outcomes"]
        return outcomes

    return run


def _release(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\S+)", said)
    return found[1] if found else ""


@pytest.mark.whole
def test_real_crash_of_an_untried_version_is_a_known_defect(call_it: Callable[[str], list[dict[str, Any]]]) -> None:
    outcomes = call_it("8.2.2")
    assert [outcome["status"] for outcome in outcomes] == ["known defect", "known defect"]
    assert all(Path(outcome["evidence"], "qemu.qmp.jsonl").exists() for outcome in outcomes)
    assert all("seen here first in 8.2.2" in outcome["reasons"][0] for outcome in outcomes)


@pytest.mark.whole
def test_real_crash_of_a_version_that_was_sound_is_red(call_it: Callable[[str], list[dict[str, Any]]]) -> None:
    outcomes = call_it("5.2.0")
    assert [outcome["status"] for outcome in outcomes] == ["failed", "failed"]
    # It is blamed once, on the step that it died in.
    assert all(outcome["message"].count("killed by SIGSEGV") == 1 for outcome in outcomes)
    assert all(outcome["step"]["text"].startswith("When ") for outcome in outcomes)


FLUSH = 'wrong: flush 7 of 9 has failed: the bitmap "fine" says that it is good, and lacks a change: 512 B at 0'
WRITE = 'wrong: write 7 of 9 has failed: the bitmap "fine" says that it is good, and lacks a change: 512 B at 0'
RESIZE = "wrong: write 7 of 9 has failed, and QEMU refused block_resize: No space left on device: it is of 65 KiB"
LIST = "Expected: none of this: wrong\n     but: {}\n          {}\n"


@pytest.mark.parametrize(
    ("name", "lines", "is_explained"),
    [
        ("empty-by-failed-flush", (FLUSH, FLUSH), True),
        ("empty-by-failed-flush", (FLUSH, WRITE), False),
        ("empty-by-failed-flush", (WRITE, FLUSH), False),
        ("half-resized", (RESIZE, RESIZE), True),
        ("half-resized", (RESIZE, FLUSH), False),
    ],
)
def test_a_defect_that_is_one_of_several_things_wrong_does_not_explain_them(
    name: str, lines: tuple[str, str], *, is_explained: bool
) -> None:
    [defect] = named([f"{defects.TAG}{name}"])
    assert defect.explains(LIST.format(*lines)) is is_explained
