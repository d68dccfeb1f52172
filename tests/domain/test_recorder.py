from __future__ import annotations

from pathlib import Path

import pytest

from testbed.domain.bitmap import Bitmap
from testbed.domain.recorder import Kept, Recorder, kept_of
from testbed.model.content import Content
from testbed.model.dirty import Dirty
from testbed.model.ranges import NOTHING, Ranges

KIB = 1024


def bitmap(name: str, *, persistent: bool = True, inconsistent: bool = False) -> Bitmap:
    """Return a bitmap with one dirty granule."""
    dirty = Dirty(256 * KIB, 4 * KIB).marked(Ranges.of((0, 1)))
    return Bitmap(name, dirty, persistent=persistent, inconsistent=inconsistent)


def test_only_good_and_persistent_bitmaps_must_be_kept() -> None:
    all_of_them = [bitmap("good"), bitmap("lost", persistent=False), bitmap("spoilt", inconsistent=True)]
    kept = kept_of({one.name: one for one in all_of_them})
    assert kept == {"good": Kept(4 * KIB, recording=True, dirty=Ranges.of((0, 4 * KIB)))}


def test_of_a_bitmap_that_a_job_holds_only_what_came_since_must_be_kept() -> None:
    held = bitmap("held")
    held.hold()
    assert Kept.of(held).dirty == NOTHING
    held.saw(Ranges.of((8 * KIB, 1)))
    assert Kept.of(held).dirty == Ranges.of((8 * KIB, 4 * KIB))


def test_each_opening_is_a_session_with_the_file_as_it_was(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "image.qcow2")
    for number in (1, 2):
        recorder.image.write_text(f"as it was {number}")
        assert recorder.begin() == f"image.log-{number}"
        recorder.note(Content(512), {})
    assert [session.before.read_text() for session in recorder.sessions] == ["as it was 1", "as it was 2"]
    assert [[moment.entries for moment in session.moments] for session in recorder.sessions] == [[0], [0]]


def test_what_nobody_records_is_a_slip(tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        Recorder(tmp_path / "image.qcow2").note(Content(512), {})
