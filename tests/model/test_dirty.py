from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from real_qemu import HOST_WORD, add_null_node, make

from testbed.domain.node import Node
from testbed.model.dirty import COPY_CLUSTER, WORDS, Dirty, Word, default_granularity
from testbed.model.ranges import NOTHING, Ranges
from testbed.qemu.machine import Machine
from testbed.scenario.acts import bitmaps as acts

KIB = 1024
MIB = 1024 * KIB

LARGEST = 2000
"""Bytes that a drive of the properties can have; its granules are as small."""

places = st.integers(0, LARGEST)
spans = st.lists(st.tuples(places, st.integers(1, 300)), max_size=6)
granularities = st.sampled_from([1, 2, 4, 8, 16, 64, 512, 4096])
bitmaps = st.builds(
    lambda size, granularity, some: Dirty(size, granularity).marked(on_drive(some, size)),
    st.integers(1, LARGEST),
    granularities,
    spans,
)


def on_drive(some: Sequence[tuple[int, int]], size: int) -> Ranges:
    """Return the part of some (offset, length) pairs that is on a drive of `size` bytes."""
    return Ranges.of(*some).below(size)


def numbers(dirty: Dirty) -> set[int]:
    """Return the numbers of the dirty granules: the same bitmap, as a naive model."""
    return {
        number
        for start, end in dirty.granules
        for number in range(start // dirty.granularity, end // dirty.granularity)
    }


def all_numbers(dirty: Dirty) -> range:
    return range(-(-dirty.size // dirty.granularity))


def granule(dirty: Dirty, number: int) -> set[int]:
    """Return the offsets in a granule that are on the drive."""
    return set(range(number * dirty.granularity, min((number + 1) * dirty.granularity, dirty.size)))


def offsets(some: Ranges) -> set[int]:
    return {offset for start, end in some for offset in range(start, end)}


# By example.


@pytest.mark.parametrize(
    ("at", "length", "count"),
    [
        (0, 1, 64 * KIB),
        (64 * KIB - 1, 1, 64 * KIB),
        (64 * KIB - 1, 2, 128 * KIB),
        (64 * KIB, 64 * KIB, 64 * KIB),
        (MIB, 1, 64 * KIB),  # in the last granule, of which the drive has but one byte
        (0, MIB + 1, 17 * 64 * KIB),
    ],
)
def test_a_write_marks_each_granule_that_it_touches(at: int, length: int, count: int) -> None:
    assert Dirty(MIB + 1).marked(Ranges.of((at, length))).count == count


def test_nothing_written_marks_nothing() -> None:
    assert Dirty(MIB).marked(Ranges.of((5, 0))) == Dirty(MIB)


def test_merging_takes_the_coarser_granules_and_keeps_ones_own() -> None:
    fine = Dirty(MIB, 4 * KIB).marked(Ranges.of((100 * KIB, 1)))
    coarse = Dirty(MIB, 64 * KIB).marked(Ranges.of((0, 1)))
    assert coarse.merged(fine).granules == Ranges.of((0, 128 * KIB))
    assert fine.merged(coarse).granules == Ranges.of((0, 64 * KIB), (100 * KIB, 4 * KIB))


@pytest.mark.parametrize(
    ("cluster", "copied"),
    [(512, 64 * KIB), (64 * KIB, 64 * KIB), (128 * KIB, 128 * KIB), (2 * MIB, MIB + 1)],
)
def test_whole_clusters_are_copied(cluster: int, copied: int) -> None:
    assert Dirty(MIB + 1, 4 * KIB).marked(Ranges.of((5 * KIB, 1))).copied(cluster).length == copied


def test_the_last_cluster_is_copied_as_far_as_the_drive_goes() -> None:
    assert Dirty(MIB + 1).marked(Ranges.of((MIB, 1))).copied() == Ranges.of((MIB, 1))


@pytest.mark.parametrize(
    ("cluster", "granularity"),
    [(512, 4 * KIB), (4 * KIB, 4 * KIB), (32 * KIB, 32 * KIB), (64 * KIB, 64 * KIB), (2 * MIB, 64 * KIB)],
)
def test_the_default_granularity_is_the_cluster_within_bounds(cluster: int, granularity: int) -> None:
    assert default_granularity(cluster) == granularity


# By property, against sets of granules.


@given(bitmaps, spans)
def test_marked_granules_are_those_touched(dirty: Dirty, some: list[tuple[int, int]]) -> None:
    written = on_drive(some, dirty.size)
    touched = {offset // dirty.granularity for offset in offsets(written)}
    assert numbers(dirty.marked(written)) == numbers(dirty) | touched


@given(bitmaps, granularities, spans)
def test_a_merge_marks_what_the_other_has_recorded(dirty: Dirty, granularity: int, some: list[tuple[int, int]]) -> None:
    other = Dirty(dirty.size, granularity).marked(on_drive(some, dirty.size))
    recorded = {offset for number in numbers(other) for offset in granule(other, number)}
    touched = {number for number in all_numbers(dirty) if granule(dirty, number) & recorded}
    assert numbers(dirty.merged(other)) == numbers(dirty) | touched


@given(bitmaps, st.integers(1, 2 * LARGEST))
def test_a_new_size_forgets_what_is_lost_and_adds_nothing(dirty: Dirty, size: int) -> None:
    resized = dirty.resized(size)
    assert numbers(resized) == numbers(dirty) & set(all_numbers(resized))
    assert (resized.size, resized.granularity) == (size, dirty.granularity)


@given(bitmaps)
def test_count_is_that_of_whole_granules(dirty: Dirty) -> None:
    assert dirty.count == len(numbers(dirty)) * dirty.granularity
    assert dirty.cleared().count == 0


@given(
    st.integers(1, 3 * MIB),
    st.sampled_from([512, 32 * KIB, 64 * KIB, 128 * KIB, MIB]),
    st.lists(st.tuples(st.integers(0, 3 * MIB), st.integers(1, 200 * KIB)), max_size=4),
    st.sampled_from([512, 64 * KIB, 128 * KIB, 2 * MIB]),
)
def test_copied_clusters_are_those_with_a_dirty_granule(
    size: int, granularity: int, some: list[tuple[int, int]], cluster: int
) -> None:
    dirty = Dirty(size, granularity).marked(on_drive(some, size))
    cluster = max(cluster, COPY_CLUSTER)
    touched = {
        at // cluster
        for number in numbers(dirty)
        for at in range(number * granularity, min((number + 1) * granularity, size), 512)
    }
    expected = Ranges.of(*((number * cluster, cluster) for number in touched)).below(size)
    assert dirty.copied(cluster) == expected


@pytest.mark.parametrize("word", WORDS, ids=str)
@given(dirty=bitmaps)
def test_digest_is_that_of_one_bit_for_each_granule_in_words_of_the_host(dirty: Dirty, word: Word) -> None:
    bits = [number in numbers(dirty) for number in all_numbers(dirty)]
    in_words = [bits[first : first + 8 * word.length] for first in range(0, len(bits), 8 * word.length)]
    values = [sum(bit << place for place, bit in enumerate(one)) for one in in_words]
    written = b"".join(value.to_bytes(word.length, word.order) for value in values)
    assert dirty.digest(word) == hashlib.sha256(written).hexdigest()


# Against QEMU.

SIZES = [
    512,
    64 * KIB - 512,
    MIB,
    5 * MIB + 1536,  # ends in the middle of a granule, whatever that is
    64 * 64 * KIB,  # one word of bits at the default granularity
    65 * 64 * KIB,
    4096 * 64 * KIB + 512,  # one word of the next level of QEMU's bitmap, and one granule more
    (1 << 40) + 512,
]

GRANULARITIES = [512, 4 * KIB, 64 * KIB, 2 * MIB]

MOST_GRANULES = 1 << 20
"""Granules of the largest bitmap to try: QEMU and the model hash a bit for each."""


def writes_on(size: int) -> list[tuple[int, int]]:
    """Return writes at both ends of a drive, and across what may be an edge in between; offset and length in bytes."""
    candidates = [
        (0, 1),
        (4095, 2),
        (64 * KIB - 1, 1),
        (64 * KIB, 64 * KIB),
        (200 * KIB + 7, 300 * KIB),
        (64 * 64 * KIB - 1, 2),
        (4096 * 64 * KIB - 512, 1024),
        (size - 513, 2),
        (size - 1, 1),
    ]
    return [(at, length) for at, length in candidates if at >= 0 and at + length <= size]


def write(node: Node, at: int, length: int) -> None:
    node.machine.guest_request(node.name, f"write {at} {length}", "wrote")
    node.changed(Ranges.of((at, length)))


def complaints(node: Node) -> list[str]:
    """Say which bitmaps QEMU has otherwise than the model."""
    reported = {state.name: state.count for state in node.reported_bitmaps()}
    assert reported.keys() == node.bitmaps.keys()
    return [
        f"{name} of {node.name}: QEMU counts {reported[name]}, the model {bitmap.dirty.count} ({bitmap.dirty.granules})"
        for name, bitmap in node.bitmaps.items()
        if (reported[name], node.reported_digest(name)) != (bitmap.dirty.count, bitmap.dirty.digest(HOST_WORD))
    ]


def add_bitmaps(node: Node) -> None:
    for granularity in GRANULARITIES:
        if node.size // granularity <= MOST_GRANULES:
            make(acts.add(node, f"by {granularity}", granularity))


@pytest.mark.parametrize("size", SIZES)
def test_qemu_counts_and_hashes_the_same(machine: Machine, size: int) -> None:
    node = add_null_node(machine, "drive0", size)
    add_bitmaps(node)
    assert complaints(node) == []
    for at, length in writes_on(size):
        write(node, at, length)
        assert complaints(node) == []
    for target in list(node.bitmaps):
        make(acts.add(node, f"into {target}", node.bitmap(target).dirty.granularity))
        for source in list(node.bitmaps):
            make(acts.merge(node, f"into {target}", [(node, source)]))
    assert complaints(node) == []


def test_qemu_follows_a_resize_in_the_same_way(machine: Machine, home: Path) -> None:
    size = 8 * MIB
    (home / "drive0.raw").touch()
    os.truncate(home / "drive0.raw", size)
    file = {"driver": "file", "filename": "drive0.raw"}
    machine.execute("blockdev-add", {"driver": "raw", "node-name": "drive0", "file": file})
    node = Node("drive0", machine, size)
    add_bitmaps(node)
    for new_size in (5 * MIB + 1536, 9 * MIB + 512, 512, 6 * MIB):
        write(node, 0, node.size)
        machine.execute("block_resize", {"node-name": "drive0", "size": new_size})
        node.resized(new_size)
        assert complaints(node) == []


def test_a_wrong_model_is_noticed(machine: Machine) -> None:
    node = add_null_node(machine, "drive0", MIB)
    add_bitmaps(node)
    write(node, 0, 64 * KIB)
    bitmap = node.bitmap(f"by {64 * KIB}")
    bitmap.dirty = Dirty(MIB).marked(Ranges.of((64 * KIB, 1)))  # the count is right, the place is not
    assert complaints(node) == [
        "by 65536 of drive0: QEMU counts 65536, the model 65536 (64 KiB at 64 KiB)",
    ]
    bitmap.dirty = Dirty(MIB, granules=NOTHING)
    assert complaints(node) == ["by 65536 of drive0: QEMU counts 65536, the model 0 (nothing)"]
