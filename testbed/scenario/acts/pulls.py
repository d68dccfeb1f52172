"""How a backup product pulls: what it asks for at the moment that it wants, and in which order it cleans up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from testbed.domain.drive import Drive
from testbed.domain.request import Request
from testbed.scenario.acts import bitmaps
from testbed.scenario.acts.act import Actor, BitmapName, act
from testbed.scenario.pulls import Pulls
from testbed.scenario.world import World

Pulled = tuple[Drive, str, Sequence[Request], str]


@act("full", on="pulled drive", by=Actor.BACKUP_TOOL, needs=("block-export",))
def full(drive: Drive, bitmap: BitmapName) -> Pulled:
    """Pull all of a drive, and let a bitmap that is there begin anew at that moment."""
    return drive, "", [bitmaps.clear(drive, bitmap)], ""


@act("incremental", on="pulled drive", by=Actor.BACKUP_TOOL, needs=("block-export",))
def incremental(drive: Drive, bitmap: BitmapName) -> Pulled:
    """Pull what a bitmap has recorded, merged into a new one that is shown; the bitmap begins anew at that moment."""
    shown = f"{bitmap}-pulled"
    granularity = drive.bitmap(bitmap).dirty.granularity
    add = bitmaps.add(drive, shown, granularity, recording=False)
    merge = bitmaps.merge(drive, shown, [(drive, bitmap)])
    return drive, bitmap, [add, merge, bitmaps.clear(drive, bitmap)], shown


def begin(world: World, asked: Sequence[Pulled]) -> None:
    """Begin pulls of several drives at one moment."""
    world.pulls.begin(asked)


STEPS = {
    "export": Pulls.hide,
    "view": Pulls.let_go,
    "bitmap": Pulls.forget_bitmap,
}
"""What is left of a pull, and how it is cleaned up; the view goes after the export that shows it."""


def clean_up(world: World, drive: Drive, order: Iterable[str]) -> None:
    """Remove what is left of the newest pull of a drive, in an order of these names."""
    for part in order:
        STEPS[part](world.pulls, drive)


def give_up(world: World, drive: Drive, bitmap: str) -> None:
    """End a pull of which nothing was kept: what it was to copy is left for the next one with the bitmap."""
    pull = world.pulls.newest_of(drive)
    clean_up(world, drive, ("export", "view"))
    world.dialogue.demand(bitmaps.merge(drive, bitmap, [(drive, pull.bitmap)]))
    clean_up(world, drive, ("bitmap",))
