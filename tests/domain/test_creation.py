from __future__ import annotations

import pytest

from testbed.domain.creation import Creation, NotCreated
from testbed.domain.target import Targets
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine

SIZE = 4 << 20


def made_by(machine: Machine, images: Images, cluster_size: str) -> Targets:
    """Return what lets a machine make images of qcow2 with such clusters."""
    targets = Targets(images, ImageKind("qcow2", {"cluster_size": cluster_size}))
    targets.maker = Creation(machine)
    return targets


def test_qemu_makes_an_image_on_another_one(machine: Machine, images: Images) -> None:
    targets = made_by(machine, images, "4096")
    base = targets.new("drive0", SIZE)
    target = targets.new("drive0", SIZE, base.image)
    assert images.facts(target.name) == {"format": "qcow2", "size": "4 MiB", "base": base.node, "clusters": "4 KiB"}
    assert machine.execute("query-jobs") == machine.execute("query-named-block-nodes") == []


def test_image_that_qemu_cannot_make_is_complained_about(machine: Machine, images: Images) -> None:
    with pytest.raises(NotCreated, match=r"image-of-drive0-1 .* power of two"):
        made_by(machine, images, "3000").new("drive0", SIZE)
