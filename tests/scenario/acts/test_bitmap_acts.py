"""When QEMU must refuse what an operator asks of bitmaps: every rule, without asking any QEMU."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from without_qemu import MIB, drive_of, ended_machine, image, world_of

from testbed.domain.bitmap import Bitmap
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.domain.request import Outlook, Refusal, Request
from testbed.model.ranges import Ranges
from testbed.qemu.image_kinds import KINDS, ImageKind
from testbed.scenario.acts import bitmaps

GIB = 1 << 30

ONE_BITMAP = [bitmaps.remove, bitmaps.clear, bitmaps.enable, bitmaps.disable]
"""The acts on one bitmap that must be there."""


@pytest.fixture
def drive() -> Drive:
    """Return a drive with the bitmaps "a", which has recorded something, and "b", which is persistent."""
    drive = drive_of(image())
    drive.gained_bitmap("a", {})
    drive.gained_bitmap("b", {"persistent": True})
    drive.changed(Ranges.of((0, 1)))
    return drive


def foreseen(request: Request, outlook: Outlook | None = None) -> str | None:
    """Return the words with which QEMU must refuse a request; the models have an opinion on it."""
    outlook = outlook or Outlook()
    refusal = request.forecast(outlook)
    assert not outlook.is_open
    assert refusal is None or refusal.kind == "GenericError"
    return refusal.words if refusal else None


def spoil(bitmap: Bitmap) -> None:
    bitmap.inconsistent, bitmap.recording = True, False


def export(bitmap: Bitmap) -> None:
    bitmap.exported = True


# A bitmap that must be there.


@pytest.mark.parametrize("act", ONE_BITMAP)
def test_bitmap_that_is_free_can_be_used(drive: Drive, act: Callable[[Node, str], Request]) -> None:
    assert foreseen(act(drive, "a")) is None
    assert act(drive, "a").arguments == {"node": "drive0", "name": "a"}
    assert act(drive, "a").machine is drive.machine


@pytest.mark.parametrize("act", ONE_BITMAP)
def test_bitmap_that_is_missing_or_held_cannot_be_used(drive: Drive, act: Callable[[Node, str], Request]) -> None:
    in_use = "Bitmap 'a' is currently in use"
    assert foreseen(act(drive, "c")) == "Dirty bitmap 'c' not found"
    assert foreseen(act(drive, "a"), Outlook(held={("drive0", "a")})) == in_use
    assert foreseen(act(drive, "a"), Outlook(removed={("drive0", "a")})) == in_use
    assert foreseen(act(drive, "c"), Outlook(added={("drive0", "c")})) is None
    assert foreseen(act(drive, "c"), Outlook(added={("drive1", "c")})) == "Dirty bitmap 'c' not found"
    drive.bitmap("a").hold()
    assert foreseen(act(drive, "a")) == in_use
    drive.bitmap("b").exported = True
    assert foreseen(act(drive, "b")) == "Bitmap 'b' is currently in use"


@pytest.mark.parametrize("act", ONE_BITMAP)
def test_inconsistent_bitmap_can_only_be_removed(drive: Drive, act: Callable[[Node, str], Request]) -> None:
    spoil(drive.bitmap("b"))
    refused = "Bitmap 'b' is inconsistent and cannot be used"
    assert foreseen(act(drive, "b")) == (None if act is bitmaps.remove else refused)
    export(drive.bitmap("b"))
    assert foreseen(act(drive, "b")) == "Bitmap 'b' is currently in use"


def test_what_was_granted_the_model_takes_note_of(drive: Drive) -> None:
    bitmaps.disable(drive, "a").granted()
    drive.changed(Ranges.of((512 * 1024, 1)))
    assert (drive.bitmap("a").state.flags, drive.bitmap("a").state.count) == ([], 65536)
    bitmaps.enable(drive, "a").granted()
    assert drive.bitmap("a").recording
    bitmaps.clear(drive, "a").granted()
    assert (drive.bitmap("a").state.count, drive.bitmap("a").since) == (0, 2)
    bitmaps.remove(drive, "a").granted()
    assert list(drive.bitmaps) == ["b"]


# Adding one.


def test_bitmap_is_added_as_it_was_asked_for(drive: Drive) -> None:
    asked = bitmaps.add(drive, "c")
    assert asked.arguments == {"node": "drive0", "name": "c"}
    asked = bitmaps.add(drive, "c", 4096, recording=False, persistent=False)
    assert asked.arguments == {
        "node": "drive0",
        "name": "c",
        "granularity": 4096,
        "disabled": True,
        "persistent": False,
    }
    assert foreseen(asked) is None
    asked.granted()
    assert (drive.bitmap("c").state.flags, drive.bitmap("c").state.granularity) == ([], 4096)


WRONG_GRANULARITY = "Granularity must be power of 2 and at least 512"


@pytest.mark.parametrize(
    ("granularity", "words"),
    [
        (512, None),
        (2 * GIB, None),
        (0, WRONG_GRANULARITY),
        (1, WRONG_GRANULARITY),
        (256, WRONG_GRANULARITY),
        (511, WRONG_GRANULARITY),
        (513, WRONG_GRANULARITY),
        (3 * 512, WRONG_GRANULARITY),
        (4 * GIB - 1, WRONG_GRANULARITY),
        (4 * GIB, "Parameter 'granularity' expects uint32_t"),
        (8 * GIB, "Parameter 'granularity' expects uint32_t"),
    ],
)
def test_granularity_is_a_power_of_two_within_bounds(drive: Drive, granularity: int, words: str | None) -> None:
    assert foreseen(bitmaps.add(drive, "c", granularity)) == words
    assert foreseen(bitmaps.add(drive, "", granularity)) == (
        words if words and "uint32" in words else "Bitmap name cannot be empty"
    ), "QEMU looks at the name before it looks at the granularity, once that is a number"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 1023, None),
        ("x" * 1024, "Bitmap name too long"),
        ("é" * 511, None),
        ("é" * 512, "Bitmap name too long"),
        ("", "Bitmap name cannot be empty"),
        ("a", "Bitmap already exists: a"),
        ("A", None),
    ],
)
def test_name_is_one_of_its_own_and_not_too_long(drive: Drive, name: str, words: str | None) -> None:
    assert foreseen(bitmaps.add(drive, name)) == words


def test_name_is_taken_as_soon_as_a_bitmap_was_asked_for(drive: Drive) -> None:
    outlook = Outlook()
    assert foreseen(bitmaps.add(drive, "c"), outlook) is None
    assert outlook.added == {("drive0", "c")}
    assert foreseen(bitmaps.add(drive, "c"), outlook) == "Bitmap already exists: c"
    assert foreseen(bitmaps.add(drive, "c", persistent=True), outlook) == "Bitmap already exists: c"
    assert foreseen(bitmaps.add(drive_of(image("drive1")), "c"), outlook) is None


def test_refused_bitmap_is_not_added(drive: Drive) -> None:
    outlook = Outlook()
    assert foreseen(bitmaps.add(drive, "c", 1), outlook)
    assert outlook.added == set()


# Adding one that the image stores.


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ImageKind("qcow2"), None),
        (ImageKind("raw"), "Can't store persistent bitmaps to drive0"),
        (KINDS["a VMDK image"], "Can't store persistent bitmaps to drive0"),
        (KINDS["a qcow2 image of version 2"], "Cannot store dirty bitmaps in qcow2 v2 files"),
    ],
)
def test_only_some_images_store_bitmaps(kind: ImageKind, words: str | None) -> None:
    drive = drive_of(image(kind=kind))
    assert foreseen(bitmaps.add(drive, "c", persistent=True)) == words
    assert foreseen(bitmaps.add(drive, "c", persistent=False)) is None


def test_node_that_is_no_image_stores_none() -> None:
    node = Node("filter0", ended_machine(), MIB)
    assert foreseen(bitmaps.add(node, "c", persistent=True)) == "Can't store persistent bitmaps to filter0"
    assert foreseen(bitmaps.add(node, "c")) is None


def test_too_long_a_name_is_refused_in_other_words_when_it_is_to_be_stored(drive: Drive) -> None:
    assert foreseen(bitmaps.add(drive, "x" * 1023, persistent=True)) is None
    assert foreseen(bitmaps.add(drive, "x" * 1024, persistent=True)) == "Name length exceeds maximum"
    assert foreseen(bitmaps.add(drive, "a", persistent=True)) == "Bitmap already exists: a"


@pytest.mark.parametrize(
    ("size", "granularity", "words"),
    [
        # One bit for each granule, of which 512 MiB can be stored.
        ((512 << 20) * 8 * 512, 512, None),
        ((512 << 20) * 8 * 512 + 512, 512, "Too much space will be occupied by the bitmap"),
        ((512 << 20) * 8 * 512 + 512, 1024, None),
    ],
)
def test_large_bitmap_of_small_granules_is_not_stored(size: int, granularity: int, words: str | None) -> None:
    drive = drive_of(image(size=size))
    assert foreseen(bitmaps.add(drive, "c", granularity, persistent=True)) == words
    assert foreseen(bitmaps.add(drive, "c", granularity)) is None


def test_image_stores_65535_bitmaps_and_no_more(drive: Drive) -> None:
    stored, transient = drive.bitmap("b"), drive.bitmap("a")
    drive.bitmaps = {str(number): stored for number in range(65534)} | {"transient": transient}
    assert foreseen(bitmaps.add(drive, "c", persistent=True)) is None
    drive.bitmaps["one more"] = stored
    assert (
        foreseen(bitmaps.add(drive, "c", persistent=True)) == "Maximum number of persistent bitmaps is already reached"
    )
    assert foreseen(bitmaps.add(drive, "c")) is None


def test_image_is_looked_at_in_the_order_in_which_qemu_does() -> None:
    raw = drive_of(image(kind=ImageKind("raw")))
    assert foreseen(bitmaps.add(raw, "", 1, persistent=True)) == "Bitmap name cannot be empty"
    assert foreseen(bitmaps.add(raw, "c", 1, persistent=True)) == WRONG_GRANULARITY
    raw.gained_bitmap("c", {})
    assert foreseen(bitmaps.add(raw, "c", persistent=True)) == "Can't store persistent bitmaps to drive0"
    assert foreseen(bitmaps.add(raw, "c")) == "Bitmap already exists: c"


# Merging.


def merge(drive: Drive, target: str, *sources: str) -> Request:
    return bitmaps.merge(drive, target, [(drive, source) for source in sources])


def test_record_of_others_is_added(drive: Drive) -> None:
    drive.gained_bitmap("c", {"granularity": 4096})
    asked = merge(drive, "c", "a", "b")
    assert asked.arguments == {"node": "drive0", "target": "c", "bitmaps": ["a", "b"]}
    assert foreseen(asked) is None
    asked.granted()
    assert drive.bitmap("c").dirty.granules == drive.bitmap("a").dirty.granules


def test_merging_nothing_into_itself_or_itself_is_granted(drive: Drive) -> None:
    assert foreseen(merge(drive, "a")) is None
    assert foreseen(merge(drive, "a", "a", "a")) is None


@pytest.mark.parametrize("spoil_it", [spoil, export, Bitmap.hold])
def test_neither_target_nor_source_may_be_unfit(drive: Drive, spoil_it: Callable[[Bitmap], None]) -> None:
    spoil_it(drive.bitmap("b"))
    words = "Bitmap 'b' is inconsistent and cannot be used" if spoil_it is spoil else "Bitmap 'b' is currently in use"
    assert foreseen(merge(drive, "b", "a")) == words
    assert foreseen(merge(drive, "a", "b")) == words


def test_missing_bitmaps_are_refused_before_unfit_ones(drive: Drive) -> None:
    spoil(drive.bitmap("b"))
    assert foreseen(merge(drive, "c", "b")) == "Dirty bitmap 'c' not found"
    assert foreseen(merge(drive, "b", "c")) == "Dirty bitmap 'c' not found"
    assert foreseen(merge(drive, "a", "c", "b")) == "Dirty bitmap 'c' not found"
    assert foreseen(merge(drive, "a", "b", "c")) == "Bitmap 'b' is inconsistent and cannot be used"


def test_bitmaps_of_drives_of_different_sizes_are_not_merged(drive: Drive) -> None:
    same, other = (
        drive_of(image(name, size), drive.machine) for name, size in (("drive1", MIB), ("drive2", MIB + 512))
    )
    for node in (same, other):
        node.gained_bitmap("c", {})
    assert foreseen(bitmaps.merge(drive, "a", [(same, "c")])) is None
    assert foreseen(bitmaps.merge(drive, "a", [(other, "c")])) == "Bitmaps are of different sizes"
    assert bitmaps.merge(drive, "a", [(drive, "b"), (same, "c")]).arguments["bitmaps"] == [
        "b",
        {"node": "drive1", "name": "c"},
    ]


def test_bitmap_that_the_same_transaction_has_added_can_be_merged_into(drive: Drive) -> None:
    outlook = Outlook(added={("drive0", "c")}, removed={("drive0", "b")}, held={("drive0", "a")})
    assert foreseen(merge(drive, "c"), outlook) is None
    assert foreseen(merge(drive, "c", "b"), outlook) == "Bitmap 'b' is currently in use"
    assert foreseen(merge(drive, "c", "a"), outlook) == "Bitmap 'a' is currently in use"


def test_sources_are_named_by_drive_where_they_are_of_another_one(drive: Drive) -> None:
    other = drive_of(image("drive1"), drive.machine)
    other.gained_bitmap("c", {})
    asked = bitmaps.merge_named(world_of(drive, other), drive, "a", [("", "b"), ("drive1", "c")])
    assert asked.arguments["bitmaps"] == ["b", {"node": "drive1", "name": "c"}]


def test_refusals_are_of_the_class_that_qemu_gives_them(drive: Drive) -> None:
    assert bitmaps.clear(drive, "c").forecast(Outlook()) == Refusal("Dirty bitmap 'c' not found", "GenericError")
