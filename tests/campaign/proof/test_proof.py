"""A sample of faults, each of which the suite must find in words that lead to it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aftermath import BOUND, Told, assert_nothing_is_left, has_ended
from campaigns import run_campaign
from loaded_python import LoadedPython

from testbed.build.toolchain import Toolchain

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[3]

SAMPLE = (
    "none",
    "count-one-less",
    "never-busy",
    "forgets-last-granule",
    "bitmap-kept-after-success",
    "bitmap-lost-after-failure",
    "copies-everything",
    "target-lacks-tail",
    "completed-twice",
    "error-event-write",
    "crash-at-backup",
)

FEATURES = ("features/bitmap/merging.feature", "features/bitmap/persistent.feature")
"""Two of them, for two processes: to read all is most of what a run takes that comes to nothing."""


@pytest.mark.proof
@pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="no qemu-system-x86_64 on PATH to stand in for")
def test_a_sample_of_faults_is_found(tmp_path: Path) -> None:
    proof = run_campaign("proof", "--faults", ",".join(SAMPLE), "--reports", str(tmp_path), "--tags=blockdev-backup")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert "10 of 10 faults found" in proof.stdout
    assert proof.stdout.splitlines()[:2] == proof.stdout.splitlines()[-2:]
    assert (tmp_path / "sensitivity.html").stat().st_size > 1000


def test_a_proof_where_even_the_real_qemu_fails_ends_at_once_and_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "qemu-system-broken"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo QEMU emulator version 7.2.0 || exit 3\n')
    broken.chmod(0o755)
    proof = run_campaign("proof", "--qemu", str(broken), "--reports", str(tmp_path), *FEATURES)
    assert proof.returncode == 1, proof.stdout + proof.stderr
    assert "does not start: QEMU exited with status 3" in proof.stderr
    assert "remedy: name a QEMU that runs on this machine" in proof.stderr
    assert "Traceback" not in proof.stderr


# It is the real one when it is asked what it has, and stuck behind a stand-in.
STUCK = """\
#!/bin/sh
[ "$1" = --version ] || ! grep -q standin.py /proc/$PPID/cmdline && exec {qemu} "$@"
echo $PPID >"{told}"
exec sleep 20
"""


@dataclass(frozen=True)
class CutShort:
    """A proof that was cut short by a signal: how it ended, what it said, and the folder for temporary files."""

    status: int
    said: str
    complaint: str
    temporary: Path


@pytest.fixture
def cut_short(loaded: LoadedPython, tmp_path: Path, told: Told, toolchain: Toolchain) -> Callable[..., CutShort]:
    """Return what sends a proof a signal in the middle of so many runs, and checks that nothing of these is left."""
    stuck = tmp_path / "qemu-system-stuck"
    stuck.write_text(STUCK.format(told=told.path, qemu=toolchain.qemu.path))
    stuck.chmod(0o755)
    scratch, temporary = tmp_path / "scratch", tmp_path / "temporary"
    scratch.mkdir()
    temporary.mkdir()

    def cut(number: signal.Signals, runs: int, *arguments: str) -> CutShort:
        chosen = (*arguments, "--at-once=2", f"--qemu={stuck}", f"--reports={tmp_path}", "-D", f"scratch={scratch}")
        environ = {**os.environ, "TMPDIR": str(temporary)}
        proof = loaded.start(ROOT, "testbed.campaign.proof", [*chosen, *FEATURES], environ)
        stand_ins = told.numbers(runs)
        proof.send_signal(number)
        ended = proof.end(BOUND)
        assert all(has_ended(stand_in) for stand_in in stand_ins)
        assert_nothing_is_left(scratch)
        return CutShort(*ended, temporary)

    return cut


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("runs", "faults"), [(2, ("--faults", "count-zero,never-busy")), (1, ())], ids=["some faults", "first of all"]
)
def test_interrupt_ends_all_runs_and_leaves_nothing(
    cut_short: Callable[..., CutShort], number: signal.Signals, status: int, runs: int, faults: tuple[str, ...]
) -> None:
    proof = cut_short(number, runs, *faults)
    judged, arguments, *others = proof.said.splitlines()
    assert judged.startswith("Judged: QEMU ")
    assert arguments.startswith("Arguments of behave: -D scratch=")
    assert (proof.status, others, proof.complaint) == (status, ["interrupted"], "")
    assert list(proof.temporary.iterdir()) == []


def test_proof_that_is_killed_leaves_nothing_either(cut_short: Callable[..., CutShort]) -> None:
    proof = cut_short(signal.SIGKILL, 2, "--faults", "count-zero,never-busy")
    assert proof.status == -signal.SIGKILL
    assert_nothing_is_left(proof.temporary)


def test_qemu_that_does_not_even_tell_its_version_is_explained(tmp_path: Path) -> None:
    broken = tmp_path / "qemu-system-broken"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
    broken.chmod(0o755)
    proof = run_campaign("proof", "--qemu", str(broken), "--faults", "none", "--reports", str(tmp_path))
    assert proof.returncode == 1
    assert "exited with status 3; the end of its stderr:\nit is broken" in proof.stderr
    assert "Traceback" not in proof.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--faults", "never-bussy,count-zero"], 'there is no fault "never-bussy"; did you mean "never-busy"'),
        (["--at-once", "0"], "give a number from 1 on"),
    ],
)
def test_wrong_call_is_explained(arguments: list[str], said: str) -> None:
    proof = run_campaign("proof", *arguments)
    assert proof.returncode == 2
    assert said in proof.stderr
