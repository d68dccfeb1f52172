from __future__ import annotations

from dataclasses import replace

import pytest
from broken_promise import why_not
from hamcrest import assert_that
from real_qemu import DIGESTS, add_null_node, make

from testbed.domain.bitmap import Bitmap, BitmapState
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.model.dirty import Dirty
from testbed.model.ranges import NOTHING, Ranges
from testbed.promises.bitmaps import has_bitmaps, has_bitmaps_in_step, stores_its_bitmaps
from testbed.qemu.machine import Machine
from testbed.scenario.acts import bitmaps
from testbed.scenario.world import World

KIB = 1024
MIB = 1024 * KIB


@pytest.fixture
def node(machine: Machine) -> Node:
    """Return a node with a bitmap that has recorded a write, and one that does not record, beside their models."""
    node = add_null_node(machine, "drive0", MIB)
    make(bitmaps.add(node, "a"))
    make(bitmaps.add(node, "b", granularity=4 * KIB, recording=False))
    machine.guest_request("drive0", "write 65535 2", "wrote")
    node.changed(Ranges.of((65535, 2)))
    return node


A = BitmapState("a", 64 * KIB, recording=True, busy=False, persistent=False, count=128 * KIB)
B = BitmapState("b", 4 * KIB, recording=False, busy=False, persistent=False, count=0)


def test_bitmaps_that_are_as_expected_match(node: Node) -> None:
    assert_that(node, has_bitmaps([B, A]))
    assert_that(node, has_bitmaps_in_step(DIGESTS))
    assert has_bitmaps([A]).words == '"a" (recording, granularity 64 KiB, dirty 128 KiB)'
    assert has_bitmaps([]).words == "no bitmap at all"


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (
            [replace(A, count=64 * KIB), B],
            'drive0: "a" should be dirty 64 KiB; it is dirty 128 KiB',
        ),
        (
            [A, replace(B, recording=True, busy=True, persistent=True, inconsistent=True)],
            'drive0: "b" should be inconsistent, busy, recording, persistent; '
            "it is not inconsistent, not busy, not recording, not persistent",
        ),
        ([A, replace(B, granularity=8 * KIB)], "should be of granularity 8 KiB; it is of granularity 4 KiB"),
        ([A], 'drive0 should have no bitmap b; it has "b" (not recording, granularity 4 KiB, dirty 0)'),
        (
            [A, B, replace(B, name="c")],
            'drive0 should have "c" (not recording, granularity 4 KiB, dirty 0); it has no such bitmap',
        ),
    ],
)
def test_each_way_in_which_bitmaps_can_differ_is_named(node: Node, expected: list[BitmapState], said: str) -> None:
    assert said in why_not(node, has_bitmaps(expected))


def test_bitmaps_where_there_should_be_none_are_named(node: Node) -> None:
    assert why_not(node, has_bitmaps([])).count("should have no bitmap") == 2


def test_bits_in_the_wrong_place_are_seen_by_their_digest_alone(node: Node) -> None:
    node.bitmap("a").dirty = Dirty(MIB).marked(Ranges.of((64 * KIB, 128 * KIB)))
    assert_that(node, has_bitmaps_in_step(None))
    assert why_not(node, has_bitmaps_in_step(DIGESTS)) == (
        '"a" on drive0 counts what it should, but not in the right places; dirty should be 128 KiB at 64 KiB'
    )


def test_a_wrong_count_is_seen_with_or_without_digests(node: Node) -> None:
    node.bitmap("a").dirty = Dirty(MIB, granules=NOTHING)
    for digests in (DIGESTS, None):
        assert "should be dirty 0; it is dirty 128 KiB" in why_not(node, has_bitmaps_in_step(digests))


def test_a_bitmap_that_no_model_knows_is_noticed(node: Node) -> None:
    del node.bitmaps["b"]
    assert "should have no bitmap b" in why_not(node, has_bitmaps_in_step(DIGESTS))


def test_a_bitmap_that_qemu_does_not_know_is_noticed(node: Node) -> None:
    node.bitmaps["c"] = Bitmap("c", Dirty(MIB))
    assert "it has no such bitmap" in why_not(node, has_bitmaps_in_step(DIGESTS))


# Bitmaps, as an image stores them.


@pytest.fixture
def drive(world: World) -> Drive:
    """Return a drive whose machine has ended, with a bitmap that was persistent and one that was not."""
    drive = world.drives.add("drive0", MIB)
    world.dialogue.demand(bitmaps.add(drive, "kept", persistent=True, granularity=512))
    world.dialogue.demand(bitmaps.add(drive, "lost"))
    drive.write(0xAB, 65535, 2)
    world.judge.shut_down()
    return drive


@pytest.mark.parametrize("by_qemu_img", [False, True])
def test_what_an_image_stores_wrongly_is_named(world: World, drive: Drive, by_qemu_img: bool) -> None:  # noqa: FBT001
    promise = stores_its_bitmaps(replace(world.images, asks_both=lambda _name: by_qemu_img))
    assert_that(drive, promise)
    stored = drive.image.bitmaps["kept"]
    drive.image.bitmaps = {}
    one_too_many = 'drive0.qcow2 should store "kept" not at all; it does as recording, with a granularity of 512 B'
    assert why_not(drive, promise) == one_too_many
    drive.image.bitmaps = {"kept": stored, "lost": Bitmap("lost", Dirty(MIB), persistent=True)}
    one_too_few = 'drive0.qcow2 should store "lost" as recording, with a granularity of 64 KiB; it does not'
    assert why_not(drive, promise) == one_too_few
    drive.image.bitmaps = {"kept": stored}
    stored.disable()
    records = 'should store "kept" as not recording, with a granularity of 512 B; it does as recording, with'
    assert records in why_not(drive, promise)
    stored.enable()
    drive.image.in_use = {"kept"}
    assert 'should store "kept" as inconsistent, with' in why_not(drive, promise)
