"""What becomes of machines and disks while a scenario goes on."""

from __future__ import annotations

from testbed.domain.chain import Chain
from testbed.domain.disk import Disk
from testbed.domain.other_machine import OtherMachine
from testbed.qemu.machine import Machine
from testbed.scenario.acts.act import Actor, act


@act("start", on="machine", by=Actor.OPERATOR, said="started", needs=("human-monitor",))
def start(machine: Machine) -> None:
    """Let the guest run."""
    machine.act("cont", "RESUME")


@act("pause", on="machine", by=Actor.OPERATOR, said="paused", needs=("human-monitor",))
def pause(machine: Machine) -> None:
    """Let the guest rest."""
    machine.act("stop", "STOP")


@act("reset", on="machine", by=Actor.OPERATOR, said="reset", needs=("human-monitor",))
def reset(machine: Machine) -> None:
    """Reset the machine, as a guest that has crashed would need it."""
    machine.act("system_reset", "RESET")


@act("unplug", on="disk", by=Actor.OPERATOR, said="unplugged")
def unplug(disk: Disk) -> None:
    """Unplug a disk from the running machine."""
    disk.unplug()


@act("plug in", on="disk", by=Actor.OPERATOR, said="plugged in again")
def plug_in(disk: Disk) -> None:
    """Plug a disk in again."""
    disk.plug_in()


act("go away", on="other machine", by=Actor.HOST, said="goes away")(OtherMachine.go_away)
act("have gone away", on="other machine", by=Actor.HOST, said="has gone away")(OtherMachine.go_away)
act("come back", on="other machine", by=Actor.HOST, said="comes back")(OtherMachine.come_back)

act("merge down", on="increment", by=Actor.BACKUP_TOOL, said="merged into the one below")(Chain.merge_down)
act("merge up", on="increment", by=Actor.BACKUP_TOOL, said="merged into the one above")(Chain.merge_up)
act("lose", on="increment", by=Actor.HOST, said="lost")(Chain.lose)
act("skip", on="increment", by=Actor.HOST, said="skipped by the one above")(Chain.skip)
act("replace", on="increment", by=Actor.HOST, said="replaced by the one below")(Chain.replace)
