"""A drive and its image: what the one learns of the other. Against a real QEMU, see tests/scenario/test_drives.py."""

from __future__ import annotations

import pytest
from without_qemu import MIB, drive_of, ended_machine, image

from testbed.domain.access import MonitorAccesses
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.node import Node
from testbed.model.ranges import Ranges

CLUSTER = 64 * 1024


@pytest.fixture
def stored() -> Image:
    """Return the image of the drives here."""
    return image()


@pytest.fixture
def drive(stored: Image) -> Drive:
    """Return a drive with a persistent bitmap and one that is not, of which each has recorded something."""
    drive = drive_of(stored)
    drive.gained_bitmap("kept", {"persistent": True})
    drive.gained_bitmap("lost", {})
    drive.changed(Ranges.of((0, 1)))
    return drive


def test_drive_that_nobody_has_opened_has_no_nodes(stored: Image) -> None:
    machine = ended_machine()
    drive = Drive.of("drive0", machine, stored, MonitorAccesses(machine))
    assert not drive.is_open
    assert list(drive.nodes) == []
    drive.opened()
    assert list(drive.nodes) == [drive]


def test_drive_has_size_content_granularity_and_history_of_its_image() -> None:
    held = image(size=3 * MIB)
    drive = drive_of(held)
    assert (drive.size, drive.granularity, drive.content) == (3 * MIB, CLUSTER, held.content)
    drive.changed(Ranges.of((0, 1)))
    assert (drive.moment, held.history.moment) == (1, 1)
    assert drive.file_name == "drive0-file"


def test_machine_that_ends_in_order_stores_what_is_persistent(drive: Drive, stored: Image) -> None:
    kept = drive.bitmap("kept")
    drive.closed()
    assert (drive.bitmaps, drive.is_open, list(drive.nodes)) == ({}, False, [])
    assert (stored.bitmaps, stored.in_use) == ({"kept": kept}, set())
    after = drive_of(stored)
    assert after.bitmaps == {"kept": kept}
    assert after.bitmap("kept").state.count == CLUSTER


def test_machine_that_crashes_stores_nothing(drive: Drive, stored: Image) -> None:
    drive.crashed()
    assert (drive.bitmaps, drive.is_open) == ({}, False)
    assert drive_of(stored).bitmaps == {}, "a new bitmap is in the image only when that was closed"


def test_machine_that_crashes_leaves_what_it_found_inconsistent(drive: Drive, stored: Image) -> None:
    drive.closed()
    drive.opened()
    drive.crashed()
    after = drive_of(stored)
    assert after.bitmap("kept").state.flags == ["persistent", "inconsistent"]
    after.lost_bitmap("kept")
    after.crashed()
    assert drive_of(stored).bitmaps == {}, "what was removed should stay so, whatever comes"


def test_image_that_ever_had_a_persistent_bitmap_is_known_for_that(drive: Drive, stored: Image) -> None:
    assert stored.has_stored
    drive.lost_bitmap("kept")
    assert stored.has_stored
    assert not drive_of(image()).image.has_stored


def test_image_that_had_a_transient_bitmap_alone_is_not() -> None:
    drive = drive_of(image())
    drive.gained_bitmap("lost", {})
    assert not drive.image.has_stored


def test_new_size_reaches_image_filters_and_bitmaps(drive: Drive, stored: Image) -> None:
    above = Node("filter0", drive.machine, drive.size)
    drive.filters.append(above)
    drive.resized(2 * MIB)
    assert (drive.size, stored.size, above.size) == (2 * MIB, 2 * MIB, 2 * MIB)
    assert [node.name for node in drive.nodes] == ["drive0", "filter0"]
    assert drive.bitmap("kept").dirty.size == 2 * MIB


# Reading only.


def test_what_may_only_be_read_is_not_marked_in_use_and_stays_as_it_was(drive: Drive, stored: Image) -> None:
    drive.closed()
    drive.read_only = True
    drive.opened()
    assert (drive.bitmap("kept").state.count, stored.in_use) == (CLUSTER, set())
    drive.bitmap("kept").disable()
    drive.closed()
    assert stored.stored_bitmaps()["kept"].recording


def test_drive_that_becomes_read_only_has_stored_its_bitmaps_and_keeps_them(drive: Drive, stored: Image) -> None:
    drive.reopened(read_only=True)
    assert (list(stored.bitmaps), stored.in_use) == (["kept"], set())
    assert list(drive.bitmaps) == ["kept", "lost"]
    drive.crashed()
    assert stored.stored_bitmaps()["kept"].state.count == CLUSTER


def test_drive_that_becomes_writable_again_has_its_bitmaps_in_use(drive: Drive, stored: Image) -> None:
    drive.reopened(read_only=True)
    drive.reopened(read_only=False)
    assert (stored.in_use, drive.bitmap("kept").recording) == ({"kept"}, True)
    drive.changed(Ranges.of((CLUSTER, 1)))
    drive.closed()
    assert stored.stored_bitmaps()["kept"].state.count == 2 * CLUSTER


def test_what_is_stored_of_a_bitmap_in_use_is_the_joined_record(drive: Drive, stored: Image) -> None:
    drive.bitmap("kept").hold()
    drive.changed(Ranges.of((CLUSTER, 1)))
    drive.reopened(read_only=True)
    assert drive.bitmap("kept").busy
    found = stored.stored_bitmaps()["kept"]
    assert (found.busy, found.recording, found.state.count) == (False, True, 2 * CLUSTER)


@pytest.mark.parametrize("read_only", [False, True])
def test_options_say_that_a_drive_may_only_be_read(drive: Drive, read_only: bool) -> None:  # noqa: FBT001
    drive.read_only = read_only
    assert drive.node_options.get("read-only", False) is read_only
