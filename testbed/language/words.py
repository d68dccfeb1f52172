"""What all step modules share: the kinds of words in a sentence, tables, and the way to the scenario's world."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import parse
from behave.matchers import register_type
from behave.model import Table
from behave.runner import Context

from testbed.base.problems import AuthorError
from testbed.base.units import SIZE_PATTERN, format_size, parse_byte, parse_size
from testbed.domain import storage as fault
from testbed.domain.backup import COMMANDS, Backup, Command
from testbed.domain.bitmap import BitmapState
from testbed.domain.catalogue import Backups
from testbed.domain.chain import CHAIN_ACTS, ChainAct
from testbed.domain.creation import Creation
from testbed.domain.disk import Disk
from testbed.domain.drive import Drive
from testbed.domain.job import Job
from testbed.domain.job_holds import WAYS
from testbed.domain.lifecycle import STATUSES
from testbed.domain.node import Node
from testbed.domain.request import Request
from testbed.domain.server import Server
from testbed.domain.target import Maker, Tool
from testbed.model.content import Run
from testbed.promises.backups import is_compressed, is_encrypted
from testbed.promises.promise import Promise
from testbed.qemu.images import KINDS, Images, Kind
from testbed.qemu.machine import GuestRequestFailed
from testbed.scenario.testbed import Bench
from testbed.scenario.world import World

Row = Mapping[str, str]
Act = Callable[[Node, str], Request]

BITMAP_ACTS: Mapping[str, Act] = {
    "cleared": Node.clear_bitmap,
    "enabled": Node.enable_bitmap,
    "disabled": Node.disable_bitmap,
    "removed": Node.remove_bitmap,
}
"""What can be done to a bitmap, in the words of a sentence."""

MACHINE_ACTS: Mapping[str, tuple[str, str]] = {
    "started": ("cont", "RESUME"),
    "paused": ("stop", "STOP"),
    "reset": ("system_reset", "RESET"),
}
"""What can be done to a machine, in the words of a sentence: the command, and the event that tells of it."""

DRIVE_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "is paused at its drives' errors": {"rerror": "stop", "werror": "stop"},
    "never learns of its drives' errors": {"rerror": "ignore", "werror": "ignore"},
    "has drives that copy up what is read": {"copy-on-read": "on"},
}
"""How a guest's drives are set up, in the words of a sentence, and as options of -drive."""

DiskAct = Callable[[Disk], None]

DISK_ACTS: Mapping[str, DiskAct] = {
    "unplugged": Disk.unplug,
    "plugged in again": Disk.plug_in,
}
"""What can be done to a disk, in the words of a sentence."""

AddFilter = Callable[[Drive, str], None]

FILTERS: Mapping[str, AddFilter] = {
    "a throttle filter": Drive.add_throttle,
    "a copy-on-read filter": Drive.add_copy_on_read,
}
"""Filters that an operator puts over a drive, in the words of a sentence."""

JobAct = Callable[[Job], Request]

JOB_ACTS: Mapping[str, Callable[[Job, str], Request]] = {
    "paused": Job.pause,
    "resumed": Job.resume,
    "cancelled": Job.cancel,
    "completed": Job.complete,
    "finalized too early": Job.finalize_at_once,
    "finalized": Job.finalize,
    "dismissed too early": Job.dismiss_at_once,
    "dismissed": Job.dismiss,
}
"""What can be done to a job by a command of either family, in the words of a sentence."""

SINGLE_JOB_ACTS: Mapping[str, JobAct] = {"cancelled by force": Job.cancel_by_force, "let go": Job.let_go}
"""What can be done to a job in one way only."""

SERVER_ACTS: Mapping[str, Callable[[Server], None]] = {
    "goes away": Server.go_away,
    "has gone away": Server.go_away,
    "comes back": Server.come_back,
}
"""What can become of another machine, in the words of a sentence."""

MAKERS: Mapping[str, Callable[[World], Maker]] = {
    "": lambda world: Tool(world.images),
    " made by QEMU": lambda world: Creation(world.machine),
}
"""Who makes the images for backups, in the words that a sentence has at its end."""

QUALITIES: Mapping[str, Callable[[Images], Promise[Backup]]] = {"compressed": is_compressed, "encrypted": is_encrypted}
"""What the image of a backup can be, in the words of a sentence."""

SYNCS = ("full", "incremental", "bitmap", "top", "none")
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


@_word(fault.PATTERN)
def storage(text: str) -> fault.Storage:
    """Read what the storage below an image does."""
    return fault.storage(text)


@_word(rf"a qcow2 image with clusters of {SIZE_PATTERN}|{'|'.join(sorted(KINDS, reverse=True))}")
def image_kind(text: str) -> Kind:
    """Read what image a drive is in, or a backup goes into."""
    _, _, cluster = text.partition(" with clusters of ")
    return Kind("qcow2", {"cluster_size": str(parse_size(cluster))}) if cluster else KINDS[text]


@_word("|".join(sorted(MAKERS, reverse=True)))
def maker(text: str) -> Callable[[World], Maker]:
    """Read who makes the images for backups."""
    return MAKERS[text]


@_word("|".join(QUALITIES))
def quality(text: str) -> Callable[[Images], Promise[Backup]]:
    """Read what the images of backups should be."""
    return QUALITIES[text]


@_word(r"(?: with (?:default|grouped|individual) completion)?")
def completion(text: str) -> str:
    """Read the completion mode of a transaction, in QEMU's word; it is empty where QEMU is left to its default."""
    mode = text.removeprefix(" with ").removesuffix(" completion")
    return "" if mode == "default" else mode


@_word("full|top")
def sync(text: str) -> str:
    """Read a kind of backup that needs no bitmap, and ends by itself."""
    return text


@_word("|".join(BITMAP_ACTS))
def bitmap_act(text: str) -> Act:
    """Read what is done to a bitmap."""
    return BITMAP_ACTS[text]


@_word(r'directly|through (?:a filter without a name|"[^"]*"(?:(?:, "[^"]*")* and "[^"]*")?)')
def way(text: str) -> list[str]:
    """Read through which filters a guest reaches a drive, the uppermost first; one without a name is empty."""
    return [""] if text.endswith("without a name") else names(text)


@_word("|".join(MACHINE_ACTS))
def machine_act(text: str) -> tuple[str, str]:
    """Read what is done to the machine."""
    return MACHINE_ACTS[text]


@_word("|".join(DRIVE_OPTIONS))
def drive_options(text: str) -> Mapping[str, str]:
    """Read how a guest's drives are set up."""
    return DRIVE_OPTIONS[text]


@_word("|".join(FILTERS))
def added_filter(text: str) -> AddFilter:
    """Read which filter is put over a drive."""
    return FILTERS[text]


@_word("|".join(DISK_ACTS))
def disk_act(text: str) -> DiskAct:
    """Read what is done to a disk."""
    return DISK_ACTS[text]


@_word(rf"(?:{'|'.join(SINGLE_JOB_ACTS)})|(?:{'|'.join(JOB_ACTS)})(?: by a (?:block-)?job command)?")
def job_act(text: str) -> JobAct:
    """Read what is done to a job, and by which family of commands; the newer one where the sentence does not say."""
    if text in SINGLE_JOB_ACTS:
        return SINGLE_JOB_ACTS[text]
    verb, _, family = text.partition(" by a ")
    return lambda job: JOB_ACTS[verb](job, family.removesuffix(" command") or "job")


Which = Callable[[Backups], Backup]


@_word(r'(?:of )?"[^"]*"')
def which(text: str) -> Which:
    """Read which backup is meant: the newest one of a drive, or the one whose job has that name."""
    called = name(text.removeprefix("of "))
    return lambda backups: backups.newest_of(called) if text.startswith("of ") else backups.of_job(called)


Them = Callable[[Sequence[Backup]], Sequence[Backup]]


@_word("it|each of them|the newest of them")
def them(text: str) -> Them:
    """Read which of the backups that were last spoken of is meant: the single one, each of several, or their newest.

    What is returned gives these, or raises AuthorError where a single one is not called "it", or several are.
    """

    def meant(backups: Sequence[Backup]) -> Sequence[Backup]:
        if not backups or (len(backups) == 1) != (text == "it"):
            raise AuthorError(
                f'"{text}" does not fit, as {len(backups)} backups were last spoken of: '
                'a single one is "it", several are "each of them"'
            )
        return backups[-1:] if text == "the newest of them" else backups

    return meant


@_word("|".join(STATUSES))
def job_status(text: str) -> str:
    """Read a state of a job, in QEMU's words."""
    return text


@_word("waiting|" + "|".join(WAYS))
def kept_state(text: str) -> str:
    """Read a state in which a job can be kept."""
    return text


@_word(rf"-?{SIZE_PATTERN} a second")
def speed(text: str) -> int:
    """Read a speed, in bytes a second; one below zero is for requests that QEMU must refuse."""
    size_text = text.removeprefix("-").removesuffix(" a second")
    return parse_size(size_text) * (-1 if text.startswith("-") else 1)


@_word("[A-Z][A-Za-z]+")
def error_class(text: str) -> str:
    """Read the class of an error, in QEMU's words."""
    return text


@_word(r"(?: with the io-status \"(?:failed|nospace)\")?")
def io_statuses(text: str) -> tuple[str, ...]:
    """Read what a stopped job may say of the error, in QEMU's words; either where the sentence does not care."""
    return (text.split('"')[1],) if text else ("failed", "nospace")


@_word("|".join(SERVER_ACTS))
def server_act(text: str) -> Callable[[Server], None]:
    """Read what becomes of another machine."""
    return SERVER_ACTS[text]


@_word("|".join(CHAIN_ACTS))
def chain_act(text: str) -> ChainAct:
    """Read what becomes of the image of an increment in the midst of its chain."""
    return CHAIN_ACTS[text]


@_word(r"\d+(?:st|nd|rd|th)")
def place(text: str) -> int:
    """Read a place in a row of things, such as 1st; the first place is 0."""
    return int(text[:-2]) - 1


@_word("events|errors")
def event_kind(text: str) -> str:
    """Read whether a sentence speaks of all that QEMU has reported or of errors alone."""
    return text


@_word(r"\d{1,3}(?:,\d{3})*")
def count(text: str) -> int:
    """Read how many things there are, such as 7 or 65,535."""
    return int(text.replace(",", ""))


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
        ImageKind=image_kind,
        Completion=completion,
        Sync=sync,
        BitmapAct=bitmap_act,
        Count=count,
        MachineAct=machine_act,
        DiskAct=disk_act,
        DriveOptions=drive_options,
        Filter=added_filter,
        Way=way,
        JobAct=job_act,
        Which=which,
        Them=them,
        KeptState=kept_state,
        JobStatus=job_status,
        Speed=speed,
        Backups=backups,
        EventKind=event_kind,
        ServerAct=server_act,
        IoStatuses=io_statuses,
        ChainAct=chain_act,
        Place=place,
        ErrorClass=error_class,
        Maker=maker,
        Quality=quality,
    )


def world_of(context: Context) -> World:
    """Return the scenario's world."""
    return cast("World", context.world)


def bench_of(context: Context) -> Bench:
    """Return what all scenarios of the run share."""
    return cast("Bench", context.bench)


# Tables. An empty cell says nothing, and a column "note" is for the reader.


def rows(context: Context, needed: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Return the rows of the step's table, whose headings must be the needed ones and may be the optional ones.

    Empty cells are left out. Raises AssertionError for a missing table, a heading that is missing or unknown, and a
    table without rows.
    """
    table = cast("Table | None", context.table)
    assert table is not None, f"this sentence needs a table with the headings {', '.join(needed)}"
    headings = list(table.headings)
    missing = [heading for heading in needed if heading not in headings]
    unknown = [heading for heading in headings if heading not in (*needed, *optional, "note")]
    assert [*missing, *unknown] == [], (
        f"the table's headings should be {', '.join(needed)}"
        f"{' and may be ' + ', '.join(optional) if optional else ''}; missing: {missing}, unknown: {unknown}"
    )
    found: list[Row] = [{key: cell for key, cell in row.items() if cell and key != "note"} for row in table]
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
        case "read":
            drive.read(at, length)
        case "write":
            drive.write(parse_byte(row["pattern"]), at, length)
        case "write compressed":
            drive.write_compressed(parse_byte(row["pattern"]), at, length)
        case "write zeroes":
            drive.write_zeroes(at, length)
        case "discard":
            drive.discard(at, length)
        case other:
            raise AssertionError(f'a guest can read, write, write compressed, write zeroes or discard, not "{other}"')


def what_guest_is_told(drive: Drive, row: Row) -> str:
    """Let the guest do what a row of a table says; return QEMU's words if that fails, and else that it is done."""
    try:
        let_guest_do(drive, row)
    except GuestRequestFailed as failure:
        return str(failure)
    return f"the guest's request at {row['at']} was carried out"


def in_round(row: Row, number: int) -> Row:
    """Return what a row means in a round, counted from 1: a pattern of its own, at a place that is farther on."""
    at = parse_size(row["at"]) + (number - 1) * parse_size(row["farther"])
    return {**row, "pattern": f"{number:#04x}", "at": f"{at} B"}


def options(context: Context) -> dict[str, object]:
    """Return the step's table of options: names are QEMU's, "a.b" is b inside of a; see `value` for the values."""
    found: dict[str, object] = {}
    for row in rows(context, ("option", "value")):
        outer, _, inner = row["option"].rpartition(".")
        if "value" in row:
            place = cast("dict[str, object]", found.setdefault(outer, {})) if outer else found
            place[inner] = value(row["value"])
    return found


def value(text: str) -> object:
    """Read the value of an option: yes, no, a size in bytes, a plain number, or a word, which quotes may enclose.

    One that is "left out" although it is usually given, is None.
    """
    if text == "left out":
        return None
    if text in ("yes", "no"):
        return text == "yes"
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return parse_size(text) if re.fullmatch(SIZE_PATTERN, text) else text.strip('"')


def bitmap_name(text: str) -> str:
    """Read a bitmap's name, which quotes may enclose; "x repeated 1023 times" says a long one."""
    if repeated := re.fullmatch(r"(\S+) repeated (\d+) times", text):
        return repeated[1] * int(repeated[2])
    return text.strip('"')


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
        name=bitmap_name(row["bitmap"]),
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


SHOWN_COLUMNS = (
    *("status", "offset", "len", "speed", "paused", "busy", "ready"),
    *("auto-finalize", "auto-dismiss", "io-status", "error"),
)
"""What QEMU shows of a job, in its words."""


def shown_row(row: Row) -> Mapping[str, object]:
    """Read what QEMU must show of a job; an error that is "none" must not be shown."""
    return {key: None if cell == "none" else value(cell) for key, cell in row.items()}


LIFE_COLUMNS = ("event", "offset", "len", "speed", "error")


def life_rows(table: Sequence[Row]) -> list[tuple[str, Mapping[str, object]]]:
    """Read a table of what a job tells: states that it comes into, and what it reports in them, with members."""
    told: list[tuple[str, Mapping[str, object]]] = []
    for row in table:
        if "state" in row:
            told.append((row["state"], {}))
        if "event" in row:
            members = {key: value(cell) for key, cell in row.items() if key not in ("state", "event")}
            told.append((row["event"], members))
    return told


def image_facts(row: Row) -> Row:
    """Read what qemu-img must say of an image; each size is in the words of `format_size`, whichever the table has."""
    return {
        key: format_size(parse_size(cell)) if re.fullmatch(SIZE_PATTERN, cell) else cell for key, cell in row.items()
    }


EVENT_COLUMNS = ("drive", "action", "operation", "error")


def event_row(row: Row) -> tuple[str, Row]:
    """Read a row of a table of events: its name, and what its data must say.

    The column "drive" holds the name of the drive's job, which is the drive's; one event calls that by another name.
    """
    job = "id" if row["event"] == "BLOCK_JOB_PENDING" else "device"
    data = {(job if key == "drive" else key): cell for key, cell in row.items() if key != "event"}
    return row["event"], data
