"""Our own reader of stored bitmaps: on what QEMU has stored, and on directories that are broken."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.model.ranges import Ranges
from testbed.qemu.qcow2 import Metadata, Unsound
from testbed.qemu.stored_bitmaps import Record, records
from testbed.scenario.acts import bitmaps
from testbed.scenario.world import World

KIB = 1024
MIB = 1024 * KIB


def read(path: Path) -> dict[str, Record]:
    """Read the bitmaps of an image."""
    file = os.open(path, os.O_RDONLY)
    try:
        return records(Metadata(file))
    finally:
        os.close(file)


@pytest.fixture
def stored(world: World) -> Path:
    """Return an image that stores three bitmaps, one of them with a full record, as the models have them."""
    drive = world.drives.add("drive0", 5 * MIB + 512)
    for name, granularity, recording in (("fine", 512, True), ("coarse", 64 * KIB, True), ("still", 4 * KIB, False)):
        world.dialogue.demand(bitmaps.add(drive, name, granularity, recording, persistent=True))
    drive.write(0xAB, 2 * MIB - 1, 2)
    drive.write(0xCD, 5 * MIB, 512)
    world.judge.shut_down()
    return world.machines.home / drive.image.name


def test_what_qemu_has_stored_is_read_bit_for_bit(world: World, stored: Path) -> None:
    found = read(stored)
    models = world.drives.drive("drive0").image.bitmaps
    assert {name: (bitmap.granularity, bitmap.is_recording, bitmap.dirty) for name, bitmap in found.items()} == {
        name: (model.dirty.granularity, model.recording, model.dirty.granules) for name, model in models.items()
    }
    assert found["fine"].dirty == Ranges.of((2 * MIB - 512, KIB), (5 * MIB, 512))
    assert not any(bitmap.is_in_use for bitmap in found.values())


def test_those_of_a_machine_that_runs_are_in_use_and_are_not_read(world: World, stored: Path) -> None:
    world.drives.hand_over(world.machines.boot("tomorrow"))
    assert {(bitmap.is_in_use, bitmap.dirty) for bitmap in read(stored).values()} == {(True, Ranges())}


def test_an_image_without_any_has_none(world: World) -> None:
    drive = world.drives.add("drive0", MIB)
    assert read(world.machines.home / drive.image.name) == {}


def spoil(path: Path, change: Callable[[bytearray, int], None]) -> None:
    """Change the image, given where its list of bitmaps begins; that is found without the reader."""
    image = bytearray(path.read_bytes())
    at = image.index(struct.pack(">II", 0x23852875, 24)) + 8
    change(image, struct.unpack_from(">Q", image, at + 16)[0])
    path.write_bytes(image)


def setting(at: int, form: str, value: int) -> Callable[[bytearray, int], None]:
    """Make a change of a number so many bytes into the first entry of the list."""
    return lambda image, listed: struct.pack_into(f">{form}", image, listed + at, value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (setting(0, "Q", 512), "the table of its bitmap"),
        (setting(8, "I", 0), "the table, room of its bitmap"),
        (setting(12, "I", 8), "the flags of its bitmap"),
        (setting(16, "B", 2), "the type of its bitmap"),
        (setting(17, "B", 8), "the granularity of its bitmap"),
        (setting(18, "H", 0), "its list of 3 bitmaps"),
        (setting(18, "H", 900), "the name of a bitmap in its list"),
        (setting(18, "H", 60), "its list of 3 bitmaps"),
        (setting(0, "Q", 1 << 40), "the table of a bitmap of it"),
    ],
)
def test_what_keeps_qemu_from_opening_an_image_is_unsound(
    stored: Path, change: Callable[[bytearray, int], None], words: str
) -> None:
    spoil(stored, change)
    with pytest.raises(Unsound, match=words):
        read(stored)


def test_bitmaps_are_not_believed_when_somebody_has_written_who_does_not_know_of_them(stored: Path) -> None:
    image = bytearray(stored.read_bytes())
    image[95] &= ~1
    stored.write_bytes(image)
    assert read(stored) == {}
