"""What a client of an export must be told, and read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from testbed.base.process import ToolFailed
from testbed.base.units import format_size
from testbed.clients.libnbd import ALLOCATION, DEPTH, ZERO, Libnbd, Status, bitmap_context
from testbed.clients.scripted import LONGEST, ONE_EXTENT, Scripted
from testbed.domain.bitmap import Bitmap
from testbed.domain.drive import Drive
from testbed.domain.export import Export
from testbed.model.content import Content, Run
from testbed.model.ranges import NOTHING, Ranges
from testbed.promises.promise import Promise
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine

COPY = "copied.raw"
"""What a copy is called that a client makes of an export."""


def _wrong_about(bitmap: Bitmap, size: int, status: Status) -> str | None:
    """Say where a client was told otherwise than a bitmap must have recorded, on a drive of `size` bytes."""
    if status.end != size:
        return f'of "{bitmap.name}" was told up to {format_size(status.end)}; the drive has {format_size(size)}'
    wanted, told = bitmap.dirty.granules.below(size), status.valued(1)
    wrong = {
        "is dirty, and was not told to be": wanted - told,
        "was told to be dirty, and is not": told - wanted,
        "was told of by another number than 0 and 1": Ranges.of((0, size)) - told - status.valued(0),
    }
    return "; ".join(f'in "{bitmap.name}", {where} {what}' for what, where in wrong.items() if where) or None


def tells_what_was_recorded(libnbd: Libnbd, bitmaps: Sequence[Bitmap]) -> Promise[Drive]:
    """Match a drive of whose bitmaps a client is told just what they have recorded, asked about one by one."""

    def complaint(drive: Drive) -> str | None:
        told = ((bitmap, libnbd.status(bitmap_context(bitmap.name))) for bitmap in bitmaps)
        wrong = (_wrong_about(bitmap, drive.size, status) for bitmap, status in told)
        return "\n".join(filter(None, wrong)) or None

    return Promise("a client that is told what bitmaps have recorded", complaint)


def tells_all_at_once(scripted: Scripted, bitmaps: Sequence[Bitmap], most: int = LONGEST) -> Promise[Drive]:
    """Match a drive of which a client is told in each answer what all bitmaps have recorded, and what is zero.

    It asks of at most so many bytes at a time.
    """

    def complaint(drive: Drive) -> str | None:
        contexts = {bitmap_context(bitmap.name): bitmap for bitmap in bitmaps}
        told = scripted.statuses([ALLOCATION, *contexts], most)
        wrong = [_wrong_about(bitmap, drive.size, told[context]) for context, bitmap in contexts.items()]
        return "\n".join(filter(None, [*wrong, _wrong_zeros(drive, told[ALLOCATION])])) or None

    return Promise("a client that is told at once what bitmaps have recorded and what is zero", complaint)


def tells_what_is_zero(libnbd: Libnbd) -> Promise[Drive]:
    """Match a drive of which a client is told what reads as zeros."""

    def complaint(drive: Drive) -> str | None:
        return _wrong_zeros(drive, libnbd.status(ALLOCATION))

    return Promise("a client that is told where a drive is zero", complaint)


def _wrong_zeros(drive: Drive, status: Status) -> str | None:
    """Say where a client was told of zeros that are none, or not told of whole units of the image that are zero."""
    if status.end != drive.size:
        return f"of zeros was told up to {format_size(status.end)}; the drive has {format_size(drive.size)}"
    data, told = drive.content.data, status.where(ZERO)
    kept = Ranges.of((0, drive.size)) - data.rounded_out(drive.image.unit) - told
    wrong = {"was told to be zero, and is not": told & data, "is zero, and was not told to be": kept}
    return "; ".join(f"{where} {what}" for what, where in wrong.items() if where) or None


def tells_depths(libnbd: Libnbd, layers: Sequence[Drive]) -> Promise[Drive]:
    """Match a drive of which a client is told which of its layers, the uppermost first, holds what.

    The numbers are those of the protocol: 0 where none does, 1 for the uppermost.
    """

    def complaint(drive: Drive) -> str | None:
        status, above = libnbd.status(DEPTH), NOTHING
        wrong = []
        for depth, layer in enumerate(layers, 1):
            held = layer.image.own_layer.below(drive.size) - above
            above |= held
            if status.valued(depth) != held:
                wrong.append(f"at depth {depth} is {held}; a client was told of {status.valued(depth)}")
        if status.where(-1) != above:
            wrong.append(f"held at all is {above}; a client was told of {status.where(-1)}")
        return "\n".join(wrong) or None

    return Promise("a client that is told which layer holds what", complaint)


def tells_of_ranges(scripted: Scripted, bitmap: Bitmap, ranges: Sequence[tuple[int, int]]) -> Promise[Drive]:
    """Match a drive of which a client is told the truth about ranges (offset, length) that begin and end anywhere.

    Asked for one extent, the answer must be that, and not reach past the range.
    """
    context = bitmap_context(bitmap.name)

    def complaint(drive: Drive) -> str | None:
        questions = [(at, length, flags) for at, length in ranges for flags in (0, ONE_EXTENT)]
        answers = scripted.do([("status", *question) for question in questions], [context])
        wrong = []
        for (at, length, flags), answer in zip(questions, answers, strict=True):
            areas = answer[context]
            asked = f"asked for {format_size(length)} at {format_size(at)}"
            if areas[0][0] != at or (flags and (len(areas) != 1 or areas[0][1] > length)):
                wrong.append(f"{asked}{', one extent' if flags else ''}: the answer is {areas}")
            for start, span, value in areas:
                piece = Ranges.of((start, span))
                dirty = bitmap.dirty.granules.below(drive.size) & piece
                if dirty != (piece if value else NOTHING):
                    wrong.append(f"{asked}: {piece} is told to be {'dirty' if value else 'clean'}; dirty is {dirty}")
        return "\n".join(wrong) or None

    return Promise("a client that is told the truth about ranges that begin anywhere", complaint)


def is_read_as(libnbd: Libnbd, images: Images, content: Content) -> Promise[Drive]:
    """Match a drive that a client reads as a content, byte for byte."""

    def complaint(_drive: Drive) -> str | None:
        (images.home / COPY).unlink(missing_ok=True)
        libnbd.copy(COPY)
        wrong = images.first_difference(COPY, "raw", content)
        return f"what a client has copied: {wrong}" if wrong else None

    return Promise("an export that a client reads as it must be", complaint)


def reads_in_pieces(scripted: Scripted, ranges: Sequence[tuple[int, int]], content: Content) -> Promise[Drive]:
    """Match a drive whose ranges (offset, length) a client reads rightly, with structured replies and without."""

    def complaint(_drive: Drive) -> str | None:
        wrong = []
        for structured in (True, False):
            answers = scripted.do([["read", at, length] for at, length in ranges], structured=structured)
            for (at, length), answer in zip(ranges, answers, strict=True):
                wanted = [[run.start, run.end, run.pattern] for run in _joined(content, at, at + length)]
                if answer != wanted:
                    how = "with" if structured else "without"
                    wrong.append(f"{how} structured replies, {format_size(length)} at {format_size(at)}: {answer}")
        return "\n".join(wrong) or None

    return Promise("ranges that a client reads rightly", complaint)


def _joined(content: Content, start: int, end: int) -> list[Run]:
    """Return the runs of a content in a range, those of one byte that touch as one."""
    found: list[Run] = []
    for run in content.covering(start, end):
        if found and found[-1].pattern == run.pattern:
            found[-1] = Run(found[-1].start, run.end, run.pattern)
        else:
            found.append(run)
    return found


def offers(libnbd: Libnbd, contexts: Collection[str], properties: Mapping[str, object]) -> Promise[Drive]:
    """Match a drive whose export offers just these contexts, and has these properties in nbdinfo's words."""

    def complaint(drive: Drive) -> str | None:
        facts = libnbd.facts()
        found = {str(context) for context in facts.get("contexts", [])}
        wanted = {"export-size": drive.size, **properties}
        wrong = [f"offered without need: {name}" for name in sorted(found - {*contexts})]
        wrong += [f"not offered: {name}" for name in sorted({*contexts} - found)]
        wrong += [f"{key} is {facts.get(key)}, not {value}" for key, value in wanted.items() if facts.get(key) != value]
        return "\n".join(wrong) or None

    return Promise("an export that offers what it was asked to", complaint)


def is_found_no_more(libnbd: Libnbd) -> Promise[Drive]:
    """Match a drive whose export a client does not find any more."""

    def complaint(_drive: Drive) -> str | None:
        try:
            facts = libnbd.facts()
        except ToolFailed:
            return None
        return f"a client still finds {facts}"

    return Promise("an export that is gone", complaint)


def lists(exports: Sequence[Export]) -> Promise[Machine]:
    """Match a machine that lists these exports and no others, on the nodes that they were asked for."""

    def complaint(machine: Machine) -> str | None:
        wanted = {(export.name, export.node) for export in exports if export.drive.machine is machine}
        listed = machine.execute("query-block-exports")
        found = {(one["id"], one["node-name"]) for one in listed if one["type"] == "nbd" and not one["shutting-down"]}
        wrong = [f"not listed: {name} of {node}" for name, node in sorted(wanted - found)]
        wrong += [f"listed without need: {name} of {node}" for name, node in sorted(found - wanted)]
        return "\n".join(wrong) or None

    return Promise("a machine that lists the exports that there are", complaint)
