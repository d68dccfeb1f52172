from __future__ import annotations

import stat
from pathlib import Path

import pytest

from testbed.domain.image import Image
from testbed.domain.storage import storage
from testbed.domain.target import Local, Target, Targets, seen_from
from testbed.model.content import Content
from testbed.qemu.image_kinds import KINDS, ImageKind
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine

MIB = 1 << 20
SIZE = 4 * MIB


@pytest.fixture
def targets(images: Images) -> Targets:
    return Targets(images, ImageKind("qcow2"))


def test_clusters_are_those_asked_for(images: Images) -> None:
    target = Targets(images, ImageKind("qcow2", {"cluster_size": str(2 * MIB)})).new("drive0", SIZE)
    assert target.cluster == target.shown_cluster == target.kind.cluster == 2 * MIB
    assert images.facts(target.name) == {"format": "qcow2", "size": "4 MiB", "base": "none", "clusters": "2 MiB"}


def test_image_on_a_base_and_image_that_is_put_on_one_later(targets: Targets, images: Images) -> None:
    base = targets.new("drive0", SIZE)
    above, alone = targets.new("drive0", SIZE, base.image), targets.new("drive0", SIZE)
    assert (above.image.base, alone.image.base) == (base.image, None)
    targets.put_on(alone, base.image)
    assert alone.image.base is base.image
    assert images.facts(above.name) == images.facts(alone.name)
    assert images.facts(above.name)["base"] == "drive0-1"


def test_image_that_is_moved_reads_as_before(targets: Targets, images: Images) -> None:
    below, other = targets.new("drive0", SIZE), targets.new("drive0", SIZE)
    above = targets.new("drive0", SIZE, below.image)
    images._io("qcow2", [f"write -P 0x41 {MIB} 64k"], below.name)
    expected = Content(SIZE).written(0x41, MIB, 65536)
    targets.move_onto(above, other.image)
    assert above.image.base is other.image
    assert images.facts(above.name)["base"] == other.node
    assert images.first_difference(above.name, "qcow2", expected) is None


def test_image_that_is_left_to_qemu_is_not_made(targets: Targets, home: Path) -> None:
    base = targets.new("drive0", SIZE)
    target = targets.left_to_qemu("drive0", "raw", SIZE, base.image)
    assert not target.exists
    assert not (home / target.name).exists()
    assert (target.image_format, target.image.size, target.image.base) == ("raw", SIZE, base.image)
    assert target.name != targets.new("drive0", SIZE).name


def test_location_of_the_next_image_is_not_that_of_the_one_after(targets: Targets) -> None:
    other = Local(storage("fails the first write"))
    targets.next_location = other
    assert targets.new("drive0", SIZE).location is other
    assert targets.new("drive0", SIZE).location is targets.location


def test_name_of_an_image_says_whose_it_is_where_it_is_and_what_it_is(images: Images, home: Path) -> None:
    (home / "disk").mkdir()
    targets = Targets(images, KINDS["a raw image"], directory="disk")
    target = targets.new("drive0", SIZE)
    assert (target.name, target.node, target.image_format) == ("disk/drive0-1.raw", "drive0-1", "raw")
    assert stat.S_ISREG((home / target.name).stat().st_mode)


def test_base_is_named_as_it_is_seen_from_the_image_above() -> None:
    qcow2 = ImageKind("qcow2")
    base = Image("disk/base.qcow2", qcow2, Content(SIZE))
    assert seen_from(base, Image("disk/top.qcow2", qcow2, Content(SIZE))) == ("base.qcow2", "qcow2")
    assert seen_from(base, Image("top.qcow2", qcow2, Content(SIZE))) == ("disk/base.qcow2", "qcow2")
    encrypted = Image("base.qcow2", KINDS["an encrypted qcow2 image"], Content(SIZE))
    assert "key-secret" in seen_from(encrypted, base)[0]


def test_local_image_is_opened_on_its_storage_with_more_options(machine: Machine, targets: Targets) -> None:
    targets.location = Local(storage("fails the first write"), {"discard": "unmap"})
    target = targets.new("drive0", SIZE)
    opened = target.location.open(target)
    assert (opened["driver"], opened["discard"]) == ("qcow2", "unmap")
    machine.execute("blockdev-add", {**opened, "node-name": target.node})
    assert "failed" in machine.human(f'qemu-io {target.node} "write -P 0x41 0 64k"')
    assert "wrote" in machine.human(f'qemu-io {target.node} "write -P 0x41 0 64k"')
    machine.execute("blockdev-del", {"node-name": target.node})
    target.location.close(target)
    assert (machine.home / target.name).exists()


@pytest.mark.parametrize(("words", "shown"), [("a VDI image", MIB), ("a qcow2 image", 64 * 1024)])
def test_cluster_that_qemu_can_see_is_that_of_the_kind(words: str, shown: int) -> None:
    assert Target(Image("image", KINDS[words], Content(SIZE))).shown_cluster == shown
