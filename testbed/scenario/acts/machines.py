"""What becomes of machines and disks while a scenario goes on."""

from __future__ import annotations

import signal

from testbed.domain.other_machine import OtherMachine
from testbed.qemu.machine import Machine
from testbed.scenario.acts.act import Actor, Name, act
from testbed.scenario.world import World

MONITOR = ("human-monitor",)


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


@act(
    "quit on the human monitor",
    on="machine",
    by=Actor.OPERATOR,
    said="told to quit on the human monitor",
    needs=MONITOR,
)
def quit_on_human_monitor(world: World) -> None:
    """Do the same by the monitor for people."""
    world.judge.end(world.machine, Machine.quit_on_human_monitor)


@act("terminate", on="machine", by=Actor.HOST, said="ended by SIGTERM")
def terminate(world: World) -> None:
    """End QEMU as a host does that shuts down, and wait until it has ended as it should."""
    world.judge.end(world.machine, lambda machine: machine.end_by(signal.SIGTERM))


@act("interrupt", on="machine", by=Actor.OPERATOR, said="ended by SIGINT")
def interrupt(world: World) -> None:
    """End QEMU as Ctrl-C does, and wait until it has ended as it should."""
    world.judge.end(world.machine, lambda machine: machine.end_by(signal.SIGINT))


@act("hang up", on="machine", by=Actor.HOST, said="ended by SIGHUP")
def hang_up(world: World) -> None:
    """End QEMU as the end of a session does, and wait until it has ended as it should."""
    world.judge.end(world.machine, lambda machine: machine.end_by(signal.SIGHUP))


@act("power down", on="machine", by=Actor.OPERATOR, said="told to power down")
def power_down(world: World) -> None:
    """Press the machine's power button, which means nothing where no guest heeds it."""
    world.machine.act("system_powerdown", "POWERDOWN")


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


act("go away", on="other machine", by=Actor.HOST, said="goes away")(OtherMachine.go_away)
act("have gone away", on="other machine", by=Actor.HOST, said="has gone away")(OtherMachine.go_away)
act("come back", on="other machine", by=Actor.HOST, said="comes back")(OtherMachine.come_back)
