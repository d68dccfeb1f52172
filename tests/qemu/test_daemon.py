from __future__ import annotations

from pathlib import Path

import pytest
from real_qemu import BOUND

from testbed.qemu.daemon import Daemon
from testbed.qemu.machine import MachineDied
from testbed.scenario.machines import Machines

NODE = {"driver": "null-co", "node-name": "drive0", "size": 4 << 20}


def test_daemon_has_two_monitors_and_ends_as_a_machine_does(daemon: Daemon) -> None:
    daemon.watch()
    daemon.execute("blockdev-add", NODE)
    assert [node["node-name"] for node in daemon.observer.execute("query-named-block-nodes")] == ["drive0"]
    daemon.quit()
    assert daemon.has_quit


def test_daemon_that_dies_is_blamed(daemon: Daemon) -> None:
    daemon.child.kill_and_reap(BOUND)
    with pytest.raises(MachineDied, match="SIGKILL"):
        daemon.execute("query-version")


def test_another_machine_beside_a_daemon_is_a_daemon_too(daemon: Daemon, home: Path) -> None:
    machines = Machines(daemon)
    other = machines.boot("other")
    try:
        assert isinstance(other, Daemon)
        assert other.command_line[0] == daemon.command_line[0]
        assert other.home == home
        other.quit()
    finally:
        other.kill()
