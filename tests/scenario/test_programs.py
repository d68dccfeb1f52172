"""What a run asks of the build before its first scenario: once, and what keeps it from being judged."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from programs import shell_program

from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.build.answers import Unclear
from testbed.build.toolchain import Toolchain
from testbed.scenario.programs import Programs
from testbed.scenario.testbed import Testbed
from testbed.scenario.trials import DRIVERS

pytestmark = pytest.mark.whole

# What is asked, and how often.


@dataclass(frozen=True)
class Listening:
    """Stand-ins for QEMU and its tools, which note how they are called, and then are the real ones."""

    home: Path

    @classmethod
    def to(cls, toolchain: Toolchain, home: Path, first: str = "") -> Listening:
        """Write them into a directory; QEMU's does something `first`."""
        for tool in ("qemu", "qemu_img", "qemu_io"):
            program = home / tool
            real = getattr(toolchain, tool).path
            does = first if tool == "qemu" else ""
            shell_program(program, f'echo "{tool} $*" >>{home}/calls\n{does}\nexec {real} "$@"')
        return cls(home)

    def find(self) -> Programs:
        """Find them, as a run does that is to judge them."""
        return Programs.find({name: str(self.home / name) for name in ("qemu", "qemu_img", "qemu_io")}, os.environ)

    @property
    def calls(self) -> list[str]:
        """How they have been called so far."""
        return (self.home / "calls").read_text(encoding="utf-8").splitlines()


def test_the_build_is_booted_once_and_asked_nothing_that_no_scenario_needs(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    build = Listening.to(toolchain, tmp_path)
    build.find()
    versions, others = build.calls[:3], build.calls[3:]
    assert sorted(versions) == ["qemu --version", "qemu_img --version", "qemu_io --version"]
    info, flush, monitors, boot = others
    assert (info.split()[:2], flush.split()[0], monitors) == (["qemu_img", "info"], "qemu_io", "qemu -object help")
    assert boot.startswith("qemu -machine none -S ")


def test_what_is_known_is_asked_no_more(toolchain: Toolchain, tmp_path: Path) -> None:
    build, needs = Listening.to(toolchain, tmp_path), ["guest-disk", "luks", "nbd", "x-perf"]
    programs = build.find()
    programs.ask_ahead(needs)
    known = build.calls
    assert any("virtio-scsi" in call for call in known)
    assert len([call for call in known if call == "qemu_img --help"]) == 1
    programs.ask_ahead(needs)
    testbed = Testbed.of(programs)
    assert testbed.unmet(needs) == []
    assert testbed.digests is not None
    testbed.describe()
    assert build.calls == known
    testbed.discard(testbed.world("a slow scenario", ["slow"]))
    testbed.close()
    assert {call.partition(" -S ")[0] for call in build.calls[len(known) :]} == {"qemu -machine none"}


def test_what_nobody_can_tell_ahead_is_told_to_the_scenario_that_needs_it(toolchain: Toolchain, tmp_path: Path) -> None:
    programs = Listening.to(toolchain, tmp_path, 'case "$*" in *virtio-scsi*|*scsi-hd*) kill -SEGV $$ ;; esac').find()
    programs.ask_ahead(["guest-disk", "no-such-need", "nbd"])
    testbed = Testbed.of(programs)
    assert testbed.unmet(["nbd"]) == []
    with pytest.raises(Unclear, match="SIGSEGV"):
        testbed.unmet(["guest-disk"])
    testbed.close()


NEEDS = ["raw", "blkdebug", "copy-on-read", "throttle", "vdi"]


def boots(build: Listening) -> int:
    """Return how many machines have been booted."""
    return sum(" -S " in call for call in build.calls)


def test_what_works_is_tried_on_one_machine(toolchain: Toolchain, tmp_path: Path) -> None:
    build = Listening.to(toolchain, tmp_path)
    programs = build.find()
    before = boots(build)
    programs.ask_ahead(NEEDS)
    assert boots(build) == before + 1
    assert {name: bool(answer) for name, answer in programs.capabilities.answers.items() if name in NEEDS} == (
        dict.fromkeys(NEEDS, True)
    )


def test_where_that_machine_does_not_end_in_order_each_is_tried_by_itself(toolchain: Toolchain, tmp_path: Path) -> None:
    real, counted = toolchain.qemu.path, f"{tmp_path}/boots"
    disorderly = f'[ $(wc -l <{counted}) = 2 ] && {{ {real} "$@"; exit 3; }}'
    build = Listening.to(toolchain, tmp_path, f'case "$*" in *" -S "*) echo >>{counted}; {disorderly} ;; esac')
    programs = build.find()
    before = boots(build)
    programs.ask_ahead(NEEDS)
    assert boots(build) == before + 1 + len([*NEEDS, "qcow2"])
    assert programs.capabilities.answers["throttle"]


def test_what_does_not_work_on_that_machine_is_tried_by_itself(
    toolchain: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = Listening.to(toolchain, tmp_path)
    programs = build.find()
    monkeypatch.setitem(
        cast("dict[str, object]", DRIVERS), "copy-on-read", {"driver": "copy-on-read", "file": "nowhere"}
    )
    before = boots(build)
    programs.ask_ahead(NEEDS)
    # The first two and qcow2 share one, and those after the refusal have one each, as the refused one has.
    assert boots(build) == before + 1 + len(["copy-on-read", "throttle", "vdi", "qcow2"])
    assert programs.capabilities.answers["throttle"]
    assert isinstance(programs.capabilities.answers["copy-on-read"], Unclear)


# What hits every scenario is told once, before the first.


def unusable(testbed: Testbed, script: str, tmp_path: Path) -> Problem:
    """Return the one problem of a build whose QEMU is a script, in which $QEMU is the real one."""
    tools = testbed.toolchain
    version = '[ "$1" = --version ] && exec "$QEMU" "$@"'
    program = shell_program(tmp_path / "stand-in", f'QEMU="{tools.qemu.path}"\n{version}\n{script}')
    chosen = {"qemu": program, "qemu_img": tools.qemu_img.path, "qemu_io": tools.qemu_io.path, "scratch": tmp_path}
    with pytest.raises(EnvironmentUnusable) as caught:
        Programs.find({name: str(value) for name, value in chosen.items()}, os.environ)
    assert list(tmp_path.iterdir()) == [program], "nothing is left behind"
    (problem,) = caught.value.problems
    return problem


def test_qemu_that_opens_no_file_is_one_problem_with_its_own_words(testbed: Testbed, tmp_path: Path) -> None:
    problem = unusable(testbed, 'cd / && exec "$QEMU" "$@"', tmp_path)
    assert problem.what.startswith(f"{tmp_path}/stand-in does not open a file: ")
    assert "Could not open 'plain'" in problem.what
    assert "--block-drv-rw-whitelist" in problem.remedy


@pytest.mark.parametrize("works", ["tcg", "qtest"])
def test_qemu_whose_default_accelerator_fails_starts_with_another(testbed: Testbed, tmp_path: Path, works: str) -> None:
    script = f'[ "$4" = {works} ] && shift 4 && exec "$QEMU" -machine none "$@"; echo no accelerator found >&2; exit 1'
    problem = unusable(testbed, script, tmp_path)
    assert "no accelerator found" in problem.what
    assert f'exec {tmp_path}/stand-in -accel {works} "$@"' in problem.remedy


def test_qemu_that_starts_with_no_accelerator_is_to_be_replaced(testbed: Testbed, tmp_path: Path) -> None:
    problem = unusable(testbed, "echo it is broken >&2; exit 1", tmp_path)
    assert "does not start" in problem.what
    assert "it is broken" in problem.what
    assert "-accel" not in problem.remedy


def test_tool_that_prints_more_than_its_answer_is_told_once(testbed: Testbed, tmp_path: Path) -> None:
    tools = testbed.toolchain
    profile = '[ "$1" = --version ] || echo loading profile'
    script = shell_program(tmp_path / "qemu-img", f'{profile}\nexec {tools.qemu_img.path} "$@"')
    chosen = {"qemu": tools.qemu.path, "qemu_img": script, "qemu_io": tools.qemu_io.path, "scratch": tmp_path}
    with pytest.raises(EnvironmentUnusable) as caught:
        Programs.find({name: str(value) for name, value in chosen.items()}, os.environ)
    assert list(tmp_path.iterdir()) == [script], "nothing is left behind"
    (problem,) = caught.value.problems
    assert problem.what == f"{script} prints on its standard output besides its answer: loading profile"
