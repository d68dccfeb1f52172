"""Jobs, as QEMU shows them and as they tell of themselves."""

from __future__ import annotations

import pytest
from broken_promise import why_not
from hamcrest import assert_that

from testbed.domain.job import Job
from testbed.domain.lifecycle import WrongLifecycle
from testbed.promises.jobs import has_told, is_shown_as
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
    assert said == "job drive0: status is pending and should be running, speed is 0 and should be 1 KiB"


def test_what_cannot_be_shown_of_a_job_that_began_so_is_a_contradiction(job: Job) -> None:
    job.auto_finalize = True
    with pytest.raises(WrongLifecycle, match="auto-finalize is False in query-block-jobs, and cannot be of a job that"):
        job.shown()


def test_a_job_that_is_not_there_is_not_shown(world: World, job: Job) -> None:
    with pytest.raises(WrongLifecycle, match=r"query-block-jobs should list job other once; it lists \['drive0'\]"):
        Job(world.machine, "other").shown()
    assert job.is_gone is False


def test_what_a_job_has_told_is_compared_in_its_order(job: Job) -> None:
    assert_that(job, has_told(LIFE))
    told = "job drive0 told: created; running; waiting; pending; BLOCK_JOB_PENDING "
    assert why_not(job, has_told(LIFE[:-1])).startswith(told)
    assert why_not(job, has_told([*LIFE, ("concluded", {})])).startswith(told)
    assert why_not(job, has_told([LIFE[1], LIFE[0], *LIFE[2:]])).startswith(told)
    assert why_not(job, has_told([*LIFE[:-1], ("BLOCK_JOB_PENDING", {"type": "mirror"})])).startswith(told)


def test_an_end_of_which_no_error_is_told_is_one_without(world: World, job: Job) -> None:
    end: tuple[str, dict[str, object]] = ("BLOCK_JOB_CANCELLED", {})
    world.dialogue.demand(job.cancel())
    world.backups.finish([world.catalogue.newest_of("drive0")])
    life = [*LIFE, *(("aborting", {}), end, ("concluded", {}), ("null", {}))]
    assert_that(job, has_told(life))
    failed = [("BLOCK_JOB_CANCELLED", {"error": "Input/output error"}) if told is end else told for told in life]
    assert "BLOCK_JOB_CANCELLED" in why_not(job, has_told(failed))
