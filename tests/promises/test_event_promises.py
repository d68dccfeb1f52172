from __future__ import annotations

from collections.abc import Sequence

import pytest
from broken_promise import why_not
from hamcrest import assert_that

from testbed.promises.events import reports, tells_of_disk
from testbed.qemu.monitor import Event


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
        ([], [("BLOCK_JOB_ERROR", {})], "BLOCK_JOB_ERROR should have come; it did not"),
        ([COMPLETED], [], f"{COMPLETED} came, and should not have"),
        ([ERROR, ERROR], [("BLOCK_JOB_ERROR", {})], f"{ERROR} came, and should not have"),
        ([ERROR], [("BLOCK_JOB_ERROR", {})] * 2, "BLOCK_JOB_ERROR should have come; it did not"),
        (
            [COMPLETED, ERROR],
            [("BLOCK_JOB_ERROR", {"device": "drive0", "action": "stop"}), ("STOP", {})],
            'BLOCK_JOB_ERROR should say action "stop"; it says "report"\n'
            f"STOP should have come; it did not\n{COMPLETED} came, and should not have",
        ),
        (
            [ERROR],
            [("BLOCK_JOB_ERROR", {"nospace": ""})],
            'BLOCK_JOB_ERROR should say nospace ""; it says missing',
        ),
    ],
)
def test_missing_and_needless_events_are_both_named(
    events: list[Event], expected: list[tuple[str, dict[str, str]]], said: str
) -> None:
    assert rows_of(why_not(events, reports(expected))) == said.splitlines()


def rows_of(said: str) -> list[str]:
    return [line.strip() for line in said.splitlines()]


def test_an_event_is_left_to_whoever_describes_it_best() -> None:
    other = event("BLOCK_JOB_ERROR", device="drive1")
    expected: list[tuple[str, dict[str, str]]] = [("BLOCK_JOB_ERROR", {}), ("BLOCK_JOB_ERROR", {"device": "drive1"})]
    for events in ([other, ERROR], [ERROR, other]):
        assert_that(events, reports(expected))


SAID: dict[str, object] = {"action": "stop", "operation": "read", "nospace": True, "reason": "No space left on device"}
PATH = "/machine/peripheral/disk-drive0"

TOLD = {"device": "", "node-name": "drive0", "qom-path": PATH, **SAID}


@pytest.mark.parametrize("without", [(), ("qom-path",)])
def test_an_error_of_a_disk_names_it(without: Sequence[str]) -> None:
    told = {key: value for key, value in TOLD.items() if key not in without}  # older builds do not tell the path
    assert_that(Event("BLOCK_IO_ERROR", told, 0.0), tells_of_disk("drive0", PATH, SAID))


@pytest.mark.parametrize(
    ("wrong", "complaints"),
    [
        ({"device": "drive0"}, ['device ""; it says "drive0"']),
        ({"node-name": "drive1"}, ['node-name "drive0"; it says "drive1"']),
        (
            {"device": PATH, "qom-path": ""},
            [f'device ""; it says "{PATH}"', f'qom-path "{PATH}"; it says ""'],
        ),
        ({"nospace": False}, ["nospace true; it says false"]),
        (
            {"action": "report", "reason": "?"},
            ['action "stop"; it says "report"', 'reason "No space left on device"; it says "?"'],
        ),
    ],
)
def test_an_error_of_a_disk_that_says_something_else(wrong: dict[str, object], complaints: list[str]) -> None:
    event = Event("BLOCK_IO_ERROR", {**TOLD, **wrong}, 0.0)
    said = rows_of(why_not(event, tells_of_disk("drive0", PATH, SAID)))
    assert said == [f"BLOCK_IO_ERROR should say {complaint}" for complaint in complaints]


def test_a_pause_of_the_guest_that_nothing_was_told_of_is_no_error_of_its_disk() -> None:
    why = why_not(Event("STOP", {}, 0.0), tells_of_disk("drive0", PATH, SAID))
    assert why == "the guest was paused and no error was told of"


def test_a_member_that_must_be_missing() -> None:
    promise = tells_of_disk("drive0", PATH, {**SAID, "nospace": None})
    assert (
        why_not(Event("BLOCK_IO_ERROR", TOLD, 0.0), promise)
        == "BLOCK_IO_ERROR should say nospace missing; it says true"
    )
