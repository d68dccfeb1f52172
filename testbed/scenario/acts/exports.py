"""What an operator exports over NBD, and when QEMU must refuse it."""

from __future__ import annotations

from testbed.domain.drive import Drive
from testbed.domain.request import Request
from testbed.scenario.acts.act import Actor, Flag, Names, act
from testbed.scenario.world import World


@act("export", on="drive", by=Actor.OPERATOR, needs=("block-export",))
def export(world: World, drive: Drive, bitmap: Names, writable: Flag = False) -> Request:  # noqa: FBT002 (a cell says it)
    """Export a drive with bitmaps of its own; a client may write to it if it is writable."""
    return world.exports.add(drive, bitmap, writable=writable)


@act("delete export", on="drive", by=Actor.OPERATOR, needs=("block-export",))
def delete_export(world: World, drive: Drive) -> Request:
    """Delete the newest export of a drive."""
    return world.exports.delete_from(drive)


@act("iothread", on="drive setup", by=Actor.OPERATOR, said="lives in an iothread of its own", needs=("human-monitor",))
def live_in_iothread(world: World, drive: Drive) -> None:
    """Let a thread other than QEMU's main one do all that concerns the drive, as for a guest with much to do."""
    world.exports.hold_in_iothread(drive)
