from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.base.process import ToolFailed
from testbed.domain.smalldisk import BALLAST, SmallDisk
from testbed.domain.target import Targets
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine

BOUND = 20.0

MIB = 1 << 20
SIZE = 4 * MIB


@pytest.fixture
def disk(home: Path) -> Iterator[SmallDisk]:
    """Return a disk with a MiB of free space."""
    disk = SmallDisk.mount(home, MIB, BOUND)
    yield disk
    disk.unmount(BOUND)


def test_disk_is_full_until_space_is_freed(machine: Machine, images: Images, disk: SmallDisk, home: Path) -> None:
    targets = Targets(images, ImageKind("qcow2"), directory=disk.directory.name)
    base, target = targets.new("drive0", SIZE), targets.new("drive0", SIZE)
    targets.put_on(target, base.image)
    machine.execute("blockdev-add", {**target.location.open(target), "node-name": target.node})
    write = f'qemu-io {target.node} "write -P 0x41 0 {2 * MIB}"'
    assert "No space left on device" in machine.human(write)
    disk.free_space()
    assert "wrote" in machine.human(write)
    assert images.facts(target.name)["base"] == "drive0-1"
    disk.unmount(BOUND)
    assert disk.child.ending()
    assert not list(home.glob("small-disk/*"))


def test_it_leaves_nothing_that_could_not_be_removed(home: Path) -> None:
    SmallDisk.mount(home, MIB, BOUND).unmount(BOUND)
    for entry in home.iterdir():
        entry.rmdir() if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    assert list(home.iterdir()) == []


def test_one_that_cannot_be_mounted_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.domain.smalldisk._MOUNT", "echo no such luck >&2; exit 1")
    with pytest.raises(ToolFailed, match="no such luck"):
        SmallDisk.mount(home, MIB, BOUND)


def test_space_is_what_was_asked_for(disk: SmallDisk) -> None:
    (disk.directory / "file").write_bytes(bytes(MIB))
    with pytest.raises(OSError, match="No space left"):
        (disk.directory / "another").write_bytes(bytes(1))
    disk.free_space()
    (disk.directory / "another").write_bytes(bytes(BALLAST))


def test_disk_that_is_filled_has_no_room_for_a_byte_more(disk: SmallDisk) -> None:
    disk.fill()
    with pytest.raises(OSError, match="No space left"):
        (disk.directory / "another").write_bytes(bytes(1))
    disk.free_space()
    (disk.directory / "another").write_bytes(bytes(MIB))
