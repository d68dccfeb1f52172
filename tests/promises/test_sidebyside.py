"""Expected and found, side by side."""

from __future__ import annotations

import pytest
from broken_promise import why_not
from hamcrest import assert_that

from testbed.promises.sidebyside import are_as_many, has_members, is_as_listed

STATES = ["created", "running", "waiting", "pending", "concluded"]


@pytest.mark.parametrize(
    ("found", "rows"),
    [
        (STATES[:3] + STATES[4:], ["pending is missing, which should be number 4"]),
        ([*STATES, "null"], ["null should not be there, and is number 6"]),
        (["created", "paused", *STATES[2:]], ["number 2 should be running; it is paused"]),
        ([], ["created, running, waiting, pending, concluded is missing, which should be number 1"]),
        (
            ["running", "created", *STATES[2:]],
            ["running should not be there, and is number 1", "running is missing, which should be number 2"],
        ),
    ],
)
def test_only_what_differs_of_a_list_is_told_with_its_place(found: list[str], rows: list[str]) -> None:
    said = why_not(found, is_as_listed("the states", STATES)).splitlines()
    assert [row.strip() for row in said] == [f"the states: {row}" for row in rows]


def test_what_is_as_it_should_be_matches() -> None:
    assert_that(STATES, is_as_listed("the states", STATES))
    assert_that([], is_as_listed("the states", []))
    assert_that({"size": "1 MiB"}, has_members("the image", {"size": "1 MiB"}))
    assert_that(STATES, are_as_many("states", 5))


def test_only_members_that_differ_are_told() -> None:
    promise = has_members("disk.qcow2", {"size": "1 MiB", "format": "qcow2", "base": "none"})
    assert [row.strip() for row in why_not({"size": "2 MiB", "format": "qcow2"}, promise).splitlines()] == [
        "size of disk.qcow2 should be 1 MiB; it is 2 MiB",
        "base of disk.qcow2 should be none; it is nothing",
    ]


def test_things_of_another_number_are_named() -> None:
    assert why_not(["a", "b"], are_as_many("backups", 3)) == "there should be 3 backups; there are 2: a, b"
    assert why_not([], are_as_many("backups", 1)) == "there should be 1 backups; there are 0"
