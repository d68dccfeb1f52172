"""What a row of a table asks of QEMU: every kind of request that a sentence can name, in one place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from testbed.base.units import SIZE_PATTERN, parse_size
from testbed.domain.node import Node
from testbed.domain.request import ABORT, Request
from testbed.language.words import BITMAP_PROPERTIES, SYNCS, Act, Row, bitmap_name, bitmap_properties, value, yes
from testbed.qemu.images import SECRET
from testbed.scenario.world import World

EVERYWHERE = ("request", "drive", "node")
"""Columns that each kind of request heeds: what is asked, of which drive, or of another node than the drive's own."""

BACKUP_OPTIONS = ("bitmap-mode", "auto-finalize", "on-source-error", "speed")
"""Columns that are options of a backup, in QEMU's words."""


@dataclass(frozen=True)
class Kind:
    """A kind of request: what makes it of a row, and the columns that it heeds besides those that all do."""

    make: Callable[[World, Row], Request]
    columns: tuple[str, ...] = ()


def request(world: World, row: Row) -> Request:
    """Make the request that a row of a table says.

    Raises AssertionError for a kind that there is not, and for a cell that means nothing to the kind.
    """
    kind = KINDS.get(row["request"])
    assert kind, f'there is no request "{row["request"]}", only {", ".join(KINDS)}'
    meaningless = sorted(row.keys() - {*EVERYWHERE, *kind.columns})
    assert not meaningless, f'to the request "{row["request"]}" these columns mean nothing: {", ".join(meaningless)}'
    asked = kind.make(world, row)
    if "node" not in row:
        return asked
    place = next((key for key in ("device", "node-name") if key in asked.arguments), "node")
    return replace(asked, arguments={**asked.arguments, place: row["node"]})


def _on_bitmap(act: Act) -> Kind:
    return Kind(lambda world, row: act(world.node(row["drive"]), _bitmap(row)), ("bitmap",))


def _add(world: World, row: Row) -> Request:
    return world.node(row["drive"]).add_bitmap(_bitmap(row), bitmap_properties(row))


def _merge(world: World, row: Row) -> Request:
    """Merge what "from" names: "none", or names with commas between; another node's bitmap is "bitmap0 of drive1"."""
    node = world.node(row["drive"])
    named = (source.partition(" of ") for source in row["from"].split(", ") if source != "none")
    sources = [(world.node(other) if other else node, bitmap) for bitmap, _, other in named]
    return node.merge_bitmaps(_bitmap(row), sources)


def _backup(world: World, row: Row) -> Request:
    """Start a backup into a new image, unless "target" names a node, or the size of an image that need not fit.

    A bitmap that is named goes by the mode on-success where the row names no other.
    """
    drive, target = world.drive(row["drive"]), row.get("target", "")
    options: dict[str, object] = {"sync": row["request"].removesuffix(" backup")}
    if "bitmap" in row:
        options |= {"bitmap": _bitmap(row), "bitmap-mode": "on-success"}
    options |= {option: value(row[option]) for option in BACKUP_OPTIONS if option in row}
    if re.fullmatch(SIZE_PATTERN, target):
        image = world.backups.new_target(drive, None, parse_size(target))
        return world.backups.request(world.backups.prepare(drive, options, image))
    if target:
        options["target"] = target
    return world.backups.request(world.backups.prepare(drive, options))


def _snapshot(world: World, row: Row) -> Request:
    return world.snapshot(world.drive(row["drive"]), row["target"])


def _export(world: World, row: Row) -> Request:
    bitmaps = _bitmap(row).split(", ")
    return world.exports.add(world.drive(row["drive"]), bitmaps, writable=yes(row.get("writable", "no")))


def _add_user(permission: str) -> Kind:
    return Kind(lambda world, row: world.drive(row["drive"]).add_user(permission, row.get("target", "")), ("target",))


def _bitmap(row: Row) -> str:
    return bitmap_name(row.get("bitmap", ""))


KINDS: Mapping[str, Kind] = {
    "abort": Kind(lambda *_: ABORT),
    "add": Kind(_add, ("bitmap", *BITMAP_PROPERTIES)),
    "remove": _on_bitmap(Node.remove_bitmap),
    "clear": _on_bitmap(Node.clear_bitmap),
    "enable": _on_bitmap(Node.enable_bitmap),
    "disable": _on_bitmap(Node.disable_bitmap),
    "merge": Kind(_merge, ("bitmap", "from")),
    **{f"{sync} backup": Kind(_backup, ("bitmap", "target", *BACKUP_OPTIONS)) for sync in SYNCS},
    "snapshot": Kind(_snapshot, ("target",)),
    "export": Kind(_export, ("bitmap", "writable")),
    "resize": Kind(lambda world, row: world.drive(row["drive"]).resize(parse_size(row["size"])), ("size",)),
    "activate": Kind(lambda world, row: world.drive(row["drive"]).set_active(active=True)),
    "deactivate": Kind(lambda world, row: world.drive(row["drive"]).set_active(active=False)),
    "stream": Kind(lambda world, row: world.stream(world.drive(row["drive"]))),
    "commit": Kind(lambda _, row: Request("block-commit", {"device": row["drive"], "job-id": "commit"})),
    "delete node": Kind(lambda *_: Request("blockdev-del", {"node-name": ""})),
    "add writer": _add_user("write"),
    "add resizer": _add_user("resize"),
    "add secret": Kind(lambda *_: Request("object-add", SECRET)),
    "delete export": Kind(lambda world, row: world.exports.delete_from(world.drive(row["drive"]))),
}
"""All kinds of requests, by the words that a table has for them."""

REQUEST_COLUMNS = tuple(dict.fromkeys((*EVERYWHERE[1:], *(name for kind in KINDS.values() for name in kind.columns))))
"""All columns that a table of requests may have besides "request", which it must have."""
