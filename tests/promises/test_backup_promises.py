from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from broken_promise import why_not
from hamcrest import assert_that

from testbed.base.process import run_tool
from testbed.base.units import format_size
from testbed.domain.backup import Backup
from testbed.domain.drive import Drive
from testbed.domain.lifecycle import JobEnd
from testbed.model.content import Content, Run
from testbed.promises.backups import (
    equals_its_drive,
    equals_its_reference,
    has_ended,
    holds_itself,
    holds_only_what_had_changed,
    is_encrypted,
    restores_its_moment,
)
from testbed.promises.promise import each
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.scenario.acts import bitmaps
from testbed.scenario.testbed import Testbed

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Story:
    """A drive with a full backup and two incremental ones on it, each with its reference, after QEMU has ended."""

    drive: Drive
    full: Backup
    first: Backup
    second: Backup
    images: Images


@pytest.fixture(scope="module")
def told(testbed: Testbed) -> Iterator[Story]:
    """Return the story as it should be; it must stay so."""
    world = testbed.world("a story", [])
    try:
        world.backups.with_references = True
        drive = world.drives.add("drive0", 4 * MIB, [Run(MIB, MIB + 32 * KIB, 0xD5)])
        world.dialogue.ask(bitmaps.add(drive, "bitmap0"))
        full = world.backups.take_successfully(drive, "full", before=[bitmaps.clear(drive, "bitmap0")])
        drive.write(0xAB, 2 * MIB + 100, 300)
        first = world.backups.take_successfully(drive, "incremental", bitmap="bitmap0")
        drive.write(0xCD, MIB + 16 * KIB, 96 * KIB)
        second = world.backups.take_successfully(drive, "incremental", bitmap="bitmap0")
        world.judge.shut_down()
        yield Story(drive, full, first, second, world.images)
    finally:
        testbed.discard(world)


@pytest.fixture
def story(told: Story, tmp_path: Path) -> Story:
    """Return the story with images that may be spoilt."""
    shutil.copytree(told.images.home, tmp_path / "copy")
    return replace(told, images=replace(told.images, home=tmp_path / "copy"))


def spoil(story: Story, image: str, request: str) -> None:
    """Make a request of qemu-io's to an image, behind the back of every model."""
    arguments = (str(story.images.qemu_io), "-f", "qcow2", "-c", request, image)
    run_tool(arguments, cwd=story.images.home, bound=story.images.bound)


def in_another_image(backup: Backup, name: str, kind: ImageKind | None = None) -> Backup:
    """Return the backup as it would be in the image of that name."""
    image = replace(backup.target.image, name=name, kind=kind or backup.target.kind)
    other = copy.copy(backup)
    other.target = replace(backup.target, image=image)
    return other


def below(story: Story) -> tuple[str, str]:
    """Name the image on which the second increment stands."""
    return story.first.target.name, "qcow2"


def test_a_story_that_is_right_keeps_every_promise(story: Story) -> None:
    images = story.images
    assert_that([story.full, story.first, story.second], each(restores_its_moment(images)))
    assert_that([story.first, story.second], each(holds_only_what_had_changed(images)))
    assert_that([story.first, story.second], each(equals_its_reference(images)))
    assert_that(story.second, equals_its_drive(images))


@pytest.mark.parametrize(
    ("at", "byte", "expected"), [(0, "0x77", "0x00"), (MIB + 5, "0x00", "0xd5"), (4 * MIB - 1, "0x01", "0x00")]
)
def test_one_wrong_byte_breaks_the_first_oracle(story: Story, at: int, byte: str, expected: str) -> None:
    spoil(story, story.first.target.name, f"write -q -P {byte} {at} 1")
    said = why_not(story.first, restores_its_moment(story.images))
    assert said == (
        f"drive0-2.qcow2: the byte at offset {format_size(at)} should be {expected} and is {byte}, "
        'in the incremental backup of drive0 with "bitmap0" (drive0-2.qcow2)'
    )


def test_a_wrong_byte_below_breaks_what_stands_on_it(story: Story) -> None:
    spoil(story, story.full.target.name, f"write -q -P 0x77 {3 * MIB} 1")
    said = why_not([story.full, story.first, story.second], each(restores_its_moment(story.images)))
    assert said.count("the byte at offset 3 MiB should be 0x00 and is 0x77") == 3


@pytest.mark.parametrize(("how", "said"), [("", "stands 0xab"), (" -c", "stands 0xcd, compressed")])
def test_what_can_be_read_without_a_key_is_not_encrypted(story: Story, how: str, said: str) -> None:
    story.images.create_above("open.qcow2", "qcow2", 4 * MIB, below(story))
    legible = in_another_image(story.second, "open.qcow2")
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
    assert "the byte at offset 1040 KiB should be 0xcd and is 0xd5, in the " in said


def test_a_backup_of_another_size_breaks_the_first_oracle(story: Story) -> None:
    larger = copy.copy(story.full)
    larger.content = story.full.content.resized(5 * MIB)
    assert "drive0-1.qcow2 should be of 5 MiB and is of " in why_not(larger, restores_its_moment(story.images))


def test_what_was_copied_without_need_breaks_the_second_oracle(story: Story) -> None:
    spoil(story, story.first.target.name, f"write -q -P 0xd5 {MIB} 1")  # as it is below: the first oracle sees nothing
    assert_that(story.first, restores_its_moment(story.images))
    assert why_not(story.first, holds_only_what_had_changed(story.images)) == (
        'the incremental backup of drive0 with "bitmap0" (drive0-2.qcow2): '
        "in it without need: 64 KiB at 1 MiB; it should hold 64 KiB at 2 MiB"
    )


def test_what_was_not_copied_breaks_the_second_oracle(story: Story) -> None:
    story.images.create_above("empty.qcow2", "qcow2", 4 * MIB, below(story))
    lazy = in_another_image(story.second, "empty.qcow2")
    said = why_not(lazy, holds_only_what_had_changed(story.images))
    assert said.endswith(": missing in it: 128 KiB at 1 MiB; it should hold 128 KiB at 1 MiB")


def test_larger_clusters_of_the_target_are_no_needless_ones(story: Story) -> None:
    options = {"cluster_size": str(256 * KIB)}
    story.images.create_above("large.qcow2", "qcow2", 4 * MIB, below(story), options)
    spoil(story, "large.qcow2", f"write -q -P 0xcd {MIB + 16 * KIB} {96 * KIB}")
    large = in_another_image(story.second, "large.qcow2", ImageKind("qcow2", options))
    assert_that(large, holds_only_what_had_changed(story.images))
    large = in_another_image(story.second, "large.qcow2")
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
    said = why_not(story.first, holds_itself(story.images, FIRST_HOLDS))
    assert ": in it without need: 64 KiB - 400 B at 2 MiB + 400 B; it should hold " in said


def test_what_shines_through_from_below_is_not_held(story: Story) -> None:
    below = Run(MIB, MIB + 32 * KIB, 0xD5)
    said = why_not(story.first, holds_itself(story.images, [below, *FIRST_HOLDS, END_OF_FIRST]))
    assert ": missing in it: 32 KiB at 1 MiB; it should hold " in said


def test_what_is_held_must_read_as_the_table_says(story: Story) -> None:
    said = why_not(story.first, holds_itself(story.images, [*FIRST_HOLDS, replace(END_OF_FIRST, pattern=0x77)]))
    assert "should be 0x77 and is 0x00, in the " in said


def test_a_reference_that_differs_breaks_the_third_oracle(story: Story) -> None:
    assert story.second.reference is not None
    spoil(story, story.second.reference.name, "write -q -P 0x77 1M 1")
    assert why_not(story.second, equals_its_reference(story.images)) == (
        'the incremental backup of drive0 with "bitmap0" (drive0-4.qcow2) differs from drive0-5.qcow2: '
        "the first difference is in the 512 B at offset 1 MiB"
    )


def test_a_backup_without_a_reference_does_not_equal_it(story: Story) -> None:
    assert why_not(story.full, equals_its_reference(story.images)).endswith("has no reference to compare with")


def test_a_drive_that_has_changed_since_does_not_equal_its_backup(story: Story) -> None:
    assert why_not(story.first, equals_its_drive(story.images)) == (
        'the incremental backup of drive0 with "bitmap0" (drive0-2.qcow2) differs from drive0.qcow2: '
        "the first difference is in the 512 B at offset 1040 KiB"
    )


def test_a_content_of_nothing_but_zeros_is_not_forgiven(story: Story) -> None:
    blank = copy.copy(story.full)
    blank.content = Content(4 * MIB)
    assert "should be 0x00 and is 0xd5" in why_not(blank, restores_its_moment(story.images))


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        ("cancelled", "completed", "should have completed; it was cancelled"),
        ("completed", "cancelled", "should have been cancelled; it completed"),
        ("completed", 'failed with "Input/output error"', 'should have failed with "Input/output error"; it completed'),
    ],
)
def test_an_end_is_told_beside_the_one_that_was_promised(story: Story, found: str, expected: str, said: str) -> None:
    backup = copy.copy(story.full)
    backup.job = copy.copy(backup.job)
    backup.job.end = JobEnd(found, None, 0, 0)
    assert_that(backup, has_ended(found))
    assert why_not(backup, has_ended(expected)) == f"{backup} {said}"
    backup.job.end = None
    assert why_not(backup, has_ended("completed")).endswith("should have completed; it has not ended")
