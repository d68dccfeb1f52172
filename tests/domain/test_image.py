from __future__ import annotations

import pytest
from without_qemu import MIB, image

from testbed.domain.bitmap import Bitmap
from testbed.domain.image import Image
from testbed.model.dirty import Dirty
from testbed.model.ranges import NOTHING, Ranges
from testbed.qemu.image_kinds import ImageKind

KIB = 1024
CLUSTER = 64 * KIB


def bitmap(name: str, *, persistent: bool = True, inconsistent: bool = False) -> Bitmap:
    """Return a bitmap that has recorded something, unless it is inconsistent."""
    dirty = Dirty(MIB, 4 * KIB)
    dirty = dirty if inconsistent else dirty.marked(Ranges.of((0, 1)))
    return Bitmap(name, dirty, recording=not inconsistent, persistent=persistent, inconsistent=inconsistent)


# The bitmaps stored in it.


def test_what_is_stored_is_found_again_as_it_was() -> None:
    stored, held = image(), bitmap("kept")
    stored.open()
    stored.store({"kept": held, "lost": bitmap("lost", persistent=False)})
    assert (stored.bitmaps, stored.in_use) == ({"kept": held}, set())
    assert stored.stored_bitmaps() == {"kept": held}
    assert stored.open() == {"kept": held}
    assert held.dirty.count == 4 * KIB


def test_whoever_opens_it_marks_what_is_stored_as_in_use() -> None:
    stored = image()
    stored.store({"kept": bitmap("kept")})
    found = stored.open()
    assert stored.in_use == {"kept"}
    del found["kept"]  # what a machine does to its own bitmaps, the image does not know
    assert list(stored.bitmaps) == ["kept"]


def test_what_a_crash_has_left_is_inconsistent_empty_and_records_no_more() -> None:
    stored, held = image(), bitmap("kept")
    stored.store({"kept": held})
    stored.open()
    spoilt = stored.stored_bitmaps()["kept"]
    assert spoilt.state.flags == ["persistent", "inconsistent"]
    assert (spoilt.state.granularity, spoilt.state.count) == (4 * KIB, 0)
    assert held.recording, "the bitmap of the machine that crashed should be left as it was"


def test_what_a_crash_has_spoilt_stays_so() -> None:
    stored = image()
    stored.store({"kept": bitmap("kept")})
    stored.open()
    found = stored.open()  # the one who opened it before has crashed
    assert found["kept"].inconsistent
    stored.store(found)
    assert stored.in_use == {"kept"}
    assert stored.open()["kept"].inconsistent
    assert stored.stored_bitmaps()["kept"].state == found["kept"].state


def test_what_was_never_stored_is_not_found_after_a_crash() -> None:
    stored = image()
    stored.open()
    stored.open()
    assert stored.stored_bitmaps() == {}


def test_what_is_removed_is_forgotten_at_once() -> None:
    stored = image()
    stored.store({"kept": bitmap("kept"), "gone": bitmap("gone")})
    stored.open()
    stored.forget("gone")
    stored.forget("never there")
    assert (list(stored.stored_bitmaps()), stored.in_use) == (["kept"], {"kept"})


# What it holds.


def test_it_stands_on_all_that_is_below() -> None:
    lowest = image("lowest")
    middle = image("middle", base=lowest)
    top = image("top", base=middle)
    assert [layer.name for layer in top.layers] == ["top.qcow2", "middle.qcow2", "lowest.qcow2"]
    assert list(lowest.layers) == [lowest]


@pytest.mark.parametrize(
    ("kind", "unit", "granularity"),
    [
        (ImageKind("qcow2"), CLUSTER, CLUSTER),
        (ImageKind("qcow2", {"cluster_size": "512"}), 512, 4 * KIB),
        (ImageKind("qcow2", {"cluster_size": str(2 * MIB)}), 2 * MIB, CLUSTER),
        (ImageKind("raw"), 1, CLUSTER),
        (ImageKind("vmdk"), 1, CLUSTER),
    ],
)
def test_units_follow_from_the_kind(kind: ImageKind, unit: int, granularity: int) -> None:
    made = image(kind=kind)
    assert (made.unit, made.granularity, made.image_format) == (unit, granularity, kind.image_format)


def test_what_is_written_takes_whole_clusters_and_is_held() -> None:
    made = image(size=MIB + 512)
    made.write(0xAB, CLUSTER - 1, 2)
    assert made.allocated == made.own_layer == Ranges.of((0, 2 * CLUSTER))
    assert [made.content.pattern_at(at) for at in (CLUSTER - 2, CLUSTER - 1, CLUSTER, CLUSTER + 1)] == [
        0,
        0xAB,
        0xAB,
        0,
    ]


def test_raw_image_holds_all_of_its_drive() -> None:
    made = image(kind=ImageKind("raw"))
    assert made.own_layer == Ranges.of((0, MIB))
    made.write(0xAB, 5, 1)
    assert made.allocated == Ranges.of((5, 1))


def full(size: int = MIB, base: Image | None = None, kind: ImageKind | None = None) -> Image:
    """Return an image that reads as 0x11 everywhere, and holds nothing of that itself if it stands on a base."""
    made = image(size=size, base=base, kind=kind)
    made.content = made.content.written(0x11, 0, size)
    return made


def test_discard_turns_whole_clusters_into_zeros() -> None:
    made = full()
    made.discard(CLUSTER - 1, 2 * CLUSTER)
    assert [made.content.pattern_at(at) for at in (CLUSTER - 1, CLUSTER, 2 * CLUSTER - 1, 2 * CLUSTER)] == [
        0x11,
        0,
        0,
        0x11,
    ]
    assert made.allocated == NOTHING, "on its own an image needs no space for zeros"


def test_part_of_a_cluster_at_the_end_is_as_good_as_whole() -> None:
    made = full(MIB + 512)
    made.discard(MIB, 512)
    assert made.content.pattern_at(MIB + 511) == 0
    made.discard(MIB - 512, 512)
    assert made.content.pattern_at(MIB - 1) == 0x11


def test_discard_in_a_raw_image_is_exact() -> None:
    made = full(kind=ImageKind("raw"))
    made.discard(512, 512)
    assert [made.content.pattern_at(at) for at in (511, 512, 1023, 1024)] == [0x11, 0, 0, 0x11]


def test_zeros_that_a_discard_leaves_hide_what_is_below() -> None:
    made = full(base=full())
    made.discard(CLUSTER, CLUSTER)
    assert made.allocated == made.own_layer == Ranges.of((CLUSTER, CLUSTER))
    made.discard(MIB - CLUSTER, CLUSTER)
    made.resize(2 * MIB)  # past its base, where nothing has to be hidden
    assert made.allocated == Ranges.of((CLUSTER, CLUSTER), (MIB - CLUSTER, CLUSTER))


@pytest.mark.parametrize(
    ("sizes", "allocated"),
    [
        ((MIB // 2,), Ranges.of((0, CLUSTER))),
        ((2 * MIB,), Ranges.of((0, CLUSTER))),
        ((MIB // 2, MIB), Ranges.of((0, CLUSTER), (MIB // 2, MIB // 2))),
        ((MIB // 2, 2 * MIB), Ranges.of((0, CLUSTER), (MIB // 2, 3 * MIB // 2))),
        ((512,), Ranges.of((0, 512))),
    ],
    ids=["shrunk", "grown past its base", "shrunk and grown", "shrunk and grown past its base", "cut in a cluster"],
)
def test_what_was_cut_off_of_the_base_does_not_come_back(sizes: tuple[int, ...], allocated: Ranges) -> None:
    made = full(base=full())
    made.write(0x22, 0, 1)
    for size in sizes:
        made.resize(size)
    assert made.size == sizes[-1]
    assert made.allocated == allocated
    assert made.content.pattern_at(made.size - 1) == (0x11 if len(sizes) == 1 and made.size < MIB else 0)


def test_image_on_its_own_needs_no_zeros_when_it_grows_again() -> None:
    made = full()
    made.allocate(Ranges.of((0, MIB)))
    for size in (MIB // 2, MIB):
        made.resize(size)
    assert made.allocated == Ranges.of((0, MIB // 2))
    assert made.content.pattern_at(MIB // 2) == 0


def test_images_of_one_name_are_not_the_same() -> None:
    assert image() != image()


def test_what_finds_no_room_to_be_stored_is_left_as_by_a_crash() -> None:
    stored = image()
    stored.store({"kept": bitmap("kept")})
    found = stored.open()
    stored.has_room = False
    stored.store({**found, "new": bitmap("new")})
    assert {name: known.inconsistent for name, known in stored.stored_bitmaps().items()} == {"kept": True}


def test_what_a_tool_writes_is_recorded_by_what_records() -> None:
    stored, idle = image(), bitmap("idle")
    idle.disable()
    stored.store({"kept": bitmap("kept"), "idle": idle})
    stored.write_offline(0xAB, 4 * KIB, 1)
    assert [stored.bitmaps[name].dirty.count for name in ("kept", "idle")] == [8 * KIB, 4 * KIB]
    assert (stored.content.pattern_at(4 * KIB), stored.history.moment) == (0xAB, 1)
