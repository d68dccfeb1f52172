from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.model.content import PIECE, Content, Run
from testbed.model.ranges import NOTHING, Ranges

LARGEST = 4096
"""Bytes that a drive of the properties can have."""


class Write(NamedTuple):
    """A write wherever it comes to lie: the parts of it that are on the drive count."""

    pattern: int
    at: int
    length: int


places = st.integers(0, LARGEST)
lengths = st.integers(0, LARGEST // 4)
sizes = st.integers(1, LARGEST)
writes = st.lists(st.builds(Write, st.integers(0, 4), places, lengths), max_size=10)
ranges = st.lists(st.tuples(places, lengths), max_size=5).map(lambda some: Ranges.of(*some))


def after(size: int, some: Sequence[Write]) -> tuple[Content, bytearray]:
    """Make the writes, as far as they fit, in the model and in a buffer as long as the drive."""
    content, buffer = Content(size), bytearray(size)
    for write in some:
        at = min(write.at, size)
        length = min(write.length, size - at)
        content = content.written(write.pattern, at, length)
        buffer[at : at + length] = bytes([write.pattern]) * length
    return content, buffer


drives = st.builds(after, sizes, writes)


def read(content: Content) -> bytes:
    """Read a whole content through its runs."""
    return b"".join(bytes([run.pattern]) * (run.end - run.start) for run in content.covering(0, content.size))


def written_sparsely(content: Content) -> bytes:
    """Write a content into a file, and read that back."""
    with tempfile.TemporaryFile() as file:
        content.write_sparsely(file)
        file.seek(0)
        return file.read()


def assert_in_order(content: Content) -> None:
    """Check that the runs are sorted, not empty, on the drive, and do not overlap."""
    edges = [edge for run in content.runs for edge in (run.start, run.end)]
    assert edges == sorted(edges)
    assert all(run.start < run.end <= content.size and run.pattern for run in content.runs)


# By example.


def test_a_fresh_drive_reads_as_zeros() -> None:
    assert list(Content(4097).covering(0, 4097)) == [Run(0, 4097, 0)]
    assert Content(4097).data == NOTHING


def test_a_write_inside_an_older_one_splits_it() -> None:
    content = Content(100).written(0x41, 0, 30).written(0x42, 10, 5)
    assert content.runs == (Run(0, 10, 0x41), Run(10, 15, 0x42), Run(15, 30, 0x41))


def test_a_write_may_end_at_the_last_byte_and_no_further() -> None:
    assert Content(100).written(1, 99, 1).pattern_at(99) == 1
    with pytest.raises(ValueError, match="bytes 99 to 101 do not fit a drive of 100 bytes"):
        Content(100).written(1, 99, 2)
    with pytest.raises(ValueError, match="bytes -1 to 1 do not fit"):
        Content(100).written(1, -1, 2)


def test_a_content_is_a_snapshot() -> None:
    before = Content(100).written(1, 0, 100)
    before.written(2, 0, 100).zeroed(Ranges.of((0, 50))).resized(10)
    assert before.runs == (Run(0, 100, 1),)


def test_what_was_cut_off_does_not_come_back() -> None:
    content = Content(100).written(7, 0, 100).resized(40).resized(100)
    assert content.runs == (Run(0, 40, 7),)


def test_size_does_not_cost_memory(tmp_path: Path) -> None:
    content = Content(1 << 50).written(9, 1 << 49, 1 << 40).zeroed(Ranges.of((1 << 49, 1 << 39)))
    assert content.runs == (Run((1 << 49) + (1 << 39), (1 << 49) + (1 << 40), 9),)
    assert content.pattern_at((1 << 49) + (1 << 39)) == 9
    with (tmp_path / "huge").open("wb") as file:
        Content(1 << 43).written(9, 1 << 42, 1).write_sparsely(file)
    assert (tmp_path / "huge").stat().st_size == 1 << 43
    assert (tmp_path / "huge").stat().st_blocks * 512 <= 1 << 20


def test_a_long_run_is_written_in_pieces_and_whole() -> None:
    content = Content(3 * PIECE).written(5, 7, 2 * PIECE + 9)
    assert written_sparsely(content) == bytes(7) + b"\5" * (2 * PIECE + 9) + bytes(PIECE - 16)


def test_only_what_is_asked_for_is_covered() -> None:
    content = Content(100).written(1, 10, 10).written(2, 30, 10)
    assert list(content.covering(20, 30)) == [Run(20, 30, 0)]
    assert list(content.covering(10, 20)) == [Run(10, 20, 1)]
    assert list(content.covering(15, 35)) == [Run(15, 20, 1), Run(20, 30, 0), Run(30, 35, 2)]
    assert list(content.covering(40, 40)) == []


def test_a_run_that_begins_at_the_new_end_is_cut_off_whole() -> None:
    assert Content(100).written(1, 40, 10).resized(40).runs == ()


# By property, against a buffer as long as the drive.


@given(sizes, writes)
def test_writes_read_back(size: int, some: list[Write]) -> None:
    content, buffer = after(size, some)
    assert read(content) == buffer
    assert_in_order(content)


@given(drives, ranges)
def test_zeroed_areas_read_as_zeros(drive: tuple[Content, bytearray], some: Ranges) -> None:
    content, buffer = drive
    zeroed = content.zeroed(some)
    for start, end in some.below(len(buffer)):
        buffer[start:end] = bytes(end - start)
    assert read(zeroed) == buffer
    assert_in_order(zeroed)


@given(drives, sizes)
def test_a_resized_drive_keeps_its_beginning(drive: tuple[Content, bytearray], size: int) -> None:
    content, buffer = drive
    resized = content.resized(size)
    assert read(resized) == buffer[:size] + bytes(max(size - len(buffer), 0))
    assert_in_order(resized)


@given(drives, drives, ranges)
def test_replaced_areas_come_from_the_other(
    drive: tuple[Content, bytearray], other: tuple[Content, bytearray], some: Ranges
) -> None:
    (content, buffer), (source, source_buffer) = drive, other
    replaced = content.replaced(some, source)
    longer = source_buffer + bytes(LARGEST)
    for start, end in some.below(len(buffer)):
        buffer[start:end] = longer[start:end]
    assert read(replaced) == buffer
    assert_in_order(replaced)


@given(drives, places, places)
def test_covering_leaves_no_byte_out(drive: tuple[Content, bytearray], one: int, other: int) -> None:
    content, buffer = drive
    start, end = sorted((min(one, len(buffer)), min(other, len(buffer))))
    runs = list(content.covering(start, end))
    edges = [start, *(run.end for run in runs)]
    assert [(run.start, run.end) for run in runs] == list(pairwise(edges))
    assert all(run.start < run.end for run in runs)
    assert edges[-1] == end
    assert b"".join(bytes([run.pattern]) * (run.end - run.start) for run in runs) == buffer[start:end]


@given(drives, places)
def test_pattern_at_is_the_byte(drive: tuple[Content, bytearray], place: int) -> None:
    content, buffer = drive
    assert content.pattern_at(place % len(buffer)) == buffer[place % len(buffer)]


@given(drives)
def test_data_is_where_the_bytes_are_not_zero(drive: tuple[Content, bytearray]) -> None:
    content, buffer = drive
    assert content.data == Ranges.of(*((offset, 1) for offset, byte in enumerate(buffer) if byte))


@given(drives)
def test_a_sparse_file_holds_the_content(drive: tuple[Content, bytearray]) -> None:
    content, buffer = drive
    assert written_sparsely(content) == buffer
