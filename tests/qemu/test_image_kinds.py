from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from real_qemu import BOUND

from testbed.base.process import ToolFailed
from testbed.build import needs
from testbed.build.toolchain import Toolchain
from testbed.domain.target import Target, Targets
from testbed.model.content import Content
from testbed.qemu.image_kinds import DATA_FILE, KINDS, ImageKind
from testbed.qemu.images import Images
from testbed.qemu.kept import KeptImages

SIZE = 4 << 20


@pytest.fixture(scope="module")
def one_of_each(
    toolchain: Toolchain, templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Images, Mapping[str, Target]]:
    """Return an image of each kind, empty; those with a key take seconds, and are made together if at all."""
    home = tmp_path_factory.mktemp("kinds")
    kept = KeptImages.of_user(os.environ, toolchain.qemu_img)
    images = Images(toolchain.qemu_img.path, toolchain.qemu_io.path, home, templates, BOUND, kept=kept)

    def make(words: str) -> Target:
        return Targets(images, KINDS[words], directory=f"{list(KINDS).index(words)}").new("drive0", SIZE)

    for number in range(len(KINDS)):
        (home / str(number)).mkdir()
    with_key = [words for words, kind in KINDS.items() if kind.opening]
    with ThreadPoolExecutor(len(with_key)) as pool:
        slow = dict(zip(with_key, pool.map(make, with_key), strict=True))
        return images, {words: slow[words] if words in slow else make(words) for words in KINDS}


@pytest.mark.parametrize("words", KINDS)
def test_image_of_each_kind_is_empty_and_of_the_size_asked_for(
    one_of_each: tuple[Images, Mapping[str, Target]], words: str
) -> None:
    images, made = one_of_each
    target = made[words]
    assert images.info(target.address)["virtual-size"] == SIZE
    reads_as_zeros = images.first_difference(target.address, target.image_format, Content(SIZE)) is None
    assert reads_as_zeros == (words != "a LUKS image"), "what a LUKS image has never been told, reads as anything"


def test_encrypted_image_on_another_one_can_be_read_with_the_key_alone(
    one_of_each: tuple[Images, Mapping[str, Target]],
) -> None:
    images, made = one_of_each
    targets = Targets(images, KINDS["an encrypted qcow2 image"])
    target = targets.new("above", SIZE, made["an encrypted qcow2 image"].image)
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
