"""Runs of the suite itself, as a user starts them, in a checkout: what they withstand and leave behind."""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from aftermath import assert_nobody_works_in, assert_nothing_is_left, has_ended, is_alive, processes_in
from conftest import PATIENCE, ROOT, Finished, Project
from junitparser import JUnitXml
from loaded_python import LoadedPython, Program

from testbed.base.keeping import LEFT_OUT
from testbed.base.units import MIB
from testbed.build.toolchain import Toolchain
from testbed.campaign.proof.proving import write_stand_in
from testbed.campaign.proof.standin import LACKS

pytestmark = pytest.mark.whole

PARTS = ("environment.py", "pyproject.toml", "steps", "testbed")
"""What behave needs of a checkout, besides features."""

STORY = """\
    @backup
    Feature: Increments
      Background:
        Given the 4 MiB drive "drive0" holding:
          | pattern | at | length  |
          | 0x41    | 0  | 256 KiB |
        And a full backup of "drive0" with a new bitmap "bitmap0"
        And the guest has written to "drive0":
          | pattern | at    | length |
          | 0xab    | 1 MiB | 1 KiB  |

      Scenario: One increment
        When an incremental backup of "drive0" is taken with "bitmap0"
        Then the backup of "drive0" should succeed

      Scenario: Another increment
        When an incremental backup of "drive0" is taken with "bitmap0"
        Then the backup of "drive0" should succeed
"""
"""Two scenarios with two backups each, as small as they can be."""

FEATURE = "features/backup/increments.feature"
REPORT = "backup.increments"
HOME = "*-ahead|*-increment"
"""Patterns of the names of the directories in which a machine is launched, and in which these scenarios run."""


def copy(part: Path, new: Path) -> None:
    """Copy a file or a folder of the checkout."""
    (shutil.copytree if part.is_dir() else shutil.copy2)(part, new)


def link(part: Path, new: Path) -> None:
    """Do with a link, which is enough for whoever only reads."""
    new.symlink_to(part)


def new_checkout(home: Path, bring: Callable[[Path, Path], None], loaded: LoadedPython) -> Project:
    """Bring what behave needs of the checkout into a directory that is not there yet, with the story as its feature."""
    home.mkdir()
    for part in PARTS:
        bring(ROOT / part, home / part)
    project = Project(home, loaded)
    project.write(FEATURE, STORY)
    return project


@pytest.fixture
def checkout(tmp_path: Path, loaded: LoadedPython) -> Project:
    """Return a checkout for one test."""
    return new_checkout(tmp_path / "checkout", link, loaded)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Return a directory for the scratch directories of one test's runs."""
    path = tmp_path / "scratch"
    path.mkdir()
    return path


def options(scratch: Path, *others: str) -> list[str]:
    """Return behave's arguments for runs whose scratch directories are in that directory."""
    return ["-D", f"scratch={scratch}", *others]


def statuses(finished: Finished) -> list[str]:
    """Return how the scenarios ended, in their order."""
    return [str(outcome["status"]) for outcome in finished.summary()["outcomes"]]


def errors(finished: Finished) -> str:
    """Return all that the JUnit files complain of, having read each of them."""
    found = []
    for file in finished.files:
        for suite in JUnitXml.fromfile(str(finished.home / "reports" / "junit" / file)):
            found += [str(result.message) for case in suite for result in case.result if result.message]
    return "\n".join(found)


# A build that has not got a command.


def lacking(command: str, home: Path, qemu: Path) -> str:
    """Return the option that names a build which has not got a command, and does not say that it has."""
    program = home / "qemu-system-lacking"
    write_stand_in(program, f"{LACKS}{command}", qemu)
    return f"qemu={program}"


def test_warning_of_a_build_is_told_once_with_the_scenario_that_it_came_from(
    checkout: Project, scratch: Path, toolchain: Toolchain
) -> None:
    program = scratch / "qemu-system-warning"
    warning = 'echo "$0: warning: this is deprecated" >&2'
    program.write_text(f'#!/bin/sh\n{warning}\nexec {toolchain.qemu.path} "$@"\n')
    program.chmod(0o755)
    finished = checkout.run(*options(scratch, "-D", f"qemu={program}", "--jobs", "2"))
    assert statuses(finished) == ["passed", "passed"]
    (told,) = [line for line in finished.stdout.splitlines() if "deprecated" in line]
    said = rf"  this is deprecated \(first in One increment, {FEATURE}:\d+, and in 1 more\)"
    assert re.fullmatch(said, told)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_qemu_that_does_not_boot_is_told_once_before_any_feature_is_loaded(
    checkout: Project, scratch: Path, toolchain: Toolchain, jobs: str
) -> None:
    checkout.write("features/broken.feature", "no feature at all")
    asked = f'case $1 in --version|-object) exec {toolchain.qemu.path} "$@" ;; esac; echo boot >>{scratch}.boots'
    qemu = _stand_in(scratch.parent / "qemu", Path("/bin/false"), f"{asked}; echo it is broken >&2")
    tools = [f"qemu_{tool}={getattr(toolchain, f'qemu_{tool}').path}" for tool in ("img", "io")]
    defines = [word for define in (f"qemu={qemu}", *tools) for word in ("-D", define)]
    finished = checkout.run(*options(scratch, *defines, "--jobs", jobs), env={"SUITE_CALLED_BY": "make accept"})
    assert (finished.status, finished.stdout, finished.files) == (1, "", ["TEST-environment.xml"])
    head, *rest = finished.stderr.strip().splitlines()
    assert (head, rest[0].strip()) == (
        "ERROR (environment)",
        f"{qemu} does not start: QEMU exited with status 1; the end of its stderr:",
    )
    assert rest[1].strip().startswith("it is broken")
    assert rest[2].strip().startswith("remedy: name a QEMU that runs on this machine with make accept QEMU=/path, or")
    assert len(rest) == 3
    tried = ["its default accelerator", "tcg", "qtest"]
    assert len(Path(f"{scratch}.boots").read_text().splitlines()) == len(tried)
    assert_nothing_is_left(scratch)


@pytest.mark.parametrize(("jobs", "in_vain"), [("1", 0), ("2", 2)])
def test_the_build_is_asked_each_question_once_however_many_processes_want_to_know(
    checkout: Project, scratch: Path, toolchain: Toolchain, jobs: str, in_vain: int
) -> None:
    checkout.write("features/bitmap/clearing.feature", CLEARING)
    calls, defines = scratch.parent / "calls", []
    for tool in ("qemu", "qemu_img", "qemu_io"):
        program = _stand_in(scratch.parent / tool, getattr(toolchain, tool).path, f'echo "{tool} $*" >>{calls}')
        defines += ["-D", f"{tool}={program}"]
    finished = checkout.run(*options(scratch, *defines, "--jobs", jobs))
    assert set(statuses(finished)) == {"passed"}
    asked = calls.read_text().splitlines()
    once = ("qemu -object help", "qemu -machine none -drive format=help", "qemu_img --help")
    assert [asked.count(question) for question in once] == [1, 1, 1]
    boots = [call for call in asked if call.startswith("qemu -machine none -S")]
    # The first, that which tries whether qcow2 works, those of the scenarios; and one in each of several processes,
    # which start it ahead, and do not know that no scenario is left for them.
    assert len(boots) == 2 + len(statuses(finished)) + in_vain


CLEARING = """\
    @bitmap
    Feature: Clearing
      Background:
        Given the 1 MiB drive "drive0"
        And a bitmap "bitmap0" on "drive0"

      Scenario: A bitmap is cleared
        When the bitmap "bitmap0" of "drive0" is cleared
        Then QEMU should grant it

      Scenario: A bitmap is removed
        When the bitmap "bitmap0" of "drive0" is removed
        Then QEMU should grant it

      Scenario: A bitmap has been cleared
        Given the bitmap "bitmap0" of "drive0" has been cleared
        When the bitmap "bitmap0" of "drive0" is removed
        Then QEMU should grant it
"""


def test_scenario_that_meets_the_lack_of_a_command_that_every_qemu_has(checkout: Project, toolchain: Toolchain) -> None:
    checkout.write("features/bitmap/clearing.feature", CLEARING)
    build = lacking("block-dirty-bitmap-clear", checkout.home, toolchain.qemu.path)
    finished = checkout.run("features/bitmap", "-D", build)
    assert finished.status == 1, finished.stdout
    assert statuses(finished) == ["failed", "passed", "failed"]
    assert finished.stdout.count("this build has no command block-dirty-bitmap-clear; every QEMU since 5.2 has it") > 1
    assert "this build has no command block-dirty-bitmap-clear" in finished.stdout


# A QEMU that springs a trap, once, in the middle of the first scenario.


class Trap:
    """Stand-ins for QEMU and for its tool, which start the real ones; in the first scenario a shell does something.

    That shell is the tool's when it is to make the image of the full backup, for which the suite waits, and it knows
    QEMU as process $qemu.
    """

    def __init__(self, toolchain: Toolchain, home: Path, act: str) -> None:
        home.mkdir()
        self._told = home / "told"
        os.mkfifo(self._told)
        sprung, drive = (shlex.quote(str(home / name)) for name in ("sprung", "drive"))
        self.qemu = _stand_in(home / "qemu", toolchain.qemu.path, "echo $$ >qemu.pid 2>/dev/null")
        self.qemu_img = _stand_in(
            home / "qemu-img",
            toolchain.qemu_img.path,
            f"""once() {{ mkdir "$1" 2>/dev/null; }}
if [ "$1" = create ] && [ -e qemu.pid ] && ! once {drive} && once {sprung}; then
    read -r qemu <qemu.pid
    {act}
    echo $qemu >{shlex.quote(str(self._told))}
fi""",
        )

    def spring(self, project: Project, *arguments: str) -> tuple[Program, int]:
        """Start behave with this QEMU; return it and the number of the QEMU in the trap when that has sprung."""
        told = os.open(self._told, os.O_RDWR)
        behave = project.start(*arguments, "-D", f"qemu={self.qemu}", "-D", f"qemu_img={self.qemu_img}")
        ended = os.pidfd_open(behave.pid)
        try:
            ready, _, _ = select.select([told, ended], [], [], PATIENCE)
            if told not in ready:
                behave.send_signal(signal.SIGKILL)
                pytest.fail(f"nothing fell into the trap: {behave.end(PATIENCE)}")
            return behave, int(os.read(told, 100))
        finally:
            os.close(ended)
            os.close(told)


def _stand_in(path: Path, program: Path, first: str) -> Path:
    """Write a shell script that does something first, and then is the program."""
    path.write_text(f'#!/bin/sh\n{first}\nexec {shlex.quote(str(program))} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def trapped(toolchain: Toolchain, tmp_path: Path, request: pytest.FixtureRequest) -> Trap:
    """Return a QEMU that is stopped in the middle of its first scenario, or what else the test wants."""
    return Trap(toolchain, tmp_path / "trap", getattr(request, "param", "kill -STOP $qemu"))


# The run itself is ended.


@pytest.mark.parametrize("jobs", [(), ("--jobs", "2")], ids=["one process", "two processes"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing_but_reports(
    checkout: Project, scratch: Path, trapped: Trap, number: signal.Signals, jobs: tuple[str, ...]
) -> None:
    behave, qemu = trapped.spring(checkout, *options(scratch, "-D", "patience=0.5", *jobs))
    assert is_alive(qemu)
    assert qemu in processes_in(scratch)
    behave.send_signal(number)
    finished = checkout.finish(behave)
    assert has_ended(qemu)
    assert_nothing_is_left(scratch)
    assert_nobody_works_in(checkout.home)
    assert f"TEST-{REPORT}.xml" in finished.files
    if number == signal.SIGKILL:
        assert finished.status == -signal.SIGKILL
        assert "the run did not finish" in errors(finished)
    else:
        assert finished.status == 1
        assert (finished.stdout + finished.stderr).count(f"interrupted by {number.name}") == 1
        assert "ABORTED" not in finished.stdout + finished.stderr
        assert set(statuses(finished)) == {"not run"}
        assert not list((checkout.home / "reports" / "evidence").glob("*"))


# QEMU is ended, or does not go on.


@pytest.mark.parametrize(
    ("trapped", "name"),
    [("kill -KILL $qemu", "SIGKILL (signal 9)"), ("kill -SEGV $qemu", "SIGSEGV (signal 11)")],
    indirect=["trapped"],
)
def test_a_qemu_that_dies_is_blamed_on_its_step_and_the_next_scenario_is_unharmed(
    checkout: Project, scratch: Path, trapped: Trap, name: str
) -> None:
    behave, qemu = trapped.spring(checkout, *options(scratch))
    finished = checkout.finish(behave)
    assert finished.status == 1
    assert statuses(finished) == ["failed", "passed"]
    dead, _ = finished.summary()["outcomes"]
    assert dead["headline"].startswith(f"QEMU killed by {name}; ")
    assert f"({FEATURE}:{dead['step']['line']})" in dead["message"]
    assert name in errors(finished)
    assert len(list((checkout.home / dead["evidence"]).glob("*.qmp.jsonl"))) == 1
    assert not is_alive(qemu)
    assert_nothing_is_left(scratch)


def test_a_qemu_that_stops_answering_is_killed_within_its_bound(
    checkout: Project, scratch: Path, trapped: Trap
) -> None:
    behave, qemu = trapped.spring(checkout, *options(scratch, "-D", "patience=0.2"))
    finished = checkout.finish(behave)
    assert finished.status == 1
    assert statuses(finished) == ["failed", "passed"]
    hung, _ = finished.summary()["outcomes"]
    assert "did not come within 2 s; seen last: " in hung["headline"]
    assert "; meanwhile QEMU got 0." in hung["headline"]
    assert "QEMU has been killed" in hung["message"]
    assert 2 <= hung["seconds"] < 10
    assert not is_alive(qemu)
    assert_nothing_is_left(scratch)


# The scratch directory.

NAMES = {
    "blanks, commas, colons": "a b,c,,d:e f",
    "quotes": 'it\'s "here" `there` $HOME \\n %s',
    "letters": "été 東京",
    "not UTF-8": os.fsdecode(b"caf\xe9"),
    "longer than the address of a socket": "/".join(["long" * 10] * 5),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_scratch_may_be_anywhere(checkout: Project, scratch: Path, name: str) -> None:
    odd = scratch / name
    odd.mkdir(parents=True)
    finished = checkout.run(*options(odd))
    assert (finished.status, finished.stderr) == (0, "")
    assert statuses(finished) == ["passed", "passed"]
    assert_nothing_is_left(odd)


def test_two_runs_share_a_checkout(checkout: Project, scratch: Path, trapped: Trap) -> None:
    first, qemu = trapped.spring(checkout, *options(scratch, "-D", "patience=6"))
    second = checkout.run(*options(scratch))
    os.kill(qemu, signal.SIGCONT)
    finished = checkout.finish(first)
    assert (second.status, finished.status) == (0, 0)
    assert "another run is reporting to reports/, this one reports to reports/" in second.stdout
    assert statuses(finished) == ["passed", "passed"]
    (other,) = (path for path in (checkout.home / "reports").glob("*/junit"))
    assert (other / f"TEST-{REPORT}.xml").exists()
    assert_nothing_is_left(scratch)


@pytest.fixture
def user() -> Sequence[str]:
    """Return how to start a program as an ordinary user, who may write to no directory of ours."""
    if os.geteuid() != 0:
        return ()
    switch = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    if shutil.which("setpriv") is None:
        pytest.skip("only root can become another user, and has no setpriv")
    trial = subprocess.run([*switch, sys.executable, "-c", "import behave"], check=False, capture_output=True)
    if trial.returncode != 0:
        pytest.skip(f"another user cannot use {sys.executable}")
    return switch


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a directory that every user may reach, which pytest's own ones are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_an_ordinary_user_needs_no_right_to_write_to_the_checkout(
    public: Path, user: Sequence[str], loaded: LoadedPython
) -> None:
    project = new_checkout(public / "checkout", copy, loaded)
    (public / "own").mkdir()
    if user:
        shutil.chown(public / "own", 65534, 65534)
    everything = [project.home, *project.home.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    (public / "closed").mkdir(mode=0)
    command = [*user, sys.executable, "-m", "behave", *options(public / "own")]
    environ = {**os.environ, "HOME": str(public / "own"), "PATH": f"{public / 'closed'}:{os.environ['PATH']}"}
    try:
        refused = subprocess.run(command, cwd=project.home, env=environ, check=False, capture_output=True, text=True)
        assert refused.returncode == 1
        assert "reports cannot be written to reports/: " in refused.stderr
        assert "give a directory that you may write to, on a local disk with free space, with -D" in refused.stderr
        command += ["-D", f"reports={public / 'own' / 'reports'}"]
        done = subprocess.run(command, cwd=project.home, env=environ, check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert statuses(Finished(0, "", "", public / "own")) == ["passed", "passed"]
        assert sorted(path.name for path in (public / "own").iterdir()) == ["reports"]
        assert everything == [project.home, *project.home.rglob("*")]
    finally:
        for path in everything:
            path.chmod(0o755)


@pytest.fixture
def own_mounts() -> Sequence[str]:
    """Return how to start a program that can mount what nobody else sees, and what is gone with it."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    trial = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True)
    if trial.returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    return unshare


@pytest.mark.parametrize(
    ("room", "which"),
    [
        ("160k", "exited with status 1"),
        ("900k", "[Errno 28] No space left on device: "),
        ("1600k", "the full backup of drive0 (drive0-1.qcow2) should have completed; it failed with "),
    ],
    ids=["for no image", "for no copy of it", "for no backup"],
)
def test_a_full_scratch_is_an_error_and_no_hang(
    checkout: Project, scratch: Path, own_mounts: Sequence[str], room: str, which: str
) -> None:
    script = f'mount -t tmpfs -o size={room} none "$0" && exec "$@"'
    command = [*own_mounts, "sh", "-c", script, str(scratch), sys.executable, "-m", "behave", *options(scratch)]
    done = subprocess.run(
        command, cwd=checkout.home, check=False, capture_output=True, text=True, timeout=PATIENCE, errors="replace"
    )
    finished = Finished(done.returncode, done.stdout, done.stderr, checkout.home)
    assert finished.status == 1
    assert "passed" not in statuses(finished)
    for outcome in finished.summary()["outcomes"]:
        assert outcome["status"] == "error"
        assert which in outcome["message"]
        assert "No space left on device" in outcome["message"]
        assert "remedy: free some space, or " in outcome["message"]
    assert processes_in(scratch) == []


def test_evidence_that_has_no_room_is_told_with_its_remedy_and_all_else_is_cleared(
    checkout: Project, scratch: Path, own_mounts: Sequence[str], tmp_path: Path
) -> None:
    reports = tmp_path / "small"
    reports.mkdir()
    script = 'mount -t tmpfs -o size=400k none "$0" && "$@"; status=$?; ls "$0/evidence"/*; exit $status'
    asked = options(scratch, "-D", "keep=always", "-D", f"reports={reports}")
    command = [*own_mounts, "sh", "-c", script, str(reports), sys.executable, "-m", "behave", *asked]
    done = subprocess.run(command, cwd=checkout.home, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert "2 scenarios" in done.stdout
    assert "error 2" in done.stdout
    assert f"the evidence cannot be written to {reports}/evidence/" in done.stdout
    assert "remedy: give a directory that you may write to, on a local disk with free space" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "qcow2" not in done.stdout.rpartition("Reports are in")[2]
    assert_nothing_is_left(scratch)


def test_images_have_a_bound_that_all_processes_share_and_all_else_is_kept(checkout: Project, scratch: Path) -> None:
    larger = STORY.replace("Increments", "Larger increments").replace("256 KiB", "1 MiB  ")
    checkout.write("features/backup/larger.feature", larger)
    finished = checkout.run(*options(scratch, "-D", "keep=always", "-D", "keep_mb=1", "--jobs", "2"))
    evidence = checkout.home / "reports" / "evidence"
    kept = {file.stat().st_ino: file.stat().st_blocks * 512 for file in evidence.glob("*/*.qcow2")}
    assert MIB // 2 < sum(kept.values()) <= MIB
    assert len(kept) < len(list(evidence.glob("*/*.qcow2"))), "some are equal"
    assert len(list(evidence.glob("*/qemu.qmp.jsonl"))) == len(list(evidence.glob("*/expected.txt"))) == 4
    (told,) = [line for line in finished.stdout.splitlines() if "-D keep_mb=" in line]
    assert re.fullmatch(
        r"\d+ images? of .* left out of the evidence: a run keeps 1 MiB of images; .* raises that", told
    )
    assert finished.summary()["left_out_of_evidence"] == told
    assert (evidence / LEFT_OUT).read_text(encoding="utf-8").startswith(f"{told}\n")


# What was not meant.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--tags=@bakcup",), ['there is no tag "bakcup"; did you mean "backup"']),
        (("-D", "qmeu=/usr/bin"), ["there is no option qmeu", 'remedy: did you mean "qemu"']),
        (
            ("-D", "qmeu=/usr/bin", "-D", "patience=none"),
            ["there is no option qmeu", 'patience cannot be "none"'],
        ),
        (("-D", "qemu=/nonexistent/qemu"), ["/nonexistent/qemu", "remedy: "]),
        (("-D", "qemu=/bin/true"), ["/bin/true does not say that it is a QEMU emulator", "remedy: "]),
        (("-D", "scratch=/nonexistent"), ["no scratch directory can be made in /nonexistent", "remedy: "]),
    ],
    ids=["tag", "option", "option and value", "no QEMU", "another program", "no scratch"],
)
def test_what_cannot_be_run_is_an_error_with_its_remedy(
    checkout: Project, arguments: Sequence[str], told: Sequence[str]
) -> None:
    finished = checkout.run(*arguments)
    assert finished.status == 1
    assert [words for words in told if words not in finished.stderr] == []
    assert "Traceback" not in finished.stderr
    assert finished.files == ["TEST-environment.xml"]
    assert told[0] in errors(finished)


def test_a_build_that_does_not_boot_is_an_error_with_its_remedy(
    checkout: Project, toolchain: Toolchain, scratch: Path
) -> None:
    broken = checkout.home / "qemu"
    broken.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {toolchain.qemu.path} "$@"\necho "no libfoo" >&2\nexit 127\n'
    )
    broken.chmod(0o755)
    finished = checkout.run(*options(scratch, "-D", f"qemu={broken}"))
    assert finished.status == 1
    assert f"{broken} does not start: QEMU exited with status 127" in finished.stderr
    assert "no libfoo" in finished.stderr
    assert "remedy: " in finished.stderr
    assert finished.files == ["TEST-environment.xml"]
    assert_nothing_is_left(scratch)


SLIPS = """\
    @backup
    Feature: Slips
      Background:
        Given the 1 MiB drive "drive0"
        And a bitmap "bitmap0" on "drive0"

      Scenario: Request
        When this request is made:
          | request | drive  | bitmap  |
          | claer   | drive0 | bitmap0 |

      Scenario: Heading
        When this request is made:
          | request | drive  | bitmpa  |
          | clear   | drive0 | bitmap0 |

      Scenario: Option
        When a backup of "drive0" is started with:
          | option      | value |
          | sync        | full  |
          | bitmap-moed | never |

      Scenario: Drive
        When an incremental backup of "dirve0" is taken with "bitmap0"

      Scenario: Error
        Given the 1 MiB drive "drive1", whose storage fails the first write with "Input/otuput error", holding:
          | pattern | at | length |
          | 0x11    | 0  | 1 MiB  |

      Scenario: Kind
        Given each backup goes into a QED imgae

      Scenario: Bitmap
        Given the bitmap "bitmpa0" of "drive0" has been cleared

      Scenario: Event
        Then QEMU should have reported these events and no others:
          | event              |
          | BLOCK_JOB_COMPLTED |

      @known-defect.merge-emtpy-list
      Scenario: Tag
        Given a full backup of "drive0"
"""
"""What an author may misspell, and nobody would take for QEMU's fault."""


@pytest.fixture(scope="module")
def slips(loaded: LoadedPython, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a run of scenarios each of which has something misspelt."""
    project = new_checkout(tmp_path_factory.mktemp("slips") / "checkout", link, loaded)
    project.write("features/backup/slips.feature", SLIPS)
    return project.run("features/backup/slips.feature")


@pytest.mark.parametrize(
    ("misspelt", "line", "told"),
    [
        ("Request", 8, ['there is no request "claer"', '"clear"']),
        ("Heading", 13, ["there is no heading", '"bitmpa"', '"bitmap"']),
        ("Option", 18, ['blockdev-backup of this build has no option "bitmap-moed"', '"bitmap-mode"']),
        ("Drive", 24, ['there is no drive "dirve0"', "drive0"]),
        ("Error", 27, ['there is no error of the system "Input/otuput error"', '"Input/output error"']),
        ("Bitmap", 35, ['there is no bitmap "bitmpa0"', '"bitmap0"', "Dirty bitmap 'bitmpa0' not found"]),
        ("Event", 38, ['there is no event "BLOCK_JOB_COMPLTED"', '"BLOCK_JOB_COMPLETED"']),
    ],
)
def test_what_is_misspelt_is_an_error_of_the_suite_with_the_right_words(
    slips: Finished, misspelt: str, line: int, told: Sequence[str]
) -> None:
    assert slips.status == 1
    (slip,) = (outcome for outcome in slips.summary()["outcomes"] if outcome["scenario"] == misspelt)
    assert (slip["status"], slip["kind"], slip["details"]) == ("error", "AuthorError", "")
    assert (slip["step"]["file"], slip["step"]["line"]) == ("features/backup/slips.feature", line)
    assert f"(features/backup/slips.feature:{line})" in slip["message"]
    assert [words for words in told if words not in slip["message"]] == []
    assert slip["headline"] in errors(slips)


def test_a_misspelt_sentence_is_an_error_with_those_that_are_nearest(slips: Finished) -> None:
    (slip,) = (outcome for outcome in slips.summary()["outcomes"] if outcome["scenario"] == "Kind")
    assert (slip["status"], slip["kind"]) == ("error", "UndefinedStep")
    assert "no step definition matches: Given each backup goes into a QED imgae" in slip["message"]
    assert "nearest to it: Given each backup goes into {kind:ImageKind}{maker:Maker}" in slip["message"]


def test_a_misspelt_tag_is_an_error_with_the_right_one(slips: Finished) -> None:
    (slip,) = (outcome for outcome in slips.summary()["outcomes"] if outcome["scenario"] == "Tag")
    assert (slip["status"], slip["kind"], slip["details"]) == ("error", "AuthorError", "")
    assert 'there is no tag "known-defect.merge-emtpy-list"' in slip["message"]
    assert '"known-defect.merge-empty-list"' in slip["message"]
    assert (slip["file"], slip["line"]) == ("features/backup/slips.feature", 43)


def test_no_slip_is_told_as_a_broken_promise(slips: Finished) -> None:
    assert slips.summary()["counts"] == {"error": 9}
    assert "Traceback" not in slips.stdout + slips.stderr
