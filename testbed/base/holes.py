"""Where a file has data, as its file system tells."""

from __future__ import annotations

import errno
import os


def next_data(descriptor: int, at: int) -> int | None:
    """Return where a file has its next data from an offset in bytes on, or None if there are none. Raises OSError."""
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise
