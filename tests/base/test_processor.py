"""Whether a process that is late could not have been any faster: from numbers, and of real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.base.problems import EnvironmentUnusable
from testbed.base.processor import Reading, Share, Wait

SPINS = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]


@contextmanager
def running(argv: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read(1)
        try:
            yield process
        finally:
            process.kill()


def explained(wait: Wait) -> str:
    """Return what is said of a process that may, on a machine as loaded as this one, be starved or not."""
    try:
        return wait.explained("it did not come")
    except EnvironmentUnusable as starved:
        return str(starved)


@pytest.mark.parametrize(
    ("share", "starved"),
    [
        pytest.param(Share(10, got=0.0, queued=0.0, sleeps=0, is_runnable=False), False, id="sleeps, or is stopped"),
        pytest.param(Share(10, got=0.4, queued=9.5, sleeps=3, is_runnable=False), True, id="hardly had a processor"),
        pytest.param(Share(10, got=0.0, queued=0.0, sleeps=0, is_runnable=True), True, id="waits for one all the time"),
        pytest.param(Share(10, got=0.2, queued=0.1, sleeps=4, is_runnable=True), False, id="was idle, and wakes up"),
        pytest.param(Share(10, got=0.3, queued=4.0, sleeps=2, is_runnable=False), False, id="could have answered"),
        pytest.param(Share(10, got=9.0, queued=1.0, sleeps=0, is_runnable=True), False, id="runs in a circle"),
        pytest.param(Share(10, got=2.0, queued=8.0, sleeps=0, is_runnable=True), False, id="had a fair share"),
    ],
)
def test_who_queues_for_most_of_the_time_is_starved(share: Share, starved: bool) -> None:  # noqa: FBT001 (a column)
    assert share.is_starved is starved


def test_what_is_busy_is_told_with_the_load_and_the_remedy() -> None:
    with running(SPINS) as process:
        wait = Wait.begun("QEMU", process.pid)
        time.sleep(0.3)
        first, last = wait.process, Reading.of([process.pid])
        told = explained(wait)
    assert last.got > first.got, "a process that spins gets something"
    assert last.is_runnable
    assert told.startswith("it did not come; meanwhile QEMU got 0.")
    assert " s more, and now wants to run; the load is " in told
    assert f" on {os.cpu_count()} processors; -D patience= gives more time" in told


def test_what_is_stopped_got_nothing_and_is_not_starved() -> None:
    with running(SPINS) as process:
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        wait = Wait.begun("QEMU", process.pid)
        time.sleep(0.1)
        told = explained(wait)
    assert (
        "meanwhile QEMU got 0.00 s of processor time in 0.1 s, queued for 0.00 s more, and now does not want to run"
        in told
    )


def test_what_others_keep_from_running_is_starved_and_nobody_s_fault() -> None:
    """One processor for many: the nice one queues for nearly all of the time, as the kernel tells."""
    one = str(min(os.sched_getaffinity(0)))
    with ExitStack() as held:
        nice = held.enter_context(running(["taskset", "--cpu-list", one, "nice", "-n", "19", *SPINS]))
        for _ in range(2):
            held.enter_context(running(["taskset", "--cpu-list", one, *SPINS]))
        wait = Wait.begun("QEMU", nice.pid)
        time.sleep(1)
        with pytest.raises(EnvironmentUnusable, match=r"^it did not come; meanwhile QEMU got 0\.") as caught:
            wait.explained("it did not come")
    assert "-D patience=" in str(caught.value)


def test_what_a_wrapper_has_started_counts_too() -> None:
    with running(["sh", "-c", f'{sys.executable} -c "$0" & wait', SPINS[2]]) as wrapper:
        time.sleep(0.5)
        got = Wait.begun("QEMU", wrapper.pid).process.got
        alone = Reading.of([wrapper.pid]).got
        child = Path(f"/proc/{wrapper.pid}/task/{wrapper.pid}/children").read_text(encoding="ascii")
        os.kill(int(child), signal.SIGKILL)
    assert got > alone


def test_a_process_that_has_ended_has_nothing() -> None:
    with running([sys.executable, "-c", "print()"]) as process:
        process.wait()
        reading = Reading.of([process.pid])
    assert replace(reading, at=0) == Reading(0, 0.0, 0.0, 0, is_runnable=False)
