"""The ways into a drive: each does what the other does, on a machine and on what stands in for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from real_qemu import BOUND, HOST_WORD, add_drive, make

from testbed.base.problems import AuthorError, NotOffered
from testbed.base.units import format_size
from testbed.build.toolchain import Toolchain
from testbed.domain.access import Accesses, ExportAccess, ExportAccesses, MonitorAccesses
from testbed.domain.drive import Drive
from testbed.model.content import Content
from testbed.qemu.daemon import Daemon
from testbed.qemu.images import Images
from testbed.qemu.machine import DriveNotTaken, GuestRequestFailed, Machine, MachineDied
from testbed.qemu.monitor import Refused
from testbed.scenario.acts import bitmaps

SIZE = 4 << 20


def resize(drive: Drive, size: int) -> None:
    """Let QEMU change the size of a drive, with the way into it out of its way; raises Refused."""
    drive.access.step_aside()
    try:
        drive.machine.execute("block_resize", {"node-name": drive.name, "size": size})
        drive.resized(size)
    finally:
        drive.access.step_back()


@pytest.fixture(params=["by monitor", "by export", "by export of a daemon"])
def accesses(request: pytest.FixtureRequest, toolchain: Toolchain) -> Accesses:
    """Return a maker of each kind of way into a drive, on each kind of machine that can have it."""
    kind = str(request.param)
    machine: Machine = request.getfixturevalue("daemon" if "daemon" in kind else "machine")
    return MonitorAccesses(machine) if kind == "by monitor" else ExportAccesses(machine, toolchain.qemu_io.path)


@pytest.fixture
def machine_of(accesses: MonitorAccesses | ExportAccesses) -> Machine:
    """Return the machine for which accesses are made."""
    return accesses.machine


@pytest.fixture
def drive(accesses: Accesses, machine_of: Machine, images: Images) -> Drive:
    """Return a drive with the bitmap "bitmap0", in a new image that holds something everywhere."""
    content = Content(SIZE).written(0x5A, 0, SIZE)
    drive = add_drive(machine_of, images, content, accesses=accesses)
    make(bitmaps.add(drive, "bitmap0", granularity=512))
    return drive


def start_backup(drive: Drive) -> None:
    """Start a backup, with the filter "over-drive0", that has copied its first piece and rests then."""
    machine = drive.machine
    machine.execute("blockdev-add", {"driver": "null-co", "node-name": "target", "size": drive.size})
    options = {"sync": "full", "speed": 1, "filter-node-name": "over-drive0"}
    machine.execute("blockdev-backup", {"job-id": "job0", "device": "drive0", "target": "target", **options})
    machine.ask_until("the first piece", "query-block-jobs", lambda jobs: jobs[0]["offset"] > 0)


def test_what_the_guest_does_arrives_and_is_recorded(drive: Drive, machine_of: Machine, images: Images) -> None:
    drive.write(0x41, 511, 2)
    drive.write(0x42, SIZE - 1, 1)
    drive.write(0x43, 65536, 131072)
    drive.write_zeroes(65535, 2)
    drive.discard(131072, 65536)
    drive.read(0, SIZE)
    drive.flush()
    assert drive.reported_bitmaps() == [drive.bitmap("bitmap0").state]
    assert drive.reported_digest("bitmap0") == drive.bitmap("bitmap0").dirty.digest(HOST_WORD)
    machine_of.quit()
    assert images.first_difference("drive0.qcow2", "qcow2", drive.content) is None


def test_what_is_not_carried_out_is_told_in_qemu_s_words(drive: Drive) -> None:
    for request, success in ((f"write {SIZE} 512", "wrote"), (f"read {SIZE} 512", "read")):
        with pytest.raises(GuestRequestFailed) as caught:
            drive.access.request(request, success)
        told, _, words = str(caught.value).partition("; QEMU said: ")
        assert told == f'the guest\'s request "{request}" on guest-drive0 was not carried out'.replace(
            str(SIZE), format_size(SIZE)
        )
        assert words not in ("", "nothing")
    assert drive.reported_bitmaps() == [drive.bitmap("bitmap0").state]


def test_a_drive_that_qemu_does_not_take_is_an_error(drive: Drive, accesses: Accesses) -> None:
    with pytest.raises((DriveNotTaken, Refused), match=r"[Nn]ode|Duplicate"):
        accesses.attach({"driver": "null-co", "node-name": drive.name})


def test_a_policy_for_the_guest_comes_to_its_device(machine: Machine) -> None:
    node = {"node-name": "drive0", "driver": "null-co"}
    with pytest.raises(
        DriveNotTaken, match=r"did not take a drive with the options .*node-name=drive0.*; it said: .*some"
    ):
        MonitorAccesses(machine, {"rerror": "some"}).attach(node)
    assert MonitorAccesses(machine, {"rerror": "stop", "werror": "stop"}).attach(node).name == "guest-drive0"


def test_a_resized_drive_can_be_written_up_to_its_new_end(drive: Drive) -> None:
    resize(drive, 2 * SIZE)
    drive.write(0x41, 2 * SIZE - 512, 512)
    with pytest.raises(Refused):
        resize(drive, -1)
    drive.write(0x42, 0, 512)
    resize(drive, SIZE)
    with pytest.raises(GuestRequestFailed):
        drive.write(0x41, SIZE, 512)
    assert drive.reported_bitmaps() == [drive.bitmap("bitmap0").state]


def test_requests_pass_through_the_filter_of_a_job(drive: Drive, machine_of: Machine) -> None:
    start_backup(drive)
    (job,) = machine_of.execute("query-block-jobs")
    copied = job["offset"]
    drive.write(0x41, SIZE - 512, 512)  # which copies what stood there first
    (job,) = machine_of.execute("query-block-jobs")
    assert job["offset"] == copied + 65536


def test_requests_pass_through_it_after_a_resize_that_was_refused(drive: Drive, machine_of: Machine) -> None:
    start_backup(drive)
    with pytest.raises(Refused, match=r"resize|in use"):
        resize(drive, 2 * SIZE)
    (job,) = machine_of.execute("query-block-jobs")
    copied = job["offset"]
    drive.write(0x41, SIZE - 512, 512)
    (job,) = machine_of.execute("query-block-jobs")
    assert job["offset"] == copied + 65536


def test_requests_pass_through_a_filter_that_the_operator_puts_there(drive: Drive) -> None:
    try:
        drive.add_throttle("filter0")
    except NotOffered as lack:  # an old storage daemon has no objects
        pytest.skip(str(lack))
    make(bitmaps.add(drive.filters[0], "bitmap1", granularity=512))
    drive.write(0x41, 0, 512)
    for node in drive.nodes:
        assert [state.count for state in node.reported_bitmaps()] == [512]
    resize(drive, SIZE // 2)
    drive.write(0x41, 512, 512)
    assert [state.count for state in drive.filters[0].reported_bitmaps()] == [1024]


def test_the_death_of_qemu_is_no_matter_of_the_request(drive: Drive, machine_of: Machine) -> None:
    machine_of.child.kill_and_reap(BOUND)
    with pytest.raises(MachineDied, match="SIGKILL"):
        drive.write(0x41, 0, 512)


@pytest.mark.parametrize("ask", [lambda way: way.limit(1), lambda way: way.tell("aio_write 0 512")])
def test_what_an_export_cannot_do_it_says_with_what_that_takes(
    daemon: Daemon, toolchain: Toolchain, ask: Callable[[ExportAccess], None]
) -> None:
    daemon.execute("blockdev-add", {"driver": "null-co", "node-name": "drive0", "size": SIZE})
    way = ExportAccess(daemon, toolchain.qemu_io.path, "drive0", {})
    with pytest.raises(AuthorError, match="without a human monitor: the sentence must say that it needs one"):
        ask(way)
