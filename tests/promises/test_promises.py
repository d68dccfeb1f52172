from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest
from hamcrest import assert_that
from real_qemu import add_null_node

from testbed.base.process import ToolFailed, run_tool
from testbed.domain.backup import Backup
from testbed.domain.bitmap import Bitmap, BitmapState
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.model.content import Content, Run
from testbed.model.dirty import Dirty
from testbed.model.ranges import NOTHING, Ranges
from testbed.promises.backups import (
    equals_its_drive,
    equals_its_reference,
    holds_itself,
    holds_only_what_had_changed,
    is_encrypted,
    restores_its_moment,
)
from testbed.promises.bitmaps import has_bitmaps, has_bitmaps_in_step
from testbed.promises.drives import holds_what_the_guest_wrote
from testbed.promises.events import reports
from testbed.promises.promise import Promise, all_complaints, each
from testbed.promises.refusals import refused_with
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Event, Refused
from testbed.scenario.acts import bitmaps
from testbed.scenario.testbed import Testbed

T = TypeVar("T")

KIB = 1024
MIB = 1024 * KIB


def why_not(thing: T, promise: Promise[T]) -> str:
    """Return what an assertion says of a thing that breaks a promise, after the words of the promise."""
    with pytest.raises(AssertionError) as caught:
        assert_that(thing, promise)
    expected, _, found = str(caught.value).strip().partition("\n     but: ")
    assert expected == f"Expected: {promise.words}"
    return found


# Promises as such.


def is_even(number: int) -> str | None:
    return f"{number} is odd" if number % 2 else None


EVEN = Promise("a number that is even", is_even)


def test_a_promise_says_what_was_expected_and_what_came() -> None:
    assert_that(2, EVEN)
    assert why_not(3, EVEN) == "3 is odd"


def test_a_promise_that_is_kept_on_a_second_look_says_so() -> None:
    complaints = iter(["not yet", None])
    assert why_not(1, Promise("a thing", lambda _: next(complaints))) == "it was kept when looked at again"


def test_each_looks_at_all() -> None:
    assert_that([2, 4, 6], each(EVEN))
    assert each(EVEN).words == "each number that is even"
    assert why_not([1, 2, 3], each(EVEN)) == "1 is odd; 3 is odd"


def test_each_of_none_is_not_kept() -> None:
    assert why_not([], each(EVEN)) == "there was nothing to look at"


def test_complaints_come_in_the_order_of_the_things() -> None:
    assert all_complaints((number, EVEN) for number in range(20)) == [f"{number} is odd" for number in range(1, 20, 2)]
    assert all_complaints([]) == []


def test_what_is_raised_while_looking_is_not_lost() -> None:
    def look(_thing: int) -> None:
        raise ToolFailed("qemu-img exited with status 2")

    with pytest.raises(ToolFailed, match="qemu-img exited with status 2"):
        assert_that([1, 2], each(Promise("a thing", look)))


# Backups and drives, judged by their images.


@dataclass(frozen=True)
class Story:
    """A drive with a full backup and two incremental ones on it, each with its reference, after QEMU has ended."""

    drive: Drive
    full: Backup
    first: Backup
    second: Backup
    images: Images


@pytest.fixture(scope="module")
def told() -> Iterator[Story]:
    """Return the story as it should be; it must stay so."""
    testbed = Testbed.open({}, os.environ)
    try:
        world = testbed.world("a story", [])
        world.with_references = True
        drive = world.drives.add("drive0", 4 * MIB, [Run(MIB, MIB + 32 * KIB, 0xD5)])
        world.dialogue.ask(bitmaps.add(drive, "bitmap0"))
        full = world.backups.take_successfully(drive, "full", before=[drive.clear_bitmap("bitmap0")])
        drive.write(0xAB, 2 * MIB + 100, 300)
        first = world.backups.take_successfully(drive, "incremental", bitmap="bitmap0")
        drive.write(0xCD, MIB + 16 * KIB, 96 * KIB)
        second = world.backups.take_successfully(drive, "incremental", bitmap="bitmap0")
        world.judge.shut_down()
        yield Story(drive, full, first, second, world.images)
    finally:
        testbed.close()


@pytest.fixture
def story(told: Story, tmp_path: Path) -> Story:
    """Return the story with images that may be spoilt."""
    shutil.copytree(told.images.home, tmp_path / "copy")
    return replace(told, images=replace(told.images, home=tmp_path / "copy"))


def spoil(story: Story, image: str, request: str) -> None:
    """Make a request of qemu-io's to an image, behind the back of every model."""
    arguments = (str(story.images.qemu_io), "-f", "qcow2", "-c", request, image)
    run_tool(arguments, cwd=story.images.home, bound=story.images.bound)


def below(story: Story) -> tuple[str, str]:
    """Name the image on which the second increment stands."""
    return story.first.target.name, "qcow2"


def test_a_story_that_is_right_keeps_every_promise(story: Story) -> None:
    images = story.images
    assert_that([story.full, story.first, story.second], each(restores_its_moment(images)))
    assert_that([story.first, story.second], each(holds_only_what_had_changed(images)))
    assert_that([story.first, story.second], each(equals_its_reference(images)))
    assert_that(story.second, equals_its_drive(images))
    assert_that(story.drive, holds_what_the_guest_wrote(images))


@pytest.mark.parametrize(
    ("at", "byte", "expected"), [(0, "0x77", "0x00"), (MIB + 5, "0x00", "0xd5"), (4 * MIB - 1, "0x01", "0x00")]
)
def test_one_wrong_byte_breaks_the_first_oracle(story: Story, at: int, byte: str, expected: str) -> None:
    spoil(story, story.first.target.name, f"write -q -P {byte} {at} 1")
    said = why_not(story.first, restores_its_moment(story.images))
    assert said.startswith('the incremental backup of drive0 with "bitmap0" (drive0-2.qcow2): drive0-2.qcow2: ')
    assert f"the byte at offset {at} (" in said
    assert said.endswith(f") should be {expected} and is {byte}")


def test_a_wrong_byte_below_breaks_what_stands_on_it(story: Story) -> None:
    spoil(story, story.full.target.name, f"write -q -P 0x77 {3 * MIB} 1")
    said = why_not([story.full, story.first, story.second], each(restores_its_moment(story.images)))
    assert said.count("the byte at offset 3145728 (3 MiB) should be 0x00 and is 0x77") == 3


@pytest.mark.parametrize(("how", "said"), [("", "stands 0xab"), (" -c", "stands 0xcd, compressed")])
def test_what_can_be_read_without_a_key_is_not_encrypted(story: Story, how: str, said: str) -> None:
    story.images.create_above("open.qcow2", "qcow2", 4 * MIB, below(story))
    legible = copy.copy(story.second)
    legible.target = replace(story.second.target, name="open.qcow2")
    assert_that(legible, is_encrypted(story.images))
    spoil(story, "open.qcow2", f"write -q{how} -P {said[7:11]} {MIB} 64k")
    assert said in why_not(legible, is_encrypted(story.images))


def test_a_backup_of_a_drive_without_data_does_not_show_whether_it_is_encrypted(story: Story) -> None:
    blank = copy.copy(story.full)
    blank.content = Content(4 * MIB)
    assert "held nothing which could be found again" in why_not(blank, is_encrypted(story.images))


def test_a_backup_of_another_moment_breaks_the_first_oracle(story: Story) -> None:
    later = copy.copy(story.first)
    later.content = story.second.content
    said = why_not(later, restores_its_moment(story.images))
    assert said.endswith(f"the byte at offset {MIB + 16 * KIB} (1040 KiB) should be 0xcd and is 0xd5")


def test_a_backup_of_another_size_breaks_the_first_oracle(story: Story) -> None:
    larger = copy.copy(story.full)
    larger.content = story.full.content.resized(5 * MIB)
    assert "should have 5242880 bytes" in why_not(larger, restores_its_moment(story.images))


def test_what_was_copied_without_need_breaks_the_second_oracle(story: Story) -> None:
    spoil(story, story.first.target.name, f"write -q -P 0xd5 {MIB} 1")  # as it is below: the first oracle sees nothing
    assert_that(story.first, restores_its_moment(story.images))
    assert why_not(story.first, holds_only_what_had_changed(story.images)) == (
        'the incremental backup of drive0 with "bitmap0" (drive0-2.qcow2) should hold 64 KiB at 2 MiB; '
        "missing in it: nothing; in it without need: 64 KiB at 1 MiB"
    )


def test_what_was_not_copied_breaks_the_second_oracle(story: Story) -> None:
    story.images.create_above("empty.qcow2", "qcow2", 4 * MIB, below(story))
    lazy = copy.copy(story.second)
    lazy.target = replace(story.second.target, name="empty.qcow2")
    said = why_not(lazy, holds_only_what_had_changed(story.images))
    assert said.endswith("should hold 128 KiB at 1 MiB; missing in it: 128 KiB at 1 MiB; in it without need: nothing")


def test_larger_clusters_of_the_target_are_no_needless_ones(story: Story) -> None:
    options = {"cluster_size": str(256 * KIB)}
    story.images.create_above("large.qcow2", "qcow2", 4 * MIB, below(story), options)
    spoil(story, "large.qcow2", f"write -q -P 0xcd {MIB + 16 * KIB} {96 * KIB}")
    large = copy.copy(story.second)
    large.target = replace(story.second.target, name="large.qcow2", kind=ImageKind("qcow2", options))
    assert_that(large, holds_only_what_had_changed(story.images))
    large.target = replace(large.target, kind=ImageKind("qcow2"))
    assert "in it without need: 128 KiB at 1152 KiB" in why_not(large, holds_only_what_had_changed(story.images))


def test_a_full_backup_is_not_for_the_second_oracle(story: Story) -> None:
    said = why_not(story.full, holds_only_what_had_changed(story.images))
    assert said == "the full backup of drive0 (drive0-1.qcow2) is not incremental: it may hold everything"


FIRST_HOLDS = (Run(2 * MIB, 2 * MIB + 100, 0), Run(2 * MIB + 100, 2 * MIB + 400, 0xAB))
"""What the first increment holds itself but for the zeros at the end of its only cluster."""

END_OF_FIRST = Run(2 * MIB + 400, 2 * MIB + 64 * KIB, 0)


def test_what_an_image_holds_itself_is_told_in_runs(story: Story) -> None:
    assert_that(story.first, holds_itself(story.images, [*FIRST_HOLDS, END_OF_FIRST]))


def test_what_a_table_leaves_out_must_not_be_held(story: Story) -> None:
    assert why_not(story.first, holds_itself(story.images, FIRST_HOLDS)).endswith(
        "missing in it: nothing; in it without need: 64 KiB - 400 B at 2 MiB + 400 B"
    )


def test_what_shines_through_from_below_is_not_held(story: Story) -> None:
    below = Run(MIB, MIB + 32 * KIB, 0xD5)
    said = why_not(story.first, holds_itself(story.images, [below, *FIRST_HOLDS, END_OF_FIRST]))
    assert said.endswith("missing in it: 32 KiB at 1 MiB; in it without need: nothing")


def test_what_is_held_must_read_as_the_table_says(story: Story) -> None:
    said = why_not(story.first, holds_itself(story.images, [*FIRST_HOLDS, replace(END_OF_FIRST, pattern=0x77)]))
    assert said.endswith("should be 0x77 and is 0x00")


def test_a_reference_that_differs_breaks_the_third_oracle(story: Story) -> None:
    assert story.second.reference is not None
    spoil(story, story.second.reference.name, "write -q -P 0x77 1M 1")
    assert why_not(story.second, equals_its_reference(story.images)) == (
        'the incremental backup of drive0 with "bitmap0" (drive0-4.qcow2) differs from drive0-5.qcow2: '
        "Content mismatch at offset 1048576!"
    )


def test_a_backup_without_a_reference_does_not_equal_it(story: Story) -> None:
    assert why_not(story.full, equals_its_reference(story.images)).endswith("has no reference to compare with")


def test_a_drive_that_has_changed_since_does_not_equal_its_backup(story: Story) -> None:
    assert why_not(story.first, equals_its_drive(story.images)) == (
        'the incremental backup of drive0 with "bitmap0" (drive0-2.qcow2) differs from drive0.qcow2: '
        f"Content mismatch at offset {MIB + 16 * KIB}!"
    )


def test_a_drive_with_a_byte_that_no_guest_wrote_is_noticed(story: Story) -> None:
    spoil(story, story.drive.image, "write -q -P 0x77 65537 1")
    assert why_not(story.drive, holds_what_the_guest_wrote(story.images)) == (
        "drive0: drive0.qcow2: the byte at offset 65537 (64 KiB + 1 B) should be 0x00 and is 0x77"
    )


# Bitmaps, as QEMU reports them.


@pytest.fixture
def node(machine: Machine) -> Node:
    """Return a node with a bitmap that has recorded a write, and one that does not record, beside their models."""
    node = add_null_node(machine, "drive0", MIB)
    for request in (bitmaps.add(node, "a"), bitmaps.add(node, "b", granularity=4 * KIB, recording=False)):
        machine.execute(request.command, request.arguments)
        request.granted()
    machine.guest_request("drive0", "write 65535 2", "wrote")
    node.changed(Ranges.of((65535, 2)))
    return node


A = BitmapState("a", 64 * KIB, recording=True, busy=False, persistent=False, count=128 * KIB)
B = BitmapState("b", 4 * KIB, recording=False, busy=False, persistent=False, count=0)


def test_bitmaps_that_are_as_expected_match(node: Node) -> None:
    assert_that(node, has_bitmaps([B, A]))
    assert_that(node, has_bitmaps_in_step(with_digests=True))
    assert has_bitmaps([A]).words == '"a" (recording, granularity 64 KiB, dirty 128 KiB)'
    assert has_bitmaps([]).words == "no bitmap at all"


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (
            [replace(A, count=64 * KIB), B],
            'drive0 should have "a" (recording, granularity 64 KiB, dirty 64 KiB); '
            'it has "a" (recording, granularity 64 KiB, dirty 128 KiB)',
        ),
        (
            [A, replace(B, recording=True, busy=True, persistent=True, inconsistent=True)],
            'drive0 should have "b" (recording, busy, persistent, inconsistent, granularity 4 KiB, dirty 0); '
            'it has "b" (not recording, granularity 4 KiB, dirty 0)',
        ),
        ([A, replace(B, granularity=8 * KIB)], "granularity 8 KiB, dirty 0); it has "),
        ([A], 'drive0 should have no bitmap b; it has "b" (not recording, granularity 4 KiB, dirty 0)'),
        (
            [A, B, replace(B, name="c")],
            'drive0 should have "c" (not recording, granularity 4 KiB, dirty 0); it has no such bitmap',
        ),
    ],
)
def test_each_way_in_which_bitmaps_can_differ_is_named(node: Node, expected: list[BitmapState], said: str) -> None:
    assert said in why_not(node, has_bitmaps(expected))


def test_bitmaps_where_there_should_be_none_are_named(node: Node) -> None:
    assert why_not(node, has_bitmaps([])).count("should have no bitmap") == 2


def test_bits_in_the_wrong_place_are_seen_by_their_digest_alone(node: Node) -> None:
    node.bitmap("a").dirty = Dirty(MIB).marked(Ranges.of((64 * KIB, 128 * KIB)))
    assert_that(node, has_bitmaps_in_step(with_digests=False))
    assert why_not(node, has_bitmaps_in_step(with_digests=True)) == (
        '"a" on drive0 counts what it should, but not in the right places; dirty should be 128 KiB at 64 KiB'
    )


def test_a_wrong_count_is_seen_with_or_without_digests(node: Node) -> None:
    node.bitmap("a").dirty = Dirty(MIB, granules=NOTHING)
    for with_digests in (True, False):
        assert "should have" in why_not(node, has_bitmaps_in_step(with_digests=with_digests))


def test_a_bitmap_that_no_model_knows_is_noticed(node: Node) -> None:
    del node.bitmaps["b"]
    assert "should have no bitmap b" in why_not(node, has_bitmaps_in_step(with_digests=True))


def test_a_bitmap_that_qemu_does_not_know_is_noticed(node: Node) -> None:
    node.bitmaps["c"] = Bitmap("drive0", "c", Dirty(MIB))
    assert "it has no such bitmap" in why_not(node, has_bitmaps_in_step(with_digests=True))


# Events.


def event(name: str, **data: str) -> Event:
    return Event(name, data, 0.1)


ERROR = event("BLOCK_JOB_ERROR", device="drive0", action="report", operation="read")
COMPLETED = event("BLOCK_JOB_COMPLETED", device="drive0", error="Input/output error")


@pytest.mark.parametrize(
    "expected",
    [
        [("BLOCK_JOB_ERROR", {"device": "drive0", "action": "report"}), ("BLOCK_JOB_COMPLETED", {})],
        [("BLOCK_JOB_COMPLETED", {"error": "Input/output error"}), ("BLOCK_JOB_ERROR", {})],
    ],
)
def test_expected_events_match_in_any_order(expected: Sequence[tuple[str, dict[str, str]]]) -> None:
    assert_that([ERROR, COMPLETED], reports(expected))
    assert_that([COMPLETED, ERROR], reports(expected))


def test_no_event_where_none_is_expected_matches() -> None:
    assert_that([], reports([]))


@pytest.mark.parametrize(
    ("events", "expected", "said"),
    [
        ([], [("BLOCK_JOB_ERROR", {})], "missing: BLOCK_JOB_ERROR {}; besides: nothing"),
        ([COMPLETED], [], f"missing: nothing; besides: {COMPLETED}"),
        ([ERROR, ERROR], [("BLOCK_JOB_ERROR", {})], f"missing: nothing; besides: {ERROR}"),
        ([ERROR], [("BLOCK_JOB_ERROR", {})] * 2, "missing: BLOCK_JOB_ERROR {}; besides: nothing"),
        (
            [ERROR],
            [("BLOCK_JOB_ERROR", {"action": "stop"})],
            f"missing: BLOCK_JOB_ERROR {{'action': 'stop'}}; besides: {ERROR}",
        ),
        (
            [ERROR],
            [("BLOCK_JOB_ERROR", {"nospace": ""})],
            f"missing: BLOCK_JOB_ERROR {{'nospace': ''}}; besides: {ERROR}",
        ),
    ],
)
def test_missing_and_needless_events_are_both_named(
    events: list[Event], expected: list[tuple[str, dict[str, str]]], said: str
) -> None:
    assert why_not(events, reports(expected)) == said


def test_an_event_is_left_to_whoever_describes_it_best() -> None:
    other = event("BLOCK_JOB_ERROR", device="drive1")
    expected: list[tuple[str, dict[str, str]]] = [("BLOCK_JOB_ERROR", {}), ("BLOCK_JOB_ERROR", {"device": "drive1"})]
    for events in ([other, ERROR], [ERROR, other]):
        assert_that(events, reports(expected))


# Refusals.


def test_a_refusal_matches_by_class_and_words() -> None:
    refused = Refused("block-dirty-bitmap-add", "GenericError", "Bitmap already exists: bitmap0")
    assert_that(refused, refused_with("GenericError", "already exists"))
    assert why_not(refused, refused_with("GenericError", "is busy")) == (
        'QEMU refused it as a GenericError that says "Bitmap already exists: bitmap0"'
    )
    assert "QEMU refused it as a GenericError" in why_not(refused, refused_with("DeviceNotFound", "already exists"))


def test_a_refusal_may_be_spelt_as_of_old() -> None:
    newest = "Invalid node-name: 'no such'"
    assert_that(Refused("blockdev-add", "GenericError", "Invalid node name"), refused_with("GenericError", newest))


def test_a_grant_is_no_refusal() -> None:
    promise = refused_with("GenericError", "is busy")
    assert promise.words == 'a refusal as a GenericError that says "is busy"'
    assert why_not(None, promise) == "QEMU granted the request"


def test_a_content_of_nothing_but_zeros_is_not_forgiven(story: Story) -> None:
    blank = copy.copy(story.full)
    blank.content = Content(4 * MIB)
    assert "should be 0x00 and is 0xd5" in why_not(blank, restores_its_moment(story.images))
