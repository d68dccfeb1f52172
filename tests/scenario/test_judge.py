"""The questions at the end of a scenario, each of which is answered wrongly here once."""

from __future__ import annotations

import pytest
from hamcrest import assert_that

from testbed.domain.storage import storage
from testbed.model.content import Run
from testbed.model.ranges import Ranges
from testbed.promises.drives import holds_what_the_guest_wrote
from testbed.qemu.monitor import Event
from testbed.scenario.acts import bitmaps
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.world import World

MIB = 1024 * 1024


@pytest.fixture
def world(world: World) -> World:
    """Return a world whose drive has a persistent bitmap that has recorded something, and a transient one."""
    drive = world.drives.add("drive0", MIB)
    for name, persistent in (("bitmap0", True), ("bitmap1", False)):
        world.dialogue.demand(bitmaps.add(drive, name, persistent=persistent))
    drive.write(0xAB, 65535, 2)
    return world


def start_behind_backs(world: World) -> None:
    """Start a backup with "bitmap0" of which no model knows, and which waits to be told to end."""
    machine = world.drives.drive("drive0").machine
    machine.execute("blockdev-add", {"driver": "null-co", "node-name": "null", "size": MIB})
    options = {"sync": "incremental", "bitmap": "bitmap0", "auto-finalize": False}
    machine.execute("blockdev-backup", {"job-id": "odd", "device": "drive0", "target": "null", **options})


# While the machine runs.


def test_all_is_well_and_all_machines_have_ended(world: World) -> None:
    other = world.machines.boot("other")
    world.judge.settle()
    world.judge.settle()
    assert not world.machine.running
    assert other.has_quit


def test_a_job_that_nobody_knows_is_left_with_its_bitmap(world: World) -> None:
    start_behind_backs(world)
    with pytest.raises(BrokenPromise, match=r'^the job "odd" is left\nan unnamed bitmap is left on drive0'):
        world.judge.settle()


def test_a_job_on_another_machine_is_left_there(world: World) -> None:
    world.judge.shut_down()
    first = world.machine
    world.drives.hand_over(world.machines.boot("other"))
    start_behind_backs(world)
    world.judge.end(first)
    with pytest.raises(BrokenPromise, match='the job "odd" is left'):
        world.judge.settle()


def test_a_bitmap_is_not_as_it_must_be(world: World) -> None:
    world.drives.drive("drive0").changed(Ranges.of((512 * 1024, 1)))
    with pytest.raises(BrokenPromise, match=r'drive0: "bitmap0" should be dirty 192 KiB'):
        world.judge.shut_down()


def test_a_refusal_that_nobody_spoke_of(world: World) -> None:
    for end in (world.judge.kill, world.judge.end):
        world.dialogue.ask(bitmaps.add(world.drives.drive("drive0"), "bitmap0"))
        with pytest.raises(BrokenPromise, match="Bitmap already exists: bitmap0"):
            end(world.machine)
        assert world.machine.running


def test_an_error_that_nobody_spoke_of(world: World) -> None:
    sick = world.drives.add("drive1", MIB, [Run(0, MIB, 0x11)], storage("fails the first read after a flush"))
    sick.write(0x22, 0, 512)
    sick.flush()
    world.backups.take(sick, "full")
    with pytest.raises(BrokenPromise, match=r"^QEMU reported what no sentence speaks of: BLOCK_JOB_ERROR .*drive1"):
        world.judge.shut_down()


def test_the_end_of_a_job_that_never_ran(world: World) -> None:
    world.machine.monitor.events.append(Event("BLOCK_JOB_CANCELLED", {"device": "odd"}, 0.0))
    with pytest.raises(
        BrokenPromise, match=r'^QEMU reported the end of a job that never ran: BLOCK_JOB_CANCELLED.*"odd"'
    ):
        world.judge.shut_down()


def test_a_backup_that_runs_when_the_machine_ends_is_waited_for(world: World) -> None:
    drive = world.drives.drive("drive0")
    drive.write(0xCD, 512 * 1024, 1)
    world.backups.start(drive, {"sync": "incremental", "bitmap": "bitmap0", "speed": 1})
    world.judge.shut_down()
    (backup,) = world.catalogue.taken
    assert str(backup.job.end) == "cancelled"
    assert drive.image.bitmaps["bitmap0"].state.count == 3 * 65536
    world.judge.settle()


# Killed.


def test_a_machine_that_is_killed_leaves_what_a_crash_leaves(world: World) -> None:
    drive = world.drives.drive("drive0")
    drive.flush()
    world.judge.kill(world.machine)
    assert not world.machine.running
    assert (drive.is_open, drive.image.stored_bitmaps()) == (False, {}), "nothing had been stored yet"
    assert_that(drive, holds_what_the_guest_wrote(world.images))
    world.judge.settle()


# When all have ended.


def test_a_drive_holds_what_no_guest_wrote(world: World) -> None:
    world.judge.shut_down()
    image = world.drives.drive("drive0").image
    image.content = image.content.written(0x77, 0, 1)
    with pytest.raises(BrokenPromise, match=r"^drive0\.qcow2: the byte at offset 0 should be 0x77 and is 0x00"):
        world.judge.settle()


@pytest.mark.parametrize("judged", [True, False])
def test_a_backup_that_nobody_has_judged_restores_something_else(world: World, *, judged: bool) -> None:
    backup = world.backups.take_successfully(world.drives.drive("drive0"), "full")
    backup.content, backup.judged = backup.content.written(0x77, 0, 1), judged
    if judged:
        world.judge.settle()
        return
    with pytest.raises(BrokenPromise, match=r"should be 0x77 and is 0x00, in the full backup of drive0"):
        world.judge.settle()


def test_a_backup_that_did_not_complete_has_nothing_to_restore(world: World) -> None:
    drive = world.drives.drive("drive0")
    world.backups.hold(drive, "running", {"sync": "full"})
    backup = world.catalogue.newest_of("drive0")
    world.dialogue.demand(backup.job.cancel())
    world.backups.finish([backup])
    world.hearing.heard(backup.job.events)
    assert not backup.fulfilled
    world.judge.settle()


# What the next machine finds in the images.


def test_the_next_machine_finds_what_was_stored(world: World) -> None:
    world.judge.settle()
    assert [machine.name for machine in world.machines] == ["qemu", "after"]
    assert not any(machine.running for machine in world.machines)


def test_the_next_machine_finds_too_little_or_other_granules(world: World) -> None:
    world.judge.shut_down()
    bitmap = world.drives.drive("drive0").image.bitmaps["bitmap0"]
    bitmap.clear(moment=0)
    with pytest.raises(BrokenPromise, match=r"next machine .* drive0 .*dirty 0; it is dirty 128 KiB"):
        world.judge.settle()
    bitmap.saw(Ranges.of((512 * 1024, 128 * 1024)))
    with pytest.raises(BrokenPromise, match=r"next machine .* counts what it should, but not in the right places"):
        world.judge.settle()


def test_an_image_stores_a_bitmap_that_was_removed_or_in_another_way(world: World) -> None:
    world.judge.shut_down()
    stored = world.drives.drive("drive0").image.bitmaps
    stored["bitmap0"].disable()
    with pytest.raises(BrokenPromise, match='should store "bitmap0" as not recording'):
        world.judge.settle()
    del stored["bitmap0"]
    with pytest.raises(BrokenPromise, match='should store "bitmap0" not at all'):
        world.judge.settle()


def test_the_next_machine_cannot_open_the_drive(world: World) -> None:
    world.judge.shut_down()
    (world.machine.home / "drive0.qcow2").write_bytes(b"no image any more")
    (complaint,) = world.judge.complaints_of_next_machine()
    assert complaint.startswith("the next machine does not take drive0: QEMU refused blockdev-add")


def test_a_drive_that_never_stored_anything_needs_no_next_machine(world: World) -> None:
    world.drives.drive("drive0").image.has_stored = False
    world.judge.shut_down()
    (world.machine.home / "drive0.qcow2").unlink()  # the next machine would miss it
    assert world.judge.complaints_of_next_machine() == []
    assert [machine.name for machine in world.machines] == ["qemu"]


def test_an_image_that_contradicts_itself_is_told(world: World) -> None:
    world.judge.shut_down()
    with (world.images.home / world.drives.drive("drive0").image.name).open("r+b") as file:
        file.seek(48)
        file.seek(int.from_bytes(file.read(8), "big"))
        file.seek(int.from_bytes(file.read(8), "big"))
        file.write(bytes(2))  # how often the first cluster is used
    with pytest.raises(BrokenPromise, match=r"^drive0\.qcow2 contradicts itself: the cluster at 0, used as the header"):
        world.judge.settle()
