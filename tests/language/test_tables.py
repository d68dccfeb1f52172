"""What tables may be, and what is told to an author who wrote them in another way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from behave.model import Table
from behave.runner import Context

from testbed.base.problems import AuthorError
from testbed.build.schema import Schema
from testbed.domain.drive import Drive
from testbed.language import cells, requests, tables

SCHEMA = Schema(
    [
        {"name": "blockdev-backup", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
        {
            "name": "0",
            "meta-type": "object",
            "members": [
                {"name": "bitmap-mode", "type": "1"},
                {"name": "sync", "type": "1"},
                {"name": "x-perf", "type": "2"},
            ],
        },
        {"name": "1", "meta-type": "builtin"},
        {"name": "BLOCK_JOB_PENDING", "meta-type": "event", "arg-type": "0"},
        {"name": "BLOCK_JOB_COMPLETED", "meta-type": "event", "arg-type": "0"},
        {"name": "2", "meta-type": "object", "members": [{"name": "max-workers", "type": "1"}]},
    ]
)


def step_with(*lines: str) -> Context:
    """Return what is there of a step in progress: the build, and the table that these lines are, if there are any."""
    headings, *rows = [[cell.strip() for cell in line.split("|")] for line in lines] or [[]]
    build = SimpleNamespace(capabilities=SimpleNamespace(schema=SCHEMA))
    return cast("Context", SimpleNamespace(table=Table(headings, rows=rows) if lines else None, testbed=build))


def test_rows_leave_out_what_is_empty_and_what_is_for_readers() -> None:
    step = step_with("at | length | note", "0 | | the first", "1 MiB | 1 B | the last")
    assert tables.rows(step, ("at",), ("length",)) == [{"at": "0"}, {"at": "1 MiB", "length": "1 B"}]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((), "this sentence needs a table with the headings at, length"),
        (
            ("at | lenght", "0 | 1 B"),
            'there is no heading for this sentence\'s table "lenght"; did you mean "length"?',
        ),
        (
            ("at | length | xyz", "0 | 1 B | 2"),
            'there is no heading for this sentence\'s table "xyz"; there are: "at", "length", "pattern", "note"',
        ),
        (("at | length",), "the table has no rows, and would say nothing"),
    ],
)
def test_a_wrong_table_is_an_author_s_slip(lines: tuple[str, ...], told: str) -> None:
    with pytest.raises(AuthorError) as caught:
        tables.rows(step_with(*lines), ("at", "length"), ("pattern",))
    assert str(caught.value) == told


def test_a_cell_that_must_not_be_empty_is_asked_for() -> None:
    with pytest.raises(AuthorError, match='says nothing under "length"'):
        tables.cell({"at": "0", "pattern": "0x11"}, "length")


def test_yes_and_no_are_read_and_nothing_else() -> None:
    assert (cells.yes("yes"), cells.yes("no")) == (True, False)
    with pytest.raises(AuthorError, match='"true" should be yes or no'):
        cells.yes("true")


def test_a_guest_has_no_other_requests() -> None:
    with pytest.raises(AuthorError, match='there is no request of a guest "wirte"; did you mean "write"'):
        requests.let_guest_do(cast("Drive", None), {"at": "0", "length": "1 B", "request": "wirte"})


@pytest.mark.parametrize("option", ["sync", "x-perf", "x-perf.max-workers"])
def test_an_option_that_the_build_has_is_fine(option: str) -> None:
    tables.insist_on_option(SCHEMA, "blockdev-backup", option)
    with pytest.raises(AuthorError):
        tables.insist_on_option(SCHEMA, "blockdev-backup", f"{option}x")


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("bitmap-moed", 'did you mean "bitmap-mode"?'),
        ("x-perf.max-wokers", 'did you mean "max-workers"?'),
        ("x-prf.max-workers", 'did you mean "x-perf"?'),
        ("sync.full", "there are none"),
    ],
)
def test_an_option_that_the_build_lacks_is_told_with_the_nearest(option: str, hint: str) -> None:
    with pytest.raises(AuthorError) as caught:
        tables.insist_on_option(SCHEMA, "blockdev-backup", option)
    assert f'blockdev-backup of this build has no option "{option}"; {hint}' in str(caught.value)


def test_what_a_command_takes_that_the_build_lacks_nobody_can_tell() -> None:
    assert not SCHEMA.has_command("drive-backup")
    tables.insist_on_option(SCHEMA, "drive-backup", "anything")


def test_sizes_of_an_image_are_compared_in_one_wording() -> None:
    row = {"format": "qcow2", "size": "4 MiB + 4 KiB + 512 B", "base": "none", "clusters": "64 KiB"}
    assert tables.image_facts(row) == {
        "format": "qcow2",
        "size": "4 MiB + 4608 B",
        "base": "none",
        "clusters": "64 KiB",
    }


def test_a_sentence_about_one_thing_takes_one_row() -> None:
    assert tables.one_row(step_with("at", "0"), ("at",)) == {"at": "0"}
    with pytest.raises(AuthorError, match="the table of this sentence has one row, and not 2"):
        tables.one_row(step_with("at", "0", "1 B"), ("at",))


def test_an_event_is_read_with_the_name_that_it_has_for_the_drive() -> None:
    step = step_with("event")
    assert tables.event_row(step, {"event": "BLOCK_JOB_COMPLETED", "drive": "drive0"}) == (
        "BLOCK_JOB_COMPLETED",
        {"device": "drive0"},
    )
    assert tables.event_row(step, {"event": "BLOCK_JOB_PENDING", "drive": "drive0"})[1] == {"id": "drive0"}


def test_states_and_events_of_a_job_are_read_in_their_order() -> None:
    step = step_with("state | event | len", "running | | ", "pending | BLOCK_JOB_COMPLETED | 64 KiB")
    assert tables.history_rows(step) == [
        ("running", {}),
        ("pending", {}),
        ("BLOCK_JOB_COMPLETED", {"len": 65536}),
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("runing | ", 'there is no state of a job "runing"; did you mean "running"'),
        ("running | BLOCK_JOB_COMPLTED", 'there is no event "BLOCK_JOB_COMPLTED"; did you mean "BLOCK_JOB_COMPLETED"'),
    ],
)
def test_a_state_or_an_event_that_there_is_not_is_an_author_s_slip(row: str, told: str) -> None:
    with pytest.raises(AuthorError, match=told):
        tables.history_rows(step_with("state | event", row))
