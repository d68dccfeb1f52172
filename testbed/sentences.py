"""What all step modules share: the kinds of words in a sentence, tables, and the way to the scenario's world."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import parse
from behave.matchers import register_type
from behave.model import Table
from behave.runner import Context

from testbed.backup import COMMANDS, Command
from testbed.bench import Bench
from testbed.bitmap import BitmapState
from testbed.content import Run
from testbed.drive import Drive
from testbed.fault import STORAGES, Storage
from testbed.request import ABORT, Request
from testbed.units import SIZE_PATTERN, parse_byte, parse_size
from testbed.world import World

Row = Mapping[str, str]
Act = Callable[[Drive, str], Request]

BITMAP_ACTS: Mapping[str, Act] = {
    "cleared": Drive.clear_bitmap,
    "enabled": Drive.enable_bitmap,
    "disabled": Drive.disable_bitmap,
    "removed": Drive.remove_bitmap,
}
"""What can be done to a bitmap, in the words of a sentence."""

SYNCS = ("full", "incremental", "top", "none")
"""Kinds of backup, in QEMU's words."""


def _word(pattern: str) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    return cast("Callable[[Callable[[str], Any]], Callable[[str], Any]]", parse.with_pattern(pattern))


@_word(SIZE_PATTERN)
def size(text: str) -> int:
    """Read a number of bytes with its unit."""
    return parse_size(text)


@_word(r'"[^"]*"')
def name(text: str) -> str:
    """Read a name, or words of QEMU's, in quotes."""
    return text[1:-1]


@_word(r'no bitmaps|"[^"]*"(?:(?:, "[^"]*")* and "[^"]*")?')
def names(text: str) -> list[str]:
    """Read one name in quotes or several, "a", "b" and "c", or none."""
    return re.findall(r'"([^"]*)"', text)


@_word("|".join(COMMANDS))
def command(text: str) -> Command:
    """Read which QMP command takes the backups."""
    return COMMANDS[text]


@_word("|".join(STORAGES))
def storage(text: str) -> Storage:
    """Read what the storage below a drive does."""
    return STORAGES[text]


@_word("|".join(SYNCS))
def sync(text: str) -> str:
    """Read a kind of backup."""
    return text


@_word("|".join(BITMAP_ACTS))
def bitmap_act(text: str) -> Act:
    """Read what is done to a bitmap."""
    return BITMAP_ACTS[text]


@_word("[A-Z][A-Za-z]+")
def error_class(text: str) -> str:
    """Read the class of an error, in QEMU's words."""
    return text


@_word(r"the backup|the \d+ backups")
def backups(text: str) -> int:
    """Read how many backups a sentence speaks of."""
    return 1 if text == "the backup" else int(text.split()[1])


def register_words() -> None:
    """Make the kinds of words known to behave, under the names that the sentences use."""
    register_type(
        Size=size,
        Name=name,
        Names=names,
        Command=command,
        Storage=storage,
        Sync=sync,
        BitmapAct=bitmap_act,
        Backups=backups,
        ErrorClass=error_class,
    )


def world_of(context: Context) -> World:
    """Return the scenario's world."""
    return cast("World", context.world)


def bench_of(context: Context) -> Bench:
    """Return what all scenarios of the run share."""
    return cast("Bench", context.bench)


# Tables. An empty cell says nothing, and a column "which" is for the reader.


def rows(context: Context, needed: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Return the rows of the step's table, whose headings must be the needed ones and may be the optional ones.

    Empty cells are left out. Raises AssertionError for a missing table, a heading that is missing or unknown, and a
    table without rows.
    """
    table = cast("Table | None", context.table)
    assert table is not None, f"this sentence needs a table with the headings {', '.join(needed)}"
    headings = list(table.headings)
    missing = [heading for heading in needed if heading not in headings]
    unknown = [heading for heading in headings if heading not in (*needed, *optional, "which")]
    assert not (missing or unknown), (
        f"the table's headings should be {', '.join(needed)}"
        f"{' and may be ' + ', '.join(optional) if optional else ''}; missing: {missing}, unknown: {unknown}"
    )
    found: list[Row] = [{key: cell for key, cell in row.items() if cell and key != "which"} for row in table]
    assert found, "the table has no rows, and would say nothing"
    return found


def runs(context: Context) -> list[Run]:
    """Return the step's table of patterns as runs of bytes, in the table's order."""
    found = []
    for row in rows(context, ("pattern", "at", "length")):
        at = parse_size(row["at"])
        found.append(Run(at, at + parse_size(row["length"]), parse_byte(row["pattern"])))
    return found


def let_guest_do(drive: Drive, row: Row) -> None:
    """Let the guest do what a row of a table says: write a pattern, or what the column "request" names."""
    at, length = parse_size(row["at"]), parse_size(row["length"])
    match row.get("request", "write"):
        case "write":
            drive.write(parse_byte(row["pattern"]), at, length)
        case "write zeroes":
            drive.write_zeroes(at, length)
        case "discard":
            drive.discard(at, length)
        case other:
            raise AssertionError(f'a guest can write, write zeroes or discard, not "{other}"')


def options(context: Context) -> dict[str, object]:
    """Return the step's table of options: names are QEMU's, yes and no are flags, sizes are in bytes."""
    return {row["option"]: value(row["value"]) for row in rows(context, ("option", "value")) if "value" in row}


def value(text: str) -> object:
    """Read the value of an option: yes, no, a size, a plain number, or a word."""
    if text in ("yes", "no"):
        return text == "yes"
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return parse_size(text) if re.fullmatch(SIZE_PATTERN, text) else text


BITMAP_PROPERTIES = ("granularity", "recording", "persistent")


def bitmap_properties(row: Row) -> dict[str, object]:
    """Read the properties of a bitmap to add; what is not said is left to QEMU."""
    properties: dict[str, object] = {}
    if "granularity" in row:
        properties["granularity"] = parse_size(row["granularity"])
    if "recording" in row:
        properties["disabled"] = not yes(row["recording"])
    if "persistent" in row:
        properties["persistent"] = yes(row["persistent"])
    return properties


BITMAP_COLUMNS = ("bitmap", "granularity", "recording", "busy", "dirty")


def bitmap_state(row: Row) -> BitmapState:
    """Read a row of a table of bitmaps; "persistent" is no where the table does not say."""
    return BitmapState(
        name=row["bitmap"],
        granularity=parse_size(row["granularity"]),
        recording=yes(row["recording"]),
        busy=yes(row["busy"]),
        persistent=yes(row.get("persistent", "no")),
        count=parse_size(row["dirty"]),
    )


def yes(text: str) -> bool:
    """Read yes or no; raise AssertionError for anything else."""
    assert text in ("yes", "no"), f'"{text}" should be yes or no'
    return text == "yes"


EVENT_COLUMNS = ("drive", "action", "operation", "error")


def event_row(row: Row) -> tuple[str, Row]:
    """Read a row of a table of events: its name, and what its data must say.

    The column "drive" holds the name of the drive's job, which is the drive's.
    """
    data = {("device" if key == "drive" else key): cell for key, cell in row.items() if key != "event"}
    return row["event"], data


BITMAP_ACTIONS: Mapping[str, Act] = {
    "clear": Drive.clear_bitmap,
    "enable": Drive.enable_bitmap,
    "disable": Drive.disable_bitmap,
    "remove": Drive.remove_bitmap,
}
"""What a transaction can do to one bitmap."""


def action(world: World, row: Row) -> Request:
    """Read an action of a transaction that concerns bitmaps, or makes it fail."""
    if row["request"] == "abort":
        return ABORT
    drive, bitmap = world.drive(row["drive"]), row["bitmap"]
    match row["request"]:
        case "add":
            return drive.add_bitmap(bitmap, bitmap_properties(row))
        case "merge":
            return drive.merge_bitmaps(bitmap, [(drive, source) for source in row["from"].split(", ") if source != "none"])
        case act if act in BITMAP_ACTIONS:
            return BITMAP_ACTIONS[act](drive, bitmap)
        case other:
            raise AssertionError(f'a transaction has no request "{other}"')
