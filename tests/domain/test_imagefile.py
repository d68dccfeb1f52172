from pathlib import Path

import pytest
from hamcrest import assert_that
from real_qemu import DIGESTS

from testbed.domain.imagefile import ImageFile
from testbed.model.ranges import Ranges
from testbed.promises.bitmaps import has_bitmaps_in_step
from testbed.qemu.machine import Machine
from testbed.scenario.acts import bitmaps

GRANULE = 64 * 1024


@pytest.fixture
def file(machine: Machine, home: Path) -> ImageFile:
    """Return a file of two granules and a byte, with a bitmap in the model alone."""
    path = home / "some.image"
    path.write_bytes(b"\x11" * (2 * GRANULE + 1))
    file = ImageFile("some-file", machine, 2 * GRANULE + 512, path)
    file.gained_bitmap("bitmap0", {})
    return file


def rewrite(file: ImageFile, at: int, data: bytes) -> None:
    """Write into the file behind everybody's back."""
    with file.path.open("r+b") as opened:
        opened.seek(at)
        opened.write(data)


def test_a_file_that_nobody_wrote_to_marks_nothing(file: ImageFile) -> None:
    file.catch_up()
    assert file.bitmap("bitmap0").dirty.count == 0


@pytest.mark.parametrize(
    ("at", "data", "dirty", "size"),
    [
        (0, b"\x12", Ranges.of((0, GRANULE)), 2 * GRANULE + 512),
        (GRANULE - 1, b"\x12\x12", Ranges.of((0, 2 * GRANULE)), 2 * GRANULE + 512),
        (2 * GRANULE + 1, b"\x00", Ranges.of((2 * GRANULE, GRANULE)), 2 * GRANULE + 512),
        (4 * GRANULE, b"\x12", Ranges.of((2 * GRANULE, 3 * GRANULE)), 4 * GRANULE + 512),
    ],
    ids=["a byte", "over an edge", "a byte of zeros at the end", "far past the end"],
)
def test_what_was_written_is_marked_and_the_size_followed(
    file: ImageFile, at: int, data: bytes, dirty: Ranges, size: int
) -> None:
    rewrite(file, at, data)
    file.catch_up()
    assert file.bitmap("bitmap0").dirty.granules == dirty
    assert file.size == size


def test_a_change_is_told_once(file: ImageFile) -> None:
    rewrite(file, 0, b"\x12")
    file.catch_up()
    file.gained_bitmap("bitmap0", {})
    file.catch_up()
    assert file.bitmap("bitmap0").dirty.count == 0


def test_a_change_that_qemu_did_not_make_is_noticed(file: ImageFile, machine: Machine) -> None:
    node = {"driver": "file", "node-name": file.name, "filename": file.path.name}
    machine.execute("blockdev-add", node)
    request = bitmaps.add(file, "bitmap0")
    machine.execute(request.command, request.arguments)
    in_step = has_bitmaps_in_step(DIGESTS)
    assert_that(file, in_step)
    rewrite(file, 0, b"\x12")
    file.catch_up()
    assert "dirty 64 KiB; it is" in str(in_step.complaint(file))
