"""The oracle of crashes: on what QEMU really writes, and on records that are spoilt."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest

from testbed.domain.recorder import Moment, Recorder, Session
from testbed.model.content import Content, Run
from testbed.model.ranges import Ranges
from testbed.promises.crashes import Owed, judged_states, opens_wherever_it_stopped
from testbed.scenario.acts import bitmaps, drives, machines
from testbed.scenario.world import World

KIB = 1024
SIZE = 256 * KIB


@pytest.fixture
def recorder(world: World) -> Recorder:
    """Return what was recorded of an image with a bitmap, which a machine has stored, and another one again."""
    world.drives.record("drive0")
    drive = world.drives.add("drive0", SIZE, [Run(0, 4 * KIB, 0x11)])
    world.dialogue.demand(bitmaps.add(drive, "kept", 4 * KIB, persistent=True))
    drive.write(0xAB, 64 * KIB - 1, 2)
    drive.flush()
    world.judge.shut_down()
    machines.start_elsewhere(world, "tomorrow")
    drive = world.drives.drive("drive0")
    drive.write(0xCD, 128 * KIB, 1)
    drive.flush()
    world.judge.shut_down()
    return world.drives.recorder("drive0")


def complaint(world: World, recorder: Recorder) -> str | None:
    """Return what is wrong with a recorded image, if anything is."""
    return opens_wherever_it_stopped(world.images).complaint(recorder)


def test_each_prefix_is_judged_and_each_with_one_unflushed_write_lost(recorder: Recorder) -> None:
    session = recorder.sessions[1]
    stops = [stop for stop, _, _ in judged_states(session)]
    assert [stop.entries for stop in stops if not stop.lost] == list(range(len(session.log.entries) + 1))
    lost = [stop for stop in stops if stop.lost]
    assert lost
    for stop in lost:
        assert stop.lost
        between = session.log.entries[session.log.entries.index(stop.lost) : stop.entries]
        assert not any(entry.flushes for entry in between)


def test_what_was_recorded_is_what_is_in_the_file(world: World, recorder: Recorder) -> None:
    *_, (_, reading, _) = (state for state in judged_states(recorder.sessions[1]) if not state[0].lost)
    assert {name: bitmap.dirty for name, bitmap in reading.bitmaps.items()} == {
        "kept": world.drives.drive("drive0").image.bitmaps["kept"].dirty.granules
    }


def test_a_sound_qemu_leaves_nothing_that_is_wrong(world: World, recorder: Recorder) -> None:
    assert complaint(world, replace(recorder)) is None


def test_qemu_img_is_asked_too_where_both_are(world: World, recorder: Recorder) -> None:
    assert opens_wherever_it_stopped(replace(world.images, asks_both=lambda _name: True)).complaint(recorder) is None


def flags_at(session: Session) -> Iterator[tuple[int, int]]:
    """Yield where the flags of each entry stand in the log, and the flags."""
    session.log.catch_up()
    return ((entry.place - 512 + 16, entry.flags) for entry in session.log.entries)


def test_a_log_without_flushes_leaves_what_no_power_cut_may_leave(world: World, recorder: Recorder) -> None:
    session = recorder.sessions[1]
    spoilt = bytearray(session.log.path.read_bytes())
    for place, flags in flags_at(session):
        struct.pack_into("<Q", spoilt, place, flags & ~1)
    session.log.path.write_bytes(spoilt)
    session.log.entries = [replace(entry, flags=entry.flags & ~1) for entry in session.log.entries]
    assert "lost in a power cut" in str(complaint(world, recorder))


def test_a_flushed_write_that_is_missing_is_seen(world: World, recorder: Recorder) -> None:
    session = recorder.sessions[1]
    spoilt = bytearray(session.log.path.read_bytes())
    place = spoilt.index(b"\xcd")
    spoilt[place] = 0
    session.log.path.write_bytes(spoilt)
    assert "the byte at offset 128 KiB, which the guest had flushed, is 0x00" in str(complaint(world, recorder))


def with_owed(recorder: Recorder, name: str, **other: object) -> Recorder:
    """Return a recorder by which more was owed of a bitmap, from the first moment of the last session on."""
    session = recorder.sessions[-1]
    moments = [
        replace(moment, bitmaps={name: replace(moment.bitmaps["kept"], **other)})  # type: ignore[arg-type]
        for moment in session.moments
    ]
    return replace(recorder, sessions=[replace(session, moments=moments)])


def test_a_bitmap_that_lacks_a_change_is_seen(world: World, recorder: Recorder) -> None:
    lacking = with_owed(recorder, "kept", dirty=Ranges.of((200 * KIB, 4 * KIB)))
    assert '"kept" says that it is good, and lacks a change: 4 KiB at 200 KiB' in str(complaint(world, lacking))


def test_a_bitmap_that_should_not_be_there_is_seen(world: World, recorder: Recorder) -> None:
    assert '"kept" says that it is good, and there is none such' in str(complaint(world, with_owed(recorder, "other")))


def test_other_properties_of_a_bitmap_are_seen(world: World, recorder: Recorder) -> None:
    assert "stored as recording" in str(complaint(world, with_owed(recorder, "kept", recording=False)))
    assert "its granularity is 4 KiB" in str(complaint(world, with_owed(recorder, "kept", granularity=512)))


def test_a_size_that_nobody_asked_for_is_seen(world: World, recorder: Recorder) -> None:
    session = recorder.sessions[-1]
    moments = [replace(moment, content=moment.content.resized(2 * SIZE)) for moment in session.moments]
    assert "it is of 256 KiB" in str(complaint(world, replace(recorder, sessions=[replace(session, moments=moments)])))


def test_many_moments_are_counted_and_not_all_told(world: World, recorder: Recorder) -> None:
    assert "more moments" in str(complaint(world, with_owed(recorder, "other")))


def test_between_two_moments_either_content_may_be_found() -> None:
    before, after = Content(8 * KIB, (Run(0, KIB, 1),)), Content(8 * KIB, (Run(0, KIB, 2), Run(4 * KIB, 5 * KIB, 3)))
    owed = Owed.between([Moment(0, before, {}), Moment(1, after, {})], Ranges.of((6 * KIB, KIB)))
    allowed = {(span.start, span.end): span.allowed for span in owed.spans}
    assert allowed[0, KIB] == frozenset({1, 2})
    assert allowed[4 * KIB, 5 * KIB] == frozenset({0, 3})
    assert allowed[6 * KIB, 7 * KIB] is None
    assert allowed[KIB, 4 * KIB] == frozenset({0})


def test_an_overlay_reads_as_what_it_stands_on_where_it_holds_nothing(world: World) -> None:
    world.drives.record("overlay0")
    below = world.drives.add("drive0", SIZE, [Run(0, 4 * KIB, 0x11)])
    world.dialogue.demand(drives.snapshot(world, below, "overlay0"))
    overlay = world.drives.drive("overlay0")
    overlay.write(0xCD, 128 * KIB, 1)
    overlay.flush()
    world.judge.shut_down()
    recorder, content = world.drives.recorder("overlay0"), below.image.content
    assert opens_wherever_it_stopped(world.images, content).complaint(recorder) is None
    wrong = opens_wherever_it_stopped(world.images, content.written(0x22, 0, 512)).complaint(recorder)
    assert "the byte at offset 0, which the guest had flushed, is 0x22" in str(wrong)
