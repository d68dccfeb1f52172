from __future__ import annotations

import json

import pytest

from testbed.base.process import ToolFailed
from testbed.build import needs
from testbed.domain.target import Targets
from testbed.model.content import Content
from testbed.qemu.image_kinds import DATA_FILE, KINDS, ImageKind
from testbed.qemu.images import Images

SIZE = 4 << 20


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
    target = targets.new("drive0", SIZE, targets.new("drive0", SIZE).image)
    assert images.first_difference(target.address, target.image_format, Content(SIZE)) is None
    with pytest.raises(ToolFailed, match="key-secret"):
        images.map(target.name, target.image_format)


def test_image_is_called_by_its_name_unless_it_takes_a_key_to_open_it() -> None:
    assert KINDS["a VMDK image"].address("a b.vmdk") == "a b.vmdk"
    scheme, _, options = KINDS["a LUKS image"].address("a b.luks").partition(":")
    assert scheme == "json"
    assert json.loads(options) == {"key-secret": "key", "file": {"driver": "file", "filename": "a b.luks"}}


@pytest.mark.parametrize(
    ("kind", "cluster", "can_have_base"),
    [
        (ImageKind("qcow2"), 64 * 1024, True),
        (ImageKind("qcow2", {"cluster_size": "512"}), 512, True),
        (ImageKind("raw"), 64 * 1024, False),
        (ImageKind("vdi"), 1024 * 1024, False),
        (ImageKind("luks"), 64 * 1024, False),
        (ImageKind("qed"), 64 * 1024, True),
    ],
)
def test_what_follows_from_a_kind(kind: ImageKind, cluster: int, can_have_base: bool) -> None:  # noqa: FBT001
    assert (kind.cluster, kind.can_have_base) == (cluster, can_have_base)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_kind_asks_for_what_not_every_build_has(kind: ImageKind) -> None:
    """All builds have plain qcow2; what is more has a need that there is, or options that every build takes."""
    assert all(needs.need(name) for name in kind.needs)
    everywhere = {"compat", "preallocation", "cluster_size"}
    if kind.image_format != "qcow2" or kind.options.keys() - everywhere:
        assert kind.needs
    if DATA_FILE in kind.options:
        assert kind.needs == ("data-file",)
