from __future__ import annotations

from pathlib import Path

import pytest

from testbed.domain.access import MonitorAccesses
from testbed.domain.drive import Drive
from testbed.domain.export import Exports
from testbed.domain.node import UnknownName
from testbed.domain.request import Request
from testbed.domain.storage import sound
from testbed.model.content import Content
from testbed.qemu.images import Images
from testbed.qemu.machine import SOCKET, Machine
from testbed.qemu.monitor import Refused
from testbed.scenario.acts import bitmaps

SIZE = 1 << 20


def ask(machine: Machine, request: Request) -> None:
    machine.execute(request.command, request.arguments)
    request.granted()


@pytest.fixture
def drive(machine: Machine, images: Images) -> Drive:
    """Return a drive with the bitmap "bitmap0"."""
    content = Content(SIZE)
    images.create("drive0.qcow2", "qcow2", content)
    drive = Drive("drive0", machine, SIZE, "drive0.qcow2", "qcow2", content, 65536, accesses=MonitorAccesses(machine))
    drive.attach(sound("drive0.qcow2"))
    ask(machine, bitmaps.add(drive, "bitmap0"))
    return drive


@pytest.fixture
def exports(machine: Machine) -> Exports:
    return Exports(machine)


def busy(drive: Drive) -> tuple[bool, bool]:
    """Tell whether QEMU says that the bitmap is busy, and whether the model does."""
    (reported,) = drive.reported_bitmaps()
    return reported.busy, drive.bitmap("bitmap0").busy


def test_exported_bitmap_is_busy_until_the_export_is_deleted(machine: Machine, drive: Drive, exports: Exports) -> None:
    ask(machine, exports.add(drive, ["bitmap0"], writable=True))
    assert busy(drive) == (True, True)
    ask(machine, exports.delete_from(drive))
    assert busy(drive) == (False, False)


def test_exported_bitmap_goes_on_recording(machine: Machine, drive: Drive, exports: Exports) -> None:
    ask(machine, exports.add(drive, ["bitmap0"], writable=True))
    drive.write(0x41, 0, 1)
    assert drive.reported_bitmaps() == [drive.bitmap("bitmap0").state]
    assert drive.bitmap("bitmap0").state.count == 65536


def test_refused_export_leaves_the_model_alone(machine: Machine, drive: Drive, exports: Exports) -> None:
    with pytest.raises(Refused, match="incompatible with readonly export"):
        ask(machine, exports.add(drive, ["bitmap0"], writable=False))
    assert busy(drive) == (False, False)
    with pytest.raises(UnknownName, match='"drive0" is not exported'):
        exports.delete_from(drive)


def test_exports_of_one_drive_have_names_of_their_own(machine: Machine, drive: Drive, exports: Exports) -> None:
    assert exports.reported() == []
    ask(machine, exports.add(drive, ["bitmap0"], writable=True))
    ask(machine, exports.add(drive, [], writable=False))
    first, second = exports.reported()
    assert first != second
    ask(machine, exports.delete_from(drive))
    ask(machine, exports.delete_from(drive))
    assert exports.reported() == []


def test_socket_lies_beside_the_images(drive: Drive, exports: Exports, home: Path) -> None:
    exports.add(drive, [], writable=False)
    assert (home / SOCKET).is_socket()
    assert not Path(SOCKET).is_absolute()
