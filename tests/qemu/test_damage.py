"""Damages of images: each changes what it says, and nothing that has to do with the guest's data."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.base.problems import AuthorError
from testbed.model.content import Content
from testbed.qemu.damage import DAMAGES, OF_ALL, Damaged, bits_of, damage
from testbed.qemu.images import Images
from testbed.qemu.qcow2 import Chain, Unsound, flaws_of

MIB = 1024 * 1024
HELD = Content(MIB).written(0xAB, 0, 512)


@pytest.fixture
def image(images: Images) -> Path:
    """Return an image with two bitmaps, of which the last has a cluster of bits."""
    images.create("image", "qcow2", HELD, options={"cluster_size": "1k"})
    for name in ("bitmap0", "bitmap1"):
        images.add_bitmap("image", name, {"granularity": 512})
    path = images.home / "image"
    content = bytearray(path.read_bytes())
    whole = Damaged.read(path)
    place = -(-len(content) // 1024) * 1024
    content += bytes(place - len(content)) + b"\xff" * 1024
    content[whole.table : whole.table + 8] = place.to_bytes(8, "big")
    path.write_bytes(content)
    return path


def test_an_image_tells_where_its_bitmaps_are_described(image: Path) -> None:
    whole = Damaged.read(image)
    assert [whole.name(entry) for entry in whole.entries] == [b"bitmap0", b"bitmap1"]
    assert whole.directory % whole.cluster == whole.table % whole.cluster == 0
    assert whole.directory_size == 2 * 32
    assert whole.number(whole.bits, "Q") == len(whole.content) - 1024


@pytest.mark.parametrize("words", DAMAGES)
def test_each_damage_changes_the_bitmaps_and_no_data(image: Path, words: str) -> None:
    before = image.read_bytes()
    hit = damage(image, words)
    assert image.read_bytes() != before
    assert hit == ({"bitmap0", "bitmap1"} if words in OF_ALL else {"bitmap1"})
    with Chain.open(image, "qcow2") as chain:
        assert chain.first_difference(HELD) is None


@pytest.mark.parametrize("words", ["the directory is far beyond the end of the file", "the file ends before the table"])
def test_our_own_reader_is_not_taken_in(image: Path, words: str) -> None:
    damage(image, words)
    with pytest.raises(Unsound, match="is not in its file"):
        flaws_of(image)


def test_an_image_without_bitmaps_cannot_be_damaged(images: Images) -> None:
    images.create("plain", "qcow2", HELD)
    with pytest.raises(AuthorError, match="plain stores no bitmap that could be damaged"):
        damage(images.home / "plain", "the type is 0")


def test_bits_that_are_not_there_cannot_be_damaged(images: Images) -> None:
    images.create("image", "qcow2", HELD)
    images.add_bitmap("image", "bitmap0")
    with pytest.raises(AuthorError, match="the last bitmap has no bits that could be damaged"):
        damage(images.home / "image", "the file ends before the bits")


def test_each_bit_of_the_list_is_known_and_can_be_flipped_there_and_back(image: Path) -> None:
    before = image.read_bytes()
    bits = bits_of(image)
    assert len(bits) == len({(bit.place, bit.mask) for bit in bits}) == 8 * (28 + 24 + len("bitmap1"))
    first = bits[0]
    first.flip(image)
    after = image.read_bytes()
    assert [place for place in range(len(before)) if before[place] != after[place]] == [first.place]
    first.flip(image)
    assert image.read_bytes() == before
    assert str(first) == f"bit 0 of byte {first.place} of the file, in the length of the extension"
