"""Images that a run keeps: each content once, holes as holes, and no more than there is room for."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from testbed.base.keeping import INDEX, LEFT_OUT, Keeping, left_out_of
from testbed.base.units import MIB

PAGE = 4096


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    return folder


def image(folder: Path, name: str, data: bytes, *, at: int = 0, size: int = 0) -> Path:
    """Make an image beside the folder that has holes but for some data."""
    path = folder.parent / name
    with path.open("wb") as file:
        file.seek(at)
        file.write(data)
        file.truncate(max(size, at + len(data)))
    return path


def on_disk(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_copy_holds_what_the_image_does(folder: Path) -> None:
    held = image(folder, "a", b"\0\1" * 5000, at=3 * PAGE + 7, size=MIB + 1)
    assert Keeping(folder, MIB).keep(held, folder / "a") == ""
    assert (folder / "a").read_bytes() == held.read_bytes()


@pytest.mark.parametrize("data", [b"\1", bytes(8 * MIB)], ids=["holes", "zeros that are written"])
def test_zeros_take_no_room(folder: Path, data: bytes) -> None:
    sparse = image(folder, "a", data, at=32 * MIB, size=64 * MIB)
    assert Keeping(folder, PAGE).keep(sparse, folder / "a") == ""
    assert on_disk(folder / "a") <= PAGE
    assert (folder / "a").stat().st_size == 64 * MIB


def test_image_without_data_takes_no_room(folder: Path) -> None:
    empty = image(folder, "a", b"", size=MIB)
    assert Keeping(folder, 0).keep(empty, folder / "a") == ""
    assert (folder / "a").stat().st_size == MIB


def test_equal_images_are_one_file_that_nobody_may_write_to(folder: Path) -> None:
    keeping = Keeping(folder, PAGE)
    # The zeros of one are written, and those of the other are a hole.
    for name, data in (("a", b"\1" + bytes(MIB - 1)), ("b", b"\1")):
        assert keeping.keep(image(folder, name, data, size=MIB), folder / name) == ""
    assert (folder / "a").samefile(folder / "b")
    assert (folder / "a").stat().st_mode & 0o222 == 0
    assert left_out_of(folder) == ""


@pytest.mark.parametrize(
    ("at", "size"), [(0, 2 * MIB), (PAGE, MIB)], ids=["of another size", "with the same data in another place"]
)
def test_image_that_is_almost_equal_is_kept_too(folder: Path, at: int, size: int) -> None:
    keeping = Keeping(folder, MIB)
    keeping.keep(image(folder, "a", b"\1", size=MIB), folder / "a")
    other = image(folder, "b", b"\1", at=at, size=size)
    keeping.keep(other, folder / "b")
    assert not (folder / "a").samefile(folder / "b")
    assert (folder / "b").read_bytes() == other.read_bytes()


def test_equal_image_is_copied_when_the_one_that_was_kept_is_gone(folder: Path) -> None:
    keeping = Keeping(folder, MIB)
    for name in ("a", "b"):
        keeping.keep(image(folder, name, b"\1"), folder / name)
        (folder / "a").unlink(missing_ok=True)
    assert (folder / "b").read_bytes() == b"\1"


def test_what_is_left_out_is_said_with_the_option_that_raises_the_bound(folder: Path) -> None:
    keeping = Keeping(folder, MIB)
    assert keeping.keep(image(folder, "a", b"\1" * MIB), folder / "a") == ""
    assert keeping.keep(image(folder, "b", b"\2" * MIB), folder / "b") == (
        "it takes 1 MiB: a run keeps 1 MiB of images; -D keep_mb=NUMBER raises that"
    )
    assert left_out_of(folder).startswith("1 image of 1.0 MiB left out of the evidence: a run keeps 1 MiB of images")
    keeping.keep(image(folder, "c", b"\3" * MIB), folder / "c")
    assert keeping.keep(image(folder, "d", b"\1" * MIB), folder / "d") == "", "it is equal to what was kept"
    assert (folder / LEFT_OUT).read_text().splitlines() == [
        "2 images of 2.0 MiB left out of the evidence: a run keeps 1 MiB of images; -D keep_mb=NUMBER raises that",
        "  b: 1 MiB",
        "  c: 1 MiB",
    ]
    assert {path.name for path in folder.iterdir()} == {"a", "d", INDEX, LEFT_OUT}


def _keep_two(folder: Path, name: str, start: Barrier) -> None:
    own, same = image(folder, name, os.urandom(8 * MIB)), image(folder, f"{name}-same", b"\1" * MIB)
    start.wait()
    Keeping(folder, 10 * MIB).keep(same, folder / f"same-{name}")
    Keeping(folder, 10 * MIB).keep(own, folder / name)


def test_several_processes_have_one_bound(folder: Path) -> None:
    forked = multiprocessing.get_context("fork")
    start = forked.Barrier(4)
    processes = [forked.Process(target=_keep_two, args=(folder, name, start)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    kept = [path for path in folder.iterdir() if path.name not in (INDEX, LEFT_OUT)]
    assert len(kept) == 5
    assert len({path.stat().st_ino for path in kept}) == 2
    assert left_out_of(folder).startswith("3 images of 24.0 MiB left out")


def test_image_that_cannot_be_read_is_no_empty_one(folder: Path) -> None:
    with pytest.raises(OSError, match="Is a directory"):
        Keeping(folder, MIB).keep(folder, folder / "a")
