from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.base.units import BYTE_PATTERN, SIZE_PATTERN, format_size, parse_byte, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("0 bytes", 0),
        ("1 byte", 1),
        ("512 B", 512),
        ("512 bytes", 512),
        ("4097 bytes", 4097),
        ("458,753 bytes", 458753),
        ("64 KiB", 65536),
        ("32736 KiB", 33521664),
        ("1.5 MiB", 1572864),
        ("0.5 KiB", 512),
        ("1.000 GiB", 1 << 30),
        ("16 TiB", 1 << 44),
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
    ],
)
def test_other_text_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r'is not a size: write a number, a blank and bytes, .* as in "64 KiB"'):
        parse_size(text)


@pytest.mark.parametrize("text", ["0.3 KiB", "1.5 bytes", "0.0001 MiB"])
def test_part_of_a_byte_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f'"{re.escape(text)}" is not a whole number of bytes'):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"),
        (1, "1 byte"),
        (512, "512 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1 KiB"),
        (65536, "64 KiB"),
        (458752, "448 KiB"),
        (458753, "458,753 bytes"),
        (33521664, "32,736 KiB"),
        (1 << 20, "1 MiB"),
        (3 << 29, "1,536 MiB"),
        (1 << 40, "1 TiB"),
        ((1 << 40) + 1, "1,099,511,627,777 bytes"),
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
    with pytest.raises(ValueError, match="is not a byte: write it as 0x"):
        parse_byte(text)
