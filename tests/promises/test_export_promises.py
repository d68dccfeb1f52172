from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from without_qemu import drive_of, image

from testbed.base.process import ToolFailed
from testbed.clients.libnbd import ALLOCATION, Libnbd, Status, bitmap_context
from testbed.clients.scripted import Scripted
from testbed.domain.drive import Drive
from testbed.model.ranges import Ranges
from testbed.promises import exports as promises
from testbed.promises.pulls import is_restored_by_copies

KIB = 1 << 10


class Told:
    """A client that was told certain things, whatever it asks."""

    def __init__(self, statuses: Mapping[str, Sequence[tuple[int, int, int]]], answers: Sequence[Any] = ()) -> None:
        self.known = {context: Status.told(spans) for context, spans in statuses.items()}
        self.answers = list(answers)

    def status(self, context: str) -> Status:
        return self.known[context]

    def statuses(self, contexts: Sequence[str], _most: int) -> Mapping[str, Status]:
        return {context: self.known[context] for context in contexts}

    def do(self, _deeds: object, _contexts: Sequence[str] = (), **_more: object) -> list[Any]:
        return self.answers

    def facts(self) -> Mapping[str, Any]:
        return {"contexts": ["base:allocation", "other"], "export-size": 1, "is_read_only": True}


@pytest.fixture
def drive() -> Drive:
    """Return a drive with a bitmap whose first granule is dirty."""
    drive = drive_of(image())
    drive.gained_bitmap("bitmap0", {})
    drive.image.write(0x11, 0, 64 * KIB)
    drive.changed(Ranges.of((0, 1)))
    return drive


def spans(drive: Drive, *values: int) -> list[tuple[int, int, int]]:
    """Tell of the first granules one by one, and of the rest as the last value."""
    first = [(place * 64 * KIB, 64 * KIB, value) for place, value in enumerate(values[:-1])]
    at = 64 * KIB * len(first)
    return [*first, (at, drive.size - at, values[-1])]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((1, 0), None),
        ((0, 0), "64 KiB at 0 is dirty, and was not told to be"),
        ((1, 1, 0), "64 KiB at 64 KiB was told to be dirty, and is not"),
        ((1, 2, 0), "told of by another number than 0 and 1"),
    ],
)
def test_each_bit_that_a_client_is_told(drive: Drive, values: tuple[int, ...], words: str | None) -> None:
    told = cast("Libnbd", Told({bitmap_context("bitmap0"): spans(drive, *values)}))
    complaint = promises.tells_what_was_recorded(told, [drive.bitmap("bitmap0")]).complaint(drive)
    assert complaint is None if words is None else words in str(complaint)


def test_end_of_what_is_told_is_the_drive_s(drive: Drive) -> None:
    told = cast("Libnbd", Told({bitmap_context("bitmap0"): [(0, 64 * KIB, 1)], ALLOCATION: [(0, 64 * KIB, 0)]}))
    assert "was told up to 64 KiB" in str(
        promises.tells_what_was_recorded(told, [drive.bitmap("bitmap0")]).complaint(drive)
    )
    assert "was told up to 64 KiB" in str(promises.tells_what_is_zero(told).complaint(drive))


@pytest.mark.parametrize(
    ("values", "words"),
    [((0, 3), None), ((3, 3), "was told to be zero, and is not"), ((0, 0), "is zero, and was not told to be")],
)
def test_zeros_that_a_client_is_told(drive: Drive, values: tuple[int, ...], words: str | None) -> None:
    bitmap = spans(drive, 1, 0)
    both = Told({ALLOCATION: spans(drive, *values), bitmap_context("bitmap0"): bitmap})
    complaint = promises.tells_all_at_once(cast("Scripted", both), [drive.bitmap("bitmap0")]).complaint(drive)
    assert complaint is None if words is None else words in str(complaint)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([[[100, 10, 1]], [[100, 10, 1]]], None),
        ([[[0, 10, 1]], [[100, 10, 1]]], "the answer is"),
        ([[[100, 10, 1]], [[100, 11, 1]]], "one extent: the answer is"),
        ([[[100, 10, 0]], [[100, 10, 1]]], "is told to be clean"),
    ],
)
def test_ranges_that_begin_anywhere(drive: Drive, answers: list[list[list[int]]], words: str | None) -> None:
    told = Told({}, [{bitmap_context("bitmap0"): answer} for answer in answers])
    promise = promises.tells_of_ranges(cast("Scripted", told), drive.bitmap("bitmap0"), [(100, 10)])
    complaint = promise.complaint(drive)
    assert complaint is None if words is None else words in str(complaint)


def test_pieces_must_be_read_rightly(drive: Drive) -> None:
    right = [[0, 64 * KIB, 0x11], [64 * KIB, 65 * KIB, 0]]
    promise = promises.reads_in_pieces(cast("Scripted", Told({}, [right])), [(0, 65 * KIB)], drive.content)
    assert promise.complaint(drive) is None
    promise = promises.reads_in_pieces(cast("Scripted", Told({}, [right[:1]])), [(0, 65 * KIB)], drive.content)
    assert "without structured replies, 65 KiB at 0" in str(promise.complaint(drive))


def test_what_is_offered_must_be_just_that(drive: Drive) -> None:
    promise = promises.offers(cast("Libnbd", Told({})), ["base:allocation", "wanted"], {"is_read_only": False})
    words = str(promise.complaint(drive))
    for part in ("offered without need: other", "not offered: wanted", "export-size is 1", "is_read_only is True"):
        assert part in words


def test_export_that_is_still_found(drive: Drive) -> None:
    told = Told({})
    assert "a client still finds" in str(promises.is_found_no_more(cast("Libnbd", told)).complaint(drive))

    def fail() -> Mapping[str, Any]:
        raise ToolFailed("no such export")

    told.facts = fail  # type: ignore[method-assign]
    assert promises.is_found_no_more(cast("Libnbd", told)).complaint(drive) is None


def test_depths_that_a_client_is_told(drive: Drive) -> None:
    right = Told({"qemu:allocation-depth": spans(drive, 1, 0)})
    assert promises.tells_depths(cast("Libnbd", right), [drive]).complaint(drive) is None
    wrong = Told({"qemu:allocation-depth": spans(drive, 2, 0)})
    assert "at depth 1 is 64 KiB at 0" in str(promises.tells_depths(cast("Libnbd", wrong), [drive]).complaint(drive))


def test_pull_of_which_nothing_was_copied(drive: Drive) -> None:
    pull: Any = type("Pulled", (), {"drive": drive, "copied": None})()
    assert "no client has copied" in str(is_restored_by_copies(cast("Any", None), "restored.raw").complaint(pull))
    pull.copied, pull.changed = Ranges.of((0, 1)), Ranges.of((0, 2))
    assert "changed was 2 B at 0" in str(is_restored_by_copies(cast("Any", None), "restored.raw").complaint(pull))
