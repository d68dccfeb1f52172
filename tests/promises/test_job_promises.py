"""Jobs, as QEMU shows them and as they tell of themselves."""

from __future__ import annotations

import pytest
from broken_promise import why_not
from hamcrest import assert_that

from testbed.domain.job import Job
from testbed.domain.lifecycle import WrongLifecycle
from testbed.promises.jobs import has_io_status, has_told, is_shown_as
from testbed.scenario.world import World

KIB = 1024
MIB = 1024 * KIB

LIFE: list[tuple[str, dict[str, object]]] = [
    *((state, {}) for state in ("created", "running", "waiting", "pending")),
    ("BLOCK_JOB_PENDING", {"type": "backup"}),
]
"""What a backup tells until it waits for the word to end."""


@pytest.fixture
def job(world: World) -> Job:
    """Return a job that waits for the word to end, when it has told of that."""
    world.backups.hold(world.drives.add("drive0", MIB), "pending", {"sync": "full"})
    world.machine.wait_for("the question", lambda event: event.name == "BLOCK_JOB_PENDING")
    return world.catalogue.newest_of("drive0").job


def test_a_job_is_shown_as_it_is(job: Job) -> None:
    assert_that(job, is_shown_as({"status": "pending", "len": MIB, "offset": MIB, "error": None}))
    said = why_not(job, is_shown_as({"status": "running", "len": MIB, "speed": KIB}))
    assert [line.strip() for line in said.splitlines()] == [
        "job drive0: status should be running; it is pending",
        "job drive0: speed should be 1 KiB; it is 0",
    ]


def test_what_cannot_be_shown_of_a_job_that_began_so_is_a_contradiction(job: Job) -> None:
    job.auto_finalize = True
    with pytest.raises(WrongLifecycle, match="auto-finalize is false in query-block-jobs, and cannot be of a job that"):
        job.shown()


def test_a_job_that_is_not_there_is_not_shown(world: World, job: Job) -> None:
    with pytest.raises(WrongLifecycle, match=r'query-block-jobs should list job other once; it lists "drive0"$'):
        Job(world.machine, "other").shown()
    assert job.is_gone is False


def test_what_a_job_has_told_is_compared_in_its_order(job: Job) -> None:
    assert_that(job, has_told(LIFE))
    told = "what job drive0 told: "
    event = str(job.lifecycle.events[-1])
    assert wrong_rows(job, LIFE[:-1]) == [f"{told}{event} should not be there, and is number 5"]
    assert wrong_rows(job, [*LIFE, ("concluded", {})]) == [f"{told}concluded is missing, which should be number 6"]
    assert wrong_rows(job, [LIFE[1], LIFE[0], *LIFE[2:]]) == [
        f"{told}created should not be there, and is number 1",
        f"{told}created is missing, which should be number 2",
    ]
    assert wrong_rows(job, [*LIFE[:-1], ("BLOCK_JOB_PENDING", {"type": "mirror"})]) == [
        f'{told}number 5 should be BLOCK_JOB_PENDING with type "mirror"; it is {event}'
    ]


def wrong_rows(job: Job, expected: list[tuple[str, dict[str, object]]]) -> list[str]:
    """Return what is said of each row in which a job has told something else; last, all that it told is said."""
    *wrong, last = [line.strip() for line in why_not(job, has_told(expected)).splitlines()]
    assert last == f"all that job drive0 told: {job.lifecycle}"
    return wrong


def test_io_status_is_one_of_those_that_are_allowed(job: Job) -> None:
    assert_that(job, has_io_status(["ok"]))
    said = why_not(job, has_io_status(["failed", "nospace"]))
    assert said == "job drive0: io-status should be failed or nospace; it is ok"


def test_an_end_of_which_no_error_is_told_is_one_without(world: World, job: Job) -> None:
    end: tuple[str, dict[str, object]] = ("BLOCK_JOB_CANCELLED", {})
    world.dialogue.demand(job.cancel())
    world.backups.finish([world.catalogue.newest_of("drive0")])
    life = [*LIFE, *(("aborting", {}), end, ("concluded", {}), ("null", {}))]
    assert_that(job, has_told(life))
    failed = [("BLOCK_JOB_CANCELLED", {"error": "Input/output error"}) if told is end else told for told in life]
    assert "BLOCK_JOB_CANCELLED" in why_not(job, has_told(failed))
