"""Where a file has data; a file that cannot tell is no hole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testbed.base.holes import next_data

MIB = 1 << 20


def test_holes_are_passed_over(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as file:
        file.seek(MIB)
        file.write(b"data")
        file.truncate(3 * MIB)
        file.flush()
        assert [next_data(file.fileno(), at) for at in (0, MIB + 2, 2 * MIB, 3 * MIB)] == [MIB, MIB + 2, None, None]


def test_what_cannot_tell_is_no_hole() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    try:
        with pytest.raises(OSError, match="Illegal seek"):
            next_data(reading, 0)
    finally:
        os.close(reading)
