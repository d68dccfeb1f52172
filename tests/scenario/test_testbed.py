"""What the testbed makes of a run's choices: worlds, what a build lacks, and how a scenario has ended."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from testbed.base.problems import AuthorError, EnvironmentUnusable, NotOffered, Problem
from testbed.build.boards import Board
from testbed.build.capabilities import Capabilities
from testbed.build.defects import Comparison
from testbed.model.ranges import Ranges
from testbed.qemu.machine import FIRST
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.testbed import PATIENCE, PATIENCE_WHERE_SLOW, Ending, Testbed
from testbed.scenario.world import World


class WithoutBoard(Capabilities):
    """What a build has that has no board which is known here."""

    board: Board | None = None


def choosing(testbed: Testbed, **choices: object) -> Testbed:
    """Return the testbed as it would be with other choices of the user."""
    return replace(testbed, settings=replace(testbed.settings, **choices))  # type: ignore[arg-type]


def test_world_has_a_machine_in_a_directory_that_goes_with_it(testbed: Testbed, world: World) -> None:
    assert (world.machine.name, world.machine.home.parent) == (FIRST, testbed.scratch.path)
    assert world.machine.bound == PATIENCE * testbed.settings.patience
    assert world.drives.image_format == testbed.settings.format
    other = testbed.world("another, which is slow", ["slow"])
    assert other.machine.bound == PATIENCE_WHERE_SLOW * testbed.settings.patience
    home = other.machine.home
    testbed.discard(other)
    assert not home.exists()
    assert not other.machine.running
    assert world.machine.running


def test_what_cannot_be_used_is_said_with_all_problems(tmp_path: object) -> None:
    with pytest.raises(EnvironmentUnusable) as caught:
        Testbed.open({"qemu": f"{tmp_path}/qemu", "next_qemu": f"{tmp_path}/next"}, os.environ)
    assert f"{tmp_path}/qemu" in str(caught.value)


def test_tools_of_another_build_are_told_beside_the_build_that_is_judged(testbed: Testbed) -> None:
    qemu_img = replace(testbed.toolchain.qemu_img, version=(1, 2))
    mixed = replace(testbed, toolchain=replace(testbed.toolchain, qemu_img=qemu_img))
    assert "with tools of another build" not in testbed.subject
    assert f"; with tools of another build: qemu-img 1.2 ({qemu_img.packager or 'no package'})" in mixed.subject
    assert mixed.describe()["subject"] == mixed.subject


# What hits every scenario is told once, before the first.


def unusable(testbed: Testbed, script: str, tmp_path: Path) -> Problem:
    """Return the one problem of a build whose QEMU is a script, in which $QEMU is the real one."""
    tools, program = testbed.toolchain, tmp_path / "stand-in"
    program.write_text(f'#!/bin/sh\nQEMU="{tools.qemu.path}"\n[ "$1" = --version ] && exec "$QEMU" "$@"\n{script}\n')
    program.chmod(0o755)
    chosen = {"qemu": program, "qemu_img": tools.qemu_img.path, "qemu_io": tools.qemu_io.path, "scratch": tmp_path}
    with pytest.raises(EnvironmentUnusable) as caught:
        Testbed.open({name: str(value) for name, value in chosen.items()}, os.environ)
    assert list(tmp_path.iterdir()) == [program], "nothing is left behind"
    (problem,) = caught.value.problems
    return problem


def test_qemu_that_opens_no_file_is_one_problem_with_its_own_words(testbed: Testbed, tmp_path: Path) -> None:
    problem = unusable(testbed, 'cd / && exec "$QEMU" "$@"', tmp_path)
    assert problem.what.startswith(f"{tmp_path}/stand-in does not open a file: ")
    assert "Could not open 'plain'" in problem.what
    assert "--block-drv-rw-whitelist" in problem.remedy


@pytest.mark.parametrize("works", ["tcg", "qtest"])
def test_qemu_whose_default_accelerator_fails_starts_with_another(testbed: Testbed, tmp_path: Path, works: str) -> None:
    script = f'[ "$4" = {works} ] && shift 4 && exec "$QEMU" -machine none "$@"; echo no accelerator found >&2; exit 1'
    problem = unusable(testbed, script, tmp_path)
    assert "no accelerator found" in problem.what
    assert f'exec {tmp_path}/stand-in -accel {works} "$@"' in problem.remedy


def test_qemu_that_starts_with_no_accelerator_is_to_be_replaced(testbed: Testbed, tmp_path: Path) -> None:
    problem = unusable(testbed, "echo it is broken >&2; exit 1", tmp_path)
    assert "does not start" in problem.what
    assert "it is broken" in problem.what
    assert "-accel" not in problem.remedy


def test_tool_that_prints_more_than_its_answer_is_told_once(testbed: Testbed, tmp_path: Path) -> None:
    tools, script = testbed.toolchain, tmp_path / "qemu-img"
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] || echo loading profile\nexec {tools.qemu_img.path} "$@"\n')
    script.chmod(0o755)
    chosen = {"qemu": tools.qemu.path, "qemu_img": script, "qemu_io": tools.qemu_io.path, "scratch": tmp_path}
    with pytest.raises(EnvironmentUnusable) as caught:
        Testbed.open({name: str(value) for name, value in chosen.items()}, os.environ)
    assert list(tmp_path.iterdir()) == [script], "nothing is left behind"
    (problem,) = caught.value.problems
    assert problem.what == f"{script} prints on its standard output besides its answer: loading profile"


def test_formats_of_the_run_are_needed_by_every_scenario(testbed: Testbed) -> None:
    lacking = replace(
        testbed, capabilities=Capabilities(testbed.toolchain, list, ask=lambda _argv: "Supported formats: vmdk\n")
    )
    assert testbed.unmet([]) == []
    (reason,) = lacking.unmet([])
    assert reason.startswith("this build has no image format qcow2 that may be written")
    assert len(choosing(lacking, format="raw").unmet(["luks"])) == 3


def test_board_that_the_build_lacks_is_asked_for_by_no_author(testbed: Testbed) -> None:
    lacking = replace(testbed, capabilities=WithoutBoard(testbed.toolchain, list))
    with pytest.raises(AuthorError, match="this build has no such machine: the sentence must say that it needs one"):
        _ = lacking.board


# How a scenario has ended.

SOUND = Ending("", None, Comparison(), "", "")


def test_end_of_a_scenario_that_was_right(testbed: Testbed, world: World) -> None:
    ending = testbed.end(world, "", [])
    assert ending == SOUND
    ending.insist()
    assert not world.machine.running


def test_end_of_a_scenario_that_was_wrong_without_anybody_noticing(testbed: Testbed, world: World) -> None:
    drive = world.drives.add("drive0", 1 << 20)
    drive.gained_bitmap("odd", {})
    drive.changed(Ranges.of((0, 1)))
    ending = testbed.end(world, "", [])
    assert 'drive0 should have "odd"' in ending.failure
    assert (ending.excuse, ending.lacking) == ("", "")
    with pytest.raises(BrokenPromise, match='drive0 should have "odd"'):
        ending.insist()


def test_scenario_that_has_failed_already_is_asked_nothing_more(testbed: Testbed, world: World) -> None:
    world.drives.add("drive0", 1 << 20).gained_bitmap("odd", {})
    ending = testbed.end(world, "offset 0 holds 0x00", [])
    assert (ending.failure, ending.error) == ("offset 0 holds 0x00", None)
    ending.insist()
    assert world.machine.running


def test_tag_of_a_defect_that_nobody_knows_is_a_slip(testbed: Testbed, world: World) -> None:
    with pytest.raises(AuthorError, match="no-such-thing"):
        testbed.end(world, "", ["known-defect.no-such-thing"])


@pytest.mark.parametrize(("require", "lacking"), [("nothing", "this build has no command x"), ("all", "")])
def test_command_that_the_build_turned_out_to_lack(
    testbed: Testbed, require: Literal["all", "nothing"], lacking: str
) -> None:
    strict = choosing(testbed, require=require)
    assert strict.lack_told_by(NotOffered("this build has no command x")) == lacking
    assert strict.lack_told_by(AssertionError("x")) == strict.lack_told_by(None) == ""


FAILED = replace(SOUND, failure="it failed")
LACKING = replace(FAILED, lacking="this build has no command x")


@pytest.mark.parametrize(
    ("keep", "kept"),
    [("failed", [False, True, False]), ("always", [True, True, False]), ("never", [False, False, False])],
)
def test_evidence_is_kept_of_what_the_user_wants_it_of(
    testbed: Testbed, keep: Literal["failed", "always", "never"], kept: list[bool]
) -> None:
    choosy = choosing(testbed, keep=keep)
    assert [choosy.keeps_evidence_of(ending) for ending in (SOUND, FAILED, LACKING)] == kept


def test_full_disk_is_an_excuse(testbed: Testbed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert testbed.lack_of_room() == ""
    monkeypatch.setattr("testbed.scenario.testbed.LEAST_ROOM", 1 << 60)
    assert testbed.lack_of_room().startswith(("only ", "0"))
    assert "are free in" in testbed.lack_of_room()
