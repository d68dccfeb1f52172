from __future__ import annotations

from collections.abc import Iterator

import pytest

from testbed.domain.other_machine import OtherMachine
from testbed.domain.target import Target, Targets
from testbed.model.content import Content
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused
from testbed.scenario.machines import Machines

MIB = 1 << 20
SIZE = 4 * MIB


@pytest.fixture
def other(machine: Machine) -> Iterator[OtherMachine]:
    """Return another machine beside the one of the test."""
    machines = Machines(machine)
    yield OtherMachine(lambda: machines.boot("other"))
    machines.kill_all()


@pytest.fixture
def target(images: Images, other: OtherMachine) -> Target:
    """Return a target on the other machine."""
    return Targets(images, ImageKind("qcow2"), other).new("drive0", SIZE)


def connect(machine: Machine, target: Target) -> None:
    machine.execute("blockdev-add", {**target.location.open(target), "node-name": target.node})


def write(machine: Machine, target: Target) -> str:
    return machine.human(f'qemu-io {target.node} "write -P 0x41 1M 64k"')


def test_image_there_is_written_over_the_network(
    machine: Machine, images: Images, other: OtherMachine, target: Target
) -> None:
    assert (target.cluster, target.shown_cluster) == (65536, 0)
    connect(machine, target)
    assert "wrote" in write(machine, target)
    machine.execute("blockdev-del", {"node-name": target.node})
    assert other.served == [target]
    other.close(target)
    assert other.served == other.machine.execute("query-named-block-nodes") == []
    expected = Content(SIZE).written(0x41, MIB, 65536)
    assert images.first_difference(target.name, "qcow2", expected) is None


def test_it_comes_back_with_its_exports(machine: Machine, other: OtherMachine, target: Target) -> None:
    connect(machine, target)
    gone = other.machine
    other.go_away()
    other.go_away()
    assert not gone.running
    other.come_back()
    assert other.machine is not gone
    assert "wrote" in write(machine, target)


def test_image_of_one_that_is_away_is_nobodys(machine: Machine, other: OtherMachine, target: Target) -> None:
    connect(machine, target)
    other.go_away()
    other.close(target)
    assert other.served == []
    other.come_back()
    assert other.machine.execute("query-block-exports") == []


def test_it_exports_only_what_it_was_given(machine: Machine, other: OtherMachine, target: Target) -> None:
    options = {**other.open(target), "export": "another", "node-name": "another"}
    with pytest.raises(Refused, match="export"):
        machine.execute("blockdev-add", options)
