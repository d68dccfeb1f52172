"""What an operator asks of qemu-img, and what the models learn when it is done."""

from __future__ import annotations

import pytest
from without_qemu import MIB, drive_of, image, world_of

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.imagetool import ToolCall, add_stored, stored_bitmap
from testbed.domain.node import UnknownName
from testbed.model.ranges import NOTHING, Ranges
from testbed.scenario.acts import offline
from testbed.scenario.acts.offline import Action

KIB = 1024


@pytest.fixture
def off() -> Drive:
    """Return a drive that is off, with an image on a base, which holds a byte, and a bitmap "kept" of 4 KiB."""
    base = image("base")
    base.write(0x11, 0, 1)
    overlay = image(base=base)
    overlay.content = base.content
    add_stored(overlay, "kept", 4 * KIB)
    drive = drive_of(overlay)
    drive.closed()
    return drive


def line(call: ToolCall) -> str:
    """Return a call as a command line."""
    return " ".join([call.command, *call.arguments])


def change(image: Image, bitmap: str, *actions: Action) -> str:
    """Let a bitmap be changed, and return the command line."""
    call = offline.change_bitmap(image, bitmap, actions)
    call.done()
    return line(call)


def test_actions_of_one_call_are_done_in_their_order(off: Drive) -> None:
    stored_bitmap(off.image, "kept").saw(Ranges.of((0, 1)))
    actions = [Action("add", 64 * KIB), Action("merge", source=(off.image, "kept")), Action("disable")]
    assert (
        change(off.image, "new", *actions) == "bitmap --add -g 65536 --merge kept --disable -f qcow2 drive0.qcow2 new"
    )
    new = stored_bitmap(off.image, "new")
    assert (new.dirty.count, new.recording) == (64 * KIB, False)
    change(off.image, "new", Action("clear"), Action("enable"))
    assert (new.dirty.count, new.recording) == (0, True)
    change(off.image, "new", Action("remove"))
    assert list(off.image.bitmaps) == ["kept"]


def test_bitmap_of_another_image_is_merged_and_that_image_only_read(off: Drive) -> None:
    other = image("other")
    add_stored(other, "theirs", 4 * KIB)
    stored_bitmap(other, "theirs").saw(Ranges.of((MIB - 1, 1)))
    call = offline.change_bitmap(off.image, "kept", [Action("merge", source=(other, "theirs"))])
    assert line(call) == "bitmap --merge theirs -b other.qcow2 -F qcow2 -f qcow2 drive0.qcow2 kept"
    assert call.reads == ("other.qcow2",)
    call.done()
    assert stored_bitmap(off.image, "kept").dirty.count == 4 * KIB


def test_merge_of_what_is_not_stored_is_a_slip_once_it_is_done(off: Drive) -> None:
    call = offline.change_bitmap(off.image, "kept", [Action("merge", source=(off.image, "gone"))])
    with pytest.raises(UnknownName):
        call.done()


def test_full_storage_is_named_by_a_driver_that_fails_each_write(off: Drive) -> None:
    (named,) = offline.on_full_storage(off.image)
    assert named.startswith("json:")
    call = offline.change_bitmap(off.image, "new", [Action("add")], [named])
    assert (named in call.arguments, "-f" in call.arguments) == (True, False)


def test_shrinking_must_be_allowed_by_a_word(off: Drive) -> None:
    assert line(offline.resize(off, MIB // 2)) == "resize -q --shrink -f qcow2 drive0.qcow2 524288"
    assert line(offline.resize(off, 2 * MIB)) == "resize -q -f qcow2 drive0.qcow2 2097152"


def test_image_that_is_made_to_stand_alone_records_what_it_takes_up(off: Drive) -> None:
    offline.rebase_away(off).done()
    assert off.image.base is None
    assert off.image.allocated == Ranges.of((0, 64 * KIB))
    assert stored_bitmap(off.image, "kept").dirty.count == 64 * KIB


def test_what_stands_on_nothing_cannot_be_rebased_or_committed(off: Drive) -> None:
    off.image.base = None
    with pytest.raises(AuthorError, match=r"drive0\.qcow2 stands on nothing"):
        offline.rebase_away(off)


def test_overlay_that_was_committed_is_forgotten_and_its_base_is_what_it_was(off: Drive) -> None:
    world = world_of(off)
    off.image.write(0x22, 64 * KIB, 1)
    base = off.image.base
    assert base
    call = offline.commit_and_keep(world, off)
    assert line(call) == "commit -q -d -f qcow2 drive0.qcow2"
    call.done()
    assert base.content == off.image.content
    assert not world.drives.by_name


def test_copy_takes_the_place_of_its_image_and_stands_alone(off: Drive) -> None:
    call = offline.copy_into_small_clusters(off)
    assert line(call) == (
        "convert -q --bitmaps -f qcow2 -O qcow2 -o cluster_size=512 drive0.qcow2 copy-of-drive0.qcow2"
    )
    assert call.reads == ("drive0.qcow2", "base.qcow2")
    call.done()
    assert (off.image.name, off.image.base, off.image.unit) == ("copy-of-drive0.qcow2", None, 512)
    assert off.image.allocated == Ranges.of((0, 512))
    assert list(off.image.bitmaps) == ["kept"]


def test_copy_has_the_bitmaps_that_were_asked_for(off: Drive) -> None:
    add_stored(off.image, "broken", None)
    off.image.in_use = {"broken"}
    offline.copy_with_sound_bitmaps(off).done()
    assert (list(off.image.bitmaps), off.image.in_use) == (["kept"], set())
    offline.copy_without_bitmaps(off).done()
    assert not off.image.bitmaps
    assert off.image.allocated != NOTHING


def test_image_can_be_named_by_its_options(off: Drive) -> None:
    named = offline.by_options(off.image, "read-only=on")
    call = offline.change_bitmap(off.image, "kept", [Action("clear")], named)
    options = "driver=qcow2,file.driver=file,file.filename=drive0.qcow2,read-only=on"
    assert line(call) == f"bitmap --clear --image-opts {options} kept"
