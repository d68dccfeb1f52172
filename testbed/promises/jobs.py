"""What QEMU must show of a job, and what a job must have told of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from testbed.domain.job import Job
from testbed.domain.lifecycle import state_of
from testbed.promises.promise import Promise
from testbed.promises.sidebyside import rows_that_differ
from testbed.qemu.monitor import Event
from testbed.qemu.wording import as_said, members

Row = Mapping[str, object]


def is_shown_as(expected: Row) -> Promise[Job]:
    """Match a job of which QEMU shows these members, in the words of query-block-jobs, without contradicting itself."""

    def complaint(job: Job) -> str | None:
        shown = job.shown()
        wrong = [
            f"job {job.name}: {key} should be {as_said(key, value)}; it is {as_said(key, shown.get(key))}"
            for key, value in expected.items()
            if shown.get(key) != value
        ]
        return "\n".join(wrong) or None

    return Promise(", ".join(f"{key} {as_said(key, value)}" for key, value in expected.items()), complaint)


def has_told(expected: Sequence[tuple[str, Row]]) -> Promise[Job]:
    """Match a job that has told just this, in this order: each a state, or an event with members that it must have.

    An end of which no error is told, must be one without.
    """

    def complaint(job: Job) -> str | None:
        told = job.lifecycle.events
        tells = [_tells(event, row) for event, row in zip(told, expected, strict=False)]
        if len(told) == len(expected) and all(tells):
            return None
        wrong = rows_that_differ(f"what job {job.name} told", list(map(_said, expected)), _as_rows(told, expected))
        return "\n".join([*wrong, f"all that job {job.name} told: {job.lifecycle}"])

    return Promise("; ".join(map(_said, expected)), complaint)


def _tells(event: Event, row: tuple[str, Row]) -> bool:
    """Tell whether an event is what a row says: a state, or an event with these members, and an error only if named."""
    name, wanted = row
    said = {"error": None, **wanted}.items() <= {"error": None, **event.data}.items()
    return (state_of(event) or event.name) == name and said


def _as_rows(told: Sequence[Event], expected: Sequence[tuple[str, Row]]) -> list[str]:
    """Write events as rows are written, those that are what some row says just as that one."""
    found = []
    for place, event in enumerate(told):
        alike = [row for row in (*expected[place : place + 1], *expected) if _tells(event, row)]
        found.append(_said(alike[0]) if alike else state_of(event) or str(event))
    return found


def _said(row: tuple[str, Row]) -> str:
    name, wanted = row
    return f"{name} with {members(wanted)}" if wanted else name


def has_io_status(allowed: Sequence[str]) -> Promise[Job]:
    """Match a job with one of these states of its errors, in the words of query-block-jobs."""

    def complaint(job: Job) -> str | None:
        found, wanted = job.io_status, " or ".join(allowed)
        return None if found in allowed else f"job {job.name}: io-status should be {wanted}; it is {found}"

    return Promise(f"a job whose io-status is {' or '.join(allowed)}", complaint)
