from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.model.ranges import NOTHING, Ranges

SIZE = 160
"""Bytes of the drive on which the properties are tried."""

pieces = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, 40)), max_size=8)
ranges = pieces.map(lambda some: Ranges.of(*some))
units = st.integers(1, 50)


def offsets(of: Ranges) -> set[int]:
    """Return every offset in the ranges: the same set, as a naive model."""
    return {offset for start, end in of for offset in range(start, end)}


def assert_in_order(some: Ranges) -> None:
    """Check what makes two equal sets equal values: sorted, not empty, neither touching nor overlapping."""
    edges = [edge for span in some for edge in span]
    assert edges == sorted(set(edges))


# By example.


def test_touching_and_overlapping_pieces_become_one() -> None:
    assert Ranges.of((30, 10), (0, 10), (10, 5), (12, 8)).spans == ((0, 20), (30, 40))


def test_pieces_without_length_are_nothing() -> None:
    assert Ranges.of((5, 0)) == NOTHING
    assert not Ranges.of((5, 0))
    assert Ranges.of((5, 1))


def test_a_hole_in_the_middle_splits_a_range() -> None:
    assert (Ranges.of((0, 100)) - Ranges.of((40, 20))).spans == ((0, 40), (60, 100))


def test_one_hole_may_reach_over_several_ranges() -> None:
    assert (Ranges.of((0, 10), (20, 10), (40, 10)) - Ranges.of((5, 40))).spans == ((0, 5), (45, 50))


def test_a_byte_over_an_edge_takes_the_whole_unit() -> None:
    assert Ranges.of((65535, 2)).rounded_out(65536).spans == ((0, 131072),)
    assert Ranges.of((65535, 1)).rounded_out(65536).spans == ((0, 65536),)


def test_only_whole_units_are_left_when_rounded_in() -> None:
    assert Ranges.of((1, 65535), (131072, 65536)).rounded_in(65536).spans == ((131072, 196608),)


def test_length_does_not_cost_memory() -> None:
    huge = Ranges.of((0, 1 << 60)) - Ranges.of((1 << 50, 1))
    assert huge.length == (1 << 60) - 1
    assert len(huge.spans) == 2


@pytest.mark.parametrize(
    ("some", "words"),
    [
        (NOTHING, "nothing"),
        (Ranges.of((1 << 20, 65536), (0, 512)), "512 B at 0, 64 KiB at 1 MiB"),
        (Ranges.of(*((2 * at, 1) for at in range(10))), "1 B at 14 B, and 2 more"),
    ],
)
def test_ranges_are_named_as_a_reader_would(some: Ranges, words: str) -> None:
    assert str(some).endswith(words)


# By property, against sets of offsets.


@given(pieces)
def test_pieces_are_kept_and_in_order(some: list[tuple[int, int]]) -> None:
    made = Ranges.of(*some)
    assert offsets(made) == {offset for at, length in some for offset in range(at, at + length)}
    assert_in_order(made)


@given(pieces)
def test_the_order_of_pieces_does_not_matter(some: list[tuple[int, int]]) -> None:
    assert Ranges.of(*some) == Ranges.of(*reversed(some))


@given(ranges)
def test_joined_ranges_are_themselves_again(some: Ranges) -> None:
    assert Ranges.joined(some) == some


@given(ranges, ranges)
def test_union_intersection_and_difference_are_those_of_sets(one: Ranges, other: Ranges) -> None:
    for made, expected in (
        (one | other, offsets(one) | offsets(other)),
        (one & other, offsets(one) & offsets(other)),
        (one - other, offsets(one) - offsets(other)),
    ):
        assert offsets(made) == expected
        assert_in_order(made)


@given(ranges)
def test_length_and_truth_are_those_of_a_set(some: Ranges) -> None:
    assert some.length == len(offsets(some))
    assert bool(some) == bool(offsets(some))


@given(ranges, units)
def test_rounded_out_takes_each_unit_that_is_touched(some: Ranges, unit: int) -> None:
    rounded = some.rounded_out(unit)
    touched = {offset // unit for offset in offsets(some)}
    assert offsets(rounded) == {offset for number in touched for offset in range(number * unit, (number + 1) * unit)}
    assert_in_order(rounded)


@given(ranges, units)
def test_rounded_in_takes_each_unit_that_is_whole(some: Ranges, unit: int) -> None:
    rounded = some.rounded_in(unit)
    inside = offsets(some)
    candidates = [range(at, at + unit) for at in range(0, 2 * SIZE, unit)]
    assert offsets(rounded) == {offset for whole in candidates if inside.issuperset(whole) for offset in whole}
    assert_in_order(rounded)


@given(ranges, st.integers(0, SIZE))
def test_below_keeps_what_is_before_the_end(some: Ranges, size: int) -> None:
    assert offsets(some.below(size)) == {offset for offset in offsets(some) if offset < size}
    assert_in_order(some.below(size))
