from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import shell_program

from testbed.base.process import ToolFailed
from testbed.base.scratch import Scratch
from testbed.build.toolchain import Toolchain
from testbed.qemu.machine import Machine, MachineDied
from testbed.scenario.ahead import Launcher

BOUND = 20.0


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    with Scratch.make(tmp_path) as made:
        yield made


def working_directories() -> list[Path]:
    """Return where the children of this process work."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return [Path(f"/proc/{child}/cwd").readlink() for child in children]


def test_the_next_machine_is_on_its_way_while_one_is_in_use(toolchain: Toolchain, scratch: Scratch) -> None:
    launcher = Launcher(Machine, toolchain.qemu.path, scratch)
    first = launcher.machine_for("the first scenario", BOUND)
    ahead = {where for where in working_directories() if where.parent == scratch.path} - {first.home}
    assert len(ahead) == 1
    second = launcher.machine_for("the second scenario", BOUND)
    assert second.home.name.endswith("-the-second-scenario")
    assert not ahead & set(scratch.path.iterdir()), "the machine should have moved to its scenario's directory"
    assert (second.home / "qemu.stderr").exists()
    for machine in (first, second):
        machine.execute("query-status")
        machine.quit()
    launcher.close()


def test_nobody_is_left_ahead(toolchain: Toolchain, scratch: Scratch) -> None:
    launcher = Launcher(Machine, toolchain.qemu.path, scratch)
    launcher.machine_for("a scenario", BOUND).quit()
    launcher.close()
    launcher.close()
    assert [where for where in working_directories() if where.parent == scratch.path and "ahead" in where.name] == []


def test_none_is_started_ahead_of_the_last_scenario(toolchain: Toolchain, scratch: Scratch) -> None:
    launcher = Launcher(Machine, toolchain.qemu.path, scratch, to_come=2)
    for name, ahead in (("the first", 1), ("the last", 0), ("one that nobody has spoken of", 0)):
        machine = launcher.machine_for(name, BOUND)
        ours = [where for where in working_directories() if where.parent == scratch.path]
        assert sum("ahead" in where.name for where in ours) == ahead
        machine.quit()
    launcher.close()


def test_one_that_dies_ahead_is_blamed_in_its_own_scenario(scratch: Scratch, toolchain: Toolchain) -> None:
    starts = scratch.path / "starts"
    program = scratch.path / "qemu-system-once"
    once = f'[ -e {starts} ] && {{ echo "no more" >&2; exit 3; }}\n: >{starts}'
    asked = f'[ "$2" = help ] && exec {toolchain.qemu.path} "$@"'
    shell_program(program, f'{asked}\n{once}\nexec {toolchain.qemu.path} "$@"')
    launcher = Launcher(Machine, program, scratch)
    launcher.machine_for("a scenario", BOUND).quit()
    with pytest.raises(MachineDied, match=r"^QEMU exited with status 3; the end of its stderr:\nno more"):
        launcher.machine_for("another one", BOUND)
    launcher.close()


def test_one_that_cannot_be_started_ahead_is_tried_again(scratch: Scratch, toolchain: Toolchain) -> None:
    program = scratch.path / "qemu-system-gone"
    program.symlink_to(toolchain.qemu.path)
    launcher = Launcher(Machine, program, scratch)
    launcher.machine_for("a scenario", BOUND).quit()
    program.unlink()
    launcher.machine_for("the one whose machine was on its way", BOUND).quit()
    with pytest.raises(ToolFailed, match="could not be started"):
        launcher.machine_for("a third one", BOUND)
    launcher.close()
