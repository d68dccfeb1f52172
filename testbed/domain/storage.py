"""Storage that fails on purpose, or is hard to please: options of QEMU's blkdebug driver below an image's format."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from testbed.base.problems import near
from testbed.base.units import SIZE_PATTERN, parse_size

Options = Mapping[str, object]


@dataclass(frozen=True)
class Storage:
    """What is below an image: makes the options of the node that carries it, from the image's name.

    `needs` is what a build must have for it.
    """

    make: Callable[[str], Options]
    needs: tuple[str, ...] = ("blkdebug",)

    def __call__(self, image: str) -> Options:
        """Return the options of the node below an image, given by its file's name."""
        return self.make(image)


def _file(image: str) -> Options:
    return {"driver": "file", "filename": image}


sound = Storage(_file, needs=())
"""An image file that never fails."""


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


def failing_all_reads(error: int) -> Storage:
    """Return storage each read of which fails with the errno `error`."""
    return _faulty([], [{"event": "none", "iotype": "read", "errno": error, "immediately": False}])


def failing_zeroes(error: int) -> Storage:
    """Return storage that fails once, with the errno `error`, when it is to write zeros without being sent them."""
    return _faulty([], [{**_once("none", 0, error), "iotype": "write-zeroes"}])


EVENTS: Mapping[str, Mapping[str, str]] = {
    "write": {"pwritev": "write", "pwritev_zero": "write-zeroes"},
    "flush": {"flush_to_disk": "flush"},
}
"""What storage can fail to do once: the events by which blkdebug counts it, each with the kind of request it is."""


def failing_once(kind: str, turn: int, error: int) -> Storage:
    """Return storage of which one "write" or "flush" fails, whose turn it is from the opening on, counted from 1.

    A node without a meaning of its own stands between, so that each flush is told to blkdebug as an event.
    """
    states = [
        {"event": event, "state": count, "new_state": count + 1}
        for count in range(1, turn + 1)
        for event in EVENTS[kind]
    ]
    errors = [{**_once(event, turn, error), "iotype": iotype} for event, iotype in EVENTS[kind].items()]
    below = _faulty(states, errors)
    return Storage(lambda image: {"driver": "raw", "file": below(image)})


def recorded(log: str) -> Storage:
    """Return storage that keeps a log of all that is written, in an empty file of that name; see WriteLog."""
    return Storage(
        lambda image: {"driver": "blklogwrites", "file": sound(image), "log": {"driver": "file", "filename": log}},
        needs=("blklogwrites",),
    )


holdable = Storage(lambda image: {"driver": "blkdebug", "image": sound(image)})
"""Storage that never fails, and can be told to hold up a request."""


def aligned(unit: int) -> Storage:
    """Return storage that reads and writes only whole blocks of `unit` bytes."""
    return Storage(lambda image: {"driver": "blkdebug", "image": sound(image), "align": unit})


def _faulty(states: Sequence[Options], errors: Sequence[Options]) -> Storage:
    rules = {"set-state": [*states], "inject-error": [*errors]}
    given = {name: rule for name, rule in rules.items() if rule}
    return Storage(lambda image: {"driver": "blkdebug", "image": sound(image), **given})


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

_AT_ONCE: Mapping[str, Callable[[int], Storage]] = {
    "fails each read": failing_all_reads,
    "fails to write zeros once": failing_zeroes,
}

_UNFAILING: Mapping[str, Storage] = {"never fails": sound, "can be held up": holdable}

PATTERN = (
    rf"(?:{'|'.join(_UNFAILING)})(?: with \"[^\"]+\")?"
    rf"|works in blocks of {SIZE_PATTERN}"
    r"|fails the first \d+ reads after a flush(?: with \"[^\"]+\")?"
    rf"|fails (?:{'|'.join(_TURNS)}) (?:{'|'.join(_WRITES)}|read after a flush)(?: with \"[^\"]+\")?"
    rf"|(?:{'|'.join(_AT_ONCE)})(?: with \"[^\"]+\")?"
)
"""A regular expression for all that storage can be said to do; an error that is not named is "Input/output error"."""


def storage(text: str) -> Storage:
    """Return storage that does what a text says which PATTERN describes; raise AuthorError for an unknown error."""
    does, _, told = text.partition(" with ")
    words = told.strip('"') or os.strerror(errno.EIO)
    if words not in ERRORS:
        raise near(words, ERRORS, "error of the system")
    error = ERRORS[words]
    if found := re.search(f"blocks of ({SIZE_PATTERN})", does):
        return aligned(parse_size(found[1]))
    if found := re.fullmatch(r"fails the first (\d+) reads after a flush", does):
        return failing_reads_after_flush(range(1, int(found[1]) + 1), error)
    if found := re.fullmatch(f"fails ({'|'.join(_TURNS)}) read after a flush", does):
        return failing_reads_after_flush(_TURNS[found[1]], error)
    if does in _AT_ONCE:
        return _AT_ONCE[does](error)
    if found := re.fullmatch(f"fails ({'|'.join(_TURNS)}) ({'|'.join(_WRITES)})", does):
        return failing_writes(_WRITES[found[2]], _TURNS[found[1]], error)
    return _UNFAILING[does]
