from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable

import pytest
from broken_promise import why_not
from real_qemu import DIGESTS, HOST_WORD, add_null_node, make

from testbed.build.toolchain import Toolchain
from testbed.domain.access import Accesses, ExportAccesses, MonitorAccesses
from testbed.domain.digests import SAMPLE, Digests, find_out
from testbed.model.dirty import Word
from testbed.promises.bitmaps import has_bitmaps_in_step
from testbed.qemu.daemon import Daemon
from testbed.qemu.machine import Machine
from testbed.scenario.acts import bitmaps
from testbed.scenario.programs import digests_of
from testbed.scenario.testbed import Testbed

RECORDED = {
    # The second of three bits, as hosts of each kind have it in memory.
    Word(8, "little"): b"\x02\0\0\0\0\0\0\0",
    Word(8, "big"): b"\0\0\0\0\0\0\0\x02",
    Word(4, "little"): b"\x02\0\0\0",
    Word(4, "big"): b"\0\0\0\x02",
}


@pytest.mark.parametrize("word", RECORDED, ids=str)
def test_word_of_each_host_is_found_by_what_its_qemu_says(word: Word) -> None:
    assert Digests.told_by(hashlib.sha256(RECORDED[word]).hexdigest()) == Digests(word)


@pytest.mark.parametrize("bits", [b"\x01\0\0\0\0\0\0\0", b"\x02", b""])
def test_digest_that_no_host_explains_is_told_in_qemu_s_words(bits: bytes) -> None:
    said = hashlib.sha256(bits).hexdigest()
    digests = Digests.told_by(said)
    assert digests.word is None
    assert f"QEMU says {said}, which is the digest of none of the words that a host may have" in digests.unexplained


def by_monitor(machine: Machine, _toolchain: Toolchain) -> Accesses:
    return MonitorAccesses(machine)


def by_export(machine: Machine, toolchain: Toolchain) -> Accesses:
    return ExportAccesses(machine, toolchain.qemu_io.path)


@pytest.mark.parametrize("accesses", [by_monitor, by_export])
def test_qemu_says_it_however_its_guest_writes(
    machine: Machine, toolchain: Toolchain, accesses: Callable[[Machine, Toolchain], Accesses]
) -> None:
    assert find_out(machine, accesses(machine, toolchain)) == DIGESTS


def test_storage_daemon_says_it(daemon: Daemon, toolchain: Toolchain) -> None:
    assert find_out(daemon, by_export(daemon, toolchain)) == DIGESTS


def test_what_qemu_refuses_is_told(machine: Machine) -> None:
    add_null_node(machine, "sample", SAMPLE.size)
    assert "QEMU refused blockdev-add: " in find_out(machine, MonitorAccesses(machine)).unexplained


def test_death_on_the_way_is_told(testbed: Testbed, machine: Machine) -> None:
    os.kill(machine.child.pid, signal.SIGSEGV)
    digests = digests_of(testbed.capabilities, machine)
    assert digests is not None
    assert "QEMU killed by SIGSEGV" in digests.unexplained


def test_a_run_finds_it_out(testbed: Testbed) -> None:
    assert testbed.digests == Digests(HOST_WORD)


def test_unexplained_digests_make_scenarios_with_bitmaps_red_and_no_others(machine: Machine) -> None:
    node = add_null_node(machine, "drive0", SAMPLE.size)
    in_step = has_bitmaps_in_step(Digests.unknown("QEMU says so"))
    assert in_step.complaint(node) is None
    make(bitmaps.add(node, "a"))
    assert why_not(node, in_step) == "nobody can tell whether bitmaps hold the right bits: QEMU says so"
