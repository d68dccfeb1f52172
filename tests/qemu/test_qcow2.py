"""Our own reader of images beside qemu-img, on images that qemu-io wrote at random; and on images that are broken."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from programs import shell_program

from testbed.base.process import ToolFailed, run_tool
from testbed.model.content import Content
from testbed.qemu.images import Extent, Images
from testbed.qemu.qcow2 import Chain, Kind, Unreadable, Unsound, flaws_of

KIB = 1024
MIB = 1024 * KIB

SIZE = 3 * MIB + 1536
"""Bytes of the images here: no whole number of clusters or pages."""

KINDS: Mapping[str, Mapping[str, str]] = {
    "plain": {},
    "of version 2": {"compat": "0.10"},
    "of the smallest clusters": {"cluster_size": "512"},
    "of the largest clusters": {"cluster_size": "2M"},
    "with subclusters": {"extended_l2": "on"},
    "preallocated": {"preallocation": "metadata"},
    "lazy": {"lazy_refcounts": "on"},
}


def write_at_random(images: Images, name: str, chance: random.Random, size: int) -> None:
    """Let qemu-io write data, zeros, compressed clusters and discards all over an image."""
    start = (str(images.qemu_io), "-d", "unmap", "-f", "qcow2")
    for place in chance.sample(range(size // (64 * KIB) // 2), 4):
        packing = ("-c", f"write -q -c -P 9 {place * 64 * KIB} {64 * KIB}", name)
        run_tool((*start, *packing), cwd=images.home, bound=10, allowed=(0, 1))  # a cluster with data cannot be packed
    requests = []
    for number in range(20):
        at = chance.randrange(0, size // 512) * 512
        length = min(chance.choice([512, 4 * KIB, 64 * KIB, 200 * KIB]), size - at)
        way = chance.choice([f"write -q -P {number + 1}", "write -q -z", "write -q -z -u", "discard -q"])
        requests += ["-c", f"{way} {at} {length}"]
    run_tool((*start, *requests, name), cwd=images.home, bound=images.bound)


def joined(extents: list[Extent]) -> list[tuple[int, int, object]]:
    """Join what follows each other and says the same; that data is zeros, qemu-img knows from holes in the file."""
    told = [(one.start, one.end, (one.depth, one.present, one.data)) for one in extents]
    starts = [told[0], *(after for before, after in pairwise(told) if before[2] != after[2])]
    ends = [start for start, _, _ in starts[1:]] + [told[-1][1]]
    return [(start, end, words) for (start, _, words), end in zip(starts, ends, strict=True)]


def content_of(images: Images, name: str) -> bytes:
    """Return what qemu-img reads in an image, through its chain."""
    run_tool((str(images.qemu_img), "convert", "-f", "qcow2", "-O", "raw", name, "flat"), cwd=images.home, bound=10)
    return (images.home / "flat").read_bytes()


def content_in(path: Path) -> bytes:
    """Return what our reader reads in it."""
    with Chain.open(path, "qcow2") as chain:
        found = bytearray(chain.size)
        for depth, piece in chain.pieces():
            if piece.kind in (Kind.DATA, Kind.COMPRESSED):
                found[piece.start : piece.end] = b"".join(chain.layers[depth].read(piece))
        return bytes(found)


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        *((kind, "a qcow2 base") for kind in KINDS),
        *(("plain", base) for base in ("no base", "a raw base", "a shorter base")),
    ],
)
def test_it_reads_what_qemu_img_reads_in_the_same_places(images: Images, kind: str, base: str) -> None:
    chance = random.Random(f"{kind} {base}")  # noqa: S311 (no secret; the same images in each run)
    below_format = "raw" if "raw" in base else "qcow2"
    if base == "no base":
        images.create("top", "qcow2", Content(SIZE), options=KINDS[kind])
    else:
        size = 2 * MIB if "shorter" in base else SIZE
        images.create("base", below_format, Content(size).written(0xB0, 64 * KIB, MIB))
        if below_format == "qcow2":
            write_at_random(images, "base", chance, size)
        options = {key: value for key, value in KINDS[kind].items() if key != "preallocation"}
        images.create_above("top", "qcow2", SIZE, ("base", below_format), options)
    write_at_random(images, "top", chance, SIZE)
    assert joined(images.extents("top", "qcow2")) == joined(images.map("top", "qcow2"))
    assert content_in(images.home / "top") == content_of(images, "top")


def test_it_reads_a_raw_image_with_its_holes(images: Images) -> None:
    images.create("image", "raw", Content(SIZE).written(7, MIB, 64 * KIB))
    assert joined(images.extents("image", "raw")) == joined(images.map("image", "raw"))


def test_an_image_of_many_tib_costs_what_it_holds(images: Images) -> None:
    images.create("image", "qcow2", Content(4 << 40).written(7, 3 << 40, 4 * KIB))
    with Chain.open(images.home / "image", "qcow2") as chain:
        assert chain.first_difference(Content(4 << 40).written(7, 3 << 40, 4 * KIB)) is None
        assert chain.first_difference(Content(4 << 40).written(7, 3 << 40, 4 * KIB - 1)) == ((3 << 40) + 4 * KIB - 1, 7)


def patch(path: Path, at: int, layout: str, value: int) -> None:
    """Overwrite a number in an image."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(struct.pack(layout, value))


@pytest.mark.parametrize(
    ("at", "layout", "value"),
    [(4, ">I", 4), (32, ">I", 1), (72, ">Q", 4), (72, ">Q", 1 << 40)],
    ids=["a version to come", "encrypted", "data elsewhere", "a feature to come"],
)
def test_what_it_does_not_know_it_says(images: Images, at: int, layout: str, value: int) -> None:
    images.create("image", "qcow2", Content(SIZE))
    patch(images.home / "image", at, layout, value)
    with pytest.raises(Unreadable):
        Chain.open(images.home / "image", "qcow2")


@pytest.mark.parametrize("backing", ["json:{}", "nbd://host/name"])
def test_a_base_that_is_no_file_beside_it_is_not_known(images: Images, backing: str) -> None:
    options = ("-u", "-f", "qcow2", "-b", backing, "-F", "raw", "image", str(MIB))
    run_tool((str(images.qemu_img), "create", "-q", *options), cwd=images.home, bound=10)
    with pytest.raises(Unreadable):
        Chain.open(images.home / "image", "qcow2")


def test_a_format_that_it_does_not_know(images: Images) -> None:
    images.create("image", "vdi", Content(SIZE))
    with pytest.raises(Unreadable):
        Chain.open(images.home / "image", "vdi")


def test_what_is_no_image_is_unsound(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"no image " * KIB)
    with pytest.raises(Unsound, match="does not begin as a qcow2 image does"):
        Chain.open(tmp_path / "image", "qcow2")


def test_a_cluster_that_lies_askew_is_unsound(images: Images) -> None:
    images.create("image", "qcow2", Content(SIZE).written(7, 0, 64 * KIB))
    path = images.home / "image"
    patch(path, l2_of(path), ">Q", 1 << 63 | 5 * 64 * KIB + 512)
    with pytest.raises(Unsound, match="no whole number of clusters"):
        Chain.open(path, "qcow2")
    with pytest.raises(ToolFailed, match=r"exited with status [13]"):
        images.first_difference("image", "qcow2", Content(SIZE).written(7, 0, 64 * KIB))
    with pytest.raises(ToolFailed, match=r"image: a cluster of it is at .*, which is no whole number of clusters"):
        images.extents("image", "qcow2")


def test_a_table_that_is_too_short_is_unsound(images: Images) -> None:
    images.create("image", "qcow2", Content(SIZE))
    patch(images.home / "image", 36, ">I", 0)
    with pytest.raises(Unsound, match="has 0 entries and needs 1"):
        Chain.open(images.home / "image", "qcow2")


def test_what_qemu_reads_otherwise_than_it_lies_there_is_told(images: Images, tmp_path: Path) -> None:
    """Each of the two witnesses may be the one that is wrong."""
    images.create("image", "qcow2", Content(SIZE).written(7, 0, 64 * KIB))
    blind = shell_program(tmp_path / "qemu-img", "echo Images are identical.")
    unlike = Images(blind, images.qemu_io, images.home, images.templates, 10)
    assert str(unlike.first_difference("image", "qcow2", Content(SIZE))) == (
        "image: the byte at offset 0 should be 0x00 and is 0x07, in its file; but qemu-img reads what it should be"
    )
    blind.write_text("#!/bin/sh\necho 'Content mismatch at offset 0!'; exit 1\n")
    assert str(unlike.first_difference("image", "qcow2", Content(SIZE).written(7, 0, 64 * KIB))) == (
        "image: the byte at offset 0 should be 0x07 and is a second read found nothing wrong"
        " when qemu-img reads it, and right in its file"
    )


# What contradicts itself.


def l2_of(path: Path) -> int:
    """Return the place of an image's first table of clusters."""
    l1 = struct.unpack(">Q", path.read_bytes()[40:48])[0]
    return int(struct.unpack(">Q", path.read_bytes()[l1 : l1 + 8])[0]) & 0x00FF_FFFF_FFFF_FE00


def count_of(path: Path, cluster: int) -> int:
    """Return the place in an image where it counts the references to a cluster."""
    table = struct.unpack(">Q", path.read_bytes()[48:56])[0]
    return int(struct.unpack(">Q", path.read_bytes()[table : table + 8])[0]) + 2 * cluster


@pytest.fixture
def written(images: Images) -> Path:
    """Return an image with two clusters of data, and two bitmaps, one of which has recorded something."""
    images.create("image", "qcow2", Content(SIZE).written(7, 0, 128 * KIB))
    images.add_bitmap("image", "bitmap0")
    images.add_bitmap("image", "bitmap1", {"granularity": 512})
    run_tool((str(images.qemu_io), "-f", "qcow2", "-c", "write -q 0 64k", "image"), cwd=images.home, bound=10)
    return images.home / "image"


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_qemu_has_written_does_not_contradict_itself(images: Images, kind: str) -> None:
    images.create("image", "qcow2", Content(SIZE), options=KINDS[kind])
    write_at_random(images, "image", random.Random(kind), SIZE)  # noqa: S311 (no secret; the same image in each run)
    assert images.flaws("image") == []


def test_bitmaps_are_part_of_a_sound_image(images: Images, written: Path) -> None:
    assert images.flaws(written.name) == []


def test_a_cluster_that_is_used_twice_is_a_flaw(images: Images, written: Path) -> None:
    first = written.read_bytes()[l2_of(written) :][:8]
    patch(written, l2_of(written) + 8, ">Q", int.from_bytes(first, "big"))
    (flaw,) = images.flaws(written.name)
    assert flaw.startswith("the cluster at ")
    assert flaw.endswith(" is used twice: as data and as data")


def test_a_cluster_that_is_used_and_counts_as_free_is_a_flaw(images: Images, written: Path) -> None:
    data = (int.from_bytes(written.read_bytes()[l2_of(written) :][:8], "big") & 0x00FF_FFFF_FFFF_FE00) // (64 * KIB)
    patch(written, count_of(written, data), ">H", 0)
    place = f"the cluster at {data * 64} KiB"
    assert images.flaws(written.name) == [
        f"{place}, used as data, is counted 0 times instead of 1",
        f"an entry for {place} says wrongly whether that is used once",
    ]


def test_each_count_of_a_large_image_is_looked_at(images: Images) -> None:
    images.create("image", "qcow2", Content(160 * MIB), options={"preallocation": "metadata"})
    patch(images.home / "image", count_of(images.home / "image", 144 * MIB // (64 * KIB)), ">H", 0)
    assert images.flaws("image") == [
        "the cluster at 144 MiB, used as data, is counted 0 times instead of 1",
        "an entry for the cluster at 144 MiB says wrongly whether that is used once",
    ]


def test_a_bitmap_whose_cluster_counts_as_free_is_a_flaw(images: Images, written: Path) -> None:
    before = images.flaws(written.name)
    counts = written.read_bytes()[count_of(written, 0) :][:64]
    last = max(number for number in range(32) if counts[2 * number : 2 * number + 2] != b"\0\0")
    patch(written, count_of(written, last), ">H", 0)
    assert before == []
    assert [flaw for flaw in images.flaws(written.name) if "bitmap" in flaw]


def test_an_image_that_qemu_has_found_to_be_corrupt_is_a_flaw(images: Images, written: Path) -> None:
    patch(written, 72, ">Q", 1 << 1)
    assert images.flaws(written.name) == ["it is marked as corrupt"]
    patch(written, 72, ">Q", 1 << 1 | 1 << 0)
    assert images.flaws(written.name) == ["it is marked as corrupt"]
    assert content_in(written) == content_of(images, written.name)


def test_lost_space_is_no_flaw(images: Images, written: Path) -> None:
    patch(written, count_of(written, 100), ">H", 1)
    assert images.flaws(written.name) == []


def test_what_only_qemu_can_read_has_no_flaws_that_we_know(images: Images, written: Path) -> None:
    patch(written, 72, ">Q", 1 << 40)
    assert images.flaws(written.name) == []


def test_an_image_that_cannot_be_read_is_a_failure_and_one_that_is_elsewhere_is_not(images: Images) -> None:
    (images.home / "folder").mkdir()
    with pytest.raises(ToolFailed, match=r"folder: .* Is a directory"):
        images.flaws("folder")
    assert images.flaws("elsewhere") == []


def test_what_is_no_image_any_more_is_a_failure(images: Images, written: Path) -> None:
    written.write_bytes(bytes(64 * KIB))
    with pytest.raises(ToolFailed, match="image: it does not begin as a qcow2 image does"):
        images.flaws(written.name)


# What is broken in any way is told as such, and nothing else happens.

EXTREMES = (0, 1, 1 << 9, 1 << 32, (1 << 32) - 1, 1 << 56, 1 << 62, 1 << 63, (1 << 63) - 512, (1 << 64) - 1)
"""Numbers at the edges of what a reader reckons with."""


def spoilt(image: bytes, chance: random.Random) -> bytes:
    """Return an image with a bit turned, a number that is not zeros changed to an extreme one, or its end cut off."""
    found = bytearray(image)
    how = chance.randrange(8)
    if how == 0:
        return image[: chance.randrange(len(image))]
    words = [at for at in range(0, len(image), 8) if at < 128 or any(image[at : at + 8])]
    at, layout = chance.choice([*chance.choices(range(0, 128, 4), k=30), *chance.choices(words, k=30)]), ">Q"
    if how <= 3:
        found[at + chance.randrange(8)] ^= 1 << chance.randrange(8)
    else:
        layout = chance.choice([">Q", ">I"])
        struct.pack_into(layout, found, at, chance.choice(EXTREMES) & (1 << 8 * struct.calcsize(layout)) - 1)
    return bytes(found)


def reading(path: Path) -> None:
    """Read an image in each way that there is; what is unknown, unsound or of a base that is not there is told."""
    with suppress(Unreadable, Unsound, FileNotFoundError):
        flaws_of(path)
    with suppress(Unreadable, Unsound, FileNotFoundError), Chain.open(path, "qcow2") as chain:
        size = min(chain.size, SIZE)
        for depth, piece in chain.pieces():
            if piece.kind in (Kind.DATA, Kind.COMPRESSED) and piece.start < size:
                for found in chain.layers[depth].read(piece.cut(piece.start, min(piece.end, size))):
                    assert found


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "large" not in kind])
def test_an_image_that_is_spoilt_at_random_is_read_or_told_of(images: Images, kind: str) -> None:
    chance = random.Random(kind)  # noqa: S311 (no secret; the same images in each run)
    images.create("base", "qcow2", Content(SIZE))
    options = {key: value for key, value in KINDS[kind].items() if key != "preallocation"}
    images.create_above("image", "qcow2", SIZE, ("base", "qcow2"), options)
    write_at_random(images, "image", chance, SIZE)
    if kind != "of version 2":
        images.add_bitmap("image", "bitmap0", {"granularity": 512})
        run_tool((str(images.qemu_io), "-f", "qcow2", "-c", "write -q 0 64k", "image"), cwd=images.home, bound=10)
    whole, path = (images.home / "image").read_bytes(), images.home / "spoilt"
    for number in range(settings().max_examples):
        path.write_bytes(spoilt(whole, chance))
        try:
            reading(path)
        except Exception as error:
            error.add_note(f"image number {number} of the kind {kind}")
            raise


MOST = (1 << 32) - 1


@pytest.mark.parametrize(
    ("at", "layout", "value", "words"),
    [
        (20, ">I", 8, "clusters are of 2.8 bytes"),
        (20, ">I", 22, "clusters are of 2.22 bytes"),
        (20, ">I", MOST, "clusters are of"),
        (40, ">Q", 0, "the table of tables of it is at 0"),
        (40, ">Q", 512, "the table of tables of it is at 512"),
        (40, ">Q", 1 << 63, "the table of tables of it, of 8 B at .* is not in its file"),
    ],
)
def test_a_header_that_cannot_be_is_unsound(images: Images, at: int, layout: str, value: int, words: str) -> None:
    images.create("image", "qcow2", Content(SIZE))
    patch(images.home / "image", at, layout, value)
    with pytest.raises(Unsound, match=words):
        Chain.open(images.home / "image", "qcow2")


@pytest.mark.parametrize(
    ("at", "layout", "value", "words"),
    [
        (36, ">I", MOST, "the table of tables of it, of .* is not in its file"),
        (48, ">Q", 0, "the table of counts of it is at 0"),
        (48, ">Q", 1 << 63, "the table of counts of it, of .* is not in its file"),
        (56, ">I", MOST, "the table of counts of it, of .* is not in its file"),
        (96, ">I", 7, "counts are of 2.7 bits"),
        (96, ">I", MOST, "counts are of"),
        (100, ">I", 96, "header is of 96 bytes"),
        (100, ">I", 108, "header is of 108 bytes"),
        (100, ">I", MOST, "header is of"),
    ],
)
def test_counts_that_cannot_be_are_unsound(written: Path, at: int, layout: str, value: int, words: str) -> None:
    patch(written, at, layout, value)
    with pytest.raises(Unsound, match=words):
        flaws_of(written)


@pytest.mark.parametrize(
    ("beyond", "layout", "value", "words"),
    [
        (4, ">I", MOST, "an extension of its header is of"),
        (4, ">I", 16, "what it says of its bitmaps is of 16 bytes"),
        (8, ">I", 3, "its list of 3 bitmaps ends after"),
        (16, ">Q", 40, "its list of 2 bitmaps ends after"),
        (16, ">Q", 1 << 40, "the list of bitmaps of it, of 1 TiB at .* is not in its file"),
        (24, ">Q", 512, "the list of bitmaps of it is at 512"),
    ],
)
def test_a_list_of_bitmaps_that_cannot_be_is_unsound(
    written: Path, beyond: int, layout: str, value: int, words: str
) -> None:
    patch(written, written.read_bytes().index(b"\x23\x85\x28\x75") + beyond, layout, value)
    with pytest.raises(Unsound, match=words):
        flaws_of(written)


def test_counts_that_lie_nowhere_are_unsound(written: Path) -> None:
    table = struct.unpack(">Q", written.read_bytes()[48:56])[0]
    patch(written, table, ">B", 1 << 6)
    with pytest.raises(Unsound, match=r"a count of it, of 2 B at .* is not in its file"):
        flaws_of(written)


def test_a_subcluster_of_data_and_zeros_is_unsound(images: Images) -> None:
    content = Content(SIZE).written(7, 0, 64 * KIB)
    images.create("image", "qcow2", content, options=KINDS["with subclusters"])
    path = images.home / "image"
    patch(path, l2_of(path) + 8, ">Q", (1 << 33) - 1)
    with pytest.raises(Unsound, match="for offset 0 is data and zeros at once"):
        Chain.open(path, "qcow2")


def test_a_compressed_cluster_that_holds_less_than_a_cluster_is_unsound(images: Images) -> None:
    images.create("image", "qcow2", Content(SIZE))
    run_tool((str(images.qemu_io), "-f", "qcow2", "-c", "write -q -c -P 9 0 64k", "image"), cwd=images.home, bound=10)
    path, packer = images.home / "image", zlib.compressobj(wbits=-12)
    place = struct.unpack(">Q", path.read_bytes()[l2_of(path) :][:8])[0] & (1 << 54) - 1
    with path.open("r+b") as file:
        file.seek(place)
        file.write(packer.compress(b"\t" * 1000) + packer.flush())
    with pytest.raises(ToolFailed):
        images.first_difference("image", "qcow2", Content(SIZE).written(9, 0, 64 * KIB))
    with Chain.open(path, "qcow2") as chain, pytest.raises(Unsound, match="for offset 0 holds 1000 bytes only"):
        chain.first_difference(Content(SIZE).written(9, 0, 64 * KIB))


def test_a_table_that_is_used_twice_is_unsound(images: Images) -> None:
    images.create("image", "qcow2", Content(SIZE).written(7, 0, SIZE), options=KINDS["of the smallest clusters"])
    path = images.home / "image"
    l1 = struct.unpack(">Q", path.read_bytes()[40:48])[0]
    patch(path, l1 + 8, ">Q", 1 << 63 | l2_of(path))
    with pytest.raises(Unsound, match=r"its table at .* is used twice"):
        Chain.open(path, "qcow2")
    assert [flaw for flaw in flaws_of(path) if flaw.endswith("is used twice: as a table and as a table")]


@pytest.mark.parametrize(
    ("said", "instead", "error"),
    [
        (b"lower", b"lo\0er", Unsound),
        (b"qcow2", b"qcow\xff", Unreadable),
    ],
    ids=["a name with a byte of zeros", "a format that is no text"],
)
def test_a_base_that_cannot_be(images: Images, said: bytes, instead: bytes, error: type[Exception]) -> None:
    images.create("lower", "qcow2", Content(SIZE))
    images.create_above("image", "qcow2", SIZE, ("lower", "qcow2"))
    path = images.home / "image"
    path.write_bytes(path.read_bytes().replace(said, instead))
    with pytest.raises(error):
        Chain.open(path, "qcow2")
