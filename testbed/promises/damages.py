"""What must come of an image whose bitmaps are damaged, whoever opens it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from testbed.base.text import one_line
from testbed.domain.bitmap import BitmapState
from testbed.domain.damaged import DamagedImage, Flip, Opening
from testbed.domain.digests import Digests
from testbed.promises.promise import Promise
from testbed.qemu.images import Images

FOUND_BROKEN = 2
"""The exit status of qemu-img check for an image that contradicts itself (QEMU's manual of qemu-img)."""


def is_refused_in(words: str) -> Promise[DamagedImage]:
    """Match an image that nobody could open, that was left as it was, and of which each was told these words."""

    def complaint(image: DamagedImage) -> str | None:
        return "\n".join(_not_refused(image, words)) or None

    return Promise(f'an image that nobody opens, since "{words}"', complaint)


def _not_refused(image: DamagedImage, words: str) -> Iterator[str]:
    for opening in image.openings:
        if not opening.refusal:
            yield f"{opening.who} opened {image.name}, although {image.words}"
        elif words not in opening.refusal:
            yield f'{opening.who} did not say "{words}" but: {one_line(opening.refusal)}'
        if opening.refusal and opening.is_changed:
            yield f"{opening.who} refused {image.name}, and has changed it"


def gives_its_data(images: Images) -> Promise[DamagedImage]:
    """Match an image of which everybody could read the data, and which reads as its drive did."""

    def complaint(image: DamagedImage) -> str | None:
        refused = [f"{it.who} gives no data: {one_line(it.refusal)}" for it in image.openings if it.refusal]
        refused += [f"{it.who} has changed {image.name}" for it in image.openings if it.is_reader and it.is_changed]
        if refused or not image.given:
            return "\n".join(refused) or f"nobody has read the data of {image.name}"
        wrong = images.first_difference(image.given, "raw", image.content)
        return f"{wrong}, as read from {image.name}" if wrong else None

    return Promise("an image that gives its data, whatever its bitmaps are", complaint)


def has_no_damaged_bitmap(digests: Digests | None) -> Promise[DamagedImage]:
    """Match an image of which nobody has taken a damaged bitmap for a valid one, while the others are as they were."""

    def complaint(image: DamagedImage) -> str | None:
        wrong = [line for opening in image.openings for line in _taken_for_valid(image, opening, digests)]
        return "\n".join(wrong) or None

    return Promise("an image no damaged bitmap of which is taken for a valid one", complaint)


def _taken_for_valid(image: DamagedImage, opening: Opening, digests: Digests | None) -> Iterator[str]:
    if opening.bitmaps is None:
        return
    for state, digest in opening.bitmaps:
        if state.name in image.whole:
            yield from _unlike(image, opening, state, digest, digests)
        elif not state.inconsistent:
            yield f"{opening.who} takes for valid, although {image.words}: {state}"
    found = {state.name for state, _ in opening.bitmaps}
    yield from (f'{opening.who} does not find "{name}", which is whole' for name in image.whole if name not in found)


def _unlike(
    image: DamagedImage, opening: Opening, state: BitmapState, digest: str, digests: Digests | None
) -> Iterator[str]:
    bitmap = image.whole[state.name]
    if state != bitmap.state:
        yield f"{opening.who} should find {bitmap.state}, which is whole; it finds {state}"
    elif digests and digests.word and digest and digest != bitmap.dirty.digest(digests.word):
        yield f'{opening.who} finds other bits in "{state.name}", which is whole'


def is_found_broken() -> Promise[DamagedImage]:
    """Match an image that qemu-img check has found to be broken."""

    def complaint(image: DamagedImage) -> str | None:
        status, said = image.finding
        if status == FOUND_BROKEN:
            return None
        return f"qemu-img check did not say that {image.name} is broken, although {image.words}: {one_line(said)}"

    return Promise("an image that qemu-img check finds to be broken", complaint)


def are_told_or_refused() -> Promise[Sequence[Flip]]:
    """Match images in each of which one bit was flipped: QEMU refuses each, or says what is written there."""

    def complaint(flips: Sequence[Flip]) -> str | None:
        if not flips:
            return "no bit was flipped"
        return "\n".join(wrong for flip in flips if (wrong := _wrong_with(flip))) or None

    return Promise("images of which QEMU refuses each, or says of its bitmaps what it does", complaint)


def _wrong_with(flip: Flip) -> str | None:
    if flip.is_refused:
        return None
    if flip.is_vital:
        return f"QEMU opened an image with another {flip.bit}"
    if flip.found != flip.written:
        return f"with another {flip.bit}, the image has {flip.written}, and QEMU says {flip.found}"
    return None
