"""What moves between the layers of a drive, and what the bitmaps there must record of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hamcrest import assert_that
from without_qemu import MIB, drive_of, image

from testbed.base.problems import AuthorError
from testbed.domain.access import NoAccess
from testbed.domain.drive import Drive
from testbed.domain.history import History
from testbed.domain.layers import Commit, JobFailed, Move, Stream
from testbed.model.content import Run
from testbed.model.ranges import Ranges
from testbed.promises.drives import is_only_read
from testbed.scenario.acts import bitmaps, drives, layers
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.world import World

KIB = 1024


@pytest.fixture
def overlay(world: World) -> Drive:
    """Return an overlay with the bitmap "b", on a base with the bitmap "a"; the guest has written to both."""
    base = world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    world.dialogue.demand(bitmaps.add(base, "a", 512, persistent=True))
    base.write(0xAA, 0, 512)
    world.dialogue.demand(drives.snapshot(world, base, "overlay0"))
    overlay = world.drives.drive("overlay0")
    world.dialogue.demand(bitmaps.add(overlay, "b", 512, persistent=True))
    overlay.write(0xBB, 65 * KIB, 512)
    return overlay


# Without QEMU.


def test_an_image_takes_in_all_that_was_above_it() -> None:
    base = image("drive0")
    middle, top = image("overlay0", base=base), image("overlay1")
    top.base = middle
    base.history.add(Ranges.of((0, 1)))
    middle.history, top.history = base.history.continued(), History(2)
    middle.history.add(Ranges.of((1, 1)))
    top.history.add(Ranges.of((2, 1)))
    middle.write(0x11, 0, 1)
    top.content = middle.content.written(0x22, 128 * KIB, 1)
    top.allocate(Ranges.of((128 * KIB, 1)))
    base.absorb(top)
    assert base.content == top.content
    assert base.allocated == Ranges.of((0, 64 * KIB), (128 * KIB, 64 * KIB))
    assert (base.history.moment, base.history.since(1)) == (3, Ranges.of((1, 2)))
    assert {layer.name for layer in base.lineage} == {"drive0.qcow2", "overlay0.qcow2", "overlay1.qcow2"}


def test_an_image_stands_alone_on_what_it_has_not_taken_over() -> None:
    base = image("drive0")
    middle = image("overlay0", base=base)
    top = image("overlay1", base=middle)
    middle.write(0x11, 0, 1)
    top.take_from_below(base)
    assert (top.base, top.allocated) == (base, Ranges.of((0, 64 * KIB)))
    top.take_from_below(None)
    assert top.base is None
    with pytest.raises(AuthorError, match=r"overlay1.qcow2 does not stand on overlay0.qcow2"):
        top.down_to(middle)


def test_a_state_that_was_kept_comes_back() -> None:
    held = image()
    held.snapshots["before"] = held.content
    held.write(0x11, 0, 1)
    held.restore("before")
    assert (held.content.pattern_at(0), held.history.moment) == (0, 1)


def test_what_is_only_read_has_stored_its_bitmaps_and_a_crash_takes_nothing_from_them() -> None:
    drive = drive_of(image())
    drive.gained_bitmap("a", {"persistent": True})
    drive.reopened(read_only=True)
    assert (list(drive.image.bitmaps), drive.image.in_use) == (["a"], set())
    drive.reopened(read_only=False)
    drive.crashed()
    assert drive.image.stored_bitmaps()["a"].inconsistent


def test_nobody_gets_in_where_no_guest_is() -> None:
    nowhere = NoAccess("drive0")
    nowhere.step_aside()
    nowhere.step_back()
    slips: list[Callable[[], None]] = [
        lambda: nowhere.request("read 0 1", "read"),
        lambda: nowhere.limit(1),
        lambda: nowhere.tell("read 0 1"),
    ]
    for slip in slips:
        with pytest.raises(AuthorError, match='no guest reaches "drive0"'):
            slip()


# With QEMU.


def test_guest_goes_on_with_the_base_when_its_overlay_was_committed(world: World, overlay: Drive) -> None:
    base = world.drives.drive("drive0")
    layers.begin_commit(world, overlay, base)
    overlay.write(0xCC, 512 * KIB, 512)
    layers.complete_commit(world, overlay)
    assert base.bitmap("a").dirty.granules == Ranges.of((0, 512), (64 * KIB, 64 * KIB), (512 * KIB, 64 * KIB))
    assert overlay.bitmap("b").dirty.granules == Ranges.of((65 * KIB, 512), (512 * KIB, 512))
    assert (base.serves_guest, base.read_only, overlay.image.is_spent) == (True, False, True)
    assert base.content.pattern_at(512 * KIB) == 0xCC
    layers.delete_layer(world, overlay)
    assert (world.drives.all(), world.drives.left) == ([base], [overlay])
    base.write(0xDD, 0, 512)
    world.judge.settle()


def test_a_base_that_did_not_record_the_commit_is_found(world: World, overlay: Drive) -> None:
    base = world.drives.drive("drive0")
    layers.commit_whole(world, overlay, base)
    base.bitmap("a").dirty = base.bitmap("a").dirty.cleared()
    with pytest.raises(BrokenPromise, match='drive0: "a" should be dirty 0; it is dirty 64 KiB'):
        world.judge.settle()


def test_a_commit_that_fails_is_not_waited_for(world: World, overlay: Drive) -> None:
    commit = Commit([overlay], world.drives.drive("drive0"))
    request = commit.request()
    world.dialogue.demand(replace(request, arguments={**request.arguments, "speed": 1}))
    world.machine.execute("job-cancel", {"id": commit.job.name})
    with pytest.raises(JobFailed, match="should have become ready; it cancelled"):
        commit.wait_until_ready()


def test_a_stream_leaves_the_chain_shorter(world: World, overlay: Drive) -> None:
    asked = Stream(overlay).request()
    world.dialogue.demand(asked)
    assert overlay.image.base is None
    assert overlay.bitmap("b").dirty.count == 512


def test_guest_moves_to_the_copy(world: World) -> None:
    source = world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    copy = world.drives.add_copy("copy0", source)
    layers.begin_move(world, source, copy, {"copy-mode": "background", "granularity": 4 * KIB})
    world.dialogue.demand(bitmaps.add(copy, "a", 512))
    source.write(0xAA, 8 * KIB, 512)
    layers.complete_move(world, source)
    assert copy.bitmap("a").dirty.granules == Ranges.of((8 * KIB, 4 * KIB))
    copy.write(0xBB, 0, 512)
    assert (copy.serves_guest, world.drives.left) == (True, [source])
    world.judge.settle()


def test_a_copy_with_bitmaps_that_may_know_of_a_write_or_not_is_a_slip() -> None:
    source, copy = drive_of(image("drive0")), drive_of(image("copy0"))
    copy.gained_bitmap("a", {})
    move = Move(source, copy)
    source.history.add(Ranges.of((0, 1)))
    with pytest.raises(AuthorError, match='the guest has written before "copy0" was ready'):
        move.wait_until_ready()


def test_what_never_began_cannot_be_completed(world: World, overlay: Drive) -> None:
    with pytest.raises(AuthorError, match='nothing of that kind has begun with "overlay0"'):
        layers.complete_commit(world, overlay)


def test_an_overlay_that_qemu_has_made_is_closed_when_nothing_uses_it(world: World) -> None:
    base = world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    world.dialogue.demand(layers.snapshot_by_qemu(world, base, "overlay0"))
    overlay = world.drives.drive("overlay0")
    world.dialogue.demand(bitmaps.add(overlay, "b", persistent=True))
    overlay.write(0xBB, 0, 512)
    assert_that(base, is_only_read())
    with pytest.raises(AssertionError, match="overlay0 should be open for reading only; it is open for writing"):
        assert_that(overlay, is_only_read())
    layers.commit_whole(world, overlay, base)
    assert (world.drives.all(), world.drives.left) == ([base], [overlay])
    assert list(overlay.image.bitmaps) == ["b"]
    world.judge.settle()


def test_a_base_is_opened_for_writing_and_for_reading_only_again(world: World, overlay: Drive) -> None:
    base = world.drives.drive("drive0")
    world.dialogue.demand(layers.open_base_anew(base, read_only=False))
    assert (base.read_only, base.image.in_use) == (False, {"a"})
    world.dialogue.demand(bitmaps.remove(base, "a"))
    world.dialogue.demand(layers.open_base_anew(base, read_only=True))
    assert (base.read_only, base.image.bitmaps) == (True, {})
    with pytest.raises(AuthorError, match='"overlay0" is no base that stands on nothing'):
        layers.open_base_anew(overlay, read_only=True)
    world.judge.settle()


def test_second_job_on_a_chain_is_refused_and_the_first_is_remembered(world: World, overlay: Drive) -> None:
    base = world.drives.drive("drive0")
    layers.begin_commit(world, overlay, base)
    assert list(world.commits) == ["overlay0"]
    world.dialogue.ask(layers.stream(world, overlay))
    answer = world.dialogue.refused()
    assert answer
    assert "is busy" in str(answer.refusal)
    layers.complete_commit(world, overlay)
    assert not world.commits
    world.judge.settle()


def test_jobs_save_the_machine_and_do_not_take_it_back_while_there_are_bitmaps(world: World, overlay: Drive) -> None:
    if "snapshot-save" not in str(overlay.machine.execute("query-commands")):
        pytest.skip("this QEMU has no jobs that save the machine")
    layers.job_saves_state(overlay, "before")
    overlay.write(0x33, 0, 512)
    assert "active dirty bitmaps" in layers.job_goes_back(overlay, "before")
    assert list(overlay.image.snapshots) == ["before"]
    with pytest.raises(BrokenPromise, match=r"a job should have saved the state of the machine; it failed: .*exists"):
        layers.job_saves_state(overlay, "before")
    layers.job_forgets_state(overlay, "before")
    assert not overlay.image.snapshots
    world.judge.settle()


def test_commit_that_might_have_failed_and_does_not_can_be_completed(world: World, overlay: Drive) -> None:
    assert layers.try_commit(world, overlay, world.drives.drive("drive0")) == ""
    layers.complete_commit(world, overlay)
    world.judge.settle()
