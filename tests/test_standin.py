"""A sample of faults: the suite must find each, in words that lead to it, and must not find what is not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

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


@pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="no qemu-system-x86_64 on PATH to stand in for")
def test_a_sample_of_faults_is_found(tmp_path: Path) -> None:
    proof = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests" / "standin" / "prove.py"),
            "--faults",
            ",".join(SAMPLE),
            "--reports",
            str(tmp_path),
            "--tags=incremental_simple or incremental_failure or incremental_pause",
            "--tags=blockdev-backup",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert "10 of 10 faults found" in proof.stdout
    assert (tmp_path / "sensitivity.html").stat().st_size > 1000
