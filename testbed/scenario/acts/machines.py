"""What becomes of machines and disks while a scenario goes on."""

from __future__ import annotations

from testbed.domain.disk import Disk
from testbed.domain.other_machine import OtherMachine
from testbed.scenario.acts.act import Actor, Name, act
from testbed.scenario.world import World


@act("start", on="machine", by=Actor.OPERATOR, said="started", needs=("human-monitor",))
def start(world: World) -> None:
    """Let the guest run."""
    world.machine.resume()


@act("pause", on="machine", by=Actor.OPERATOR, said="paused", needs=("human-monitor",))
def pause(world: World) -> None:
    """Let the guest rest."""
    world.machine.pause()


@act("reset", on="machine", by=Actor.OPERATOR, said="reset", needs=("human-monitor",))
def reset(world: World) -> None:
    """Reset the machine, as a guest that has crashed would need it."""
    world.machine.act("system_reset", "RESET")


@act("shut down", on="machine", by=Actor.OPERATOR, said="shut down")
def shut_down(world: World) -> None:
    """Tell QEMU to quit, whatever it is doing, and wait until it has ended as it should."""
    world.judge.shut_down()


@act("kill", on="machine", by=Actor.HOST, said="killed")
def kill(world: World) -> None:
    """End QEMU at once, as kill -9 does, or a host that loses power after all was flushed."""
    world.judge.kill(world.machine)


@act("start elsewhere", on="machine of the scenario", by=Actor.OPERATOR)
def start_elsewhere(world: World, name: Name) -> None:
    """Start another machine of the same build, with the drives of the one before it, which has ended."""
    world.drives.hand_over(world.machines.boot(name))


@act("upgrade", on="machine of the scenario", by=Actor.OPERATOR, needs=("next-build",))
def upgrade(world: World, name: Name) -> None:
    """Start a machine of the next build, with the drives of the one before it, which has ended."""
    world.drives.hand_over(world.machines.boot_next_build(name))


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
