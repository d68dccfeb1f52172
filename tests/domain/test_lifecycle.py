from __future__ import annotations

import os
import signal

import pytest

from testbed.domain.job import Job
from testbed.domain.lifecycle import ends_without_a_run
from testbed.qemu.machine import Machine, MachineDied
from testbed.qemu.monitor import Event


def state(name: str, status: str) -> Event:
    return Event("JOB_STATUS_CHANGE", {"id": name, "status": status}, 0.0)


def end(name: str) -> Event:
    return Event("BLOCK_JOB_CANCELLED", {"device": name}, 0.0)


def test_job_that_has_run_may_end() -> None:
    assert ends_without_a_run([state("a", "created"), state("a", "running"), end("a"), state("a", "null")]) == []


def test_job_that_was_called_off_before_it_ran_has_no_end_to_tell_of() -> None:
    assert ends_without_a_run([state("a", "created"), told := end("a"), state("a", "null")]) == [told]


def test_run_of_an_earlier_job_of_that_name_does_not_count() -> None:
    first = [state("a", "running"), end("a"), state("a", "null")]
    assert ends_without_a_run([*first, state("a", "created"), told := end("a")]) == [told]


def test_run_of_another_job_does_not_count() -> None:
    assert ends_without_a_run([state("a", "running"), told := end("b")]) == [told]


def test_whoever_waits_for_a_job_is_told_that_its_qemu_had_died_before(machine: Machine) -> None:
    os.kill(machine.child.pid, signal.SIGKILL)
    machine.child.wait(machine.bound)
    with pytest.raises(MachineDied, match=r"^QEMU killed by SIGKILL"):
        Job(machine, "job0").wait()
