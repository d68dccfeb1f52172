"""What bitmaps must have recorded, and what an image must have stored of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from testbed.base.units import format_size
from testbed.domain.bitmap import BitmapState
from testbed.domain.digests import Digests
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.promises.promise import Promise
from testbed.qemu.images import Images

_FLAGS = {"auto": "recording", "in-use": "inconsistent"}
"""What qemu-img's words for the flags of a stored bitmap mean once a machine has it."""


def _stored(granularity: int, flags: Collection[str]) -> str:
    """Say how a bitmap is stored; whether one that is inconsistent had recorded is nothing to anybody."""
    how = next((flag for flag in ("inconsistent", "recording") if flag in flags), "not recording")
    return f"as {how}, with a granularity of {format_size(granularity)}"


def stores_its_bitmaps(images: Images) -> Promise[Drive]:
    """Match a drive whose image has stored its persistent bitmaps and no others, once no QEMU has it open."""

    def complaint(drive: Drive) -> str | None:
        wanted = {
            bitmap.name: _stored(bitmap.dirty.granularity, bitmap.state.flags)
            for bitmap in drive.image.stored_bitmaps().values()
        }
        found = {
            name: _stored(granularity, [_FLAGS[flag] for flag in flags])
            for name, (granularity, flags) in images.stored_bitmaps(drive.image.name).items()
        }
        file = drive.image.name
        wrong = [
            f'{file} should store "{name}" {wanted.get(name, "not at all")}; it does {found.get(name, "not")}'
            for name in sorted({*wanted, *found})
            if wanted.get(name) != found.get(name)
        ]
        return "\n".join(wrong) or None

    return Promise("a drive whose image has stored its persistent bitmaps", complaint)


def has_bitmaps(expected: Sequence[BitmapState]) -> Promise[Node]:
    """Match a node on which QEMU reports these named bitmaps in these states, and no others."""

    def complaint(node: Node) -> str | None:
        wanted = {state.name: state for state in expected}
        found = {state.name: state for state in node.reported_bitmaps()}
        lost, new = sorted({*wanted} - {*found}), sorted({*found} - {*wanted})
        both = sorted({*wanted} & {*found})
        other = [_unlike(node, wanted[name], found[name]) for name in both if wanted[name] != found[name]]
        missing = [f"{node.name} should have {wanted[name]}; it has no such bitmap" for name in lost]
        needless = [f"{node.name} should have no bitmap {name}; it has {found[name]}" for name in new]
        return "\n".join([*missing, *needless, *other]) or None

    return Promise("\n".join(str(state) for state in expected) or "no bitmap at all", complaint)


def are_in_states(what: str, expected: Sequence[BitmapState]) -> Promise[Sequence[BitmapState]]:
    """Match bitmaps that are just in these states, in any order; `what` names them, as in "unnamed bitmaps"."""

    def complaint(states: Sequence[BitmapState]) -> str | None:
        lacking, left = list(expected), []
        for state in states:
            if state in lacking:
                lacking.remove(state)
            else:
                left.append(state)
        wrong = [f"{what}: {state} is missing" for state in lacking]
        return "\n".join([*wrong, *(f"{what}: {state} should not be there" for state in left)]) or None

    return Promise("\n".join(str(state) for state in expected) or f"{what}: none", complaint)


def _unlike(node: Node, wanted: BitmapState, found: BitmapState) -> str:
    """Say in what two states of a bitmap differ, and in that alone, as in "recording" and "not recording"."""
    differing = [(word, other) for word, other in zip(_words(wanted), _words(found), strict=True) if word != other]
    should_be, is_now = (", ".join(words) for words in zip(*differing, strict=True))
    return f'{node.name}: "{wanted.name}" should be {should_be}; it is {is_now}'


def _words(state: BitmapState) -> list[str]:
    """Give a word for each property of a bitmap, what tells most first."""
    known = ("inconsistent", "busy", "recording", "persistent")
    flags = [flag if flag in state.flags else f"not {flag}" for flag in known]
    return [*flags, f"dirty {format_size(state.count)}", f"of granularity {format_size(state.granularity)}"]


def has_bitmaps_in_step(digests: Digests | None) -> Promise[Node]:
    """Match a node whose bitmaps have recorded just what was written while they should, granule for granule.

    `digests` is how QEMU says what each bit is, None if it cannot; counts alone cannot tell two mistakes that cancel
    each other out.
    """

    def complaint(node: Node) -> str | None:
        counted = has_bitmaps([bitmap.state for bitmap in node.bitmaps.values()]).complaint(node)
        if counted or digests is None or not node.bitmaps:
            return counted
        word = digests.word
        if word is None:
            return digests.unexplained
        wrong = [
            f'"{bitmap.name}" on {node.name} counts what it should, but not in the right places; '
            f"dirty should be {bitmap.dirty.granules}"
            for bitmap in node.bitmaps.values()
            if node.reported_digest(bitmap.name) != bitmap.dirty.digest(word)
        ]
        return "\n".join(wrong) or None

    return Promise("a node whose bitmaps hold just what was written", complaint)
