"""What an image is, and stores, after qemu-img has worked on it."""

from __future__ import annotations

import pytest
from without_qemu import MIB, image

from testbed.domain.image import Image
from testbed.domain.imagetool import (
    add_stored,
    committed,
    resized_when_off,
    stored_bitmap,
    without_bitmaps,
    written_when_off,
)
from testbed.domain.node import UnknownName
from testbed.model.ranges import Ranges

KIB = 1024


@pytest.fixture
def stored() -> Image:
    """Return an image that stores a bitmap which records, and one which does not."""
    stored = image()
    add_stored(stored, "kept", None)
    add_stored(stored, "still", 4 * KIB)
    stored_bitmap(stored, "still").disable()
    return stored


def counts(image: Image) -> dict[str, int]:
    """Return how much each stored bitmap has recorded."""
    return {name: bitmap.dirty.count for name, bitmap in image.bitmaps.items()}


def test_new_bitmap_is_persistent_empty_and_recording(stored: Image) -> None:
    kept, still = (stored_bitmap(stored, name).state for name in ("kept", "still"))
    assert (kept.persistent, kept.recording, kept.granularity, kept.count) == (True, True, 64 * KIB, 0)
    assert (still.recording, still.granularity) == (False, 4 * KIB)
    assert stored.has_stored


def test_bitmap_that_is_not_stored_is_unknown(stored: Image) -> None:
    with pytest.raises(UnknownName, match=r"stores no bitmap \"gone\", only \['kept', 'still'\]"):
        stored_bitmap(stored, "gone")


def test_all_bitmaps_can_be_left_behind(stored: Image) -> None:
    stored.in_use = {"kept"}
    without_bitmaps(stored)
    assert (stored.bitmaps, stored.in_use, stored.has_stored) == ({}, set(), True)


def test_what_records_has_recorded_what_a_tool_writes(stored: Image) -> None:
    written_when_off(stored, Ranges.of((64 * KIB - 1, 2)))
    assert counts(stored) == {"kept": 128 * KIB, "still": 0}
    assert stored.allocated == Ranges.of((0, 128 * KIB))


def test_bitmap_that_is_in_use_records_nothing_any_more(stored: Image) -> None:
    stored.in_use = {"kept"}
    written_when_off(stored, Ranges.of((0, 1)))
    assert counts(stored) == {"kept": 0, "still": 0}


def test_bitmaps_are_resized_with_their_image(stored: Image) -> None:
    written_when_off(stored, Ranges.of((MIB - 1, 1)))
    moment = stored.history.moment
    resized_when_off(stored, MIB // 2)
    assert (stored.size, counts(stored)["kept"]) == (MIB // 2, 0)
    assert stored_bitmap(stored, "still").dirty.size == MIB // 2
    assert stored.history.moment > moment


def test_base_reads_as_what_was_committed_into_it_and_has_recorded_that(stored: Image) -> None:
    overlay = image("overlay0", base=stored)
    overlay.write(0x11, 128 * KIB, 1)
    overlay.history.add(Ranges.of((128 * KIB, 1)))
    committed(overlay, stored)
    assert stored.content == overlay.content
    assert counts(stored) == {"kept": 64 * KIB, "still": 0}
    assert stored.history.since(0) == Ranges.of((128 * KIB, 1))


def test_image_below_several_has_recorded_what_each_of_them_held(stored: Image) -> None:
    middle = image("middle", base=stored)
    middle.write(0x11, 0, 1)
    upper = image("upper", base=middle)
    upper.content = middle.content.written(0x22, MIB - 1, 1)
    upper.allocate(Ranges.of((MIB - 1, 1)))
    committed(upper, stored)
    assert counts(stored) == {"kept": 128 * KIB, "still": 0}
    assert stored.content == upper.content
