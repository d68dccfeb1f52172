"""A stand-in for a tool that works on images: it spoils what it is to spoil, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from programs import shell_program

from testbed.campaign.proof.faults import FAULTS
from testbed.campaign.proof.proving import write_tools

SAYS = 'echo "$@"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with tools that only say what they were told."""
    for name in ("qemu-img", "qemu-nbd"):
        shell_program(tmp_path / "real" / name, SAYS)
    (tmp_path / "standin").mkdir()
    return tmp_path


def said(folder: Path, fault: str, *words: str, tool: str = "qemu-img") -> str:
    """Return what a tool with a fault says."""
    write_tools(folder / "standin", fault, folder / "real" / "qemu")
    done = subprocess.run([folder / "standin" / tool, *words], capture_output=True, check=True, text=True)
    return done.stdout.strip()


def test_tool_is_told_something_else(folder: Path) -> None:
    assert said(folder, "tool-enables", "bitmap", "--disable", "a", "b") == "bitmap --enable a b"
    assert said(folder, "tool-enables", "amend", "--disable") == "amend --disable"
    assert said(folder, "tool-ignores-granularity", "bitmap", "--add", "-g", "1", "a", "b") == "bitmap --add a b"
    assert said(folder, "tool-adds-disabled", "bitmap", "--add", "a") == "bitmap --add --disable a"


def test_tool_can_do_nothing(folder: Path) -> None:
    assert not said(folder, "tool-resizes-nothing", "resize", "a", "1")
    assert said(folder, "tool-resizes-nothing", "check", "a") == "check a"


def test_refusal_is_hidden_or_without_words(folder: Path) -> None:
    shell_program(folder / "real" / "qemu-img", "echo no, thanks >&2; exit 1")
    assert not said(folder, "tool-grants-all", "resize")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        said(folder, "tool-says-nothing", "resize")
    assert not failed.value.stderr


def test_what_a_tool_says_of_itself_is_left_alone(folder: Path) -> None:
    assert said(folder, "tool-grants-all", "--version") == "--version"


def test_fault_without_a_tool_leaves_it_alone(folder: Path) -> None:
    assert FAULTS["all-granted"].tool is None
    assert said(folder, "all-granted", "resize", "a") == "resize a"
