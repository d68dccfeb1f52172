"""A story that a table tells: row by row, what the guest and the operator do, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from testbed.base.problems import near
from testbed.base.units import parse_size
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.language.requests import GUEST_COLUMNS, GUEST_REQUESTS, REQUEST_COLUMNS, REQUESTS, let_guest_do, request
from testbed.language.tables import Row, cell
from testbed.scenario.failing import Deed, Play, Story

STORY_COLUMNS = tuple(
    dict.fromkeys(column for column in (*GUEST_COLUMNS, "at", "length", *REQUEST_COLUMNS) if column != "request")
)
"""The columns that the table of a story may have besides "request", which it must have."""

OPEN = "open"
"""The first row of a story in which the storage may fail while the machine opens the image, too."""

UNPLUG = "unplug"
ENDS = {"quit": False, "kill": True}
"""How a story can end, and whether the machine is killed then."""


def story(image: Image, table: Sequence[Row]) -> Story:
    """Make the story that a table tells; raise AuthorError for a row that means nothing, or a table without an end."""
    *rows, last = table
    end = cell(last, "request")
    if end not in ENDS:
        raise near(end, ENDS, "end of a story")
    begins_open = not rows or cell(rows[0], "request") != OPEN
    return Story(image, [_deed(row) for row in rows[not begins_open :]], ENDS[end], begins_open)


def _deed(row: Row) -> Deed:
    name = cell(row, "request")
    if name in GUEST_REQUESTS:
        at, length = parse_size(cell(row, "at")), parse_size(cell(row, "length"))
        return lambda play: play.let_guest(partial(_guest, row), at, length)
    if name == UNPLUG:
        return Play.unplug
    if name not in REQUESTS:
        raise near(name, (*GUEST_REQUESTS, *REQUESTS, UNPLUG), "request")
    removes = cell(row, "bitmap") if name == "remove" else ""
    return lambda play: play.ask(lambda: request(play.world, {**row, "drive": play.drive.name}), removes)


def _guest(row: Row, drive: Drive) -> None:
    let_guest_do(drive, row)
