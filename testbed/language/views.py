"""What sentences about frozen views say with tables: what a guest does beside a reader, and which parts are read."""

from __future__ import annotations

import time
from collections.abc import Sequence

from behave.runner import Context

from testbed.base.units import parse_size
from testbed.domain.drive import Drive
from testbed.domain.view import View
from testbed.language.requests import GUEST_COLUMNS, let_guest_do, what_guest_is_told
from testbed.language.tables import Row, cell, rows
from testbed.promises.views import shows_its_moment
from testbed.scenario.world import World


def guest_rows(context: Context) -> list[Row]:
    """Return the rows of the step's table of what a guest does."""
    return rows(context, ("at", "length"), GUEST_COLUMNS)


def parts(context: Context) -> list[tuple[int, int]]:
    """Return the parts of a view that the step's table names, as offset and length in bytes; they may overlap."""
    return [(parse_size(cell(row, "at")), parse_size(cell(row, "length"))) for row in rows(context, ("at", "length"))]


def write_beside_reader(world: World, drive: Drive, view: View, table: Sequence[Row]) -> None:
    """Let the guest do what a table says in its order; before, between and after that let a client read the view."""
    promise = shows_its_moment(world.images)
    said = [promise.complaint(view)]
    for row in table:
        let_guest_do(drive, row)
        complaint = promise.complaint(view)
        said.append(complaint and f"after {', '.join(row.values())}: {complaint}")
    view.looks += len(said)
    view.complaints += [complaint for complaint in said if complaint]


def told_in_time(drive: Drive, row: Row) -> tuple[str, float]:
    """Return what the guest is told of a request that a row says, and how many seconds that took."""
    begun = time.monotonic()
    words = what_guest_is_told(drive, row)
    return words, time.monotonic() - begun
