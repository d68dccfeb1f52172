"""Sentences that act and judge at once, each seen to fail."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from testbed.domain.backup import Backup
from testbed.scenario.acts import bitmaps
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.world import World
from testbed.upkeep import vocabulary

ROOT = Path(__file__).parents[2]
NEXT_BACKUP = "the next incremental backup of {drive:Name} with {bitmap:Name} should restore it as it was then"


@pytest.fixture
def story(world: World) -> World:
    """Return a world whose drive has a full backup, and has changed since; QEMU has a bitmap more than we know of."""
    drive = world.drives.add("drive0", 4 << 20)
    world.machine.execute("block-dirty-bitmap-add", {"node": "drive0", "name": "older"})
    drive.write(0x11, 2 << 20, 512)
    world.backups.take_successfully(drive, "full", before=[bitmaps.add(drive, "bitmap0")])
    drive.write(0xAB, 65535, 2)
    return world


def say(pattern: str, world: World, **words: object) -> None:
    definitions = vocabulary.definitions(vocabulary.load(ROOT))
    (definition,) = [one for one in definitions if one.pattern == pattern]
    context: Any = SimpleNamespace(world=world)
    definition.func(context, **words)


def test_next_backup_is_taken_and_spoken_of(story: World) -> None:
    say(NEXT_BACKUP, story, drive="drive0", bitmap="bitmap0")
    (backup,) = story.backups.spoken_of
    assert (backup, backup.sync, backup.succeeded) == (story.catalogue.taken[-1], "incremental", True)


def finish_unseen(backup: Backup) -> None:
    """Wait until a backup is over, and do not ask what its job had to copy."""
    backup.job.wait()
    backup.follow()
    backup.command.close(backup.drive.machine, backup.target)


def test_next_backup_that_lacks_a_write_is_no_good(story: World, monkeypatch: pytest.MonkeyPatch) -> None:
    story.machine.execute("block-dirty-bitmap-disable", {"node": "drive0", "name": "bitmap0"})
    story.drives.drive("drive0").write(0x9A, 1 << 20, 512)
    monkeypatch.setattr(Backup, "finish", finish_unseen)
    with pytest.raises(AssertionError, match=r"offset 1 MiB should be 0x9a and is 0x00"):
        say(NEXT_BACKUP, story, drive="drive0", bitmap="bitmap0")


def test_next_backup_that_holds_too_much_is_no_good(story: World, monkeypatch: pytest.MonkeyPatch) -> None:
    merge = {"node": "drive0", "target": "bitmap0", "bitmaps": ["older"]}
    story.machine.execute("block-dirty-bitmap-merge", merge)
    monkeypatch.setattr(Backup, "finish", finish_unseen)
    with pytest.raises(AssertionError, match="in it without need: 64 KiB at 2 MiB"):
        say(NEXT_BACKUP, story, drive="drive0", bitmap="bitmap0")


def test_next_backup_that_is_refused_is_no_good(story: World) -> None:
    story.machine.execute("block-dirty-bitmap-remove", {"node": "drive0", "name": "bitmap0"})
    with pytest.raises(BrokenPromise, match="Bitmap 'bitmap0' could not be found"):
        say(NEXT_BACKUP, story, drive="drive0", bitmap="bitmap0")
