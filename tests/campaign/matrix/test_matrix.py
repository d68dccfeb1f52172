from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from aftermath import BOUND, Told, has_ended
from junitparser import JUnitXml
from loaded_python import LoadedPython, Program
from programs import shell_program
from webpages import Page

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[3]

FEATURE = "features/bitmap/merging.feature"
"""One of them: to read all is most of what a run takes that tries nothing."""

MERGES_OF_NONE = (FEATURE, "--tags=@known-defect.merge-empty-list")

# The program, on a real QEMU.


@pytest.fixture(scope="module")
def qemu() -> str:
    found = shutil.which("qemu-system-x86_64")
    if found is None or not shutil.which("qemu-img") or not shutil.which("qemu-io"):
        pytest.skip("there is no QEMU on the PATH")
    return found


@dataclass(frozen=True)
class Done:
    """A matrix that has ended: its status, and what it said."""

    returncode: int
    stdout: str
    stderr: str


PATIENCE = 120.0
"""Seconds after which a matrix that should long have ended is given up."""

Matrix = Callable[..., Done]


def start(loaded: LoadedPython, *arguments: str, **environ: str) -> Program:
    return loaded.start(ROOT, "testbed.campaign.matrix", arguments, {**os.environ, **environ})


@pytest.fixture(scope="module")
def matrix(loaded: LoadedPython) -> Matrix:
    """Return what runs a matrix to its end."""
    return lambda *arguments, **environ: Done(*start(loaded, *arguments, **environ).end(PATIENCE))


@pytest.fixture(scope="module")
def finished(matrix: Matrix, qemu: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    """Return a matrix of one QEMU under two names and of one that is not there, with the folder of its reports."""
    top = tmp_path_factory.mktemp("größe, and blanks")
    stale = top / "builds" / "stale"
    stale.mkdir(parents=True)
    done = matrix(
        *("--reports", str(top), f"first={qemu}", "nowhere=/nowhere/qemu", "second=qemu-system-x86_64"),
        *("--", *MERGES_OF_NONE, "-D", "keep=always"),
        # Variables that are meant for one build must not reach the others.
        QEMU_IMG_PROG="/nowhere/qemu-img",
    )
    return done, top


Ended = tuple[Done, Path]


def test_each_build_has_its_own_reports(finished: Ended) -> None:
    _, top = finished
    assert sorted(folder.name for folder in (top / "builds").iterdir() if folder.is_dir()) == [
        "first",
        "nowhere",
        "second",
    ]
    for build in ("first", "second"):
        folder = top / "builds" / build
        (suite,) = JUnitXml.fromfile(str(folder / "junit" / "TEST-bitmap.merging.xml"))
        assert suite.tests == 2
        assert len(list((folder / "evidence").glob("*/"))) == 2
        assert "2 scenarios in" in (folder / "console.txt").read_text()


def test_build_that_cannot_be_tried_is_said_and_the_next_is_tried(finished: Ended) -> None:
    done, top = finished
    assert done.returncode == 2
    assert "could not be tried" in done.stdout
    assert "/nowhere/qemu does not exist\n      remedy: name one with -D qemu=PATH" in done.stdout
    (suite,) = JUnitXml.fromfile(str(top / "builds" / "nowhere" / "junit" / "TEST-environment.xml"))
    assert suite.errors == 1


def test_console_tells_of_each_build_in_a_line(finished: Ended) -> None:
    done, _ = finished
    assert done.stdout.startswith("3 builds, ")
    assert len(re.findall(r"^(?:first|second) +\d+\.\d+\S* +2 [a-z ]+ +\d+\.\d s$", done.stdout, re.MULTILINE)) == 2
    assert done.stderr == ""


def test_links_of_the_pages_lead_somewhere(finished: Ended) -> None:
    _, top = finished
    linked = Page((top / "compatibility.html").read_text()).links
    linked += re.findall(r"\]\(([^#].*?)\)", (top / "compatibility.md").read_text())
    assert len(linked) > 10
    assert [link for link in linked if not (top / unquote(link)).exists()] == []


def test_one_build_under_two_names_does_not_differ(finished: Ended) -> None:
    _, top = finished
    assert re.search(
        r"From first \(\S+\) to second \(\S+\)\*\*: nothing changes", (top / "compatibility.md").read_text()
    )


def test_broken_promise_gives_another_status_than_a_build_that_is_not_there(
    matrix: Matrix, qemu: str, tmp_path: Path
) -> None:
    # A defect that 5.2 does not have is a broken promise.
    liar = tmp_path / "qemu-system-x86_64"
    liar.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec echo QEMU emulator version 5.2.0\nexec "{qemu}" "$@"\n')
    liar.chmod(0o755)
    done = matrix("--reports", str(tmp_path / "reports"), f"liar={liar}", "gone=/nowhere", "--", *MERGES_OF_NONE)
    if "2 passed" in done.stdout:
        pytest.skip("the QEMU on the PATH has not the defect that would break the promise")
    assert done.returncode == 1
    assert "failed: No bitmaps are merged into one that has recorded: QEMU killed by SIGSEGV" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["debian:Trixie", "a=/x", "a=/y"], '"Trixie" cannot be the code name of a Debian release'),
        (["debian:trixie", "a=/x", "a=/y"], 'several builds are called "a"'),
        (["--file", "/nowhere.toml"], "/nowhere.toml cannot be read"),
        (["--jobs", "0", "/x"], "give a number from 1 on"),
        (["--pairs", "a:b", "a=/x"], '"a:b" is no pair: there is no build "b"'),
        (["--pairs-only", "/x"], "no pair is named"),
        (["--job", "1", "--refresh"], "unrecognized arguments: --refresh"),
        (["--reports", "/proc/nowhere", "/x"], "reports cannot be written to /proc/nowhere/builds/"),
    ],
)
def test_wrong_call_is_explained(matrix: Matrix, arguments: list[str], said: str) -> None:
    done = matrix(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_pair_of_builds_is_tried_alone_with_what_needs_both(matrix: Matrix, qemu: str, tmp_path: Path) -> None:
    named = (f"old={qemu}", f"new={qemu}", "--pairs", "old:new", "--pairs-only")
    done = matrix("--reports", str(tmp_path), *named, "--", "features/restart/next_machine.feature")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"old to new: {qemu}, then {qemu}" in done.stdout
    assert re.search(r"^old to new +\d+\.\d\S* +1 passed +\d+\.\d s$", done.stdout, re.MULTILINE)
    assert (tmp_path / "builds" / "old-to-new" / "console.txt").exists()
    assert "old to new" in (tmp_path / "compatibility.md").read_text()


def test_nothing_selected_is_no_success(matrix: Matrix, qemu: str, tmp_path: Path) -> None:
    done = matrix("--reports", str(tmp_path), qemu, "--", FEATURE, "--tags", "bug-B19")
    assert done.returncode == 2
    assert "no scenario is selected" in done.stdout


def test_releases_that_are_missing_are_listed(matrix: Matrix, tmp_path: Path) -> None:
    done = matrix("--to-fetch", "debian:trixie", "/x", "debian:sid/s390x", XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"Debian trixie \(\w+\): .* yet\nDebian sid \(s390x\): .* yet\n", done.stdout)
    assert list(tmp_path.iterdir()) == []


def test_releases_that_cannot_be_fetched_are_left_out_if_asked_for(matrix: Matrix, qemu: str, tmp_path: Path) -> None:
    away = tmp_path / "mmdebstrap"
    away.write_text("#!/bin/sh\necho the network is away >&2\nexit 1\n")
    away.chmod(0o755)
    without_network = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ("--leave-out-unfetched", "--reports", str(tmp_path / "reports"), "debian:trixie")
    done = matrix(*arguments, f"here={qemu}", "--", *MERGES_OF_NONE, **without_network)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trixie is left out\n" in done.stdout
    assert "the network is away" in done.stdout
    assert "1 build, " in done.stdout
    done = matrix(*arguments, **without_network)
    assert done.returncode == 2
    assert "none of the builds could be fetched\n  remedy: name one that is there" in done.stderr


def test_second_comparison_at_once_keeps_to_its_own_folder(matrix: Matrix, tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    builds.mkdir()
    with (builds / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = matrix("--reports", str(tmp_path), "gone=/nowhere", "--", FEATURE)
    assert "another run is reporting" in done.stdout
    assert not (tmp_path / "compatibility.md").exists()
    assert len(list(builds.glob("run-*/compatibility.md"))) == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_ends_all_runs(
    loaded: LoadedPython, tmp_path: Path, told: Told, number: signal.Signals, status: int
) -> None:
    # Each build tells by which run it was started.
    stuck = shell_program(tmp_path / "qemu-system-x86_64", f'echo $PPID >"{told.path}"\nexec sleep 20')
    arguments = ("--jobs", "2", "--reports", str(tmp_path / "reports"), f"a={stuck}", f"b={stuck}", "--", FEATURE)
    started = told_and_interrupted(start(loaded, *arguments), told, number, status)
    assert all(has_ended(run) for run in started)


@pytest.mark.parametrize("option", [(), ("--leave-out-unfetched",)])
def test_interrupt_ends_fetching_and_leaves_no_half_release(
    loaded: LoadedPython, tmp_path: Path, told: Told, option: tuple[str, ...]
) -> None:
    shell_program(tmp_path / "mmdebstrap", f'echo $$ >"{told.path}"\nexec sleep 20')
    changed = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ("--jobs", "2", *option, "--reports", str(tmp_path / "reports"), "debian:trixie", "debian:sid")
    started = told_and_interrupted(start(loaded, *arguments, **changed), told, signal.SIGTERM, 143)
    assert all(has_ended(fetching) for fetching in started)
    assert [path for path in (tmp_path / "cache").glob("*/*/*") if path.is_dir()] == []


def told_and_interrupted(running: Program, told: Told, number: signal.Signals, status: int) -> list[int]:
    """Send the matrix a signal when two processes have told their numbers, and return these."""
    started = told.numbers(2)
    running.send_signal(number)
    ended, said, complaint = running.end(BOUND)
    assert ended == status
    assert said.endswith("interrupted\n")
    assert complaint == ""
    return started
