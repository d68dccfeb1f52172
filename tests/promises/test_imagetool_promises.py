"""What tools tell of bitmaps is compared with the model of an image: each slip of theirs is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from programs import shell_program
from without_qemu import MIB, image

from testbed.base.process import ToolFailed
from testbed.build.toolchain import Toolchain
from testbed.domain.image import Image
from testbed.domain.imagetool import add_stored, stored_bitmap
from testbed.model.content import Content
from testbed.model.ranges import Ranges
from testbed.promises.imagetools import (
    INCREMENT,
    has_no_room_measured_for_bitmaps,
    has_recorded,
    is_measured_exactly,
    is_restored_by,
    lists_bitmaps_in_words,
)
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.offline_export import OfflineExport
from testbed.qemu.qcow2 import space_of_bitmaps

LISTED = """
        [0]:
            flags:
                [0]: in-use
                [1]: auto
            name: kept
            granularity: 65536
"""


def images(home: Path, script: str) -> Images:
    """Return images whose qemu-img is a few lines of shell."""
    tool = shell_program(home / "qemu-img", script)
    return Images(tool, tool, home, home, bound=20.0)


@pytest.fixture
def stored() -> Image:
    """Return an image that stores a bitmap which records and is in use."""
    stored = image()
    add_stored(stored, "kept", None)
    stored.in_use = {"kept"}
    return stored


@pytest.fixture
def real(toolchain: Toolchain, tmp_path: Path) -> Images:
    """Return real images, among them that of `image()`, which stores the bitmap "kept"."""
    real = Images(toolchain.qemu_img.path, toolchain.qemu_io.path, tmp_path, tmp_path, bound=20.0)
    real.create("drive0.qcow2", "qcow2", Content(MIB))
    real.add_bitmap("drive0.qcow2", "kept")
    return real


def test_bitmap_is_listed_with_its_flags(tmp_path: Path, stored: Image) -> None:
    listing = images(tmp_path, f"cat <<END{LISTED}END")
    assert lists_bitmaps_in_words(listing).complaint(stored) is None
    stored.in_use = set()
    assert lists_bitmaps_in_words(listing).complaint(stored) == (
        "\"kept\" should be listed with (65536, ['auto']); it is with (65536, ['auto', 'in-use'])"
    )
    nothing = images(tmp_path, "exit 0")
    assert "it is with nothing" in (lists_bitmaps_in_words(nothing).complaint(stored) or "")


@pytest.mark.parametrize("said", ["required size: 1\nbitmaps size: 0", "no such option"])
def test_nothing_is_measured_where_nothing_can_be_stored(tmp_path: Path, stored: Image, said: str) -> None:
    raw = ImageKind("raw")
    assert has_no_room_measured_for_bitmaps(images(tmp_path, "echo required"), raw).complaint(stored) is None
    complaint = has_no_room_measured_for_bitmaps(images(tmp_path, f"echo '{said}'"), raw).complaint(stored)
    assert complaint == f"qemu-img measures: {said}"


def test_what_is_measured_for_a_bitmap_without_a_record_is_not_taken(real: Images, stored: Image) -> None:
    # The list and the table; a cluster of data is measured besides.
    assert space_of_bitmaps(real.home / "drive0.qcow2") == 2 * 65536
    complaint = is_measured_exactly(real).complaint(stored)
    assert complaint == "for bitmaps, 192 KiB were measured; 128 KiB are taken\nin words, " + (
        "qemu-img does not say 131072 but: required size: 327680\nfully allocated size: 1376256\nbitmaps size: 196608"
    )


def test_client_of_qemu_nbd_is_told_what_is_dirty(real: Images, stored: Image) -> None:
    export = OfflineExport(real)
    if not export.server.exists():
        pytest.skip("there is no qemu-nbd beside qemu-img")
    told = export.dirty(stored.name, "qcow2", "kept")
    assert has_recorded(told, "kept").complaint(stored) is None
    bitmap = stored_bitmap(stored, "kept")
    bitmap.saw(Ranges.of((65536, 1)))
    complaint = has_recorded(told, "kept").complaint(stored)
    assert complaint == '"kept" of drive0.qcow2: not told to be dirty: 64 KiB at 64 KiB'
    refusal = export.refusal("drive0.qcow2", "qcow2", "gone")
    assert "Bitmap 'gone' is not found" in refusal.stderr


def test_server_that_fails_has_told_nothing(real: Images, tmp_path: Path) -> None:
    tool = shell_program(tmp_path / "bin" / "qemu-img", f'exec {shutil.which("qemu-img")} "$@"')
    shell_program(tmp_path / "bin" / "qemu-nbd", "echo no, thanks; exit 1")
    export = OfflineExport(Images(tool, tool, real.home, real.home, bound=20.0))
    with pytest.raises(ToolFailed, match=r"a client of drive0\.qcow2 failed|did not end in order"):
        export.dirty("drive0.qcow2", "qcow2", "kept")


def test_increment_that_lacks_what_had_changed_restores_nothing(toolchain: Toolchain, tmp_path: Path) -> None:
    real = Images(toolchain.qemu_img.path, toolchain.qemu_io.path, tmp_path, tmp_path, bound=20.0)
    export = OfflineExport(real)
    if not export.server.exists():
        pytest.skip("there is no qemu-nbd beside qemu-img")
    full = image("full")
    real.create(full.name, "qcow2", full.content)
    changed = image("changed")
    changed.write(0x11, MIB - 512, 512)
    real.create(changed.name, "qcow2", changed.content)
    real.add_bitmap(changed.name, "kept")
    add_stored(changed, "kept", None)
    export.copy_dirty(changed.name, "qcow2", "kept", (full.name, "qcow2"), INCREMENT)
    restored = is_restored_by(real, INCREMENT, "kept")
    assert "should be 0x11 and is 0x00" in (restored.complaint(changed) or "")
    changed.content = full.content
    assert restored.complaint(changed) is None
