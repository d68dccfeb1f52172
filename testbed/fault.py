"""Storage that fails on purpose: options of QEMU's blkdebug driver for the node below a drive."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping

Options = Mapping[str, object]


def sound(image: str) -> Options:
    """Return the options of a node over an image file that never fails."""
    return {"driver": "file", "filename": image}


def failing_read_after_flush(image: str) -> Options:
    """Return the options of a node whose next read after a flush fails once with EIO.

    The first flush arms it, so that the flush which ends a batch of guest writes makes the next reader, a backup, fail.
    """
    return {
        "driver": "blkdebug",
        "image": sound(image),
        "set-state": [{"event": "flush_to_disk", "state": 1, "new_state": 2}],
        "inject-error": [
            {"event": "read_aio", "errno": errno.EIO, "state": 2, "immediately": "off", "once": "on"},
        ],
    }


Storage = Callable[[str], Options]
"""Makes the options of the node that carries an image from the image's name."""

STORAGES: Mapping[str, Storage] = {
    "fails the first read after a flush": failing_read_after_flush,
}
"""What storage can be said to do in a sentence."""
