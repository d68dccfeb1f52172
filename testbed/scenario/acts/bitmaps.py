"""What an operator does to bitmaps, and when QEMU must refuse it (its manual on dirty bitmaps, its QMP reference)."""

from __future__ import annotations

from collections.abc import Callable

from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.domain.request import Forecast, Outlook, Refusal, Request
from testbed.scenario.acts.act import Actor, BitmapName, Flag, Size, Sources, act
from testbed.scenario.world import World

LONGEST_NAME = 1023
"""Bytes that a bitmap's name may have."""

FINEST, COARSEST = 512, 2 << 30
"""The least and the largest granularity, in bytes."""

WORD = 1 << 32
"""The first number that a granularity cannot be given as."""

MOST_STORED = 65535
"""How many bitmaps an image can store."""

LARGEST_STORED = 512 << 20
"""Bytes that one stored bitmap may take (block/qcow2-bitmap.c)."""


@act("add", on="bitmap", by=Actor.OPERATOR)
def add(
    node: Node,
    bitmap: BitmapName,
    granularity: Size | None = None,
    recording: Flag | None = None,
    persistent: Flag | None = None,
) -> Request:
    """Add a bitmap; what is not said is left to QEMU."""
    asked: dict[str, object] = {"node": node.name, "name": bitmap}
    if granularity is not None:
        asked["granularity"] = granularity
    if recording is not None:
        asked["disabled"] = not recording
    if persistent is not None:
        asked["persistent"] = persistent

    def forecast(outlook: Outlook) -> Refusal | None:
        unit = node.granularity if granularity is None else granularity
        refusal = (
            _not_a_number(unit)
            or (None if bitmap else Refusal("Bitmap name cannot be empty"))
            or _wrong_granularity(unit)
            or (_not_written(node) or _cannot_store(node, bitmap, unit, outlook) if persistent else None)
            or _wrong_name(node, bitmap, outlook)
        )
        if not refusal:
            outlook.added.add((node.name, bitmap))
        return refusal

    def granted() -> None:
        node.gained_bitmap(bitmap, asked)

    return Request("block-dirty-bitmap-add", asked, granted, forecast=forecast, machine=node.machine)


@act("remove", on="bitmap", by=Actor.OPERATOR, said="removed")
def remove(node: Node, bitmap: BitmapName) -> Request:
    """Remove a bitmap; an inconsistent one, too, of which nothing else can be done."""

    def forecast(outlook: Outlook) -> Refusal | None:
        refusal = missing(node, bitmap, outlook) or busy(node, bitmap, outlook) or _cannot_forget(node, bitmap)
        if not refusal:
            outlook.removed.add((node.name, bitmap))
        return refusal

    return _request("remove", node, bitmap, lambda: node.lost_bitmap(bitmap), forecast)


@act("clear", on="bitmap", by=Actor.OPERATOR, said="cleared")
def clear(node: Node, bitmap: BitmapName) -> Request:
    """Empty a bitmap."""
    return _request("clear", node, bitmap, lambda: node.bitmap(bitmap).clear(node.moment), changeable(node, bitmap))


@act("enable", on="bitmap", by=Actor.OPERATOR, said="enabled")
def enable(node: Node, bitmap: BitmapName) -> Request:
    """Let a bitmap record."""
    return _request("enable", node, bitmap, lambda: node.bitmap(bitmap).enable(), usable(node, bitmap))


@act("disable", on="bitmap", by=Actor.OPERATOR, said="disabled")
def disable(node: Node, bitmap: BitmapName) -> Request:
    """Stop a bitmap from recording."""
    return _request("disable", node, bitmap, lambda: node.bitmap(bitmap).disable(), usable(node, bitmap))


@act("merge", on="bitmap", by=Actor.OPERATOR)
def merge_named(world: World, node: Node, bitmap: BitmapName, from_: Sources) -> Request:
    """Merge bitmaps that are named; see `merge`."""
    sources = [(world.drives.node(other) if other else node, name) for other, name in from_]
    return merge(node, bitmap, sources)


def merge(node: Node, bitmap: str, sources: list[tuple[Node, str]]) -> Request:
    """Add to a bitmap what others, of this node or another, have recorded."""

    def granted() -> None:
        for source, name in sources:
            node.bitmap(bitmap).merge(source.bitmap(name))

    def forecast(outlook: Outlook) -> Refusal | None:
        if refusal := missing(node, bitmap, outlook):
            return refusal
        for source, name in sources:
            refusal = missing(source, name, outlook) or unfit(source, name, outlook) or _other_size(source, node)
            if refusal:
                return refusal
        return busy(node, bitmap, outlook) or fixed(node, bitmap) or unfit(node, bitmap, outlook)

    named = [name if source is node else {"node": source.name, "name": name} for source, name in sources]
    arguments = {"node": node.name, "target": bitmap, "bitmaps": named}
    return Request("block-dirty-bitmap-merge", arguments, granted, forecast=forecast, machine=node.machine)


# When QEMU must refuse them. A transaction looks at each bitmap as the requests before it have left it.


def missing(node: Node, bitmap: str, outlook: Outlook) -> Refusal | None:
    """Foresee a refusal since there is no such bitmap; one that was just removed is only on its way."""
    known = bitmap in node.bitmaps or (node.name, bitmap) in outlook.added
    return None if known else Refusal(f"Dirty bitmap '{bitmap}' not found")


def busy(node: Node, bitmap: str, outlook: Outlook) -> Refusal | None:
    """Foresee a refusal since something uses the bitmap, or has just removed it."""
    key = (node.name, bitmap)
    known = node.bitmaps.get(bitmap)
    in_use = (known is not None and known.busy) or key in outlook.held or key in outlook.removed
    return Refusal(f"Bitmap '{bitmap}' is currently in use") if in_use else None


def unfit(node: Node, bitmap: str, outlook: Outlook) -> Refusal | None:
    """Foresee a refusal since the bitmap is in use or inconsistent."""
    if refusal := busy(node, bitmap, outlook):
        return refusal
    known = node.bitmaps.get(bitmap)
    is_spoilt = known is not None and known.inconsistent
    return Refusal(f"Bitmap '{bitmap}' is inconsistent and cannot be used") if is_spoilt else None


def usable(node: Node, bitmap: str) -> Forecast:
    """Foresee what comes of a request for which a bitmap must be there, free and consistent."""
    return lambda outlook: missing(node, bitmap, outlook) or unfit(node, bitmap, outlook)


def fixed(node: Node, bitmap: str) -> Refusal | None:
    """Foresee a refusal since the image that stores the bitmap is open for reading only."""
    words = f"Bitmap '{bitmap}' is readonly and cannot be modified"
    return Refusal(words) if _is_fixed(node, bitmap) else None


def changeable(node: Node, bitmap: str) -> Forecast:
    """Foresee what comes of a request for which a bitmap must be `usable`, and its image open for writing."""
    ready = usable(node, bitmap)
    return lambda outlook: (
        missing(node, bitmap, outlook) or busy(node, bitmap, outlook) or fixed(node, bitmap) or ready(outlook)
    )


def _is_fixed(node: Node, bitmap: str) -> bool:
    known = node.bitmaps.get(bitmap)
    return isinstance(node, Drive) and node.read_only and known is not None and known.persistent


def _cannot_forget(node: Node, bitmap: str) -> Refusal | None:
    words = f"Cannot remove persistent bitmap '{bitmap}': no write access to node '{node.name}'"
    return Refusal(words) if _is_fixed(node, bitmap) else None


def _wrong_name(node: Node, bitmap: str, outlook: Outlook) -> Refusal | None:
    if bitmap in node.bitmaps or (node.name, bitmap) in outlook.added:
        return Refusal(f"Bitmap already exists: {bitmap}")
    return Refusal("Bitmap name too long") if len(bitmap.encode()) > LONGEST_NAME else None


def _not_a_number(granularity: int) -> Refusal | None:
    return Refusal("Parameter 'granularity' expects uint32_t") if granularity >= WORD else None


def _wrong_granularity(granularity: int) -> Refusal | None:
    is_power = granularity > 0 and granularity & (granularity - 1) == 0
    return None if is_power and granularity >= FINEST else Refusal("Granularity must be power of 2 and at least 512")


def _not_written(node: Node) -> Refusal | None:
    """Foresee a refusal since nothing can be stored in an image that is open for reading only."""
    words = f"Cannot add a persistent bitmap to read-only or inactive node '{node.name}'"
    return Refusal(words) if isinstance(node, Drive) and node.read_only else None


def _cannot_store(node: Node, bitmap: str, granularity: int, outlook: Outlook) -> Refusal | None:
    """Foresee a refusal since the image below the node could not store the bitmap, in the order in which QEMU looks."""
    if not isinstance(node, Drive) or node.image.image_format != "qcow2":
        return Refusal(f"Can't store persistent bitmaps to {node.name}")
    if node.image.kind.options.get("compat") == "0.10":
        return Refusal("Cannot store dirty bitmaps in qcow2 v2 files")
    if bitmap in node.bitmaps or (node.name, bitmap) in outlook.added:
        return Refusal(f"Bitmap already exists: {bitmap}")
    if sum(known.persistent for known in node.bitmaps.values()) >= MOST_STORED:
        return Refusal("Maximum number of persistent bitmaps is already reached")
    if len(bitmap.encode()) > LONGEST_NAME:
        return Refusal("Name length exceeds maximum")
    bits = -(-node.size // granularity)
    return Refusal("Too much space will be occupied by the bitmap") if -(-bits // 8) > LARGEST_STORED else None


def _other_size(source: Node, node: Node) -> Refusal | None:
    return None if source.size == node.size else Refusal("Bitmaps are of different sizes")


def _request(verb: str, node: Node, bitmap: str, granted: Callable[[], object], forecast: Forecast) -> Request:
    arguments = {"node": node.name, "name": bitmap}
    return Request(f"block-dirty-bitmap-{verb}", arguments, granted, forecast=forecast, machine=node.machine)
