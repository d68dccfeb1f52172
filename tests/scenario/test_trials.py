"""What a build has by name only, and programs that die when they are asked: with real programs behind wrappers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from conftest import ROOT
from programs import shell_program

from testbed.base.problems import AuthorError
from testbed.base.process import OutOfSpace
from testbed.build.answers import Unclear
from testbed.build.boards import Board
from testbed.build.needs import NEEDS, TRIED
from testbed.build.promised import Withdrawn
from testbed.build.toolchain import Toolchain
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.scenario.testbed import Testbed
from testbed.scenario.trials import DRIVERS, try_board, try_luks, try_need

pytestmark = pytest.mark.whole

TRIED_NEEDS = [need.name for need in NEEDS if need.source == TRIED]

ONLY_LISTED = """\
import os, sys
sys.path.insert(0, {root!r})
from testbed.campaign.proof.conversation import MONITOR, Fault, stand_in

class OnlyListed(Fault):
    def command(self, command):
        named = command["execute"] == {command!r} and {word!r} in str(command["arguments"])
        return None if named else command

    def answer(self, command):
        return {{"error": {{"class": "GenericError", "desc": "Unknown driver or option {word}"}}}}

if not any(MONITOR.fullmatch(word) for word in sys.argv):
    os.execv(sys.argv[1], sys.argv[1:])
sys.exit(stand_in(sys.argv[1:], OnlyListed))
"""
"""A program that stands in for QEMU, and refuses a command in which a word is that QEMU lists."""


def only_listed(home: Path, toolchain: Toolchain, command: str, word: str) -> AbstractContextManager[Testbed]:
    """Open a testbed whose QEMU refuses a command that has a word, as if it had the name of it only."""
    program = home / "only-listed.py"
    program.write_text(ONLY_LISTED.format(root=str(ROOT), command=command, word=word))
    return opened(home, toolchain, "qemu", f'set -- {sys.executable} {program} {toolchain.qemu.path} "$@"; exec "$@"')


@contextmanager
def opened(home: Path, toolchain: Toolchain, program: str, script: str) -> Iterator[Testbed]:
    """Open a testbed whose `program`, an option of the suite, is a shell script before the real one."""
    real = getattr(toolchain, program).path
    wrapper = shell_program(home / real.name, f'{script}\nexec {real} "$@"')
    tools = {name: getattr(toolchain, name).path for name in ("qemu", "qemu_img", "qemu_io")}
    testbed = Testbed.open({name: str(path) for name, path in (tools | {program: wrapper}).items()}, os.environ)
    try:
        yield testbed
    finally:
        testbed.close()


@pytest.mark.parametrize("name", TRIED_NEEDS)
def test_this_build_has_what_it_lists_unless_it_is_too_old(testbed: Testbed, toolchain: Toolchain, name: str) -> None:
    since = next(need.since for need in NEEDS if need.name == name)
    is_too_old = toolchain.qemu.version < tuple(int(part) for part in (since or "0").split("."))
    assert bool(testbed.unmet([name])) == is_too_old


@pytest.mark.parametrize("name", ["nbd", "qcow2", "raw", "vdi", *DRIVERS])
def test_driver_that_is_only_listed_is_told_in_qemu_s_words(tmp_path: Path, toolchain: Toolchain, name: str) -> None:
    with only_listed(tmp_path, toolchain, "blockdev-add", f"'driver': '{name}'") as testbed:
        reasons = testbed.unmet([name])
    assert [reason for reason in reasons if f"{name} that may" in reason and "QEMU says: Unknown driver" in reason]


@pytest.mark.parametrize(
    ("name", "command", "word"),
    [("block-export", "block-export-add", "'nbd'"), ("data-file", "blockdev-add", "'driver': 'qcow2'")],
)
def test_what_every_qemu_has_is_not_promised_by_its_name(
    tmp_path: Path, toolchain: Toolchain, name: str, command: str, word: str
) -> None:
    with (
        only_listed(tmp_path, toolchain, command, word) as testbed,
        pytest.raises(Withdrawn, match=r"every QEMU since 5.2 has it \(QEMU says: Unknown driver or option"),
    ):
        testbed.unmet([name])


def test_trial_for_which_there_is_no_room_says_nothing_of_the_build(tmp_path: Path, toolchain: Toolchain) -> None:
    script = 'case "$*" in *create*vdi*) echo "qemu-img: image: No space left on device" >&2; exit 1;; esac'
    with opened(tmp_path, toolchain, "qemu_img", script) as testbed, pytest.raises(OutOfSpace, match="free some space"):
        testbed.unmet(["vdi"])


def test_image_of_a_trial_does_not_stay(tmp_path: Path, toolchain: Toolchain) -> None:
    with opened(tmp_path, toolchain, "qemu_img", "") as testbed:
        testbed.unmet(["vdi"])
        assert list(testbed.scratch.templates.iterdir()) == []


def test_need_without_a_trial_is_a_slip_of_the_suite(machine: Machine, images: Images) -> None:
    with pytest.raises(AuthorError, match='there is no trial of the need "weather"'):
        try_need("weather", machine, images)


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
