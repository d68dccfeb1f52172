from real_qemu import add_null_node

from testbed.domain.graph import filters_over
from testbed.qemu.machine import Machine

MIB = 1024 * 1024


def test_a_node_with_nothing_over_it_is_reached_directly(machine: Machine) -> None:
    drive = add_null_node(machine, "drive0", MIB)
    add_null_node(machine, "drive1", MIB)
    assert filters_over(drive) == []


def test_filters_are_told_from_above(machine: Machine) -> None:
    drive = add_null_node(machine, "drive0", MIB)
    add_null_node(machine, "drive1", MIB)
    for name, below in (("lower", "drive0"), ("upper", "lower"), ("other", "drive1")):
        machine.execute("blockdev-add", {"driver": "raw", "node-name": name, "file": below})
    assert filters_over(drive) == ["upper", "lower"]


def test_a_backups_filter_is_over_its_drive_alone(machine: Machine) -> None:
    drive, target = (add_null_node(machine, name, MIB) for name in ("drive0", "target"))
    asked = {"job-id": "drive0", "device": "drive0", "target": "target", "sync": "full", "auto-finalize": False}
    machine.execute("blockdev-backup", asked)
    assert filters_over(drive) == [""]
    assert filters_over(target) == []
