from __future__ import annotations

import os
import signal

import pytest

from testbed.base.problems import AuthorError
from testbed.build.toolchain import Toolchain
from testbed.qemu.machine import Machine, MachineDied
from testbed.scenario.world import World


def test_machines_have_names_and_share_a_directory(world: World) -> None:
    machines, first = world.machines, world.machine
    other = machines.boot("other")
    assert (first.name, other.name, other.home, other.command_line[0]) == ("qemu", "other", first.home, str(first.qemu))
    assert list(machines) == machines.running == [first, other]
    assert machines.current is first
    assert (machines.named("qemu"), machines.named("other")) == (first, other)
    assert {path.name for path in first.home.iterdir()} >= {"qemu.stderr", "other.stderr"}
    with pytest.raises(AuthorError, match='there is no machine "otter"; did you mean "other"'):
        machines.named("otter")


def test_a_name_is_free_again_when_its_machine_has_ended(world: World) -> None:
    machines, first = world.machines, world.machine
    with pytest.raises(AuthorError, match='a machine "qemu" runs already: give this one another name'):
        machines.boot("qemu")
    first.quit()
    second = machines.boot("qemu")
    assert machines.named("qemu") is second
    assert (machines.running, list(machines)) == ([second], [first, second])


def test_the_next_build_is_the_one_that_the_run_was_given(world: World, toolchain: Toolchain) -> None:
    with pytest.raises(AuthorError, match="the run has no next build: the sentence must say that it needs one"):
        world.machines.boot_next_build("upgraded")
    link = world.machines.home / "qemu-system-next"
    link.symlink_to(toolchain.qemu.path)
    world.machines.next_qemu = link
    upgraded = world.machines.boot_next_build("upgraded")
    assert (type(upgraded), upgraded.qemu, upgraded.name) == (Machine, link, "upgraded")
    assert upgraded.execute("query-status")["running"] is False
    assert world.machines.boot("same").qemu == world.machine.qemu


def test_the_death_of_any_machine_is_noticed(world: World) -> None:
    other = world.machines.boot("other")
    world.machines.check_alive()
    os.kill(other.child.pid, signal.SIGKILL)
    other.child.wait(other.bound)
    with pytest.raises(MachineDied, match="SIGKILL"):
        world.machines.check_alive()
    assert world.machines.running == [world.machine]


def test_all_are_killed_at_once(world: World) -> None:
    other = world.machines.boot("other")
    world.machine.quit()
    world.machines.kill_all()
    world.machines.kill_all()
    assert world.machines.running == []
    assert (world.machine.has_quit, other.has_quit) == (True, False)
    world.machines.check_alive()


def test_a_machine_serves_although_one_of_its_name_has_left_its_socket(world: World) -> None:
    world.machine.serve()
    socket = world.machines.home / world.machine.exports_socket
    world.machine.kill()
    assert socket.is_socket()
    second = world.machines.boot(world.machine.name)
    second.serve()
    second.serve()
    assert second.is_serving
    assert socket.is_socket()
