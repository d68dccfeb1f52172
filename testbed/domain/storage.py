"""Storage that fails on purpose, or is hard to please: options of QEMU's blkdebug driver below an image's format."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence

from testbed.base.units import SIZE_PATTERN, parse_size

Options = Mapping[str, object]

Storage = Callable[[str], Options]
"""Makes the options of the node that carries an image, from the image's name."""


def sound(image: str) -> Options:
    """Return the options of a node over an image file that never fails."""
    return {"driver": "file", "filename": image}


def failing_reads_after_flush(turns: range, error: int) -> Storage:
    """Return storage of which those reads after a flush fail whose turn it is, counted from 1, with the errno `error`.

    The first flush arms it, so that the flush which ends a batch of guest writes makes the next reader, a backup, fail.
    """
    armed = {"event": "flush_to_disk", "state": 1, "new_state": 2}
    counted = [{"event": "read_aio", "state": turn + 1, "new_state": turn + 2} for turn in range(1, max(turns))]
    return _faulty([armed, *counted], [_once("read_aio", turn + 1, error) for turn in turns])


def failing_writes(event: str, turns: range, error: int) -> Storage:
    """Return storage of which those writes of data fail whose turn it is, counted from 1, with the errno `error`.

    `event` is what such a write is to blkdebug.
    """
    counted = [{"event": event, "state": turn, "new_state": turn + 1} for turn in range(1, max(turns))]
    return _faulty(counted, [_once(event, turn, error) for turn in turns])


def failing_zeroes(error: int) -> Storage:
    """Return storage that fails once, with the errno `error`, when it is to write zeros without being sent them."""
    return _faulty([], [{**_once("none", 0, error), "iotype": "write-zeroes"}])


def holdable(image: str) -> Options:
    """Return storage that never fails, and can be told to hold up a request."""
    return {"driver": "blkdebug", "image": sound(image)}


def aligned(unit: int) -> Storage:
    """Return storage that reads and writes only whole blocks of `unit` bytes."""
    return lambda image: {"driver": "blkdebug", "image": sound(image), "align": unit}


def _faulty(states: Sequence[Options], errors: Sequence[Options]) -> Storage:
    rules = {"set-state": [*states], "inject-error": [*errors]}
    return lambda image: {
        "driver": "blkdebug",
        "image": sound(image),
        **{name: given for name, given in rules.items() if given},
    }


def _once(event: str, state: int, error: int) -> Options:
    return {"event": event, "state": state, "errno": error, "once": True, "immediately": False}


ERRORS = {os.strerror(number): number for number in errno.errorcode}
"""The numbers of errors by what a user is told of them."""

_TURNS = {
    "the first": range(1, 2),
    "the second": range(2, 3),
    "the third": range(3, 4),
    "the fourth": range(4, 5),
    "every other": range(2, 40, 2),
}
"""Which reads or writes fail; of "every other", as many as a small drive may need."""

_WRITES = {"write": "write_aio", "compressed write": "write_compressed"}

_UNFAILING: Mapping[str, Storage] = {"never fails": sound, "can be held up": holdable}

PATTERN = (
    rf"(?:{'|'.join(_UNFAILING)})(?: with \"[^\"]+\")?"
    rf"|works in blocks of {SIZE_PATTERN}"
    r"|fails the first \d+ reads after a flush(?: with \"[^\"]+\")?"
    rf"|fails (?:{'|'.join(_TURNS)}) (?:{'|'.join(_WRITES)}|read after a flush)(?: with \"[^\"]+\")?"
    r"|fails to write zeros once(?: with \"[^\"]+\")?"
)
"""A regular expression for all that storage can be said to do; an error that is not named is "Input/output error"."""


def storage(text: str) -> Storage:
    """Return storage that does what a text says which PATTERN describes; raise KeyError for an unknown error."""
    does, _, told = text.partition(" with ")
    error = ERRORS[told.strip('"') or os.strerror(errno.EIO)]
    if found := re.search(f"blocks of ({SIZE_PATTERN})", does):
        return aligned(parse_size(found[1]))
    if found := re.fullmatch(r"fails the first (\d+) reads after a flush", does):
        return failing_reads_after_flush(range(1, int(found[1]) + 1), error)
    if found := re.fullmatch(f"fails ({'|'.join(_TURNS)}) read after a flush", does):
        return failing_reads_after_flush(_TURNS[found[1]], error)
    if does == "fails to write zeros once":
        return failing_zeroes(error)
    if found := re.fullmatch(f"fails ({'|'.join(_TURNS)}) ({'|'.join(_WRITES)})", does):
        return failing_writes(_WRITES[found[2]], _TURNS[found[1]], error)
    return _UNFAILING[does]
