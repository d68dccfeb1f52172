"""Whether a process that is late could not have been any faster: from numbers, and of real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aftermath import comes

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


def run_for(seconds: float, *processes: subprocess.Popen[bytes]) -> None:
    """Wait until processes that spin have had so many seconds of processor time together, or that many more."""
    numbers = [process.pid for process in processes]
    first = Reading.of(numbers).got
    assert comes(lambda: Reading.of(numbers).got >= first + seconds), "what spins gets something"


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
        run_for(0.1, process)
        last = Reading.of([process.pid])
        told = explained(wait)
    assert last.is_runnable
    assert told.startswith("it did not come; meanwhile QEMU got 0.")
    assert " s more, and now wants to run; the load is " in told
    assert f" on {os.cpu_count()} processors; -D patience= gives more time" in told


def test_what_is_stopped_got_nothing_and_is_not_starved() -> None:
    with running(SPINS) as process, running(SPINS) as other:
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        wait = Wait.begun("QEMU", process.pid)
        run_for(0.1, other)
        told = explained(wait)
    assert re.search(r"meanwhile QEMU got 0\.00 s of processor time in \d+\.\d s, queued for 0\.00 s more, ", told)
    assert ", and now does not want to run; " in told


def test_what_others_keep_from_running_is_starved_and_nobody_s_fault() -> None:
    """One processor for many: the nice one queues for nearly all of the time, as the kernel tells."""
    one = str(min(os.sched_getaffinity(0)))
    with ExitStack() as held:
        nice = held.enter_context(running(["taskset", "--cpu-list", one, "nice", "-n", "19", *SPINS]))
        others = [held.enter_context(running(["taskset", "--cpu-list", one, *SPINS])) for _ in range(2)]
        wait = Wait.begun("QEMU", nice.pid)
        run_for(0.5, *others)
        with pytest.raises(EnvironmentUnusable, match=r"^it did not come; meanwhile QEMU got 0\.") as caught:
            wait.explained("it did not come")
    assert "-D patience=" in str(caught.value)


def test_what_a_wrapper_has_started_counts_too() -> None:
    with running(["sh", "-c", f'{sys.executable} -c "$0" & wait', SPINS[2]]) as wrapper:
        is_counted = comes(lambda: Wait.begun("QEMU", wrapper.pid).process.got > Reading.of([wrapper.pid]).got)
        child = Path(f"/proc/{wrapper.pid}/task/{wrapper.pid}/children").read_text(encoding="ascii")
        os.kill(int(child), signal.SIGKILL)
    assert is_counted


def test_a_process_that_has_ended_has_nothing() -> None:
    with running([sys.executable, "-c", "print()"]) as process:
        process.wait()
        reading = Reading.of([process.pid])
    assert replace(reading, at=0) == Reading(0, 0.0, 0.0, 0, is_runnable=False)
