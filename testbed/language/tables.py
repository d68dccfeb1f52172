"""Tables below sentences: their headings are checked, an empty cell says nothing, a column "note" is for the reader."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from behave.model import Table
from behave.runner import Context

from testbed.base.problems import AuthorError, hint, near
from testbed.base.units import SIZE_PATTERN, format_size, parse_byte, parse_size
from testbed.build.schema import Schema
from testbed.domain.bitmap import BitmapState
from testbed.domain.lifecycle import STATUSES
from testbed.language.cells import bitmap_name, value, yes
from testbed.language.context import testbed_of
from testbed.model.content import Run

Row = Mapping[str, str]

NOTE = "note"
"""The column that says to a reader what is special about a row."""


def rows(context: Context, needed: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Return the rows of the step's table, whose headings must be the needed ones and may be the optional ones.

    Empty cells are left out. Raises AuthorError for a missing table, a heading that is missing or unknown, and a table
    without rows.
    """
    table = cast("Table | None", context.table)
    if table is None:
        raise AuthorError(f"this sentence needs a table with the headings {', '.join(needed)}")
    headings = list(table.headings)
    known = (*needed, *optional, NOTE)
    for heading in headings:
        if heading not in known:
            raise near(heading, known, "heading for this sentence's table")
    if missing := [heading for heading in needed if heading not in headings]:
        raise AuthorError(
            f"this sentence's table lacks the headings {', '.join(missing)}; it has {', '.join(headings)}"
        )
    found = said_in(table)
    if not found:
        raise AuthorError("the table has no rows, and would say nothing")
    return found


def one_row(context: Context, needed: Sequence[str], optional: Sequence[str] = ()) -> Row:
    """Return the one row of the step's table; see `rows`. Raises AuthorError for more rows, too."""
    first, *more = rows(context, needed, optional)
    if more:
        raise AuthorError(f"the table of this sentence has one row, and not {len(more) + 1}")
    return first


def said_in(table: Table) -> list[Row]:
    """Return the rows of a table without what they leave open and what is for the reader alone."""
    return [{key: cell for key, cell in row.items() if cell and key != NOTE} for row in table]


def cell(row: Row, heading: str) -> str:
    """Return what a row says under a heading; raise AuthorError when it says nothing there."""
    if heading not in row:
        raise AuthorError(f'the row with {", ".join(row.values()) or "nothing"} says nothing under "{heading}"')
    return row[heading]


def runs(context: Context) -> list[Run]:
    """Return the step's table of patterns as runs of bytes, in the table's order."""
    found = []
    for row in rows(context, ("pattern", "at", "length")):
        at = parse_size(cell(row, "at"))
        found.append(Run(at, at + parse_size(cell(row, "length")), parse_byte(cell(row, "pattern"))))
    return found


def options(context: Context, command: str) -> dict[str, object]:
    """Return the step's table of options of a QMP command; for the values see `value`.

    The names are QEMU's, and "a.b" is b inside of a. Raises AuthorError for one that the build under test has not got.
    """
    schema = testbed_of(context).capabilities.schema
    found: dict[str, object] = {}
    for row in rows(context, ("option", "value")):
        outer, _, inner = cell(row, "option").rpartition(".")
        if "value" in row:
            insist_on_option(schema, command, row["option"])
            inside = cast("dict[str, object]", found.setdefault(outer, {})) if outer else found
            inside[inner] = value(row["value"])
    return found


def insist_on_option(schema: Schema, command: str, option: str) -> None:
    """Raise AuthorError if a command of the build has no such option, unless the build has not got the command."""
    path = option.split(".")
    for depth, member in enumerate(path):
        known = schema.arguments(command, *path[:depth])
        if member not in known and schema.has_command(command):
            raise AuthorError(
                f'{command} of this build has no option "{option}"; {hint(member, known)} '
                "If it is right, and not every build has it, testbed/language/needs.py must say so"
            )


BITMAP_PROPERTIES = ("granularity", "recording", "persistent")

BITMAP_COLUMNS = ("bitmap", "granularity", "recording", "busy", "dirty")


def bitmap_properties(row: Row) -> dict[str, object]:
    """Read the properties of a bitmap that is stored in an image, in the words of block-dirty-bitmap-add."""
    properties: dict[str, object] = {}
    if "granularity" in row:
        properties["granularity"] = parse_size(row["granularity"])
    if "recording" in row:
        properties["disabled"] = not yes(row["recording"])
    return properties


def bitmap_state(row: Row) -> BitmapState:
    """Read a row of a table of bitmaps; "persistent" and "inconsistent" are no where the table does not say."""
    return BitmapState(
        name=bitmap_name(cell(row, "bitmap")) if row.get("bitmap") else "",
        granularity=parse_size(cell(row, "granularity")),
        recording=yes(cell(row, "recording")),
        busy=yes(cell(row, "busy")),
        persistent=yes(row.get("persistent", "no")),
        count=parse_size(cell(row, "dirty")),
        inconsistent=yes(row.get("inconsistent", "no")),
    )


SHOWN_COLUMNS = (
    *("status", "offset", "len", "speed", "paused", "busy", "ready"),
    *("auto-finalize", "auto-dismiss", "io-status", "error"),
)
"""What QEMU shows of a job, in its words."""


def shown_row(row: Row) -> Mapping[str, object]:
    """Read what QEMU must show of a job; an error that is "none" must not be shown."""
    return {key: None if said == "none" else value(said) for key, said in row.items()}


HISTORY_COLUMNS = ("event", "offset", "len", "speed", "error")


def history_rows(context: Context) -> list[tuple[str, Mapping[str, object]]]:
    """Read the step's table of what a job tells: states that it comes into, and what it reports in them, with members.

    Raises AuthorError for a state that no job can be in, and for an event that the build under test has not got.
    """
    told: list[tuple[str, Mapping[str, object]]] = []
    for row in rows(context, ("state",), HISTORY_COLUMNS):
        if "state" in row:
            if row["state"] not in STATUSES:
                raise near(row["state"], STATUSES, "state of a job")
            told.append((row["state"], {}))
        if "event" in row:
            members = {key: value(said) for key, said in row.items() if key not in ("state", "event")}
            told.append((_event(context, row), members))
    return told


def image_facts(row: Row) -> Row:
    """Read what qemu-img must say of an image; each size is in the words of `format_size`, whichever the table has."""
    return {
        key: format_size(parse_size(said)) if re.fullmatch(SIZE_PATTERN, said) else said for key, said in row.items()
    }


EVENT_COLUMNS = ("drive", "action", "operation", "error")


def event_row(context: Context, row: Row) -> tuple[str, Row]:
    """Read a row of the step's table of events: its name, and what its data must say.

    The column "drive" holds the name of the drive's job, which is the drive's; one event calls that by another name.
    Raises AuthorError for an event that the build under test has not got.
    """
    name = _event(context, row)
    job = "id" if name == "BLOCK_JOB_PENDING" else "device"
    return name, {(job if key == "drive" else key): said for key, said in row.items() if key != "event"}


def _event(context: Context, row: Row) -> str:
    known = testbed_of(context).capabilities.schema.events
    if cell(row, "event") not in known:
        raise near(row["event"], known, "event")
    return row["event"]
