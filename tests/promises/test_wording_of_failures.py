"""Real failures, one of each kind: what they say is for people, and has neither raw numbers nor Python's own words."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hamcrest import assert_that
from real_qemu import DIGESTS

from testbed.base.process import run_tool
from testbed.domain.backup import Backup
from testbed.domain.bitmap import BitmapState
from testbed.domain.lifecycle import WrongLifecycle
from testbed.promises.backups import (
    equals_its_drive,
    has_ended,
    holds_itself,
    holds_only_what_had_changed,
    restores_its_moment,
)
from testbed.promises.bitmaps import are_in_states, has_bitmaps, has_bitmaps_in_step, stores_its_bitmaps
from testbed.promises.drives import holds_what_the_guest_wrote
from testbed.promises.events import reports, tells_of_disk
from testbed.promises.jobs import has_told
from testbed.promises.promise import none_of
from testbed.promises.sidebyside import has_members
from testbed.qemu.machine import GuestRequestFailed, MachineHung
from testbed.scenario.acts import bitmaps
from testbed.scenario.world import World

MIB = 1 << 20
SIZE = 4 * MIB

STEPS = Path(__file__).parents[2] / "steps"

FOREIGN = {
    "a raw number of bytes": re.compile(r"(?<![\w.#-])\d{4,}(?![\w.])"),
    "a container of Python's": re.compile(r"[\[({]'|'[\])}]|\[\]|\{\}|\(\)"),
    "an object of Python's": re.compile(r"<[\w.]+ object|\b[A-Z]\w+\(\w+="),
    "a constant of Python's": re.compile(r"\b(?:None|True|False)\b"),
    "a word of the matchers' library": re.compile(r"an empty collection|a sequence|was <"),
}
"""What no message may have, and what it is."""


def foreign_in(text: str) -> list[str]:
    return [what for what, pattern in FOREIGN.items() if pattern.search(text)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("from 65536 to 131072", "a raw number of bytes"),
        ("it says {'device': 'drive0'}", "a container of Python's"),
        ("only ['a', 'b']", "a container of Python's"),
        ("was BitmapState(name='a')", "an object of Python's"),
        ("error is None", "a constant of Python's"),
        ("Expected: an empty collection", "a word of the matchers' library"),
    ],
)
def test_what_is_foreign_is_seen(text: str, what: str) -> None:
    assert what in foreign_in(text)


@pytest.fixture
def story(world: World) -> World:
    """Return a world with a drive, its bitmap and an incremental backup of it; later, all is written to once more."""
    drive = world.drives.add("drive0", SIZE)
    world.dialogue.demand(bitmaps.add(drive, "bitmap0", persistent=True, granularity=64 << 10))
    drive.write(0xAB, MIB, 128 << 10)
    world.backups.take_successfully(drive, "incremental", bitmap="bitmap0")
    drive.write(0xCD, 2 * MIB, 128 << 10)
    return world


def backup_in(world: World) -> Backup:
    return world.catalogue.newest_of("drive0")


def spoil(world: World, name: str) -> None:
    """Write to an image of which no model learns."""
    qemu_io = str(world.images.qemu_io)
    run_tool((qemu_io, "-f", "qcow2", "-c", "write -q -P 0x77 3M 64k", name), cwd=world.images.home, bound=20)


def bitmap_of_other_size(world: World) -> None:
    wrong = BitmapState("bitmap0", 1 << 20, recording=False, busy=True, persistent=False, count=1 << 16)
    assert_that(world.drives.drive("drive0"), has_bitmaps([wrong]))


def bitmap_too_many(world: World) -> None:
    assert_that(world.drives.drive("drive0"), has_bitmaps([]))


def unnamed_bitmap(_world: World) -> None:
    state = BitmapState("", 1 << 16, recording=True, busy=False, persistent=False, count=1 << 17)
    assert_that([], are_in_states("unnamed bitmaps", [state]))


def write_not_recorded(world: World) -> None:
    drive = world.drives.drive("drive0")
    world.machine.guest_request(drive.access.name, "write -q -P 1 3M 64k", "")
    assert_that(drive, has_bitmaps_in_step(DIGESTS))


def stored_too_much(world: World) -> None:
    world.judge.shut_down()
    world.images.add_bitmap("drive0.qcow2", "another", {"granularity": 1 << 17})
    assert_that(world.drives.drive("drive0"), stores_its_bitmaps(world.images))


def wrong_byte_in_drive(world: World) -> None:
    world.judge.shut_down()
    spoil(world, "drive0.qcow2")
    assert_that(world.drives.drive("drive0"), holds_what_the_guest_wrote(world.images))


def wrong_byte_in_backup(world: World) -> None:
    spoil(world, backup_in(world).target.name)
    assert_that(backup_in(world), restores_its_moment(world.images))


def needless_cluster(world: World) -> None:
    spoil(world, backup_in(world).target.name)
    assert_that(backup_in(world), holds_only_what_had_changed(world.images))


def nothing_of_what_a_table_says(world: World) -> None:
    assert_that(backup_in(world), holds_itself(world.images, []))


def backup_of_another_moment(world: World) -> None:
    world.judge.shut_down()
    assert_that(backup_in(world), equals_its_drive(world.images))


def backup_with_another_end(world: World) -> None:
    assert_that(backup_in(world), has_ended('failed with "Input/output error"'))


def events_nobody_expects(world: World) -> None:
    told = [event for event in world.machine.all_events() if "BLOCK_JOB" in event.name]
    assert_that(told, reports([("BLOCK_JOB_COMPLETED", {"device": "another"}), ("STOP", {})]))


def event_of_no_disk(world: World) -> None:
    told = next(event for event in world.machine.all_events() if event.name == "BLOCK_JOB_COMPLETED")
    assert_that(told, tells_of_disk("drive0", "/machine/disk", {"nospace": None, "len": 1 << 20}))


def another_life(world: World) -> None:
    assert_that(backup_in(world).job, has_told([("created", {}), ("BLOCK_JOB_COMPLETED", {"len": 1 << 20})]))


def request_beyond_the_end(world: World) -> None:
    world.drives.drive("drive0").access.request(f"write {SIZE} 65536", "wrote")


def event_that_does_not_come(world: World) -> None:
    world.machine.monitor.bound = 0.5
    world.hearing.hear_again_and_again("BLOCK_JOB_ERROR", {"device": "drive0"})


def work_that_was_not_planned(world: World) -> None:
    backup = backup_in(world)
    backup.changed = None
    backup.finish()


def image_of_other_facts(world: World) -> None:
    assert_that(world.images.facts(backup_in(world).target.name), has_members("it", {"size": "1 MiB"}))


def leftovers(world: World) -> None:
    assert_that(world.drives.drive("drive0").reported_bitmaps(), none_of("bitmaps"))


FAILURES: list[Callable[[World], None]] = [
    bitmap_of_other_size,
    bitmap_too_many,
    unnamed_bitmap,
    write_not_recorded,
    stored_too_much,
    wrong_byte_in_drive,
    wrong_byte_in_backup,
    needless_cluster,
    nothing_of_what_a_table_says,
    backup_of_another_moment,
    backup_with_another_end,
    events_nobody_expects,
    event_of_no_disk,
    another_life,
    request_beyond_the_end,
    event_that_does_not_come,
    work_that_was_not_planned,
    image_of_other_facts,
    leftovers,
]


@pytest.mark.parametrize("fail", FAILURES)
def test_failure_speaks_to_people(story: World, fail: Callable[[World], None]) -> None:
    with pytest.raises((AssertionError, WrongLifecycle, GuestRequestFailed, MachineHung)) as caught:
        fail(story)
    assert foreign_in(str(caught.value)) == [], str(caught.value)


def test_steps_insist_on_promises_of_our_own() -> None:
    """The matchers of the library show what Python calls a thing, but for those that compare texts."""
    imported = {
        name.name
        for file in STEPS.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "hamcrest"
        for name in node.names
    }
    assert imported == {"assert_that", "contains_string"}
