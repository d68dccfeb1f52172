"""What a build has by name only, and programs that die when they are asked: with real programs behind wrappers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.build.answers import Unclear
from testbed.build.boards import Board
from testbed.build.needs import NEEDS
from testbed.build.toolchain import Toolchain
from testbed.qemu.machine import Machine
from testbed.scenario.testbed import Testbed
from testbed.scenario.trials import DRIVERS, try_board, try_luks

TRIED = [need.name for need in NEEDS if need.name in (*DRIVERS, "vmdk", "vdi", "qed", "luks", "zstd")]


@contextmanager
def opened(home: Path, toolchain: Toolchain, program: str, script: str) -> Iterator[Testbed]:
    """Open a testbed whose `program`, an option of the suite, is a shell script before the real one."""
    real = getattr(toolchain, program).path
    wrapper = home / real.name
    wrapper.write_text(f'#!/bin/sh\n{script}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    tools = {name: getattr(toolchain, name).path for name in ("qemu", "qemu_img", "qemu_io")}
    testbed = Testbed.open({name: str(path) for name, path in (tools | {program: wrapper}).items()}, os.environ)
    try:
        yield testbed
    finally:
        testbed.close()


@pytest.mark.parametrize("name", TRIED)
def test_this_build_has_what_it_lists(testbed: Testbed, name: str) -> None:
    assert testbed.unmet([name]) == []


def test_qemu_that_dies_with_a_device_is_no_build_without_it(tmp_path: Path, toolchain: Toolchain) -> None:
    script = 'case "$*" in *-device*virtio-scsi*,help*) ;; *-device*virtio-scsi*) kill -SEGV $$;; esac'
    with (
        opened(tmp_path, toolchain, "qemu", script) as testbed,
        pytest.raises(Unclear, match="killed by SIGSEGV"),
    ):
        testbed.unmet(["guest-disk"])


def test_qemu_img_that_dies_on_a_question_is_no_build_without_the_option(tmp_path: Path, toolchain: Toolchain) -> None:
    script = 'case "$*" in *"-o help"*) kill -SEGV $$;; esac'
    with (
        opened(tmp_path, toolchain, "qemu_img", script) as testbed,
        pytest.raises(Unclear, match="-o help killed by SIGSEGV"),
    ):
        testbed.unmet(["data-file"])


def test_firmware_that_is_missing_is_told_in_qemu_s_words(tmp_path: Path, toolchain: Toolchain) -> None:
    script = (
        'case "$*" in *-device*,help*) ;; '
        "*-device*) echo \"qemu: could not load PC BIOS 'bios-256k.bin'\" >&2; exit 1;; esac"
    )
    with opened(tmp_path, toolchain, "qemu", script) as testbed:
        (reason,) = testbed.unmet(["guest-disk"])
    assert "(QEMU says: pc with virtio-scsi-pci: qemu: could not load PC BIOS 'bios-256k.bin'" in reason
    assert "Debian calls seabios" in reason


def test_format_without_what_makes_it_work_is_told_in_qemu_s_words(tmp_path: Path, toolchain: Toolchain) -> None:
    script = 'case "$*" in *create*zstd*) echo "qemu-img: Unsupported compression type" >&2; exit 1;; esac'
    with opened(tmp_path, toolchain, "qemu_img", script) as testbed:
        (reason,) = testbed.unmet(["zstd"])
    assert reason.endswith("(QEMU says: qemu-img: Unsupported compression type)")


def test_trial_that_kills_qemu_img_is_no_lack(tmp_path: Path, toolchain: Toolchain) -> None:
    script = 'case "$*" in *create*vdi*) kill -SEGV $$;; esac'
    with (
        opened(tmp_path, toolchain, "qemu_img", script) as testbed,
        pytest.raises(Unclear, match="killed by SIGSEGV"),
    ):
        testbed.unmet(["vdi"])


def test_cipher_that_qemu_has_not_got_is_told_in_its_words(machine: Machine) -> None:
    answer = try_luks(machine, cipher="rot13")
    assert not answer
    assert "rot13" in answer.words


def test_board_takes_a_disk_and_lets_go_of_it(toolchain: Toolchain, tmp_path: Path) -> None:
    assert try_board(Machine(toolchain.qemu.path, tmp_path, 10), Board("pc", "virtio-scsi-pci"))


@pytest.mark.parametrize(
    ("board", "words"),
    [
        (Board("pc", "virtio-scsi-ccw"), "virtio-scsi-ccw"),
        (Board("pc"), "No 'SCSI' bus found for device 'scsi-hd'"),
        (Board("weather"), "supported machines"),
    ],
    ids=str,
)
def test_board_that_takes_none_says_why(toolchain: Toolchain, tmp_path: Path, board: Board, words: str) -> None:
    answer = try_board(Machine(toolchain.qemu.path, tmp_path, 10), board)
    assert not answer
    assert words in answer.words
