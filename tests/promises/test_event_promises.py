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


SAID: dict[str, object] = {"action": "stop", "operation": "read", "nospace": True, "reason": "No space left on device"}
PATH = "/machine/peripheral/disk-drive0"

TOLD = {"device": "", "node-name": "drive0", "qom-path": PATH, **SAID}


@pytest.mark.parametrize("without", [(), ("qom-path",)])
def test_an_error_of_a_disk_names_it(without: Sequence[str]) -> None:
    told = {key: value for key, value in TOLD.items() if key not in without}  # older builds do not tell the path
    assert_that(Event("BLOCK_IO_ERROR", told, 0.0), tells_of_disk("drive0", PATH, SAID))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"device": "drive0"}, "it says {'device': 'drive0'}"),
        ({"node-name": "drive1"}, "it says {'node-name': 'drive1'}"),
        ({"device": PATH, "qom-path": ""}, "it says {'device': '/machine/peripheral/disk-drive0', 'qom"),
        ({"nospace": False}, "it says {'nospace': False}"),
        ({"action": "report", "reason": "?"}, "it says {'action': 'report', 'reason': '?'}"),
    ],
)
def test_an_error_of_a_disk_that_says_something_else(wrong: dict[str, object], complaint: str) -> None:
    event = Event("BLOCK_IO_ERROR", {**TOLD, **wrong}, 0.0)
    assert why_not(event, tells_of_disk("drive0", PATH, SAID)).startswith(complaint)


def test_a_member_that_must_be_missing() -> None:
    promise = tells_of_disk("drive0", PATH, {**SAID, "nospace": None})
    assert why_not(Event("BLOCK_IO_ERROR", TOLD, 0.0), promise) == "it says {'nospace': True}"
