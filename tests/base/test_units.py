from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.base.problems import AuthorError
from testbed.base.units import BYTE_PATTERN, SIZE_PATTERN, format_size, parse_byte, parse_size, whole_sectors


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("0 B", 0),
        ("1 B", 1),
        ("512 B", 512),
        ("458,753 B", 458753),
        ("64 KiB", 65536),
        ("32736 KiB", 33521664),
        ("1.5 MiB", 1572864),
        ("0.5 KiB", 512),
        ("1.000 GiB", 1 << 30),
        ("16 TiB", 1 << 44),
        ("2 MiB - 1 B", 2097151),
        ("64 KiB + 512 B", 66048),
        ("4 MiB + 1 KiB - 1 B", 4195327),
        ("1 B + 1 B + 1 B + 1 B - 4 B", 0),
        ("1 B - 1 KiB + 1 KiB", 1),
        ("1.5 MiB - 0.5 KiB", 1572352),
    ],
)
def test_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "64",
        "512",
        "00",
        "64KiB",
        "64  KiB",
        " 64 KiB",
        "64 KiB ",
        "64 KB",
        "64 kib",
        "64 K",
        "-64 KiB",
        "+1 B",
        "1e3 KiB",
        "0x40 KiB",
        ".5 KiB",
        "1. KiB",
        "1,5 MiB",
        "1,00 KiB",
        "KiB",
        "64 PiB",
        "64 KiB\n",
        "512 bytes",
        "1 byte",
        "2 MiB -1 B",
        "2 MiB-1 B",
        "2 MiB  - 1 B",
        "2 MiB -  1 B",
        "2 MiB - 1",
        "2 - 1 B",
        "2 MiB -",
        "- 1 B",
        "2 MiB - - 1 B",
        "2 MiB * 2 B",
        "0 + 1 B",
        "1 KiB + 0",
    ],
)
def test_other_text_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(AuthorError, match=r'is not a size: write a number, a blank and B, .* as in "64 KiB"'):
        parse_size(text)


@pytest.mark.parametrize("text", ["0.3 KiB", "1.5 B", "0.0001 MiB"])
def test_part_of_a_byte_is_refused(text: str) -> None:
    with pytest.raises(AuthorError, match=f'"{re.escape(text)}" is not a whole number of bytes'):
        parse_size(text)


def test_part_of_a_byte_is_refused_in_a_sum() -> None:
    with pytest.raises(AuthorError, match=r'"0\.5 B" is not a whole number of bytes'):
        parse_size("1 KiB - 0.5 B")


@pytest.mark.parametrize("text", ["1 B - 2 B", "1 MiB - 2 MiB + 1 KiB"])
def test_less_than_nothing_is_refused(text: str) -> None:
    with pytest.raises(AuthorError, match=f'"{re.escape(text)}" is less than nothing'):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"),
        (1, "1 B"),
        (512, "512 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (4608, "4608 B"),
        (65535, "64 KiB - 1 B"),
        (65536, "64 KiB"),
        (67072, "65 KiB + 512 B"),
        (458752, "448 KiB"),
        (458753, "448 KiB + 1 B"),
        (4195327, "4 MiB + 1023 B"),
        (33521664, "32 MiB - 32 KiB"),
        (1 << 20, "1 MiB"),
        (3 << 29, "1536 MiB"),
        ((1 << 30) - (1 << 20) - 1, "1023 MiB - 1 B"),
        ((1 << 30) - 20001, "1 GiB - 20 KiB + 479 B"),
        (1 << 40, "1 TiB"),
        ((1 << 40) + 1, "1 TiB + 1 B"),
        (100_000 << 40, "100000 TiB"),
    ],
)
def test_size_is_written(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(0, 1 << 60), st.sampled_from([1, 512, 1 << 10, 1 << 16, 1 << 20, 1 << 30]))
def test_size_that_was_written_is_read_back(count: int, unit: int) -> None:
    text = format_size(count * unit)
    assert parse_size(text) == count * unit
    assert re.fullmatch(SIZE_PATTERN, text)


@pytest.mark.parametrize(("text", "byte"), [("0x0", 0), ("0x00", 0), ("0x41", 0x41), ("0xfe", 0xFE), ("0xFF", 0xFF)])
def test_byte_is_read(text: str, byte: int) -> None:
    assert parse_byte(text) == byte
    assert re.fullmatch(BYTE_PATTERN, text)


@pytest.mark.parametrize("text", ["", "65", "41", "0x", "0x100", "0x-1", "0xg0", "0X41", "x41", " 0x41", "0x4_1"])
def test_other_text_is_no_byte(text: str) -> None:
    with pytest.raises(AuthorError, match="is not a byte: write it as 0x"):
        parse_byte(text)


@pytest.mark.parametrize(("size", "rounded"), [(0, 0), (1, 512), (512, 512), (513, 1024)])
def test_sizes_are_rounded_up_to_whole_sectors(size: int, rounded: int) -> None:
    assert whole_sectors(size) == rounded
