"""How images are opened: anew, for reading only, by a second machine, by a tool; and when QEMU must refuse it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from testbed.domain.drive import Drive
from testbed.domain.request import Outlook, Refusal, Request, open_question
from testbed.scenario.acts.act import Actor, Byte, Flag, Name, Size, act
from testbed.scenario.world import World

REOPEN = "blockdev-reopen"
OLD_REOPEN = "x-blockdev-reopen"
"""What the command is called, and what it was called up to 6.0, when it took one node and no list."""


@act("reopen", on="drive", by=Actor.OPERATOR, needs=("reopen", "human-monitor"))
def reopen(world: World, drive: Drive, read_only: Flag) -> Request:
    """Open a drive's image anew, for reading only or for writing, while the machine has it."""
    command, arguments = reopening(drive, read_only=read_only)

    def forecast(outlook: Outlook) -> Refusal | None:
        has_job = any(not backup.job.is_gone for backup in world.backups.of(drive))
        if drive.access.has_node or has_job or world.exports.of(drive):
            return open_question(outlook)
        stores = read_only and not drive.read_only and any(known.persistent for known in drive.bitmaps.values())
        return Refusal("No space left on device") if stores and not drive.image.has_room else None

    def granted() -> None:
        drive.reopened(read_only=read_only)
        drive.seal()

    return Request(command, arguments, granted, forecast=forecast, machine=drive.machine)


def reopen_together(drives: Sequence[tuple[Drive, bool]]) -> Request:
    """Open the images of several drives anew in one request, each for reading only or for writing: all or none."""
    nodes = [{**drive.node_options, "read-only": read_only, "file": drive.file_name} for drive, read_only in drives]

    def granted() -> None:
        for drive, read_only in drives:
            drive.reopened(read_only=read_only)
            drive.seal()

    return Request(REOPEN, {"options": nodes}, granted, machine=drives[0][0].machine)


def reopening(drive: Drive, *, read_only: bool) -> tuple[str, Mapping[str, object]]:
    """Return the command by which this QEMU opens a drive's image anew, and its arguments."""
    node = {**drive.node_options, "read-only": read_only, "file": drive.file_name}
    commands = {command["name"] for command in drive.machine.execute("query-commands")}
    return (REOPEN, {"options": [node]}) if REOPEN in commands else (OLD_REOPEN, node)


@act("open elsewhere", on="drive", by=Actor.OPERATOR)
def open_elsewhere(
    world: World,
    drive: Drive,
    machine: Name,
    read_only: Flag = False,  # noqa: FBT002 (a cell says it)
    force_share: Flag = False,  # noqa: FBT002
) -> Request:
    """Let a machine of that name, which is started for it, open the image that this one has open."""
    other = next((known for known in world.machines.running if known.name == machine), None)
    other = other or world.machines.boot(machine)
    file = {"driver": "file", "filename": drive.image.name}
    node = {"driver": drive.image.image_format, "node-name": drive.name, "read-only": read_only, "file": file}

    def forecast(_outlook: Outlook) -> Refusal | None:
        if force_share or (read_only and drive.read_only):
            return None
        return Refusal("Failed to get shared" if read_only else "Failed to get ...write")

    arguments = {**node, "force-share": True} if force_share else node
    return Request("blockdev-add", arguments, forecast=forecast, machine=other)


@act("write offline", on="image", by=Actor.OPERATOR)
def write_offline(world: World, drive: Drive, pattern: Byte, at: Size, length: Size) -> None:
    """Write to a drive's image with the image tools, while no machine has it."""
    world.images.write(drive.image.name, drive.image.image_format, pattern, at, length)
    drive.image.write_offline(pattern, at, length)


@act("start for reading", on="machine of the scenario", by=Actor.OPERATOR, needs=("human-monitor",))
def start_for_reading(world: World, name: Name) -> None:
    """Start another machine of the same build, which may only read the drives of the one before it."""
    world.drives.hand_over(world.machines.boot(name), read_only=True)


@act("unplug", on="disk", by=Actor.OPERATOR, said="unplugged")
def unplug(drive: Drive) -> None:
    """Take a drive away from the running machine, be it a disk of the guest or a node alone."""
    drive.unplug()


@act("plug in", on="disk", by=Actor.OPERATOR, said="plugged in again")
def plug_in(drive: Drive) -> None:
    """Give a drive to the machine again: as a disk of the guest, or as a node that no device uses."""
    drive.read_only = False
    drive.plug_in()


@act("plug in for reading", on="disk", by=Actor.OPERATOR, said="plugged in for reading only", needs=("human-monitor",))
def plug_in_for_reading(drive: Drive) -> None:
    """Give a drive to the machine again, which may only read it."""
    drive.read_only = True
    drive.plug_in()


@act("replug", on="disk", by=Actor.OPERATOR, said="unplugged and plugged in again")
def replug(drive: Drive) -> None:
    """Take a drive away, and give it back; one that is no disk of the guest is a node then that no device uses."""
    drive.unplug()
    drive.plug_in()


@act("use up", on="disk of images", by=Actor.HOST)
def use_up(world: World) -> None:
    """Fill the disk on which the drives' images are."""
    world.small_disk.fill()
    for drive in world.drives.all():
        drive.image.has_room = False


@act("free", on="disk of images", by=Actor.HOST)
def free(world: World) -> None:
    """Free space on the disk on which the drives' images are."""
    world.small_disk.free_space()
    for drive in world.drives.all():
        drive.image.has_room = True
