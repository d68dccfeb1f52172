"""What rows of tables ask of QEMU and of a guest, and what is told to an author who wrote them in another way."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hamcrest import assert_that
from without_qemu import MIB, drive_of, image, world_of

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.domain.request import Outlook, Refusal, Request, open_question
from testbed.language import requests
from testbed.language.cells import READERS, bitmap_name, names, place, sources, value
from testbed.language.requests import (
    REQUEST_COLUMNS,
    SUBJECTS,
    answer_to,
    let_guest_do,
    needs_of_requests,
    record_alone,
    request,
    what_guest_is_told,
    write_round,
)
from testbed.language.tables import Row
from testbed.qemu.monitor import Refused
from testbed.scenario.acts.act import Word
from testbed.scenario.dialogue import Answer
from testbed.scenario.world import World


@pytest.fixture
def drive() -> Drive:
    """Return a drive with the bitmap "a", of a world without QEMU."""
    drive = drive_of(image())
    drive.gained_bitmap("a", {})
    return drive


@pytest.fixture
def still(drive: Drive) -> World:
    """Return a world with that drive, one of the same size below a filter, and nobody who could be asked."""
    other = drive_of(image("drive1"), drive.machine)
    other.gained_bitmap("b", {})
    other.filters.append(Node("filter0", drive.machine, other.size))
    return world_of(drive, other)


# What a row asks.

ASKED: list[tuple[Row, str, Mapping[str, object]]] = [
    (
        {"request": "add", "drive": "drive0", "bitmap": '"b"', "granularity": "4 KiB", "recording": "no"},
        "block-dirty-bitmap-add",
        {"node": "drive0", "name": "b", "granularity": 4096, "disabled": True},
    ),
    (
        {"request": "add", "drive": "filter0", "bitmap": "x repeated 3 times", "persistent": "yes"},
        "block-dirty-bitmap-add",
        {"node": "filter0", "name": "xxx", "persistent": True},
    ),
    (
        {"request": "merge", "drive": "drive0", "bitmap": "a", "from": "a, b of drive1"},
        "block-dirty-bitmap-merge",
        {"node": "drive0", "target": "a", "bitmaps": ["a", {"node": "drive1", "name": "b"}]},
    ),
    (
        {"request": "merge", "drive": "drive0", "bitmap": "a", "from": "none"},
        "block-dirty-bitmap-merge",
        {"node": "drive0", "target": "a", "bitmaps": []},
    ),
    (
        {"request": "resize", "drive": "drive0", "size": "2 MiB - 512 B"},
        "block_resize",
        {"node-name": "drive0", "size": 2 * MIB - 512},
    ),
    (
        {"request": "clear", "drive": "drive0", "node": "else", "bitmap": "a"},
        "block-dirty-bitmap-clear",
        {
            "node": "else",
            "name": "a",
        },
    ),
    (
        {"request": "resize", "drive": "drive0", "node": "else", "size": "0"},
        "block_resize",
        {
            "node-name": "else",
            "size": 0,
        },
    ),
    ({"request": "delete node", "node": "else"}, "blockdev-del", {"node-name": "else"}),
    ({"request": "abort"}, "abort", {}),
]


@pytest.mark.parametrize(("row", "command", "arguments"), ASKED)
def test_row_is_a_request(still: World, row: Row, command: str, arguments: Mapping[str, object]) -> None:
    asked = request(still, row)
    assert (asked.command, asked.arguments) == (command, arguments)
    assert (asked.forecast is open_question) == ("node" in row), "of another node the models know little"


def test_rows_are_requests_in_their_order(still: World) -> None:
    rows = [row for row, _, _ in ASKED]
    assert [asked.command for asked in requests.requests(still, rows)] == [command for _, command, _ in ASKED]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"request": "claer"}, 'there is no request "claer"; did you mean "clear"'),
        ({"drive": "drive0"}, 'says nothing under "request"'),
        ({"request": "write", "drive": "drive0"}, 'there is no request "write"; '),
        ({"request": "clear", "bitmap": "a"}, 'says nothing under "drive"'),
        ({"request": "clear", "drive": "dirve0", "bitmap": "a"}, 'there is no node "dirve0", only ['),
        ({"request": "resize", "drive": "filter0", "size": "0"}, 'there is no drive "filter0", only ['),
        (
            {"request": "clear", "drive": "drive0", "bitmpa": "a"},
            'there is no column for the request "clear" "bitmpa"; did you mean "bitmap"?',
        ),
        (
            {"request": "clear", "drive": "drive0", "bitmap": "a", "granularity": "4 KiB"},
            'there is no column for the request "clear" "granularity"; there are: "bitmap"',
        ),
        ({"request": "abort", "bitmap": "a"}, 'there is no column for the request "abort" "bitmap"; there are none'),
        ({"request": "clear", "drive": "drive0"}, 'the request "clear" needs something under bitmap; it has'),
        ({"request": "merge", "drive": "drive0"}, 'the request "merge" needs something under bitmap, from; it has'),
        ({"request": "resize", "drive": "drive0", "size": "2 MB"}, '"2 MB" is not a size: write'),
        ({"request": "resize", "drive": "drive0", "size": "1 B - 2 B"}, '"1 B - 2 B" is less than nothing'),
        (
            {"request": "add", "drive": "drive0", "bitmap": "b", "recording": "perhaps"},
            '"perhaps" should be yes or no',
        ),
    ],
)
def test_row_that_nobody_can_mean_is_an_author_s_slip(still: World, row: Row, told: str) -> None:
    with pytest.raises(AuthorError) as caught:
        request(still, row)
    assert told in str(caught.value)


def test_each_thing_that_a_request_works_on_can_be_said_by_a_row() -> None:
    for act in requests.REQUESTS.values():
        assert set(act.subjects.values()) <= set(SUBJECTS), act.name
        assert set(act.columns) <= set(REQUEST_COLUMNS), act.name


# How cells are read.


def test_each_word_has_a_reader() -> None:
    assert set(READERS) == set(Word)


def test_names_may_stand_in_quotes_and_be_long() -> None:
    assert bitmap_name('"a b"') == bitmap_name("a b") == "a b"
    assert bitmap_name('""') == ""
    assert bitmap_name("é repeated 512 times") == "é" * 512
    assert names('a, "b", x repeated 2 times') == ["a", "b", "xx"]
    assert sources("none") == []
    assert sources("a, b of drive1") == [("", "a"), ("drive1", "b")]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("left out", None),
        ("yes", True),
        ("no", False),
        ("4 KiB", 4096),
        ("1 MiB - 1 B", MIB - 1),
        ("7", 7),
        ("-1", -1),
        ("on-success", "on-success"),
        ('"yes"', "yes"),
        ('""', ""),
    ],
)
def test_value_of_an_option_is_what_it_looks_like(text: str, read: object) -> None:
    assert value(text) == read
    assert type(value(text)) is type(read)


def test_place_is_counted_from_the_first() -> None:
    assert [place(text) for text in ("1st", "2nd", "3rd", "12th")] == [0, 1, 2, 11]
    with pytest.raises(AuthorError, match='"second" should be a place in a row of things, as in 1st'):
        place("second")


# What a guest does.


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"at": "0", "length": "1 B", "request": "wirte"}, 'no request of a guest "wirte"; did you mean "write"'),
        ({"at": "0", "length": "1 B", "request": "clear"}, 'no request of a guest "clear"; there are: "read", "write"'),
        ({"at": "0", "length": "1 B"}, 'the request "write" needs something under pattern; it has'),
        ({"at": "0", "pattern": "0x41"}, 'the request "write" needs something under length; it has'),
        ({"at": "0", "request": "read"}, 'the request "read" needs something under length; it has'),
        ({"at": "0", "length": "1 B", "pattern": "65"}, '"65" is not a byte'),
        ({"at": "0", "length": "1", "pattern": "0x41"}, '"1" is not a size'),
    ],
)
def test_guest_does_nothing_that_nobody_can_mean(drive: Drive, row: Row, told: str) -> None:
    with pytest.raises(AuthorError) as caught:
        let_guest_do(drive, row)
    assert told in str(caught.value)


@pytest.fixture
def served(world: World) -> World:
    """Return a world whose drive has a guest, who has filled the first half with 0x11."""
    drive = world.drives.add("drive0", MIB)
    drive.write(0x11, 0, MIB // 2)
    return world


def test_guest_does_what_rows_say(served: World) -> None:
    drive = served.drives.drive("drive0")
    let_guest_do(drive, {"at": "511 B", "length": "2 B", "pattern": "0x41"})
    let_guest_do(drive, {"at": "64 KiB", "length": "64 KiB", "pattern": "0x42", "request": "discard"})
    let_guest_do(drive, {"at": "128 KiB", "length": "512 B", "request": "write zeroes"})
    let_guest_do(drive, {"at": "0", "length": "1 MiB", "request": "read"})
    let_guest_do(drive, {"at": "768 KiB", "length": "64 KiB", "pattern": "0x43", "request": "write compressed"})
    write_round(drive, [{"at": "512 KiB", "length": "1 B", "farther": "64 KiB"}], 3)
    looked_at = (510, 512, 65536, 131072, 131072 + 512, 768 * 1024, 640 * 1024)
    assert [drive.content.pattern_at(at) for at in looked_at] == [0x11, 0x41, 0, 0, 0x11, 0x43, 3]
    served.judge.settle()


def test_guest_is_told_of_a_failure_in_qemu_s_words(served: World) -> None:
    drive = served.drives.drive("drive0")
    failed = what_guest_is_told(drive, {"at": "1 MiB", "length": "512 B", "pattern": "0x41"})
    assert failed.startswith('the guest\'s request "write -P 0x41 1 MiB 512" on guest-drive0 was not carried out')
    done = what_guest_is_told(drive, {"at": "64 KiB", "length": "512 B", "pattern": "0x41"})
    assert done == "the guest's request at 64 KiB was carried out"


def test_bitmap_records_alone_what_its_row_says(served: World) -> None:
    drive = served.drives.drive("drive0")
    record_alone(
        served, drive, {"bitmap": "a", "granularity": "4 KiB", "at": "8 KiB", "length": "1 B", "pattern": "0x41"}
    )
    record_alone(served, drive, {"bitmap": "b"})
    record_alone(served, drive, {"bitmap": "c", "at": "0", "length": "1 B", "pattern": "0x41"})
    states = [bitmap.state for bitmap in drive.bitmaps.values()]
    assert [(state.name, state.count, state.recording) for state in states] == [
        ("a", 4096, False),
        ("b", 0, False),
        ("c", 65536, False),
    ]
    assert_that(drive, served.judge.in_step)


def test_backup_is_a_request_of_a_row(served: World) -> None:
    drive = served.drives.drive("drive0")
    served.dialogue.demand(request(served, {"request": "add", "drive": "drive0", "bitmap": "a"}))
    row = {"request": "incremental backup", "drive": "drive0", "bitmap": "a", "speed": "1 MiB", "auto-finalize": "no"}
    asked = request(served, row)
    expected = {"sync": "incremental", "bitmap": "a", "bitmap-mode": "on-success", "speed": MIB, "auto-finalize": False}
    assert asked.arguments.items() >= expected.items()
    asked.refused()
    other_size = request(served, {"request": "full backup", "drive": "drive0", "target": "1 MiB + 512 B"})
    assert other_size.forecast(Outlook()) == Refusal("Source and target image have different sizes")
    served.dialogue.ask(other_size)
    answer = served.dialogue.refused()
    assert answer
    assert answer.refusal
    node = request(served, {"request": "full backup", "drive": "drive0", "target": "absent"})
    assert node.arguments["target"] == "absent"
    assert "Cannot find device='absent'" in str(node.forecast(Outlook()))
    node.refused()
    assert served.backups.of(drive) == served.catalogue.taken == []


# The answer.


def last_answer(world: World, refusal: Refused | None, foreseen: Refusal | None, *, is_foreseen: bool = True) -> None:
    """Let an answer be the last one."""
    world.dialogue._unspoken = Answer(Request("do", {}), refusal, foreseen, is_foreseen)


REFUSED = Refused("do", "GenericError", "No")


def test_sentence_speaks_of_an_answer_once(still: World) -> None:
    last_answer(still, REFUSED, Refusal("No"))
    assert answer_to(still, Refusal("No")) is REFUSED
    with pytest.raises(AuthorError, match="nothing was asked of QEMU since the last sentence that spoke of an answer"):
        answer_to(still, Refusal("No"))
    last_answer(still, None, None)
    assert answer_to(still, None) is None


def test_sentence_that_expects_another_answer_than_the_models_is_a_slip(still: World) -> None:
    last_answer(still, None, None)
    with pytest.raises(
        AuthorError, match=r'should refuse it as a GenericError that says "No"; by all .* should grant it'
    ):
        answer_to(still, Refusal("No"))
    last_answer(still, REFUSED, Refusal("No"))
    with pytest.raises(AuthorError, match=r"^the sentence says that QEMU should grant it; by all"):
        answer_to(still, None)


def test_sentence_alone_says_what_must_come_where_the_models_have_no_opinion(still: World) -> None:
    last_answer(still, REFUSED, None, is_foreseen=False)
    assert answer_to(still, None) is REFUSED


def test_answer_is_qemu_s_even_if_sentence_and_models_agree_on_another(still: World) -> None:
    last_answer(still, REFUSED, None)
    assert answer_to(still, None) is REFUSED


# What the rows need of a build.


def test_rows_need_what_their_acts_need() -> None:
    table = [{"request": "add"}, {"request": "export"}, {"request": "activate"}, {"at": "0"}, {"request": "claer"}]
    assert list(needs_of_requests(table)) == ["block-export", "set-active"]
    assert list(needs_of_requests([{"request": "write compressed"}, {"request": "write"}])) == ["human-monitor"]
