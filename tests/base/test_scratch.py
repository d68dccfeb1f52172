from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from aftermath import comes, has_ended, is_alive, running

from testbed.base import scratch as module
from testbed.base.problems import EnvironmentUnusable
from testbed.base.scratch import PREFIX, Scratch

ODD_NAMES = [
    "with blank",
    "a,b=c",
    "c:\\d",
    'it\'s "quoted" $HOME `true`',
    "größe-測試",
    "-rf *",
    "l" * 200,
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


# A run that ends well.


@pytest.mark.parametrize("name", ODD_NAMES)
def test_directory_is_there_and_then_it_is_not(folder: Path, name: str) -> None:
    parent = folder / name
    parent.mkdir()
    with Scratch.make(parent) as scratch:
        assert scratch.path.parent == parent
        assert scratch.path.name.startswith(f"{PREFIX}{os.getpid()}-")
        assert stat.S_IMODE(scratch.path.stat().st_mode) == 0o700
        (scratch.directory_for("a scenario") / "image").write_text("data")
        (scratch.templates / "template").write_text("data")
    assert list(parent.iterdir()) == []


def test_directory_is_removed_when_the_cleaner_has_been_killed(folder: Path) -> None:
    with Scratch.make(folder) as scratch:
        scratch._cleaner.shell.kill()
        scratch._cleaner.shell.wait()
    assert list(folder.iterdir()) == []


def test_directory_that_cannot_be_removed_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(f"cannot remove {path}")

    monkeypatch.setattr(module, "CLEANER", "exit 0")
    scratch = Scratch.make(folder)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(PermissionError):
        scratch.close()


def test_each_scenario_has_a_directory_of_its_own(folder: Path) -> None:
    with Scratch.make(folder) as scratch:
        first = scratch.directory_for("Größe: 64 KiB, “qcow2” -- /raw")
        second = scratch.directory_for("Größe: 64 KiB, “qcow2” -- /raw")
        third = scratch.directory_for("x" * 300)
        names = [path.name for path in (first, second, third)]
        assert names == ["001-gr-e-64-kib-qcow2-raw", "002-gr-e-64-kib-qcow2-raw", f"003-{'x' * 60}"]
        assert scratch.directory_for("…").is_dir()


def test_directory_of_a_scenario_is_discarded_with_all_that_is_in_it(folder: Path) -> None:
    with Scratch.make(folder) as scratch:
        path = scratch.directory_for("scenario")
        (path / "deep").mkdir()
        (path / "deep" / "image").write_text("data")
        scratch.discard(path)
        assert not path.exists()
        assert scratch.templates.is_dir()


@pytest.mark.parametrize("other", ["", "..", "../other", "001-a/deep"])
def test_nothing_else_is_discarded(folder: Path, other: str) -> None:
    with Scratch.make(folder) as scratch:
        scratch.directory_for("a")
        with pytest.raises(ValueError, match="is not a directory of this run"):
            scratch.discard((scratch.path / other).resolve())
    assert folder.is_dir()


# A run that is cut short.

RUN = """
import sys
from pathlib import Path
from testbed.base.process import Child
from testbed.base.scratch import Scratch
scratch = Scratch.make(Path(sys.argv[1]))
home = scratch.directory_for("scenario")
child = Child.start(["/bin/sh", "-c", sys.argv[2]], cwd=home, stdout=home / "out", stderr=home / "err")
while not (home / "ready").exists() or not (home / "ready").read_text():
    pass
print(scratch.path, scratch._cleaner.shell.pid, child.pid, (home / "ready").read_text().strip(), sep="\\t", flush=True)
if sys.stdin.readline() == "close\\n":
    child.kill_and_reap(10)
    scratch.close()
"""

BUSY = 'while :; do echo x > "file$((n += 1))"; [ $n = 100 ] && echo $$ > ready; done'
"""A child that fills the directory."""

DAEMON = f"setsid --fork /bin/sh -c '{BUSY}' & wait"
"""One that leaves the session, and so the lifeline, behind."""

KILLED = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT]


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("script", [BUSY, DAEMON], ids=["child", "daemon"])
def test_nothing_is_left_of_a_run_that_was_killed(folder: Path, name: str, script: str) -> None:
    parent = folder / name
    parent.mkdir()
    with running(RUN, str(parent), script) as (run, words):
        path, cleaner, child, busy = Path(words[0]), *map(int, words[1:])
        assert path.is_dir()
        run.kill()
        assert has_ended(cleaner)
        assert has_ended(child)
        assert has_ended(busy)
        assert list(parent.iterdir()) == []


@pytest.mark.parametrize("sign", KILLED)
def test_nothing_is_left_whatever_the_signal(folder: Path, sign: signal.Signals) -> None:
    with running(RUN, str(folder), BUSY) as (run, words):
        run.send_signal(sign)
        assert has_ended(int(words[1]))
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("line", ["end\n", "close\n"])
def test_nothing_is_left_of_a_run_that_ended(folder: Path, line: str) -> None:
    with running(RUN, str(folder), DAEMON) as (run, words):
        run.communicate(line)
        assert run.returncode == 0
        cleaner, child, busy = map(int, words[1:])
        assert has_ended(cleaner)
        assert has_ended(child)
        assert has_ended(busy)
        assert list(folder.iterdir()) == []


def ignores(pid: int, sign: signal.Signals) -> bool:
    """Tell whether a signal does nothing to a process (see SigIgn in proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(mask, 16) >> (sign - 1) & 1)


def test_the_cleaner_is_not_to_be_stopped_by_what_stops_the_run(folder: Path) -> None:
    with running(RUN, str(folder), BUSY) as (run, words):
        cleaner = int(words[1])
        assert os.getsid(cleaner) == cleaner
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            assert ignores(cleaner, sign)
            os.kill(cleaner, sign)
        assert is_alive(cleaner)
        run.kill()
        assert has_ended(cleaner)
        assert list(folder.iterdir()) == []


def test_two_runs_in_one_folder_do_not_touch_each_other(folder: Path) -> None:
    with running(RUN, str(folder), BUSY) as (first, words), running(RUN, str(folder), BUSY) as (_, others):
        first.kill()
        assert has_ended(int(words[1]))
        assert [str(path) for path in folder.iterdir()] == [others[0]]
        assert is_alive(int(others[1]))
        assert is_alive(int(others[2]))


def test_nobody_at_a_terminal_is_killed(folder: Path) -> None:
    master, slave = os.openpty()
    with running(RUN, str(folder), BUSY) as (run, words):
        scenario = Path(words[0], "001-scenario")
        shell = subprocess.Popen(["/usr/bin/setsid", "--ctty", "/bin/sleep", "1000"], cwd=scenario, stdin=slave)
        try:
            program = Path(f"/proc/{shell.pid}/cmdline")
            assert comes(lambda: b"sleep" in program.read_bytes().split(b"\0")[0]), "setsid does not become sleep"
            run.kill()
            assert has_ended(int(words[1]))
            assert list(folder.iterdir()) == []
            assert shell.poll() is None
        finally:
            shell.kill()
            shell.wait()
            os.close(master)
            os.close(slave)


# What earlier runs had to leave.


def stale(folder: Path, name: str = f"{PREFIX}1-stale") -> Path:
    path = folder / name
    (path / "001-scenario").mkdir(parents=True)
    (path / "001-scenario" / "image").write_text("data")
    return path


def test_directory_whose_run_and_cleaner_were_killed_is_swept_by_the_next_run(folder: Path) -> None:
    with running(RUN, str(folder), BUSY) as (run, words):
        os.kill(int(words[1]), signal.SIGKILL)
        run.kill()
        assert has_ended(run.pid)
        assert has_ended(int(words[2]))
        assert [str(path) for path in folder.iterdir()] == [words[0]]
        with Scratch.make(folder) as scratch:
            assert list(folder.iterdir()) == [scratch.path]


def _symlink(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def _file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("a file")


def _foreign(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory of another user's")
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize("change", [_symlink, _file, _foreign])
def test_what_is_not_a_directory_of_ours_is_not_swept(folder: Path, change: Callable[[Path], None]) -> None:
    path = stale(folder)
    change(path)
    Scratch.make(folder).close()
    assert path.exists()


@pytest.mark.parametrize("name", ["qemu-accept", "mine", f".{PREFIX}1-unlocked", f"my-{PREFIX}1"])
def test_what_has_another_name_is_not_swept(folder: Path, name: str) -> None:
    path = stale(folder, name)
    Scratch.make(folder).close()
    assert (path / "001-scenario" / "image").exists()


# The folder.


def test_in_memory_if_there_is_room_and_else_in_tmpdir(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, tmpdir = folder / "memory", folder / "tmpdir"
    memory.mkdir()
    tmpdir.mkdir()
    monkeypatch.setattr(module, "MEMORY", memory)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmpdir))
    monkeypatch.setattr(module, "ROOM", 1)
    with Scratch.make(None) as scratch:
        assert scratch.path.parent == memory
    monkeypatch.setattr(module, "ROOM", 1 << 60)
    with Scratch.make(None) as scratch:
        assert scratch.path.parent == tmpdir
    monkeypatch.setattr(module, "MEMORY", folder / "missing")
    with Scratch.make(None) as scratch:
        assert scratch.path.parent == tmpdir


def test_relative_folder_is_made_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with Scratch.make(Path()) as scratch:
        assert scratch.path.is_absolute()


@pytest.mark.parametrize(
    ("name", "why"),
    [("missing", "No such file or directory"), ("file", "Not a directory"), ("/proc", "No such file or directory")],
)
def test_folder_that_cannot_be_used_is_reported_with_its_remedy(folder: Path, name: str, why: str) -> None:
    (folder / "file").write_text("")
    with pytest.raises(EnvironmentUnusable) as caught:
        Scratch.make(folder / name)
    (problem,) = caught.value.problems
    assert problem.what == f"no scratch directory can be made in {folder / name}: {why}"
    assert problem.remedy == "name a directory that you may write to, with -D scratch=DIRECTORY"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written_to_is_reported(folder: Path) -> None:
    folder.chmod(0o500)
    with pytest.raises(EnvironmentUnusable, match="Permission denied"):
        Scratch.make(folder)
    folder.chmod(0o700)
