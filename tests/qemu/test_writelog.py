from __future__ import annotations

import struct
from pathlib import Path

import pytest

from testbed.base.units import SECTOR
from testbed.qemu.writelog import DISCARD, FLUSH, FUA, BrokenLog, WriteLog

MAGIC = 0x6A736677736872


def sector(*numbers: int) -> bytes:
    """Return a sector that begins with such numbers."""
    return struct.pack(f"<{len(numbers)}Q", *numbers).ljust(SECTOR, b"\0")


SUPER = struct.pack("<QQQI", MAGIC, 1, 0, SECTOR).ljust(SECTOR, b"\0")


@pytest.fixture
def log(tmp_path: Path) -> WriteLog:
    """Return an empty log."""
    return WriteLog.begin(tmp_path / "log")


def test_an_empty_log_has_no_entries(log: WriteLog) -> None:
    assert (log.catch_up(), list(log.data())) == (0, [])


def test_a_log_tells_what_was_written_where_and_grows(log: WriteLog) -> None:
    log.path.write_bytes(SUPER + sector(4, 1, 0, 0) + b"\xab" * SECTOR + sector(0, 0, FLUSH, 0))
    assert log.catch_up() == 2
    with log.path.open("ab") as file:
        file.write(sector(2, 2, DISCARD, 0) + sector(1, 1, FUA, 0) + b"\xcd" * SECTOR)
    assert log.catch_up() == 4
    assert [(entry.at, data) for entry, data in log.data()] == [
        (4 * SECTOR, b"\xab" * SECTOR),
        (0, b""),
        (2 * SECTOR, bytes(2 * SECTOR)),
        (SECTOR, b"\xcd" * SECTOR),
    ]
    assert [(entry.flushes, entry.is_write, entry.can_be_lost) for entry in log.entries] == [
        (False, True, True),
        (True, False, False),
        (False, True, True),
        (False, True, False),
    ]
    assert list(map(str, log.entries))[:3] == [
        "the write of 512 B at 2 KiB",
        "a flush",
        "the discard of 1 KiB at 1 KiB",
    ]


def test_what_is_no_log_is_not_read_as_one(log: WriteLog) -> None:
    log.path.write_bytes(b"no log".ljust(SECTOR) + sector(4, 0, FLUSH, 0))
    with pytest.raises(BrokenLog, match="is no log of writes"):
        list(log.data())
