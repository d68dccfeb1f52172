"""Stories on storage that fails: all places are tried, what is wrong is told, and slips of authors are told as such."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.language.stories import story
from testbed.language.tables import Row
from testbed.scenario.acts import bitmaps
from testbed.scenario.failing import Play, Story
from testbed.scenario.world import World

KIB = 1024

WRITE: Row = {"request": "write", "pattern": "0x9a", "at": "128 KiB - 1 B", "length": "2 B"}
OPEN: Row = {"request": "open"}
QUIT: Row = {"request": "quit"}
KILL: Row = {"request": "kill"}


@pytest.fixture
def image(world: World) -> Image:
    """Return an image that stores a bitmap, and that no machine has open."""
    drive = world.drives.add("drive0", 256 * KIB)
    world.dialogue.demand(bitmaps.add(drive, "kept", 4 * KIB, persistent=True))
    drive.write(0xAB, 64 * KIB - 1, 2)
    world.judge.shut_down()
    return drive.image


def played(world: World, story: Story, kind: str) -> list[str]:
    """Play a story for each request of a kind, and return what was wrong."""
    story.play(world, kind)
    return story.wrongs()


def test_a_story_that_was_not_played_is_a_slip(image: Image) -> None:
    with pytest.raises(AuthorError, match="the story was not played"):
        story(image, [WRITE, QUIT]).wrongs()


def test_whichever_write_fails_nothing_is_wrong(world: World, image: Image) -> None:
    assert played(world, story(image, [WRITE, QUIT]), "write") == []


@pytest.mark.parametrize("kind", ["write", "flush"])
def test_whoever_asks_is_told_each_time_that_something_has_failed(world: World, image: Image, kind: str) -> None:
    played_story = story(image, [WRITE, KILL])
    played_story.play(world, kind)
    assert played_story.plays
    assert all(play.unsure or play.pending for play in played_story.plays)


def test_a_drive_that_was_unplugged_is_not_asked_anything_more(world: World, image: Image) -> None:
    played_story = story(image, [WRITE, {"request": "unplug"}, WRITE, QUIT])
    played_story.play(world, "write")
    assert not any(play.drive.is_open for play in played_story.plays)
    assert played_story.wrongs() == []


def test_a_flush_that_fails_at_the_end_is_a_known_defect(world: World, image: Image) -> None:
    [wrong] = played(world, story(image, [WRITE, QUIT]), "flush")
    assert 'has failed: the bitmap "kept" says that it is good, and lacks a change' in wrong


def test_what_was_refused_is_told(world: World, image: Image) -> None:
    wrongs = played(world, story(image, [OPEN, KILL]), "write")
    assert wrongs
    assert all("QEMU refused blockdev-add" in wrong and 'the bitmap "kept" is gone' in wrong for wrong in wrongs)


def test_what_the_guest_was_told_to_be_written_must_be_there(
    world: World, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drive, "write_through", Drive.write)
    wrongs = played(world, story(image, [WRITE, {**WRITE, "at": "32 KiB"}, KILL]), "write")
    assert all("which the guest had flushed, is 0x00" in wrong for wrong in wrongs)
    assert wrongs


def test_storage_that_is_told_of_no_flush_is_wrong(world: World, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drive, "write_through", Drive.write)
    assert played(world, story(image, [WRITE, KILL]), "flush") == ["the storage was told of no flush at all"]


def test_a_refusal_that_changes_something_is_told(world: World, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Play._execute

    def clears_besides(play: Play, command: str, arguments: dict[str, object]) -> bool:
        if command == "block-dirty-bitmap-add":
            ask(play, "block-dirty-bitmap-clear", {"node": play.drive.name, "name": "kept"})
        return ask(play, command, arguments)

    monkeypatch.setattr(Play, "_execute", clears_besides)
    twice = {"request": "add", "bitmap": "kept", "persistent": "yes"}
    wrongs = played(world, story(image, [twice, WRITE, QUIT]), "write")
    assert all("the refused block-dirty-bitmap-add has changed something" in wrong for wrong in wrongs)
    assert wrongs


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([WRITE], 'no end of a story "write"'),
        ([{"request": "fly"}, QUIT], 'no request "fly"'),
        ([{"request": "write", "at": "0", "pattern": "0x11"}, QUIT], "length"),
    ],
)
def test_a_slip_of_the_author_is_told_as_such(world: World, image: Image, table: Sequence[Row], words: str) -> None:
    with pytest.raises(AuthorError, match=words):
        played(world, story(image, table), "write")
