"""What an operator exports over NBD, and when QEMU must refuse it."""

from __future__ import annotations

from testbed.domain.drive import Drive
from testbed.domain.request import Outlook, Refusal, Request
from testbed.scenario.acts.act import Actor, Byte, Flag, Name, Names, Size, Sources, Value, act
from testbed.scenario.clients import Clients
from testbed.scenario.world import World

SERVES = ("block-export", "human-monitor")
"""What starting and stopping the server needs: where there is no human monitor, the guest comes by an export, too."""


@act("export", on="drive", by=Actor.OPERATOR, needs=("block-export",))
def export(  # noqa: PLR0917 (each is a cell of a table)
    world: World,
    drive: Drive,
    bitmap: Names = (),  # type: ignore[assignment] # nobody changes it
    writable: Flag = False,  # noqa: FBT002 (a cell says it)
    export_name: Name = "",
    allocation_depth: Flag = False,  # noqa: FBT002
) -> Request:
    """Export a drive with bitmaps of its own or of what is below it; a client may write to it if it is writable."""
    return world.exports.add(
        drive,
        bitmap,
        writable=writable,
        called=export_name,
        below=world.drives.chain_of(drive, None)[1:],
        more={"allocation-depth": True} if allocation_depth else {},
    )


@act("export with bitmaps of nodes", on="drive", by=Actor.OPERATOR, needs=("block-export", "export-any-bitmap"))
def export_with_others(
    world: World,
    drive: Drive,
    bitmap: Sources,
    writable: Flag = False,  # noqa: FBT002
) -> Request:
    """Export a drive with bitmaps that are named with the nodes that they are on."""
    others = [(world.drives.node(node or drive.name), name) for node, name in bitmap]
    return world.exports.add(drive, [], writable=writable, others=others)


@act("delete export", on="drive", by=Actor.OPERATOR, needs=("block-export",))
def delete_export(world: World, drive: Drive, mode: Value = "") -> Request:
    """Delete the newest export of a drive; where a client uses it, only the mode hard does."""
    export = world.exports.newest_of(drive)
    asked = world.exports.delete_from(drive, str(mode), has_clients=world.clients.use(export))
    return asked.then(lambda: world.clients.gone_with([export]))


@act("delete export called", on="QEMU", by=Actor.OPERATOR, needs=("block-export",))
def delete_export_called(export_name: Name) -> Request:
    """Delete an export by an id that none has."""

    def forecast(_outlook: Outlook) -> Refusal:
        return Refusal(f"Export '{export_name}' is not found")

    return Request("block-export-del", {"id": export_name}, forecast=forecast)


@act("start server", on="QEMU", by=Actor.OPERATOR, needs=SERVES)
def start_server(world: World) -> Request:
    """Let QEMU serve exports; from then on the operator alone starts and stops the server."""
    return world.exports.start_server(world.machine, None)


@act("start limited server", on="QEMU", by=Actor.OPERATOR, needs=SERVES)
def start_limited_server(world: World, clients: Value) -> Request:
    """Let QEMU serve exports to so many clients at a time."""
    assert isinstance(clients, int)
    return world.exports.start_server(world.machine, clients)


@act("stop server", on="QEMU", by=Actor.OPERATOR, needs=SERVES)
def stop_server(world: World) -> Request:
    """End all exports, whoever uses them, and their server."""
    served = [export for export in world.exports.granted if export.drive.machine is world.machine]
    return world.exports.stop_server(world.machine).then(lambda: world.clients.gone_with(served))


@act("iothread", on="drive setup", by=Actor.OPERATOR, said="lives in an iothread of its own", needs=("human-monitor",))
def live_in_iothread(world: World, drive: Drive) -> None:
    """Let a thread other than QEMU's main one do all that concerns the drive, as for a guest with much to do."""
    world.exports.hold_in_iothread(drive)


# What clients of an export do.

SCRIPTED = ("libnbd-python",)

act("connect", on="client", by=Actor.BACKUP_TOOL, said="is connected to", needs=SCRIPTED)(Clients.connect)
act("read on", on="client", by=Actor.BACKUP_TOOL, said="reads over and over from", needs=SCRIPTED)(Clients.read_on)
act("stall", on="client", by=Actor.BACKUP_TOOL, said="takes no answers from", needs=SCRIPTED)(Clients.stall)
act("leave", on="end of a client", by=Actor.BACKUP_TOOL, said="leaves")(Clients.leave)
act("have left", on="end of a client", by=Actor.BACKUP_TOOL, said="has left")(Clients.leave)
act("die", on="end of a client", by=Actor.HOST, said="is killed")(Clients.die)
act("have died", on="end of a client", by=Actor.HOST, said="has been killed")(Clients.die)


@act("write", on="exported drive", by=Actor.BACKUP_TOOL, needs=SCRIPTED)
def write(world: World, drive: Drive, pattern: Byte, at: Size, length: Size) -> None:
    """Let a client write `length` bytes of `pattern` at the offset `at`."""
    world.clients.write(drive, pattern, at, length)


@act("write zeroes", on="exported drive", by=Actor.BACKUP_TOOL, needs=SCRIPTED)
def write_zeroes(world: World, drive: Drive, at: Size, length: Size) -> None:
    """Let a client write zeros without sending them."""
    world.clients.write_zeroes(drive, at, length)


@act("discard", on="exported drive", by=Actor.BACKUP_TOOL, needs=SCRIPTED)
def discard(world: World, drive: Drive, at: Size, length: Size) -> None:
    """Let a client discard a range."""
    world.clients.discard(drive, at, length)
