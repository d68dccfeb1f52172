from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from programs import shell_program

from testbed.base.problems import EnvironmentUnusable
from testbed.base.process import ToolFailed, run_tool
from testbed.base.units import format_size
from testbed.domain.backup import own_layer
from testbed.model.content import Content
from testbed.model.ranges import NOTHING, Ranges
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Difference, Images

KIB = 1024
MIB = 1024 * KIB

CLUSTER = 64 * KIB

SIZE = 5 * MIB + 1536
"""Bytes of the images here: no whole number of clusters, granules or pages."""

CONTENT = Content(SIZE).written(0x41, 0, 512).written(0xD5, MIB, 32 * KIB).written(0xDC, SIZE - 700, 700)

FORMATS = ("qcow2", "raw")


def never(_name: str) -> bool:
    """Have no image read by qemu-img that can be read without it."""
    return False


def spoil(images: Images, name: str, request: str, *, image_format: str = "qcow2") -> None:
    """Make a request of qemu-io's to an image, of which nobody's models learn."""
    arguments = (str(images.qemu_io), "-f", image_format, "-c", request, name)
    run_tool(arguments, cwd=images.home, bound=images.bound)


@pytest.fixture
def chain(images: Images) -> tuple[str, Content]:
    """Make a chain of three, each of which hides a part of the one below; return its top and what that reads as."""
    content = CONTENT
    images.create("base.qcow2", "qcow2", content)
    below = "base.qcow2"
    for number, at in enumerate((0, MIB + 100), start=1):
        name = f"layer{number}.qcow2"
        images.create_above(name, "qcow2", SIZE, (below, "qcow2"))
        spoil(images, name, f"write -q -P {0x60 + number} {at} 300")
        content = content.written(0x60 + number, at, 300)
        below = name
    return below, content


def test_an_image_on_a_base_holds_nothing_by_itself_and_reads_as_the_base(images: Images) -> None:
    images.create_on_base("top", ImageKind("qcow2"), CONTENT)
    held, _ = own_layer(images.map("top", "qcow2"))
    assert held == NOTHING
    assert images.first_difference("top", "qcow2", CONTENT) is None


# The first byte that differs.


@pytest.mark.parametrize("image_format", FORMATS)
def test_an_image_that_is_right_differs_nowhere(images: Images, image_format: str) -> None:
    images.create("image", image_format, CONTENT)
    assert images.first_difference("image", image_format, CONTENT) is None


WRONG = [
    pytest.param(0, 0x41, id="first byte"),
    pytest.param(MIB + 5000, 0xD5, id="in the middle of a run"),
    pytest.param(MIB + 32 * KIB - 1, 0xD5, id="last byte of a run"),
    pytest.param(MIB + 32 * KIB, 0x00, id="first byte after a run"),
    pytest.param(3 * MIB + 77, 0x00, id="among zeros"),
    pytest.param(SIZE - 1, 0xDC, id="last byte"),
]


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize(("offset", "expected"), WRONG)
def test_one_wrong_byte_is_found(images: Images, image_format: str, offset: int, expected: int) -> None:
    images.create("image", image_format, CONTENT)
    spoil(images, "image", f"write -q -P 0x99 {offset} 1", image_format=image_format)
    assert images.first_difference("image", image_format, CONTENT) == Difference("image", offset, expected, 0x99)


def test_the_first_of_several_wrong_bytes_is_told(images: Images) -> None:
    images.create("image", "qcow2", CONTENT)
    for offset in (4 * MIB, 2 * MIB + 3, 2 * MIB + 2):
        spoil(images, "image", f"write -q -P 1 {offset} 1")
    assert images.first_difference("image", "qcow2", CONTENT) == Difference("image", 2 * MIB + 2, 0, 1)


@pytest.mark.parametrize("image_format", ["raw", "qcow2", "vdi"])
@pytest.mark.parametrize(
    ("held", "wanted", "difference"),
    [
        (Content(5000).written(7, 0, 5000), Content(5100).written(7, 0, 5100), (5000, 7, 0)),
        (Content(5100).written(7, 0, 5100), Content(5000).written(7, 0, 5000), (5000, 0, 7)),
        (Content(5100).written(7, 0, 5000), Content(5000).written(7, 0, 5000), None),
    ],
    ids=["lost", "too much", "zeros"],
)
def test_what_differs_past_the_end_within_the_last_sector_is_found(
    images: Images, image_format: str, held: Content, wanted: Content, difference: tuple[int, int, int] | None
) -> None:
    """QEMU takes both to be of the same whole number of sectors."""
    images.create("image", "raw", held)
    if image_format != "raw":
        convert = ("convert", "-f", "raw", "-O", image_format, "image", "converted")
        run_tool((str(images.qemu_img), *convert), cwd=images.home, bound=10)
        (images.home / "converted").replace(images.home / "image")
    for either in (images, replace(images, asks_both=never)):
        found = either.first_difference("image", image_format, wanted)
        assert found == (Difference("image", *difference) if difference else None)


def test_zeros_where_data_should_be_are_found(images: Images) -> None:
    images.create("image", "qcow2", CONTENT.zeroed(Ranges.of((MIB, 32 * KIB))))
    assert images.first_difference("image", "qcow2", CONTENT) == Difference("image", MIB, 0xD5, 0)


def test_a_size_that_is_no_multiple_of_a_sector_is_compared_to_the_last_byte(images: Images) -> None:
    """Only raw images can have such a size; QEMU reads zeros from their end to that of the sector."""
    content = Content(4097).written(0x11, 4090, 7)
    images.create("image", "raw", content)
    assert images.first_difference("image", "raw", content) is None
    with (images.home / "image").open("r+b") as file:
        file.seek(4096)
        file.write(b"\x12")
    assert images.first_difference("image", "raw", content) == Difference("image", 4096, 0x11, 0x12)


@pytest.mark.parametrize("wrong", [None, "base.qcow2", "layer1.qcow2", "layer2.qcow2"])
def test_a_wrong_byte_in_any_image_of_a_chain_is_found(
    images: Images, chain: tuple[str, Content], wrong: str | None
) -> None:
    top, content = chain
    assert images.first_difference(top, "qcow2", content) is None
    if wrong:
        spoil(images, wrong, f"write -q -P 0x77 {4 * MIB + 9} 1")
        assert images.first_difference(top, "qcow2", content) == Difference(top, 4 * MIB + 9, 0, 0x77)


def test_a_byte_that_another_image_hides_does_not_matter(images: Images, chain: tuple[str, Content]) -> None:
    top, content = chain
    spoil(images, "base.qcow2", f"write -q -P 0x77 {MIB + 100} 1")
    assert images.first_difference(top, "qcow2", content) is None


@pytest.mark.parametrize("size", [SIZE - 512, SIZE + 512, 512])
@pytest.mark.parametrize("image_format", FORMATS)
def test_another_size_is_a_difference(images: Images, image_format: str, size: int) -> None:
    images.create("image", image_format, CONTENT.resized(size))
    found = images.first_difference("image", image_format, CONTENT)
    assert str(found) == f"image should be of {format_size(SIZE)} and is of {format_size(size)}"


def test_an_image_with_a_longer_tail_of_zeros_is_another_one(images: Images) -> None:
    images.create("image", "qcow2", CONTENT.resized(SIZE + MIB))
    found = images.first_difference("image", "qcow2", CONTENT)
    assert str(found) == f"image should be of {format_size(SIZE)} and is of {format_size(SIZE + MIB)}"


def test_a_difference_names_image_place_and_both_bytes() -> None:
    assert str(Difference("drive0-2.qcow2", 65537, 0xAB, 0)) == (
        "drive0-2.qcow2: the byte at offset 64 KiB + 1 B should be 0xab and is 0x00"
    )


# What cannot be read.


def _torn(image: Path) -> None:
    os.truncate(image, 50)


def _missing(image: Path) -> None:
    image.unlink()


def _foreign(image: Path) -> None:
    image.write_bytes(b"no image " * MIB)


@pytest.mark.parametrize("spoil", [_torn, _missing, _foreign])
@pytest.mark.parametrize("name", ["layer2.qcow2", "base.qcow2"])
def test_an_image_that_cannot_be_read_is_no_difference_but_a_failure(
    images: Images, chain: tuple[str, Content], spoil: Callable[[Path], None], name: str
) -> None:
    top, content = chain
    spoil(images.home / name)
    with pytest.raises(ToolFailed, match=r"exited with status 2; .*\n.*Could not open 'layer2\.qcow2'"):
        images.first_difference(top, "qcow2", content)


def test_an_image_that_has_lost_its_tail_differs(images: Images, chain: tuple[str, Content]) -> None:
    """QEMU reads zeros where the file has ended: such a layer hides nothing any more."""
    top, content = chain
    os.truncate(images.home / top, 1000)
    assert images.first_difference(top, "qcow2", content) == Difference(top, MIB + 100, 0x62, 0xD5)


def test_a_tool_that_does_not_end_is_given_up(images: Images, tmp_path: Path) -> None:
    images.create("image", "raw", CONTENT)
    endless = shell_program(tmp_path / "qemu-img", "sleep 1000")
    with pytest.raises(ToolFailed, match=r"did not end within 0\.4 s and was killed"):
        replace(images, qemu_img=endless, bound=0.4).first_difference("image", "raw", CONTENT)


# Tools that print more than their answers.


def wrapped(images: Images, tmp_path: Path, before: str = "", after: str = "") -> Images:
    """Return the same tools, each in a script that says something before or after its answer."""

    def script(tool: Path) -> Path:
        return shell_program(tmp_path / tool.name, f'{before}\n{tool} "$@"\nstatus=$?\n{after}\nexit $status')

    return replace(images, qemu_img=script(images.qemu_img), qemu_io=script(images.qemu_io))


USES: list[Callable[[Images], object]] = [
    lambda images: images.info("image"),
    lambda images: images.map("image", "qcow2"),
    lambda images: images.clusters("image"),
    lambda images: images.compare("image", "qcow2", "image", "qcow2"),
    lambda images: images.first_difference("image", "qcow2", CONTENT.written(1, 0, 1)),
    lambda images: images.create("another", "qcow2", CONTENT.written(2, 0, 1)),
    lambda images: images.insist_on_plain_answers(),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(("before", "after"), [("echo '[1] loading profile'", ""), ("", "echo loading profile")])
def test_tool_that_prints_more_than_its_answer_is_a_fault_of_the_place(
    images: Images, tmp_path: Path, use: Callable[[Images], object], before: str, after: str
) -> None:
    images.create("image", "qcow2", CONTENT)
    with pytest.raises(EnvironmentUnusable, match=r"prints on .* besides its answer: .*loading profile\n  remedy: "):
        use(wrapped(images, tmp_path, before, after))


def test_tools_that_print_no_more_than_their_answers_have_nothing_to_be_told(images: Images, tmp_path: Path) -> None:
    images.create("image", "qcow2", CONTENT)
    loud = wrapped(images, tmp_path, "echo loading profile >&2")
    for use in USES:
        use(loud)


def test_tool_that_does_not_work_is_not_told_before_it_is_needed(images: Images) -> None:
    replace(images, qemu_img=Path("/bin/false"), qemu_io=Path("/bin/false")).insist_on_plain_answers()


def test_answer_without_json_is_a_failure_of_the_tool(images: Images) -> None:
    with pytest.raises(ToolFailed, match="gave no JSON but: info -U"):
        replace(images, qemu_img=Path("/bin/echo")).info("image")


# Comparing two images.


def test_equal_contents_of_unlike_images_compare_equal(images: Images, chain: tuple[str, Content]) -> None:
    top, content = chain
    images.create("flat.raw", "raw", content)
    assert images.compare(top, "qcow2", "flat.raw", "raw") is None


def test_comparison_repeats_the_words_of_qemu_img(images: Images) -> None:
    images.create("one", "qcow2", CONTENT)
    images.create("other", "raw", CONTENT)
    spoil(images, "other", f"write -q -P 1 {2 * MIB} 1", image_format="raw")
    assert images.compare("one", "qcow2", "other", "raw") == f"Content mismatch at offset {2 * MIB}!"


def test_images_of_two_sizes_are_not_equal(images: Images) -> None:
    images.create("one", "qcow2", CONTENT)
    images.create("other", "qcow2", CONTENT.resized(SIZE + 512))
    for either in (images, replace(images, asks_both=never)):
        assert "size mismatch" in (either.compare("one", "qcow2", "other", "qcow2") or "")


@pytest.fixture
def alone(images: Images, tmp_path: Path) -> Images:
    """Return the tools, with a qemu-img that finds a mismatch in whatever it is asked for, and says that it was."""
    asked = shell_program(tmp_path / "asked", "echo asked: mismatch; exit 1")
    return replace(images, qemu_img=asked, asks_both=never)


def test_plain_images_are_compared_without_qemu(images: Images, alone: Images, chain: tuple[str, Content]) -> None:
    top, content = chain
    images.create("flat.raw", "raw", content)
    assert alone.compare(top, "qcow2", "flat.raw", "raw") is None
    assert (
        replace(alone, asks_both=lambda name: name == top).compare(top, "qcow2", "flat.raw", "raw") == "asked: mismatch"
    )
    spoil(images, "flat.raw", "write -q -P 1 100 1", image_format="raw")
    assert alone.compare(top, "qcow2", "flat.raw", "raw") == "asked: mismatch"


@pytest.mark.parametrize("name", ["compressed", "extended", "missing", "image.vmdk"])
def test_qemu_img_compares_what_is_not_plain(images: Images, alone: Images, name: str) -> None:
    images.create("image", "qcow2", CONTENT)
    convert = (str(images.qemu_img), "convert", "-q", "-f", "qcow2", "-O")
    run_tool((*convert, "qcow2", "-c", "image", "compressed"), cwd=images.home, bound=10)
    run_tool((*convert, "vmdk", "image", "image.vmdk"), cwd=images.home, bound=10)
    images.create("extended", "qcow2", CONTENT, options={"extended_l2": "on"})
    for one, other in ((name, "image"), ("image", name)):
        formats = [file.partition(".")[2] or "qcow2" for file in (one, other)]
        assert alone.compare(one, formats[0], other, formats[1]) == "asked: mismatch"


def test_of_two_witnesses_that_disagree_on_two_images_both_are_told(images: Images, tmp_path: Path) -> None:
    images.create("one", "qcow2", CONTENT)
    images.create("other", "qcow2", CONTENT.written(7, MIB + 700, 1))
    blind = shell_program(tmp_path / "blind", "echo Images are identical.")
    told = replace(images, qemu_img=blind, asks_both=never).compare("one", "qcow2", "other", "qcow2")
    assert told == f"Content mismatch at offset {MIB + 700}!, in their files; but qemu-img reads both alike"
    images.copy("one", "broken")
    with (images.home / "broken").open("r+b") as file:
        file.write(b"QFI?")
    with pytest.raises(ToolFailed, match=r"broken.*; but qemu-img reads both alike"):
        replace(images, qemu_img=blind).compare("one", "qcow2", "broken", "qcow2")


# The bitmaps stored in an image.


def test_stored_bitmaps_are_read_alike_with_qemu_and_without(images: Images) -> None:
    images.create("image", "qcow2", CONTENT)
    assert images.stored_bitmaps("image") == replace(images, asks_both=never).stored_bitmaps("image") == {}
    images.add_bitmap("image", "b", {"granularity": 512, "disabled": True})
    images.add_bitmap("image", "a name of some length", {"granularity": 1 << 20})
    without = replace(images, qemu_img=Path("/bin/false"), asks_both=never).stored_bitmaps("image")
    assert without == {"b": (512, []), "a name of some length": (1 << 20, ["auto"])}
    assert images.stored_bitmaps("image") == without


def test_bitmaps_of_a_kind_that_qemu_alone_reads_are_asked_for(images: Images) -> None:
    images.create("image", "qcow2", CONTENT, options={"data_file": ""})
    images.add_bitmap("image", "bitmap0")
    assert replace(images, asks_both=never).stored_bitmaps("image") == {"bitmap0": (CLUSTER, ["auto"])}


@pytest.mark.parametrize(("at", "told"), [(0, "does not begin"), (None, "No such file")])
def test_bitmaps_that_cannot_be_read_are_no_pass(images: Images, at: int | None, told: str) -> None:
    images.create("image", "qcow2", CONTENT)
    if at is None:
        images.delete("image")
    else:
        spoil(images, "image", f"write -q -P 0 {at} 4", image_format="raw")
    with pytest.raises(ToolFailed, match=told):
        replace(images, asks_both=never).stored_bitmaps("image")


# What an image holds itself.


def layer(images: Images, name: str) -> Ranges:
    """Return what an image holds itself, for sure."""
    held, unknown = own_layer(images.map(name, "qcow2"))
    assert not unknown - Ranges.of((0, SIZE))
    return held


def test_own_layer_is_what_was_written_to_that_image(images: Images, chain: tuple[str, Content]) -> None:
    top, _ = chain
    assert layer(images, top) == Ranges.of((MIB, CLUSTER))
    assert layer(images, "layer1.qcow2") == Ranges.of((0, CLUSTER))
    assert layer(images, "base.qcow2") - Ranges.of((0, CLUSTER), (MIB, CLUSTER), (80 * CLUSTER, CLUSTER)) == NOTHING


def test_an_image_without_a_write_holds_nothing(images: Images) -> None:
    images.create("base.qcow2", "qcow2", CONTENT)
    images.create_above("top.qcow2", "qcow2", SIZE, ("base.qcow2", "qcow2"))
    assert layer(images, "top.qcow2") == NOTHING


def test_zeros_that_hide_data_are_held(images: Images) -> None:
    images.create("base.qcow2", "qcow2", CONTENT)
    images.create_above("top.qcow2", "qcow2", SIZE, ("base.qcow2", "qcow2"))
    spoil(images, "top.qcow2", f"write -q -z {MIB} {CLUSTER}")
    held, unknown = own_layer(images.map("top.qcow2", "qcow2"))
    assert Ranges.of((MIB, CLUSTER)) - held - unknown == NOTHING
    assert held - Ranges.of((MIB, CLUSTER)) == NOTHING


def test_the_last_cluster_is_held_as_far_as_the_image_goes(images: Images) -> None:
    images.create("base.qcow2", "qcow2", CONTENT)
    images.create_above("top.qcow2", "qcow2", SIZE, ("base.qcow2", "qcow2"))
    spoil(images, "top.qcow2", f"write -q -P 1 {SIZE - 1} 1")
    assert layer(images, "top.qcow2") == Ranges.of((80 * CLUSTER, SIZE - 80 * CLUSTER))


def test_rebase_changes_what_is_below_and_no_data(images: Images) -> None:
    images.create("base.qcow2", "qcow2", CONTENT)
    images.create("top.qcow2", "qcow2", Content(SIZE).written(0x55, 2 * MIB, CLUSTER))
    images.rebase("top.qcow2", "qcow2", ("base.qcow2", "qcow2"))
    assert images.info("top.qcow2")["backing-filename"] == "base.qcow2"
    assert images.first_difference("top.qcow2", "qcow2", CONTENT.written(0x55, 2 * MIB, CLUSTER)) is None
    assert layer(images, "top.qcow2") == Ranges.of((2 * MIB, CLUSTER))


# What the tools tell of an image.


def test_a_stored_bitmap_is_as_it_was_asked_for(images: Images) -> None:
    images.create("image", "qcow2", CONTENT)
    images.add_bitmap("image", "a")
    images.add_bitmap("image", "b", {"granularity": 4 * KIB, "disabled": True})
    stored = images.info("image")["format-specific"]["data"]["bitmaps"]
    assert [(bitmap["name"], bitmap["granularity"], bitmap["flags"]) for bitmap in stored] == [
        ("a", 64 * KIB, ["auto"]),
        ("b", 4 * KIB, []),
    ]


def test_facts_are_told_in_words(images: Images, chain: tuple[str, Content]) -> None:
    top, _ = chain
    size = "5 MiB + 1536 B"
    assert images.facts(top) == {"format": "qcow2", "size": size, "base": "layer1", "clusters": "64 KiB"}
    images.create("image", "raw", CONTENT)
    assert images.facts("image") == {"format": "raw", "size": size, "base": "none", "clusters": "none"}


def test_clusters_are_counted_by_how_they_are_held(images: Images) -> None:
    images.create("image", "qcow2", Content(SIZE))
    assert images.clusters("image") == (0, 0)
    spoil(images, "image", f"write -q -P 1 0 {2 * CLUSTER}")
    spoil(images, "image", f"write -q -c -P 1 {2 * CLUSTER} {CLUSTER}")
    assert images.clusters("image") == (3, 1)


def test_an_image_that_is_not_sound_is_told(images: Images) -> None:
    images.create("image", "qcow2", CONTENT)
    spoil(images, "image", f"write -q -P 0 {2 * CLUSTER} {CLUSTER}", image_format="raw")  # the counts of references
    with pytest.raises(ToolFailed, match="exited with status 2"):
        images.clusters("image")


def test_a_passage_is_found_wherever_it_stands_in_a_file(images: Images) -> None:
    images.create("image", "raw", Content(SIZE).written(0x41, 65535, 3))
    assert images.place_of("image", b"AAA") == 65535
    assert images.place_of("image", b"AAAA") is None


# Making images.


def test_a_raw_image_has_holes_where_it_holds_zeros(images: Images) -> None:
    images.create("image", "raw", Content(SIZE).written(0x41, MIB, 65536))
    assert (images.home / "image").stat().st_blocks * 512 < MIB


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """Return a directory of images that are used again, with none of other tests in it."""
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


def test_equal_images_are_made_once_and_then_copied(images: Images) -> None:
    images.create("one.qcow2", "qcow2", CONTENT)
    made = {template: template.stat().st_mtime_ns for template in images.templates.iterdir()}
    images.create("two.qcow2", "qcow2", CONTENT)
    spoil(images, "two.qcow2", "write -q -P 1 0 1")
    images.create("three.qcow2", "qcow2", CONTENT)
    assert {template: template.stat().st_mtime_ns for template in images.templates.iterdir()} == made
    assert images.first_difference("three.qcow2", "qcow2", CONTENT) is None
    assert (images.home / "one.qcow2").stat().st_ino != (images.home / "three.qcow2").stat().st_ino


def test_images_that_differ_in_anything_have_templates_of_their_own(images: Images) -> None:
    images.create("one", "qcow2", CONTENT)
    images.create("two", "qcow2", CONTENT, options={"cluster_size": "128k"})
    images.create("three", "qcow2", CONTENT, options={"cluster_size": "128k", "compat": "1.1"})
    images.create("four", "qcow2", CONTENT.resized(SIZE + 512))
    images.create("five", "qcow2", CONTENT.written(1, 0, 1))
    assert len(list(images.templates.iterdir())) == 5 + 4, "there are empty ones besides, one of them for two"
    for name, content in (("one", CONTENT), ("five", CONTENT.written(1, 0, 1))):
        assert images.first_difference(name, "qcow2", content) is None
    assert [images.info(name)["virtual-size"] for name in ("three", "four")] == [SIZE, SIZE + 512]
    assert images.info("two")["cluster-size"] == 128 * KIB


def test_images_that_differ_in_what_they_hold_alone_are_made_by_one_call(images: Images, tmp_path: Path) -> None:
    called = tmp_path / "called"
    counting = shell_program(tmp_path / "counting", f'echo "$1" >>{called}; exec {images.qemu_img} "$@"')
    for name in ("one", "other", "last"):
        replace(images, qemu_img=counting).create(name, "qcow2", Content(SIZE).written(len(name), 0, 1))
    assert called.read_text() == "create\n"
    assert images.first_difference("other", "qcow2", Content(SIZE).written(5, 0, 1)) is None


def test_images_with_their_data_elsewhere_do_not_share_it(images: Images) -> None:
    for name in ("one.qcow2", "other.qcow2"):
        images.create(name, "qcow2", CONTENT, options={"data_file": ""})
    spoil(images, "one.qcow2", "write -q -P 0x77 0 512")
    assert images.first_difference("other.qcow2", "qcow2", CONTENT) is None
    assert images.info("one.qcow2")["format-specific"]["data"]["data-file"] == "one.qcow2.data"


def test_the_order_of_options_does_not_matter(images: Images) -> None:
    images.create("one", "qcow2", Content(SIZE), options={"cluster_size": "128k", "compat": "1.1"})
    images.create("two", "qcow2", Content(SIZE), options={"compat": "1.1", "cluster_size": "128k"})
    assert len(list(images.templates.iterdir())) == 1


def test_an_image_that_could_not_be_made_leaves_no_template(images: Images) -> None:
    with pytest.raises(ToolFailed, match="cluster_size"):
        images.create("image", "qcow2", CONTENT, options={"cluster_size": "12345"})
    sick = replace(images, qemu_io=Path("/bin/false"))
    with pytest.raises(ToolFailed, match="/bin/false"):
        sick.create("image", "qcow2", CONTENT)
    images.create("image", "qcow2", CONTENT)
    assert images.first_difference("image", "qcow2", CONTENT) is None


NAMES = ["with blanks", "with,comma,,s", "a:colon", "'quotes\"", "été 東京", "-dash", "x" * 200, "%s $HOME `id` \\n"]


@pytest.fixture(params=NAMES)
def oddly_placed(images: Images, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Images]:
    """Return the tools for images in directories with an odd name."""
    place = tmp_path / request.param
    (place / "home").mkdir(parents=True)
    (place / "templates").mkdir()
    yield replace(images, home=place / "home", templates=place / "templates")
    shutil.rmtree(place)


def test_the_directory_may_have_any_name(oddly_placed: Images) -> None:
    oddly_placed.create("base.qcow2", "qcow2", CONTENT)
    oddly_placed.create_above("top.qcow2", "qcow2", SIZE, ("base.qcow2", "qcow2"))
    spoil(oddly_placed, "top.qcow2", "write -q -P 0x23 100 1")
    assert oddly_placed.first_difference("top.qcow2", "qcow2", CONTENT.written(0x23, 100, 1)) is None
    assert oddly_placed.first_difference("top.qcow2", "qcow2", CONTENT) == Difference("top.qcow2", 100, 0x41, 0x23)
    assert layer(oddly_placed, "top.qcow2") == Ranges.of((0, CLUSTER))


# What was written.


def test_only_what_was_written_since_is_told(images: Images) -> None:
    for name in ("one", "two"):
        images.create(name, "raw", CONTENT)
    images.date_back()
    assert images.written() == []
    spoil(images, "two", "write -q -P 1 0 1", image_format="raw")
    images.create("three", "raw", CONTENT)
    assert images.written() == ["three", "two"]
    images.date_back()
    os.truncate(images.home / "one", 512)
    assert images.written() == ["one"]


def test_a_copy_is_as_its_original_and_goes_its_own_way(images: Images) -> None:
    images.create("one.qcow2", "qcow2", CONTENT)
    images.copy("one.qcow2", "two.qcow2")
    spoil(images, "two.qcow2", "write -q -P 1 0 1")
    assert images.first_difference("one.qcow2", "qcow2", CONTENT) is None
    assert images.first_difference("two.qcow2", "qcow2", CONTENT) == Difference("two.qcow2", 0, 0x41, 1)


def test_nothing_but_the_images_stays(images: Images) -> None:
    images.create("image", "qcow2", CONTENT)
    images.first_difference("image", "qcow2", CONTENT)
    images.first_difference("image", "qcow2", CONTENT.written(1, 0, 1))
    with pytest.raises(ToolFailed):
        images.first_difference("missing", "qcow2", CONTENT)
    assert [file.name for file in images.home.iterdir()] == ["image"]
