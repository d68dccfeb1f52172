from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aftermath import comes, has_ended, is_alive, running

from testbed.base.process import Child, OutOfSpace, ToolFailed, describe_ending, run_tool, start_tool, watched_by

BOUND = 20.0


def start(home: Path, script: str, *, pass_fds: tuple[int, ...] = ()) -> Child:
    argv = ["/bin/sh", "-c", script]
    return Child.start(argv, cwd=home, stdout=home / "out", stderr=home / "err", pass_fds=pass_fds)


def line_of(path: Path) -> str:
    """Wait for the first line of a file that somebody is about to write."""
    assert comes(lambda: path.exists() and path.read_text().endswith("\n")), f"nobody wrote {path}"
    return path.read_text().strip()


@pytest.fixture(autouse=True)
def _no_descriptor_is_left_open() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names, not paths
    yield
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# Children.


def test_child_writes_to_files_reads_nothing_and_works_in_its_directory(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("earlier\n")
    child = start(tmp_path, "cat; pwd; echo oh >&2")
    assert child.wait(BOUND) == 0
    assert (tmp_path / "out").read_text() == f"earlier\n{tmp_path}\n"
    assert (tmp_path / "err").read_text() == "oh\n"
    assert child.ending() == "exited with status 0"


@dataclass
class Listed:
    """A watcher that keeps what it hears."""

    heard: list[tuple[str, int, float]] = field(default_factory=list)

    def started(self, child: Child) -> None:
        """Keep the number of the process."""
        self.heard.append(("started", child.pid, 0.0))

    def ended(self, child: Child, user: float, kernel: float) -> None:
        """Keep it with what the process has used."""
        self.heard.append(("ended", child.pid, user + kernel))


BUSY = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done"
"""A script that takes a good deal of processor time."""


def test_watcher_hears_what_a_process_and_its_own_children_have_used(tmp_path: Path) -> None:
    listed = Listed()
    with watched_by(listed):
        idle = start(tmp_path, "exec sleep 1000")
        busy = start(tmp_path, f"sh -c '{BUSY}'; exit 3")
        assert busy.wait(BOUND) == 3
        assert busy.ending() == "exited with status 3"
        idle.kill_and_reap(BOUND)
    (first, second, third, fourth) = listed.heard
    assert (first[:2], second[:2]) == (("started", idle.pid), ("started", busy.pid))
    assert (third[:2], fourth[:2]) == (("ended", busy.pid), ("ended", idle.pid))
    assert third[2] > 0.02 > fourth[2]
    assert idle.was_killed


def test_nobody_is_told_after_the_block(tmp_path: Path) -> None:
    listed = Listed()
    with watched_by(listed):
        pass
    assert start(tmp_path, "exit 3").wait(BOUND) == 3
    assert listed.heard == []


def test_child_leads_its_own_session(tmp_path: Path) -> None:
    child = start(tmp_path, "read -r _ <&0; exec sleep 1000")
    assert os.getsid(child.pid) == child.pid
    assert os.getpgid(child.pid) == child.pid
    child.kill_and_reap(BOUND)


SLOW_TO_END = """
memory = bytearray(256 << 20)
for page in range(0, len(memory), 4096):
    memory[page] = 1
print(__import__("os").getpid(), flush=True)
__import__("signal").pause()
"""
"""A program that takes the kernel a while to clear up after."""


@pytest.mark.parametrize("wrapper", ["{} & wait", "({}; true); true"], ids=["a child", "a child's child"])
def test_what_a_killed_child_has_started_has_ended_with_it(tmp_path: Path, wrapper: str) -> None:
    child = start(tmp_path, wrapper.format(f"{sys.executable} -c '{SLOW_TO_END}'"))
    behind = int(line_of(tmp_path / "out"))
    assert behind != child.pid
    child.kill_and_reap(BOUND)
    assert not is_alive(behind)


def test_what_has_left_the_group_of_a_killed_child_is_not_waited_for(tmp_path: Path) -> None:
    child = start(tmp_path, "setsid sh -c 'echo $$; exec sleep 1000' & wait")
    daemon = int(line_of(tmp_path / "out"))
    child.kill_and_reap(BOUND)
    assert is_alive(daemon)
    os.kill(daemon, signal.SIGKILL)
    assert has_ended(daemon)


def test_child_inherits_what_it_is_given(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = start(tmp_path, f"echo hello >/proc/self/fd/{writing}", pass_fds=(writing,))
    os.close(writing)
    with os.fdopen(reading) as file:
        assert file.read() == "hello\n"
    assert child.wait(BOUND) == 0


def test_wait_ends_with_the_child_or_its_bound(tmp_path: Path) -> None:
    child = start(tmp_path, "sleep 0.2; exit 7")
    assert child.ending() is None
    assert child.wait(0.05) is None
    started = time.monotonic()
    assert child.wait(BOUND) == 7
    assert time.monotonic() - started < 1
    assert child.ending() == "exited with status 7"


def test_wait_works_where_the_kernel_has_no_descriptors_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_pid: int) -> int:
        raise OSError("not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    child = start(tmp_path, "sleep 0.1")
    assert child.wait(0.01) is None
    assert child.wait(BOUND) == 0


def test_child_that_dies_of_a_signal(tmp_path: Path) -> None:
    child = start(tmp_path, "kill -SEGV $$")
    assert child.wait(BOUND) == -signal.SIGSEGV
    assert child.ending() == "killed by SIGSEGV (signal 11)"


@pytest.mark.parametrize(
    "script",
    [
        "trap '' TERM INT HUP; sleep 1000 & echo $! > grandchild; wait",
        "sleep 1000 & echo $! > grandchild; kill -STOP $$",
    ],
)
def test_kill_takes_grandchildren_too(tmp_path: Path, script: str) -> None:
    child = start(tmp_path, script)
    grandchild = int(line_of(tmp_path / "grandchild"))
    child.kill_and_reap(BOUND)
    assert child.ending() == "killed by SIGKILL (signal 9)"
    assert has_ended(grandchild)
    child.kill_and_reap(BOUND)


def test_what_a_child_left_running_is_killed_when_its_end_is_noticed(tmp_path: Path) -> None:
    child = start(tmp_path, "sleep 1000 & echo $! > grandchild")
    grandchild = int(line_of(tmp_path / "grandchild"))
    assert child.wait(BOUND) == 0
    assert has_ended(grandchild)


def test_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    children: list[Child] = []
    thread = threading.Thread(target=lambda: children.append(start(tmp_path, "exec sleep 1000")))
    thread.start()
    thread.join()
    (child,) = children
    assert child.wait(0.05) is None
    child.kill_and_reap(BOUND)


@pytest.mark.parametrize("program", ["/nonexistent/qemu", "/etc/passwd", "/tmp"])  # noqa: S108
def test_program_that_cannot_be_started(tmp_path: Path, program: str) -> None:
    with pytest.raises(ToolFailed, match=f"^{program} --version could not be started: "):
        Child.start([program, "--version"], cwd=tmp_path, stdout=tmp_path / "out", stderr=tmp_path / "err")
    with pytest.raises(ToolFailed, match="could not be started"):
        run_tool([program, "--version"], cwd=tmp_path, bound=BOUND)


# The end of the run.

RUN = """
import sys
from pathlib import Path
from testbed.base.process import Child
home = Path(sys.argv[1])
child = Child.start(["/bin/sh", "-c", sys.argv[2]], cwd=home, stdout=home / "out", stderr=home / "err")
while not (home / "grandchild").exists() or not (home / "grandchild").read_text().endswith("\\n"):
    pass
print(child.pid, (home / "grandchild").read_text().strip(), sep="\\t", flush=True)
sys.stdin.readline()
"""


WRAPPERS = {
    "shell": "sleep 1000 & echo $! > grandchild; wait",
    "stopped shell": "sleep 1000 & echo $! > grandchild; kill -STOP $$",
    "Python, which gives no descriptors on": """exec python3 -c '
import subprocess
child = subprocess.Popen(["sleep", "1000"])
print(child.pid, file=open("grandchild", "w"), flush=True)
child.wait()'""",
}


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, None])
@pytest.mark.parametrize("script", WRAPPERS.values(), ids=WRAPPERS)
def test_children_and_grandchildren_die_with_the_run(tmp_path: Path, sign: signal.Signals | None, script: str) -> None:
    with running(RUN, str(tmp_path), script) as (run, words):
        child, grandchild = map(int, words)
        assert is_alive(child)
        assert is_alive(grandchild)
        if sign is None:
            run.communicate("end\n")
        else:
            run.send_signal(sign)
        assert has_ended(child)
        assert has_ended(grandchild)


def test_nothing_kills_the_children_of_a_run_that_goes_on(tmp_path: Path) -> None:
    with running(RUN, str(tmp_path), "sleep 1000 & echo $! > grandchild; wait") as (run, words):
        os.kill(run.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, run.pid, os.WSTOPPED | os.WNOWAIT)
        assert all(is_alive(int(word)) for word in words)
        os.kill(run.pid, signal.SIGCONT)


# Short tools.


def tool(script: str, *, bound: float = BOUND, allowed: tuple[int, ...] | None = (0,)) -> tuple[int, str, str]:
    done = run_tool(["/bin/sh", "-c", script], cwd=Path("/"), bound=bound, allowed=allowed)
    assert done.argv == ("/bin/sh", "-c", script)
    return done.returncode, done.stdout, done.stderr


def test_tool_says_something() -> None:
    assert tool("pwd; echo oh >&2") == (0, "/\n", "oh\n")


def test_tool_may_say_a_lot_on_both_sides() -> None:
    code, out, err = tool("head -c 3000000 /dev/zero | tr '\\0' x | tee /dev/stderr")
    assert (code, len(out), len(err)) == (0, 3_000_000, 3_000_000)


def test_tool_may_say_what_is_no_text() -> None:
    assert tool("printf 'a\\377b'") == (0, "a\N{REPLACEMENT CHARACTER}b", "")


def test_nobody_waits_for_what_a_tool_left_running() -> None:
    started = time.monotonic()
    assert tool("sleep 1000 & echo done") == (0, "done\n", "")
    assert time.monotonic() - started < BOUND / 2


def test_return_codes_that_are_no_failure() -> None:
    assert tool("exit 1", allowed=(0, 1))[0] == 1
    assert tool("exit 3", allowed=None)[0] == 3
    assert tool("kill -ABRT $$", allowed=None)[0] == -signal.SIGABRT


def test_failure_says_what_was_run_how_it_ended_and_what_it_said() -> None:
    with pytest.raises(ToolFailed) as caught:
        run_tool(["/bin/sh", "-c", "echo 'no such bitmap' >&2; exit 4"], cwd=Path("/"), bound=BOUND)
    assert str(caught.value) == (
        "/bin/sh -c 'echo '\"'\"'no such bitmap'\"'\"' >&2; exit 4' exited with status 4; the end of its stderr:\n"
        "no such bitmap"
    )


def test_failure_of_a_silent_tool() -> None:
    with pytest.raises(ToolFailed, match=r"killed by SIGSEGV \(signal 11\); its stderr is empty$"):
        tool("kill -SEGV $$")


def test_failure_repeats_only_the_end_of_a_long_story() -> None:
    with pytest.raises(ToolFailed) as caught:
        tool("seq 100000 >&2; exit 1")
    assert str(caught.value).endswith("\n99999\n100000")
    assert len(str(caught.value)) < 3000


def test_tool_that_does_not_answer_is_killed_with_its_children(tmp_path: Path) -> None:
    script = f"echo waiting >&2; sleep 1000 & echo $! > {tmp_path}/grandchild; wait"
    with pytest.raises(
        ToolFailed,
        match=r"did not end within 0\.3 s and was killed; meanwhile it got .*; the end of its stderr:\nwaiting$",
    ):
        tool(script, bound=0.3)
    assert has_ended(int(line_of(tmp_path / "grandchild")))


def test_tool_is_killed_when_the_wait_for_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    running_tool = start_tool(["/bin/sleep", "1000"], cwd=Path("/"))
    real_wait = running_tool.child.wait

    def interrupted(_bound: float) -> int | None:
        monkeypatch.setattr(running_tool.child, "wait", real_wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(running_tool.child, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        running_tool.result(BOUND)
    assert running_tool.child.ending() == "killed by SIGKILL (signal 9)"


@pytest.mark.parametrize("words", ["No space left on device", "Disk quota exceeded"])
def test_full_disk_comes_with_its_remedy(words: str) -> None:
    with pytest.raises(OutOfSpace, match=rf"{words}\n  remedy: free some space.* -D scratch=DIRECTORY"):
        tool(f"echo 'qemu-img: {words}' >&2; exit 1")


def test_other_failures_come_without_that_remedy() -> None:
    with pytest.raises(ToolFailed) as caught:
        tool("exit 1")
    assert "scratch" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exited with status 0"),
        (1, "exited with status 1"),
        (127, "exited with status 127"),
        (139, "exited with status 139, as a shell does for SIGSEGV"),
        (255, "exited with status 255"),
        (-9, "killed by SIGKILL (signal 9)"),
        (-40, "killed by an unknown signal (signal 40)"),
    ],
)
def test_endings_in_words(code: int, words: str) -> None:
    assert describe_ending(code) == words
