"""What QEMU must show of a job, and what a job must have told of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from testbed.domain.job import Job
from testbed.domain.lifecycle import state_of
from testbed.promises.promise import Promise
from testbed.qemu.wording import as_said

Row = Mapping[str, object]


def is_shown_as(expected: Row) -> Promise[Job]:
    """Match a job of which QEMU shows these members, in the words of query-block-jobs, without contradicting itself."""

    def complaint(job: Job) -> str | None:
        shown = job.shown()
        wrong = [
            f"{key} is {as_said(key, shown.get(key))} and should be {as_said(key, value)}"
            for key, value in expected.items()
            if shown.get(key) != value
        ]
        return f"job {job.name}: {', '.join(wrong)}" if wrong else None

    return Promise(", ".join(f"{key} {as_said(key, value)}" for key, value in expected.items()), complaint)


def has_told(expected: Sequence[tuple[str, Row]]) -> Promise[Job]:
    """Match a job that has told just this, in this order: each a state, or an event with members that it must have.

    An end of which no error is told, must be one without.
    """

    def complaint(job: Job) -> str | None:
        told = job.lifecycle.events
        tells = [
            (state_of(event) or event.name) == name
            and {"error": None, **members}.items() <= {"error": None, **event.data}.items()
            for event, (name, members) in zip(told, expected, strict=False)
        ]
        return None if len(told) == len(expected) and all(tells) else f"job {job.name} told: {job.lifecycle}"

    return Promise("; ".join(f"{name} {dict(members) or ''}".strip() for name, members in expected), complaint)
