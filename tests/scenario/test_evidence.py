"""What is kept of a scenario: of each of its machines, its images, and what the oracles expected."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from testbed.base.files import CONTENTS
from testbed.base.keeping import LEFT_OUT, Keeping
from testbed.base.problems import EnvironmentUnusable
from testbed.scenario import evidence
from testbed.scenario.acts import bitmaps, machines
from testbed.scenario.world import World

MIB = 1024 * 1024

OF_EACH_MACHINE = ("{}.qmp.jsonl", "{}.command-line.txt", "{}.stdout", "{}.stderr")


def files_of(name: str) -> set[str]:
    """Return the files that are kept of a machine."""
    return {file.format(name) for file in OF_EACH_MACHINE}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the evidence goes, which is not there yet."""
    return tmp_path / "reports" / "evidence" / "a scenario"


@pytest.fixture
def keeping(folder: Path) -> Keeping:
    """Return what has room for the images of a few scenarios."""
    return Keeping(folder.parent, 100 * MIB)


@pytest.fixture
def two_days(world: World) -> World:
    """Return a world whose drive was backed up in one machine, and went on to a second one, which still runs."""
    drive = world.drives.add("drive0", MIB)
    world.dialogue.demand(bitmaps.add(drive, "bitmap0", persistent=True))
    drive.write(0xAB, 65535, 2)
    world.backups.take_successfully(drive, "incremental", bitmap="bitmap0")
    world.judge.shut_down()
    machines.start_elsewhere(world, "tuesday")
    return world


def test_each_machine_and_each_image_leaves_its_files(two_days: World, folder: Path, keeping: Keeping) -> None:
    evidence.write(two_days, folder, keeping, repeat="behave it", failure="it failed", build="QEMU 1")
    kept = {*evidence.FILES, *files_of("qemu"), *files_of("tuesday"), "drive0.qcow2", "drive0-1.qcow2"}
    assert names(folder) == {*kept, CONTENTS}
    assert set((folder / CONTENTS).read_text().splitlines()) == kept
    first, second = ((folder / f"{name}.qmp.jsonl").read_text().splitlines() for name in ("qemu", "tuesday"))
    assert json.loads(first[-1]).keys() >= {"seconds", "monitor"}
    assert any('"blockdev-backup"' in line for line in first)
    assert not any('"blockdev-backup"' in line for line in second)
    assert (folder / "repeat.sh").read_text() == "behave it\n"
    assert os.access(folder / "repeat.sh", os.X_OK)
    assert (folder / "failure.txt").read_text() == "it failed\n"
    assert (folder / "build.txt").read_text() == "QEMU 1\n"
    assert "-machine none" in (folder / "tuesday.command-line.txt").read_text()
    images = json.loads((folder / "images.json").read_text())
    assert images.keys() == {"drive0.qcow2", "drive0-1.qcow2"}
    assert images["drive0-1.qcow2"]["info"]["format"] == "qcow2"
    told = (folder / "expected.txt").read_text()
    assert 'drive0: 1 MiB, zeros but for\n  0xab: 2 B at 64 KiB - 1 B\n  bitmap "bitmap0" (recording' in told
    assert "(drive0-1.qcow2): completed\n  must hold, and nothing else: 128 KiB at 0" in told


def test_the_next_run_removes_what_this_one_has_kept_and_nothing_else(
    two_days: World, folder: Path, keeping: Keeping
) -> None:
    evidence.write(two_days, folder, keeping, repeat="", failure="it failed", build="QEMU 1")
    (folder / "notes.txt").write_text("mine")
    two_days.machine.quit()
    two_days.machines.started.pop()
    two_days.drives.by_name = {}
    evidence.write(two_days, folder, keeping, repeat="", failure="", build="QEMU 1")
    left = {
        CONTENTS,
        "notes.txt",
        "images.json",
        "expected.txt",
        "repeat.sh",
        "build.txt",
        *files_of("qemu"),
        "drive0-1.qcow2",
    }
    assert names(folder) == left


def test_machines_of_one_name_have_their_words_in_one_transcript(
    two_days: World, folder: Path, keeping: Keeping
) -> None:
    two_days.judge.shut_down()
    machines.start_elsewhere(two_days, "tuesday")
    evidence.write(two_days, folder, keeping, repeat="", failure="", build="QEMU 1")
    lines = (folder / "tuesday.qmp.jsonl").read_text().splitlines()
    assert sum('{"execute": "quit"' in line for line in lines) == 1, "the first has ended, the second has not"
    assert sum("node-name=drive0," in line for line in lines) == 2


def test_what_an_image_had_stored_is_told_when_no_machine_has_it(
    two_days: World, folder: Path, keeping: Keeping
) -> None:
    two_days.judge.kill(two_days.machine)
    evidence.write(two_days, folder, keeping, repeat="", failure="", build="QEMU 1")
    assert 'bitmap "bitmap0" (persistent, inconsistent, ' in (folder / "expected.txt").read_text()


def test_an_image_that_cannot_be_read_or_is_too_large_is_not_in_the_way(
    world: World, folder: Path, keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.drives.add("drive0", MIB)
    world.judge.shut_down()
    (world.machine.home / "drive0.qcow2").write_bytes(os.urandom(1 << 16))
    monkeypatch.setattr(evidence, "LARGEST_COPY", 4096)
    evidence.write(world, folder, keeping, repeat="", failure="", build="QEMU 1")
    assert "drive0.qcow2" not in names(folder)
    told = json.loads((folder / "images.json").read_text())["drive0.qcow2"]
    assert told.keys() == {"unreadable", "left out"}
    assert told["left out"] == "it takes more than 4 KiB"


def test_image_for_which_a_run_has_no_room_is_left_out_and_nothing_else(two_days: World, folder: Path) -> None:
    evidence.write(two_days, folder, Keeping(folder.parent, 0), repeat="", failure="it failed", build="QEMU 1")
    assert names(folder) == {*evidence.FILES, *files_of("qemu"), *files_of("tuesday"), CONTENTS}
    told = json.loads((folder / "images.json").read_text())["drive0.qcow2"]
    assert told["info"]["format"] == "qcow2"
    assert told["left out"].endswith("a run keeps 0 MiB of images; -D keep_mb=NUMBER raises that")
    assert f"{folder.name}/drive0-1.qcow2: " in (folder.parent / LEFT_OUT).read_text()


def test_images_of_a_scenario_that_ends_as_another_did_take_no_room(
    two_days: World, folder: Path, keeping: Keeping
) -> None:
    again = folder.with_name("again")
    for where in (folder, again):
        evidence.write(two_days, where, keeping, repeat="", failure="", build="QEMU 1")
    assert (folder / "drive0-1.qcow2").samefile(again / "drive0-1.qcow2")


def test_evidence_that_cannot_be_written_leaves_nothing_and_says_what_to_do(
    world: World, folder: Path, keeping: Keeping
) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    with pytest.raises(EnvironmentUnusable, match=r"the evidence cannot be written to .*a scenario: (File|Not a)"):
        evidence.write(world, folder, keeping, repeat="", failure="", build="QEMU 1")
    assert folder.read_text() == "in the way"
