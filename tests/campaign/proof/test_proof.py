"""A sample of faults, each of which the suite must find in words that lead to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def run_proof(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the proof as make does: by a PATH that names the environment as seen from the project."""
    environment = os.path.relpath(Path(sys.executable).parent, ROOT)
    return subprocess.run(
        ["python", "-m", "testbed.campaign.proof", *arguments],
        env={**os.environ, "PATH": f"{environment}:{os.environ['PATH']}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="no qemu-system-x86_64 on PATH to stand in for")
def test_a_sample_of_faults_is_found(tmp_path: Path) -> None:
    proof = run_proof("--faults", ",".join(SAMPLE), "--reports", str(tmp_path), "--tags=blockdev-backup")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert "10 of 10 faults found" in proof.stdout
    assert (tmp_path / "sensitivity.html").stat().st_size > 1000


def test_a_proof_where_even_the_real_qemu_fails_ends_at_once_and_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "qemu-system-broken"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo QEMU emulator version 7.2.0 || exit 3\n')
    broken.chmod(0o755)
    proof = run_proof("--qemu", str(broken), "--reports", str(tmp_path))
    assert proof.returncode == 1, proof.stdout + proof.stderr
    assert "Without a fault, no scenario passes" in proof.stderr
    assert "QEMU exited with status 3" in proof.stderr
