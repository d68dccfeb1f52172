"""What a row of a table asks: an act by its name, with what it works on and what it takes in the other columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from testbed.base.problems import AuthorError, near
from testbed.base.units import parse_byte, parse_size
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.domain.request import Refusal, Request, open_question
from testbed.language.cells import READERS
from testbed.language.tables import Row, cell
from testbed.qemu.machine import GuestRequestFailed
from testbed.qemu.monitor import Refused
from testbed.scenario.acts.registry import Act, act_named, acts_on
from testbed.scenario.dialogue import insist_on_same_opinion
from testbed.scenario.world import World

REQUESTS = acts_on("bitmap", "drive", "QEMU")
"""The acts that a row of a table of requests can name."""

GUEST_REQUESTS = acts_on("guest's drive")
"""What a row of a table of a guest's requests can name."""

CLIENT_REQUESTS = acts_on("exported drive")
"""What a row of a table of a client's requests can name."""

WRITE = "write"
"""What a guest does where no column says anything else."""

COLUMNS = ("drive", "node")
"""Columns that each request heeds: of which drive it is asked, or of another node than the drive's own."""

SUBJECTS: Mapping[type, Callable[[World, Row], object]] = {
    World: lambda world, _row: world,
    Drive: lambda world, row: world.drives.drive(cell(row, "drive")),
    Node: lambda world, row: world.drives.node(cell(row, "drive")),
}
"""How a row says what an act works on."""

REQUEST_COLUMNS = tuple(dict.fromkeys((*COLUMNS, *(column for act in REQUESTS.values() for column in act.columns))))
"""All columns that a table of requests may have besides "request", which it must have."""

GUEST_COLUMNS = ("pattern", "request")
"""The columns that a table of a guest's requests may have besides "at" and "length"."""


def request(world: World, row: Row) -> Request:
    """Make the request that a row of a table says.

    Raises AuthorError for a request that there is not, and for a cell that means nothing to it or is missing.
    """
    act = act_named(cell(row, "request"), REQUESTS, "request")
    on = {name: SUBJECTS[kind](world, row) for name, kind in act.subjects.items()}
    asked: Request = act.do(**on, **_taken(act, row, (*COLUMNS, "request")))
    if "node" not in row:
        return asked
    key = next((key for key in ("device", "node-name") if key in asked.arguments), "node")
    # Of another node than the drive's own the models know little.
    return replace(asked, arguments={**asked.arguments, key: row["node"]}, forecast=open_question)


def requests(world: World, table: Sequence[Row]) -> list[Request]:
    """Make the requests that the rows of a table say, in their order."""
    return [request(world, row) for row in table]


def let_guest_do(drive: Drive, row: Row) -> None:
    """Let the guest do what a row of a table says: write a pattern, or what the column "request" names."""
    act = act_named(row.get("request", WRITE), GUEST_REQUESTS, "request of a guest")
    act.do(drive, **_taken(act, row, ("request", "pattern")))  # an outline may have a pattern for what writes none


def what_guest_is_told(drive: Drive, row: Row) -> str:
    """Let the guest do what a row of a table says; return QEMU's words if that fails, and else that it is done."""
    try:
        let_guest_do(drive, row)
    except GuestRequestFailed as failure:
        return str(failure)
    return f"the guest's request at {row['at']} was carried out"


def let_client_do(world: World, drive: Drive, row: Row) -> None:
    """Let a client of a drive's export do what a row of a table says, in the words of a guest's requests."""
    act = act_named(row.get("request", WRITE), CLIENT_REQUESTS, "request of a client")
    act.do(world, drive, **_taken(act, row, ("request", "pattern")))


def record_alone(world: World, drive: Drive, row: Row) -> None:
    """Add the bitmap that a row says, let the guest do what the row says while it records, if anything, and stop it."""
    added = {key: said for key, said in row.items() if key in ("bitmap", "granularity")}
    world.dialogue.demand(request(world, {"request": "add", "drive": drive.name, **added}))
    if "at" in row:
        let_guest_do(drive, {key: said for key, said in row.items() if key not in added})
    world.dialogue.demand(request(world, {"request": "disable", "drive": drive.name, "bitmap": row["bitmap"]}))


def answer_to(world: World, expected: Refusal | None) -> Refused | None:
    """Return how QEMU refused the last request, if it did; it has been spoken of then.

    Raises AuthorError when a sentence expects another answer than the models foresaw, or nothing was asked.
    """
    answer = world.dialogue.refused()
    if answer is None:
        raise AuthorError("nothing was asked of QEMU since the last sentence that spoke of an answer")
    insist_on_same_opinion(answer, expected)
    return answer.refusal


def write_round(drive: Drive, table: Sequence[Row], number: int) -> None:
    """Let the guest write what a table says in a round, counted from 1: a pattern of its own, and farther on."""
    for row in table:
        at = parse_size(cell(row, "at")) + (number - 1) * parse_size(cell(row, "farther"))
        drive.write(parse_byte(f"{number:#04x}"), at, parse_size(cell(row, "length")))


def needs_of_requests(table: Iterable[Row]) -> Iterable[str]:
    """Return what a build must have for the requests of a table, or for a guest's."""
    known = {**REQUESTS, **GUEST_REQUESTS}
    named = (known[row["request"]] for row in table if row.get("request") in known)
    return [need for act in named for need in act.needs]


def _taken(act: Act, row: Row, others: Sequence[str]) -> dict[str, Any]:
    """Return what an act takes, as a row says it, by the names of its parameters."""
    for heading in row.keys() - {*others, *act.columns}:
        raise near(heading, act.columns, f'column for the request "{act.name}"')
    missing = [parameter.column for parameter in act.parameters if parameter.required and parameter.column not in row]
    if missing:
        raise AuthorError(f'the request "{act.name}" needs something under {", ".join(missing)}; it has {dict(row)}')
    return {
        parameter.python: READERS[parameter.word](row[parameter.column])
        for parameter in act.parameters
        if parameter.column in row
    }
