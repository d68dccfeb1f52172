from __future__ import annotations

from pathlib import Path

import pytest

from testbed.model.content import Content
from testbed.qemu.images import Images
from testbed.qemu.replay import Replay

SIZE = 1 << 20


@pytest.fixture
def path(images: Images) -> Path:
    """Return an image in the first cluster of which something stands."""
    images.create("image", "qcow2", Content(SIZE).written(0xAB, 0, 512))
    return images.home / "image"


def data_of(path: Path) -> int:
    """Return where the data stand in the image's file."""
    return path.read_bytes().index(b"\xab" * 512)


def test_an_image_is_read_anew_only_when_something_was_written_that_says_what_it_is(path: Path) -> None:
    with Replay(path) as replay:
        first = replay.reading
        assert (first.flaws, first.layer is not None) == ([], True)
        replay.write(data_of(path), b"\xcd" * 512)
        assert replay.reading is first
        replay.write(512, bytes(512))
        assert replay.reading is not first


def test_a_broken_image_says_so_until_it_is_mended(path: Path) -> None:
    with Replay(path) as replay:
        with replay.kept([(0, 4)]):
            replay.write(0, b"XXXX")
            assert replay.reading.layer is None
            assert replay.reading.flaws == ["it does not begin as a qcow2 image does"]
        assert not replay.reading.flaws


def test_what_was_written_is_undone_and_so_is_what_was_added(path: Path) -> None:
    end = path.stat().st_size
    with Replay(path) as replay:
        with replay.kept([(end, 512), (data_of(path), 512)]):
            replay.write(end, b"\xcd" * 512)
            replay.write(data_of(path), b"\xcd" * 512)
        replay.copy_to(path.with_name("copy"))
    assert path.with_name("copy").read_bytes() == path.read_bytes()
