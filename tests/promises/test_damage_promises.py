"""What is promised of damaged images, each promise kept once and broken in each way."""

from __future__ import annotations

from dataclasses import replace

from broken_promise import why_not
from hamcrest import assert_that

from testbed.domain.bitmap import Bitmap
from testbed.domain.damaged import DamagedImage, Flip, Opening
from testbed.domain.digests import Digests
from testbed.model.content import Content
from testbed.model.dirty import WORDS, Dirty
from testbed.promises.damages import (
    are_told_or_refused,
    gives_its_data,
    has_no_damaged_bitmap,
    is_found_broken,
    is_refused_in,
)
from testbed.qemu.images import Images

SIZE = 1 << 20
WORD = WORDS[0]
WHOLE = Bitmap("bitmap1", Dirty(SIZE), persistent=True)
BROKEN = Bitmap("bitmap0", Dirty(SIZE), persistent=True).state
FOUND = (WHOLE.state, WHOLE.dirty.digest(WORD))
REFUSED = Opening("QEMU, for reading", "the type is wrong", is_changed=False)
OPENED = Opening("QEMU, for reading", "", is_changed=False, bitmaps=(FOUND,))


def damaged(*openings: Opening, status: int = 0) -> DamagedImage:
    """Return an image that was opened so, of which bitmap0 is damaged."""
    whole, hit = {"bitmap1": WHOLE}, frozenset(["bitmap0"])
    return DamagedImage("image", "the type is 0", Content(SIZE), whole, hit, list(openings), (status, "No errors"))


def test_everybody_must_refuse_it_in_these_words_and_leave_it_alone() -> None:
    promise = is_refused_in("type is wrong")
    assert_that(damaged(REFUSED), promise)
    assert why_not(damaged(REFUSED, OPENED), promise) == "QEMU, for reading opened image, although the type is 0"
    other = replace(REFUSED, refusal="No such file")
    assert why_not(damaged(other), promise) == 'QEMU, for reading did not say "type is wrong" but: No such file'
    changed = replace(REFUSED, is_changed=True)
    assert why_not(damaged(changed), promise) == "QEMU, for reading refused image, and has changed it"


def test_everybody_must_get_at_its_data(images: Images) -> None:
    promise = gives_its_data(images)
    image = damaged(OPENED)
    assert why_not(image, promise) == "nobody has read the data of image"
    images.create("data", "raw", image.content)
    image.given = "data"
    assert_that(image, promise)
    image.openings.append(replace(OPENED, is_changed=True, is_reader=False))
    assert_that(image, promise)
    image.openings.append(replace(OPENED, is_changed=True))
    assert why_not(image, promise) == "QEMU, for reading has changed image"
    image.openings[:] = [REFUSED]
    assert why_not(image, promise) == "QEMU, for reading gives no data: the type is wrong"
    image.openings[:] = [OPENED]
    images.create("data", "raw", image.content.written(1, 512, 1))
    assert "offset 512 B should be 0x00 and is 0x01, as read from image" in why_not(image, promise)


def test_no_damaged_bitmap_may_be_valid_and_no_whole_one_lost_or_other() -> None:
    promise = has_no_damaged_bitmap(Digests(WORD))
    for opening in (OPENED, REFUSED, replace(OPENED, bitmaps=(FOUND, (replace(BROKEN, inconsistent=True), "")))):
        assert_that(damaged(opening), promise)
    taken = why_not(damaged(replace(OPENED, bitmaps=(FOUND, (BROKEN, "")))), promise)
    assert taken.startswith('QEMU, for reading takes for valid, although the type is 0: "bitmap0" (recording')
    lost = why_not(damaged(replace(OPENED, bitmaps=())), promise)
    assert lost == 'QEMU, for reading does not find "bitmap1", which is whole'
    counts = why_not(damaged(replace(OPENED, bitmaps=((replace(WHOLE.state, count=512), ""),))), promise)
    assert "dirty 0), which is whole; it finds" in counts.replace("dirty 0 B)", "dirty 0)")
    bits = why_not(damaged(replace(OPENED, bitmaps=((WHOLE.state, "0" * 64),))), promise)
    assert bits == 'QEMU, for reading finds other bits in "bitmap1", which is whole'


def test_whoever_examines_it_must_be_told() -> None:
    assert_that(damaged(status=2), is_found_broken())
    assert why_not(damaged(status=3), is_found_broken()) == (
        "qemu-img check did not say that image is broken, although the type is 0: No errors"
    )


def test_an_image_with_a_flipped_bit_must_be_refused_or_told_as_it_is() -> None:
    promise = are_told_or_refused()
    assert why_not([], promise) == "no bit was flipped"
    refused, told = Flip("bit", is_vital=True, is_refused=True), {"bitmap0": "recording"}
    assert_that([refused, Flip("bit", is_vital=False, is_refused=False, found=told, written=told)], promise)
    opened = Flip("bit", is_vital=True, is_refused=False, found=told, written=told)
    assert why_not([refused, opened], promise) == "QEMU opened an image with another bit"
    other = Flip("bit", is_vital=False, is_refused=False, found={}, written=told)
    assert why_not([other], promise) == "with another bit, the image has {'bitmap0': 'recording'}, and QEMU says {}"
