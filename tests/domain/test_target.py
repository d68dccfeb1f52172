from __future__ import annotations

from pathlib import Path

import pytest

from testbed.base.process import ToolFailed
from testbed.domain.creation import Creation, NotCreated
from testbed.domain.other_machine import OtherMachine
from testbed.domain.smalldisk import BALLAST, SmallDisk
from testbed.domain.target import Target, Targets
from testbed.model.content import Content
from testbed.qemu.image_kinds import KINDS
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused

BOUND = 20.0

MIB = 1 << 20
SIZE = 4 * MIB


@pytest.fixture
def targets(images: Images) -> Targets:
    return Targets(images, ImageKind("qcow2"))


def node(machine: Machine, target: Target) -> None:
    machine.execute("blockdev-add", {**target.location.open(target), "node-name": target.node})


def write(machine: Machine, target: Target, request: str) -> str:
    return machine.human(f'qemu-io {target.node} "{request}"')


# Images of every kind.


@pytest.mark.parametrize("words", [words for words in KINDS if words != "a LUKS image"])
def test_image_of_each_kind_is_empty_and_of_the_size_asked_for(images: Images, words: str) -> None:
    target = Targets(images, KINDS[words]).new("drive0", SIZE)
    assert images.first_difference(target.address, target.image_format, Content(SIZE)) is None


def test_luks_image_is_of_the_size_asked_for_and_reads_as_anything(images: Images) -> None:
    target = Targets(images, KINDS["a LUKS image"]).new("drive0", SIZE)
    assert images.info(target.address)["virtual-size"] == SIZE
    assert images.first_difference(target.address, target.image_format, Content(SIZE)) is not None


def test_encrypted_image_on_another_one_can_be_read_with_the_key_alone(images: Images) -> None:
    targets = Targets(images, KINDS["an encrypted qcow2 image"])
    target = targets.new("drive0", SIZE, targets.new("drive0", SIZE))
    assert images.first_difference(target.address, target.image_format, Content(SIZE)) is None
    with pytest.raises(ToolFailed, match="key-secret"):
        images.map(target.name, target.image_format)


def test_passage_is_found_wherever_it_stands_in_a_file(images: Images) -> None:
    images.create("image", "raw", Content(SIZE).written(0x41, 65535, 3))
    assert images.place_of("image", b"AAA") == 65535
    assert images.place_of("image", b"AAAA") is None


# Images that QEMU makes.


def test_qemu_makes_an_image_on_another_one(machine: Machine, images: Images) -> None:
    targets = Targets(images, ImageKind("qcow2", {"cluster_size": "4096"}))
    targets.maker = Creation(machine)
    base = targets.new("drive0", SIZE)
    target = targets.new("drive0", SIZE, base)
    assert images.facts(target.name) == {
        "format": "qcow2",
        "size": "4 MiB",
        "base": base.node,
        "clusters": "4 KiB",
    }
    assert machine.execute("query-jobs") == machine.execute("query-named-block-nodes") == []


def test_image_that_qemu_cannot_make_is_complained_about(machine: Machine, images: Images) -> None:
    targets = Targets(images, ImageKind("qcow2", {"cluster_size": "3000"}))
    targets.maker = Creation(machine)
    with pytest.raises(NotCreated, match=r"image-of-drive0-1 .* power of two"):
        targets.new("drive0", SIZE)


def test_raw_image_has_holes_where_it_holds_zeros(images: Images) -> None:
    images.create("image", "raw", Content(SIZE).written(0x41, MIB, 65536))
    assert (images.home / "image").stat().st_blocks * 512 < MIB


def test_clusters_are_those_asked_for(images: Images) -> None:
    kind = ImageKind("qcow2", {"cluster_size": str(2 * MIB)})
    target = Targets(images, kind).new("drive0", SIZE)
    assert target.cluster == target.shown_cluster == 2 * MIB
    assert images.facts(target.name) == {
        "format": "qcow2",
        "size": "4 MiB",
        "base": "none",
        "clusters": "2 MiB",
    }


def test_image_on_a_base_and_image_that_is_put_on_one_later(targets: Targets, images: Images) -> None:
    base = targets.new("drive0", SIZE)
    above, alone = targets.new("drive0", SIZE, base), targets.new("drive0", SIZE)
    put = targets.put_on(alone, base)
    assert alone.backing is None
    assert above.backing == put.backing == base
    assert images.facts(above.name) == images.facts(put.name)
    assert images.facts(above.name)["base"] == "drive0-1"


def test_image_that_is_left_to_qemu_is_not_made(targets: Targets, home: Path) -> None:
    target = targets.left_to_qemu("drive0", "raw")
    assert not target.exists
    assert not (home / target.name).exists()
    assert target.name != targets.new("drive0", SIZE).name


def test_place_of_the_next_image_is_not_that_of_the_one_after(targets: Targets) -> None:
    other = Targets(targets.images, targets.kind).new("else", SIZE).place
    targets.next_location = other
    assert targets.new("drive0", SIZE).place is other
    assert targets.new("drive0", SIZE).place is targets.location


def test_compressed_clusters_are_told_from_others(images: Images) -> None:
    images.create("image.qcow2", "qcow2", Content(SIZE).written(0x41, 0, 128 * 1024))
    assert images.clusters("image.qcow2") == (2, 0)
    images._io("qcow2", ["write -c -P 0x42 1M 64k"], "image.qcow2")
    assert images.clusters("image.qcow2") == (3, 1)


# A disk that gets full.


def test_small_disk_is_full_until_space_is_freed(machine: Machine, targets: Targets, home: Path) -> None:
    disk = SmallDisk.mount(home, MIB, BOUND)
    try:
        targets.directory = disk.directory.name
        base, target = targets.new("drive0", SIZE), targets.new("drive0", SIZE)
        target = targets.put_on(target, base)
        node(machine, target)
        assert "No space left on device" in write(machine, target, f"write -P 0x41 0 {2 * MIB}")
        disk.free_space()
        assert "wrote" in write(machine, target, f"write -P 0x41 0 {2 * MIB}")
        assert targets.images.facts(target.name)["base"] == "drive0-1"
    finally:
        disk.unmount(BOUND)
    assert disk.child.ending()
    assert not list(home.glob("small-disk/*"))


def test_small_disk_leaves_nothing_that_could_not_be_removed(home: Path) -> None:
    SmallDisk.mount(home, MIB, BOUND).unmount(BOUND)
    for entry in home.iterdir():
        entry.rmdir() if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def test_small_disk_that_cannot_be_mounted_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.domain.smalldisk._MOUNT", "echo no such luck >&2; exit 1")
    with pytest.raises(ToolFailed, match="no such luck"):
        SmallDisk.mount(home, MIB, BOUND)


def test_space_on_a_small_disk_is_what_was_asked_for(home: Path) -> None:
    disk = SmallDisk.mount(home, MIB, BOUND)
    try:
        (disk.directory / "file").write_bytes(bytes(MIB))
        with pytest.raises(OSError, match="No space left"):
            (disk.directory / "another").write_bytes(bytes(1))
        disk.free_space()
        (disk.directory / "another").write_bytes(bytes(BALLAST))
    finally:
        disk.unmount(BOUND)


# Another machine.


@pytest.fixture
def server(machine: Machine) -> OtherMachine:
    return OtherMachine(machine)


def test_image_on_another_machine_is_written_over_the_network(
    machine: Machine, targets: Targets, server: OtherMachine
) -> None:
    try:
        targets.location = server
        target = targets.new("drive0", SIZE)
        assert (target.cluster, target.shown_cluster) == (65536, 0)
        node(machine, target)
        assert "wrote" in write(machine, target, "write -P 0x41 1M 64k")
        machine.execute("blockdev-del", {"node-name": target.node})
        server.close(target)
        expected = Content(SIZE).written(0x41, MIB, 65536)
        assert targets.images.first_difference(target.name, "qcow2", expected) is None
    finally:
        server.kill()


def test_other_machine_comes_back_with_its_exports(machine: Machine, targets: Targets, server: OtherMachine) -> None:
    try:
        targets.location = server
        target = targets.new("drive0", SIZE)
        node(machine, target)
        server.go_away()
        server.go_away()
        server.come_back()
        assert "wrote" in write(machine, target, "write -P 0x41 1M 64k")
    finally:
        server.kill()


def test_other_machine_exports_only_what_it_was_given(machine: Machine, targets: Targets, server: OtherMachine) -> None:
    try:
        target = targets.new("drive0", SIZE)
        options = {**server.open(target), "export": "another", "node-name": "another"}
        with pytest.raises(Refused, match="export"):
            machine.execute("blockdev-add", options)
    finally:
        server.kill()
    assert not server.machine.running
