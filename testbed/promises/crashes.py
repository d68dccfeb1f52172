"""What an image must be wherever its storage had stopped: readable, with all that was flushed, and no bitmap that lies.

The storage has done what it was told before some moment, and nothing after it; where power was cut, it may have lost
any one write since the last flush, too. QEMU's manual promises of a persistent bitmap that it is stored whole or is
known to be of no use (bitmap directory entries, flag in_use, in QEMU's specification of qcow2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from testbed.base.units import SECTOR, format_size
from testbed.domain.recorder import Kept, Moment, Recorder, Session
from testbed.model.content import ZERO, Content
from testbed.model.ranges import NOTHING, Ranges
from testbed.promises.promise import Promise
from testbed.qemu.images import Images
from testbed.qemu.qcow2 import PIECE, Kind, Layer, Piece, Unsound
from testbed.qemu.replay import Reading, Replay
from testbed.qemu.stored_bitmaps import Record
from testbed.qemu.writelog import Entry

SHOWN = 3
"""How many moments at which something is wrong are told of; the rest is counted."""


@dataclass(frozen=True)
class Span:
    """What the bytes from `start` to `end` may hold: `known` is what they held last, `allowed` are all that they may.

    They may hold anything if that is None.
    """

    start: int
    end: int
    known: int
    allowed: frozenset[int] | None

    @property
    def is_certain(self) -> bool:
        """Tell whether they can hold one thing only."""
        return self.allowed is not None and len(self.allowed) == 1


@dataclass(frozen=True)
class Owed:
    """What an image owes to whoever opens it: one of the `sizes`, in bytes, what the spans say, the bitmaps by name.

    A bitmap may be what each of several moments says, or anything between.
    """

    sizes: frozenset[int]
    spans: tuple[Span, ...]
    bitmaps: Mapping[str, Sequence[Kept]]

    @classmethod
    def between(cls, moments: Sequence[Moment], unsure: Ranges = NOTHING) -> Owed:
        """Return it for an image that is on its way through moments; what the ranges hold, nobody was told."""
        contents = [moment.content for moment in moments]
        names = {name for moment in moments for name in moment.bitmaps}
        return cls(
            frozenset(content.size for content in contents),
            tuple(_spans(contents, unsure)),
            {name: [moment.bitmaps[name] for moment in moments if name in moment.bitmaps] for name in names},
        )


def _spans(contents: Sequence[Content], unsure: Ranges) -> Iterator[Span]:
    end = max(content.size for content in contents)
    edges = {0, end, *(content.size for content in contents), *(edge for span in unsure for edge in span)}
    edges |= {edge for content in contents for run in content.runs for edge in (run.start, run.end)}
    ordered = sorted(edge for edge in edges if edge <= end)
    for start, stop in pairwise(ordered):
        found = [content.pattern_at(start) if start < content.size else ZERO for content in contents]
        is_unsure = bool(unsure & Ranges(((start, stop),)))
        yield Span(start, stop, found[0], None if is_unsure else frozenset(found))


def wrongs(reading: Reading, owed: Owed, below: Content | None = None) -> Iterator[str]:
    """Say what is wrong with an image that was read, the worst first; `below` is what it stands on, if it does."""
    if reading.layer is None:
        yield from reading.flaws
        return
    if reading.layer.size not in owed.sizes:
        yield f"it is of {format_size(reading.layer.size)}"
    try:
        wrong, changed = _compare(reading.layer, owed.spans, below)
    except Unsound as broken:
        yield str(broken)
        return
    if wrong:
        at, value = wrong
        yield f"the byte at offset {format_size(at)}, which the guest had flushed, is 0x{value:02x}"
    for name, bitmap in sorted(reading.bitmaps.items()):
        if not bitmap.is_in_use:
            yield from _wrongs_of(name, bitmap, owed.bitmaps.get(name), changed)
    yield from reading.flaws


def _wrongs_of(name: str, bitmap: Record, kept: Sequence[Kept] | None, changed: Ranges) -> Iterator[str]:
    who = f'the bitmap "{name}" says that it is good, and'
    if not kept:
        yield f"{who} there is none such"
        return
    if bitmap.granularity not in [one.granularity for one in kept]:
        yield f"{who} its granularity is {format_size(bitmap.granularity)}"
    if bitmap.is_recording not in [one.recording for one in kept]:
        yield f"{who} it is stored as {'recording' if bitmap.is_recording else 'not recording'}"
    owed = kept[0].dirty
    for other in kept[1:]:
        owed &= other.dirty
    if all(one.recording for one in kept):
        owed |= changed.rounded_out(bitmap.granularity)
    if lacking := owed - bitmap.dirty:
        yield f"{who} lacks a change: {lacking}"


def _compare(layer: Layer, spans: Sequence[Span], below: Content | None) -> tuple[tuple[int, int] | None, Ranges]:
    """Return the first wrong byte and its value, if there is one, and what is not as it was known to be."""
    changed: list[tuple[int, int]] = []
    pieces = iter(layer.pieces)
    piece = next(pieces, None)
    for span in spans:
        while piece is not None and piece.start < span.end:
            part = piece.cut(max(piece.start, span.start), min(piece.end, span.end))
            for at, end, found in _held(layer, part, below, PIECE if span.is_certain else SECTOR):
                if span.allowed is not None and (rest := found.lstrip(bytes(span.allowed))):
                    return (at + len(found) - len(rest), rest[0]), Ranges.joined(changed)
                if found.strip(bytes([span.known])):
                    changed.append((at, end))
            if piece.end > span.end:
                break
            piece = next(pieces, None)
    return None, Ranges.joined(changed)


def _held(layer: Layer, part: Piece, below: Content | None, step: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield what stands in a part of an image, `step` bytes at a time at most: start, end, and what these hold.

    Where they hold one byte over and over, that may be said once.
    """
    if part.kind in (Kind.DATA, Kind.COMPRESSED):
        at = part.start
        for found in layer.read(part):
            for first in range(0, len(found), step):
                some = found[first : first + step]
                yield at + first, at + first + len(some), some
            at += len(found)
    elif part.kind is Kind.NOTHING and below is not None:
        for run in below.resized(max(below.size, part.end)).covering(part.start, part.end):
            yield run.start, run.end, bytes([run.pattern])
    else:
        yield part.start, part.end, bytes(1)


@dataclass(frozen=True)
class Stop:
    """A place where the storage may have stopped: after so many entries of a log, and perhaps with one write lost."""

    entries: int
    lost: Entry | None = None


def opens_wherever_it_stopped(images: Images, below: Content | None = None) -> Promise[Recorder]:
    """Match a recorded image that is what it must be wherever its storage had stopped.

    `below` is what it stands on, if it does. Where both are to be asked, qemu-img reads some of the states as well.
    """

    def complaint(recorder: Recorder) -> str | None:
        found = [wrong for number in range(len(recorder.sessions)) for wrong in _wrongs_in(recorder, number, below)]
        if images.asks_both(recorder.image.name):
            found += [wrong for session in recorder.sessions for wrong in _second_looks(session, images)]
        more = [f"and so at {len(found) - SHOWN} more moments"] if len(found) > SHOWN else []
        return "\n".join([*found[:SHOWN], *more]) or None

    return Promise("an image that is as it must be wherever its storage had stopped", complaint)


def _wrongs_in(recorder: Recorder, number: int, below: Content | None) -> Iterator[str]:
    session = recorder.sessions[number]
    total = session.log.catch_up()
    which = f" of its {number + 1}. opening" if len(recorder.sessions) > 1 else ""
    for stop, reading, owed in judged_states(session):
        if wrong := next(wrongs(reading, owed, below), None):
            where = f"after {stop.entries} of {total} requests to the storage{which}"
            if stop.entries:
                where += f", the last {session.log.entries[stop.entries - 1]}"
            lost = f", {stop.lost} lost in a power cut" if stop.lost else ""
            yield f"{recorder.image.name}, had its storage stopped {where}{lost}: {wrong}"


def judged_states(session: Session) -> Iterator[tuple[Stop, Reading, Owed]]:
    """Yield each state that the image may have been left in, as it is found, and what it owes then."""
    owed = _OwedAt(session.moments)
    entries = list(session.log.data())
    with Replay(session.before) as replay:
        yield Stop(0), replay.reading, owed.of(0, 0)
        for place, (entry, data) in enumerate(entries):
            if entry.can_be_lost:
                yield from _without(replay, entries, place, owed)
            if entry.is_write:
                replay.write(entry.at, data)
            yield Stop(place + 1), replay.reading, owed.of(place + 1, place + 1)


def _without(
    replay: Replay, entries: Sequence[tuple[Entry, bytes]], lost: int, owed: _OwedAt
) -> Iterator[tuple[Stop, Reading, Owed]]:
    """Yield the states in which one write is lost, and those after it were done, up to the next flush."""
    later: list[tuple[Entry, bytes]] = []
    for entry, data in entries[lost + 1 :]:
        if entry.flushes:
            break
        later.append((entry, data))
    flushed = next((place + 1 for place in range(lost, -1, -1) if entries[place][0].flushes), 0)
    with replay.kept([(entry.at, entry.length) for entry, _ in later]):
        for number, (entry, data) in enumerate(later, lost + 2):
            replay.write(entry.at, data)
            yield Stop(number, entries[lost][0]), replay.reading, owed.of(flushed, number)


class _OwedAt:
    """Tells what is owed between the flush after `flushed` entries of a log and the end of so many."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self.moments = moments
        self._known: dict[tuple[int, int], Owed] = {}

    def of(self, flushed: int, entries: int) -> Owed:
        first = max(place for place, moment in enumerate(self.moments) if moment.entries <= flushed)
        last = next((place for place, moment in enumerate(self.moments) if moment.entries >= entries), -1)
        last = max(first, last if last >= 0 else len(self.moments) - 1)
        if (first, last) not in self._known:
            self._known[first, last] = Owed.between(self.moments[first : last + 1])
        return self._known[first, last]


LOOKS = 4
"""How many states of a session are read by other means, too, where that is to be done."""


def _second_looks(session: Session, images: Images) -> Iterator[str]:
    total = session.log.catch_up()
    chosen = {total * number // LOOKS for number in range(1, LOOKS + 1)}
    state = session.before.with_suffix(".state")
    with Replay(session.before) as replay:
        for place, (entry, data) in enumerate(session.log.data(), 1):
            if entry.is_write:
                replay.write(entry.at, data)
            if place in chosen:
                replay.copy_to(state)
                if wrong := images.corruption(state.name):
                    yield f"{session.before.stem}, after {place} of {total} requests to its storage: {wrong}"
    state.unlink(missing_ok=True)
