"""A table of pulls that begin at one moment, read."""

from __future__ import annotations

from behave.runner import Context

from testbed.language.cells import bitmap_name
from testbed.language.tables import cell, rows
from testbed.scenario.acts.pulls import Pulled
from testbed.scenario.acts.registry import act_named, acts_on
from testbed.scenario.world import World

KINDS = acts_on("pulled drive")
"""The kinds of pulls that a row can name."""


def asked_for(context: Context, world: World) -> list[Pulled]:
    """Return what is asked for by the step's table; raises AuthorError for a kind of pull that there is not."""
    asked: list[Pulled] = []
    for row in rows(context, ("drive", "pull", "bitmap")):
        act = act_named(cell(row, "pull"), KINDS, "pull")
        asked.append(act.do(world.drives.drive(cell(row, "drive")), bitmap_name(cell(row, "bitmap"))))
    return asked
