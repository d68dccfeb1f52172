"""What the testbed makes of a run's choices: worlds, what a build lacks, and how a scenario has ended."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

import pytest

from testbed.base.problems import AuthorError, EnvironmentUnusable, NotOffered
from testbed.build.boards import Board
from testbed.build.capabilities import Capabilities
from testbed.build.defects import Comparison
from testbed.model.ranges import Ranges
from testbed.qemu.machine import FIRST
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.programs import PATIENCE
from testbed.scenario.testbed import PATIENCE_WHERE_SLOW, SECOND_LOOKS, Ending, Testbed, gets_second_look
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


def test_qemu_img_has_its_share_of_the_images_whatever_their_place() -> None:
    """No place is passed over, in no scenario all are: a chain of which the top alone was read would hide the rest."""
    turns = [
        [gets_second_look(f"scenario {one}", f"drive0-{place}.qcow2") for place in range(20)] for one in range(200)
    ]
    share = sum(map(sum, turns)) * SECOND_LOOKS / (20 * 200)
    assert 0.8 < share < 1.2
    assert all(any(of_place) for of_place in zip(*turns, strict=True))
    assert max(map(sum, turns)) < 20


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
