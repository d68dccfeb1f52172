from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from real_qemu import add_drive, make
from without_qemu import drive_of, image

from testbed.domain.drive import Drive
from testbed.domain.export import Exports, reported_by
from testbed.domain.node import UnknownName
from testbed.domain.request import Outlook, Refusal, Request
from testbed.model.content import Content
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused
from testbed.scenario.acts import bitmaps

SIZE = 1 << 20


@pytest.fixture
def drive(machine: Machine, images: Images) -> Drive:
    """Return a drive with the bitmap "bitmap0"."""
    drive = add_drive(machine, images, Content(SIZE))
    make(bitmaps.add(drive, "bitmap0"))
    return drive


@pytest.fixture
def exports() -> Exports:
    return Exports()


def busy(drive: Drive) -> tuple[bool, bool]:
    """Tell whether QEMU says that the bitmap is busy, and whether the model does."""
    (reported,) = drive.reported_bitmaps()
    return reported.busy, drive.bitmap("bitmap0").busy


def test_exported_bitmap_is_busy_until_the_export_is_deleted(drive: Drive, exports: Exports) -> None:
    make(exports.add(drive, ["bitmap0"], writable=True))
    assert busy(drive) == (True, True)
    make(exports.delete_from(drive))
    assert busy(drive) == (False, False)


def test_exported_bitmap_goes_on_recording(drive: Drive, exports: Exports) -> None:
    make(exports.add(drive, ["bitmap0"], writable=True))
    drive.write(0x41, 0, 1)
    assert drive.reported_bitmaps() == [drive.bitmap("bitmap0").state]
    assert drive.bitmap("bitmap0").state.count == 65536


def test_refused_export_leaves_the_model_alone(drive: Drive, exports: Exports) -> None:
    with pytest.raises(Refused, match="incompatible with readonly export"):
        make(exports.add(drive, ["bitmap0"], writable=False))
    assert busy(drive) == (False, False)
    with pytest.raises(UnknownName, match='"drive0" is not exported'):
        exports.delete_from(drive)


def test_exports_of_one_drive_have_names_of_their_own(drive: Drive, exports: Exports) -> None:
    assert reported_by(drive.machine) == []
    make(exports.add(drive, ["bitmap0"], writable=True))
    make(exports.add(drive, [], writable=False))
    first, second = reported_by(drive.machine)
    assert first != second
    make(exports.delete_from(drive))
    make(exports.delete_from(drive))
    assert reported_by(drive.machine) == []


def test_socket_lies_beside_the_images(drive: Drive, exports: Exports, home: Path) -> None:
    exports.add(drive, [], writable=False)
    socket = drive.machine.exports_socket
    assert (home / socket).is_socket()
    assert not Path(socket).is_absolute()


# What is foreseen.


def spoil(drive: Drive) -> None:
    drive.bitmap("bitmap0").inconsistent = True
    drive.bitmap("bitmap0").recording = False


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (lambda _: None, None),
        (lambda drive: drive.lost_bitmap("bitmap0"), "Bitmap 'bitmap0' is not found"),
        (lambda drive: drive.bitmap("bitmap0").hold(), "Bitmap 'bitmap0' is currently in use"),
        (lambda drive: setattr(drive.bitmap("bitmap0"), "exported", True), "Bitmap 'bitmap0' is currently in use"),
        (spoil, "Bitmap 'bitmap0' is inconsistent and cannot be used"),
    ],
    ids=["free", "missing", "held by a job", "exported", "inconsistent"],
)
def test_what_comes_of_an_export_with_a_bitmap_is_foreseen(before: Callable[[Drive], None], words: str | None) -> None:
    asked = request_to_show("bitmap0", before, writable=True)
    assert asked.forecast(Outlook()) == (Refusal(words) if words else None)


def request_to_show(bitmap: str, before: Callable[[Drive], None] = lambda _: None, *, writable: bool) -> Request:
    """Return the request to export a drive with a bitmap, of a machine that serves exports already."""
    drive = drive_of(image())
    drive.machine.is_serving = True
    drive.gained_bitmap("bitmap0", {})
    before(drive)
    return Exports().add(drive, [bitmap], writable=writable)


def test_bitmap_that_records_is_not_shown_by_what_nobody_can_write_to() -> None:
    refusal = Refusal("Enabled bitmap 'bitmap0' incompatible with readonly export")
    assert request_to_show("bitmap0", writable=False).forecast(Outlook()) == refusal
    at_rest = request_to_show("bitmap0", lambda drive: drive.bitmap("bitmap0").disable(), writable=False)
    assert at_rest.forecast(Outlook()) is None


def test_bitmap_that_a_backup_of_the_same_transaction_takes_is_in_use() -> None:
    outlook = Outlook(held={("drive0", "bitmap0")})
    refusal = Refusal("Bitmap 'bitmap0' is currently in use")
    assert request_to_show("bitmap0", writable=True).forecast(outlook) == refusal


def test_first_bitmap_that_cannot_be_shown_is_named() -> None:
    drive = drive_of(image())
    drive.machine.is_serving = True
    drive.gained_bitmap("bitmap0", {})
    asked = Exports().add(drive, ["bitmap0", "a", "b"], writable=True)
    assert asked.forecast(Outlook()) == Refusal("Bitmap 'a' is not found")


def test_end_of_an_export_is_granted() -> None:
    drive, exports = drive_of(image()), Exports()
    drive.machine.is_serving = True
    exports.add(drive, [], writable=False).granted()
    asked = exports.delete_from(drive)
    assert (asked.command, asked.arguments) == ("block-export-del", {"id": "drive0-1"})
    outlook = Outlook()
    assert asked.forecast(outlook) is None
    assert not outlook.is_open


def test_name_of_an_export_is_its_own_and_no_longer_than_can_be() -> None:
    drive, exports = drive_of(image()), Exports()
    drive.machine.is_serving = True
    exports.add(drive, [], writable=False, called="taken").granted()
    again = exports.add(drive, [], writable=False, called="taken")
    assert again.forecast(Outlook()) == Refusal("NBD server already has export named 'taken'")
    longest = exports.add(drive, [], writable=False, called="x" * 4096)
    assert longest.forecast(Outlook()) is None
    longer = exports.add(drive, [], writable=False, called="x" * 4097)
    assert str(longer.forecast(Outlook())).endswith('too long"')


def test_only_force_takes_an_export_from_its_clients() -> None:
    drive, exports = drive_of(image()), Exports()
    drive.machine.is_serving = True
    exports.add(drive, [], writable=False).granted()
    held = Refusal("export 'drive0-1' still in use")
    assert exports.delete_from(drive, has_clients=True).forecast(Outlook()) == held
    assert exports.delete_from(drive, "safe", has_clients=True).forecast(Outlook()) == held
    assert exports.delete_from(drive, "hard", has_clients=True).forecast(Outlook()) is None


def test_bitmap_that_is_named_alone_may_be_below() -> None:
    drive, below = drive_of(image()), drive_of(image())
    drive.machine.is_serving = True
    below.gained_bitmap("bitmap0", {})
    exports = Exports()
    assert exports.add(drive, ["bitmap0"], writable=True).forecast(Outlook()) is not None
    asked = exports.add(drive, ["bitmap0"], writable=True, below=[below])
    assert asked.forecast(Outlook()) is None
    asked.granted()
    assert below.bitmap("bitmap0").busy


def test_server_ends_with_all_exports_and_both_only_once(drive: Drive, exports: Exports) -> None:
    make(exports.start_server(drive.machine, 2))
    assert exports.start_server(drive.machine, None).forecast(Outlook()) == Refusal("NBD server already running")
    make(exports.add(drive, ["bitmap0"], writable=True))
    make(exports.stop_server(drive.machine))
    assert busy(drive) == (False, False)
    assert exports.last_of(drive).called == "drive0-1"
    not_running = Refusal("NBD server not running")
    assert exports.stop_server(drive.machine).forecast(Outlook()) == not_running
    assert exports.add(drive, [], writable=False).forecast(Outlook()) == not_running


def test_export_that_has_not_ended_is_no_last_one(exports: Exports) -> None:
    with pytest.raises(UnknownName, match="no export of"):
        exports.last_of(drive_of(image()))
