"""The log that QEMU's blklogwrites driver keeps of all that is written to a file, as Linux' dm-log-writes has it.

A sector of the log tells what it is, and then comes an entry for each request: a sector that says where it goes, and
what it wrote. Nothing of it is kept in memory by QEMU: when a request is answered, its entry is in the log.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.base.units import SECTOR, format_size

_SUPER = struct.Struct("<QQQI")
_MAGIC = 0x6A736677736872
_ENTRY = struct.Struct("<QQQQ")

FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
"""The flags of an entry: what was to be on the disk before it, or with it; what was given back; a mere remark."""


class BrokenLog(AssertionError):
    """A log that is none: nothing can be said of the file that it is about."""


@dataclass(frozen=True)
class Entry:
    """One request to the storage: `length` bytes at the offset `at`, and where its data stand in the log, in bytes."""

    at: int
    length: int
    flags: int
    place: int

    @property
    def is_write(self) -> bool:
        """Tell whether it changes what the file holds."""
        return self.length > 0

    @property
    def flushes(self) -> bool:
        """Tell whether all that was written before is on the disk when it is done."""
        return bool(self.flags & FLUSH)

    @property
    def can_be_lost(self) -> bool:
        """Tell whether it is a write that a power cut can undo until the next flush."""
        return self.is_write and not self.flags & FUA

    def __str__(self) -> str:
        """Say what it is in a few words."""
        if not self.is_write:
            return "a flush"
        what = "discard" if self.flags & DISCARD else "write"
        return f"the {what} of {format_size(self.length)} at {format_size(self.at)}"


@dataclass
class WriteLog:
    """The log in a file, as far as it has been read; it may still grow."""

    path: Path
    entries: list[Entry]
    _end: int = SECTOR

    @classmethod
    def begin(cls, path: Path) -> WriteLog:
        """Make an empty file for a log."""
        path.touch()
        return cls(path, [])

    def catch_up(self) -> int:
        """Read what has come since; return how many entries there are."""
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            while self._end + SECTOR <= size:
                file.seek(self._end)
                sector, sectors, flags, _ = _ENTRY.unpack(file.read(_ENTRY.size))
                entry = Entry(sector * SECTOR, sectors * SECTOR, flags, self._end + SECTOR)
                self.entries.append(entry)
                self._end = entry.place + (0 if flags & DISCARD else entry.length)
        return len(self.entries)

    def data(self) -> Iterator[tuple[Entry, bytes]]:
        """Yield each entry with what it writes: zeros where it gives space back. Raises BrokenLog."""
        if not self.catch_up():
            return
        with self.path.open("rb") as file:
            magic, _, _, sector = _SUPER.unpack(file.read(_SUPER.size))
            # The first sector is written at each flush, and before the first one it is empty.
            if (magic, sector) not in ((_MAGIC, SECTOR), (0, 0)):
                raise BrokenLog(f"{self.path.name} is no log of writes")
            for entry in self.entries:
                file.seek(entry.place)
                is_given = not entry.flags & DISCARD
                yield entry, file.read(entry.length) if is_given else bytes(entry.length)
