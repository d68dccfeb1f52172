"""Whether two images, each through its chain, hold the same: found out without QEMU."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.qemu.qcow2 import PIECE, Chain, Kind, Piece

_HELD = (Kind.DATA, Kind.COMPRESSED)


def first_unlike(one: Chain, other: Chain) -> int | None:
    """Return the place in bytes of the first byte in which two chains of the same size differ, None if there is none.

    Raises Unsound when what one of them holds cannot be read.
    """
    for (depth, ours), (other_depth, others) in _side_by_side(_whole(one), _whole(other)):
        if ours.kind not in _HELD and others.kind not in _HELD:
            continue
        for start in range(ours.start, ours.end, PIECE):
            end = min(start + PIECE, ours.end)
            here, there = _bytes(one, depth, ours.cut(start, end)), _bytes(other, other_depth, others.cut(start, end))
            if here != there:
                return next(at for at, (this, that) in enumerate(zip(here, there, strict=True), start) if this != that)
    return None


def _whole(chain: Chain) -> Iterator[tuple[int, Piece]]:
    """Yield depth and piece from the first byte to the end of the last sector, which a raw image may not fill."""
    yield from chain.pieces()
    size = chain.layers[0].size
    if size < chain.size:
        yield 0, Piece(size, chain.size, Kind.NOTHING)


def _side_by_side(
    ours: Iterator[tuple[int, Piece]], others: Iterator[tuple[int, Piece]]
) -> Iterator[tuple[tuple[int, Piece], tuple[int, Piece]]]:
    """Yield what two chains have in the same place, cut so that both pieces begin and end together."""
    at = 0
    one, other = next(ours, None), next(others, None)
    while one is not None and other is not None:
        end = min(one[1].end, other[1].end)
        yield (one[0], one[1].cut(at, end)), (other[0], other[1].cut(at, end))
        one = next(ours, None) if one[1].end == end else one
        other = next(others, None) if other[1].end == end else other
        at = end


def _bytes(chain: Chain, depth: int, piece: Piece) -> bytes:
    """Return what a piece reads as."""
    if piece.kind not in _HELD:
        return bytes(piece.end - piece.start)
    return b"".join(chain.layers[depth].read(piece))
