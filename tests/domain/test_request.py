"""What is foreseen of requests: alone, and one after the other in a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from without_qemu import drive_of, ended_machine, image

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.request import ABORT, Outlook, Refusal, Request, always_granted, open_question, transaction
from testbed.scenario.acts import bitmaps

GROUPED = Refusal("property completion-mode = grouped")

ABORTED = Refusal("Transaction aborted using Abort action")

OPEN = Request("blockdev-snapshot", {})
"""A request on which no model has an opinion."""

JOB = Request("blockdev-backup", {}, forecast=always_granted)


@pytest.fixture
def drive() -> Drive:
    """Return a drive with the bitmap "bitmap0"."""
    drive = drive_of(image())
    drive.gained_bitmap("bitmap0", {})
    return drive


def foreseen(requests: Sequence[Request], completion: str = "") -> tuple[Refusal | None, bool]:
    """Return how QEMU must refuse a transaction, and whether no model knows what will come."""
    outlook = Outlook()
    refusal = transaction(requests, completion).forecast(outlook)
    return refusal, outlook.is_open


def test_refusal_reads_after_what_qemu_should_do() -> None:
    assert str(Refusal("is busy")) == 'refuse it as a GenericError that says "is busy"'


def test_request_is_an_open_question_unless_it_says_more() -> None:
    outlook = Outlook()
    assert OPEN.forecast is open_question
    assert OPEN.forecast(outlook) is None
    assert outlook.is_open


def test_transaction_is_a_request_with_actions(drive: Drive) -> None:
    added = bitmaps.add(drive, "bitmap1")
    asked = transaction([added, ABORT], "individual")
    assert asked.command == "transaction"
    assert asked.machine is drive.machine
    assert asked.arguments == {
        "actions": [
            {"type": "block-dirty-bitmap-add", "data": {"node": "drive0", "name": "bitmap1"}},
            {"type": "abort", "data": {}},
        ],
        "properties": {"completion-mode": "individual"},
    }
    assert "properties" not in transaction([added]).arguments


def test_grant_and_refusal_reach_each_request() -> None:
    told: list[str] = []

    def telling(name: str) -> Request:
        return Request(name, {}, lambda: told.append(f"{name} granted"), lambda: told.append(f"{name} refused"))

    asked = transaction([telling("a"), telling("b")])
    asked.granted()
    asked.refused()
    assert told == ["a granted", "b granted", "a refused", "b refused"]


def test_transaction_is_for_one_machine(drive: Drive) -> None:
    other = drive_of(image("drive1"), ended_machine())
    with pytest.raises(AuthorError, match="these requests are for several"):
        transaction([bitmaps.add(drive, "a"), bitmaps.add(other, "a")])
    assert transaction([bitmaps.add(drive, "a"), ABORT]).machine is drive.machine
    assert transaction([ABORT]).machine is None


def test_transaction_is_granted_when_each_request_is(drive: Drive) -> None:
    assert foreseen([bitmaps.clear(drive, "bitmap0"), bitmaps.add(drive, "bitmap1"), JOB]) == (None, False)


def test_first_refusal_is_that_of_the_transaction(drive: Drive) -> None:
    absent = Refusal("Dirty bitmap 'absent' not found")
    asked = [bitmaps.clear(drive, "bitmap0"), bitmaps.clear(drive, "absent"), ABORT]
    assert foreseen(asked) == (absent, False)
    assert foreseen([ABORT, *asked]) == (ABORTED, False)


def test_transaction_is_aborted_only_after_all_before_it(drive: Drive) -> None:
    assert foreseen([bitmaps.add(drive, "bitmap1"), ABORT]) == (ABORTED, False)


@pytest.mark.parametrize("after", [[], [JOB], [ABORT]])
def test_one_open_question_leaves_all_open_that_follow(drive: Drive, after: Sequence[Request]) -> None:
    assert foreseen([bitmaps.clear(drive, "bitmap0"), OPEN, *after]) == (None, True)


def test_refusal_before_an_open_question_is_foreseen(drive: Drive) -> None:
    assert foreseen([bitmaps.clear(drive, "absent"), OPEN]) == (Refusal("Dirty bitmap 'absent' not found"), False)


@pytest.mark.parametrize("completion", ["", "individual"])
def test_bitmap_requests_and_jobs_go_together_unless_they_are_grouped(drive: Drive, completion: str) -> None:
    asked = [bitmaps.add(drive, "bitmap1"), JOB]
    assert foreseen(asked, completion) == (None, False)
    assert foreseen(asked, "grouped") == (GROUPED, False)
    assert foreseen([JOB, JOB], "grouped") == (None, False)


def test_grouped_abort_is_refused_for_being_grouped() -> None:
    assert foreseen([ABORT], "grouped") == (GROUPED, False)
    assert foreseen([JOB, OPEN], "grouped") == (GROUPED, False)


# A transaction looks at each bitmap as the requests before it have left it.

IN_USE = Refusal("Bitmap 'bitmap0' is currently in use")

NAMES_NEW = "bitmap1"


@pytest.mark.parametrize("act", [bitmaps.clear, bitmaps.enable, bitmaps.disable, bitmaps.remove])
def test_bitmap_that_was_just_added_can_be_used(drive: Drive, act: Callable[[Drive, str], Request]) -> None:
    assert foreseen([bitmaps.add(drive, NAMES_NEW), act(drive, NAMES_NEW)]) == (None, False)


@pytest.mark.parametrize("act", [bitmaps.clear, bitmaps.enable, bitmaps.disable, bitmaps.remove])
def test_bitmap_that_was_just_removed_is_in_use(drive: Drive, act: Callable[[Drive, str], Request]) -> None:
    assert foreseen([bitmaps.remove(drive, "bitmap0"), act(drive, "bitmap0")]) == (IN_USE, False)


def test_bitmap_that_was_just_added_or_removed_has_a_name_that_is_taken(drive: Drive) -> None:
    exists = Refusal("Bitmap already exists: bitmap1")
    assert foreseen([bitmaps.add(drive, NAMES_NEW), bitmaps.add(drive, NAMES_NEW)]) == (exists, False)
    exists = Refusal("Bitmap already exists: bitmap0")
    assert foreseen([bitmaps.remove(drive, "bitmap0"), bitmaps.add(drive, "bitmap0")]) == (exists, False)


def test_bitmaps_of_one_name_on_two_nodes_are_two(drive: Drive) -> None:
    other = drive_of(image("drive1"), drive.machine)
    asked = [bitmaps.add(drive, NAMES_NEW), bitmaps.add(other, NAMES_NEW), bitmaps.remove(other, NAMES_NEW)]
    assert foreseen([*asked, bitmaps.clear(drive, NAMES_NEW)]) == (None, False)
