from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from programs import shell_program

from testbed.base.files import cache_of_user
from testbed.build.toolchain import Tool
from testbed.model.content import Content
from testbed.qemu import kept as kept_module
from testbed.qemu.image_kinds import KINDS
from testbed.qemu.images import Images
from testbed.qemu.kept import MOST, KeptImages

IMAGE = b"an image" + bytes(4096)


@pytest.fixture
def kept(tmp_path: Path) -> KeptImages:
    """Return a folder of images in which nothing is kept yet."""
    return KeptImages(tmp_path / "kept" / "images", "a build")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return an image that was made just now."""
    path = tmp_path / "image"
    path.write_bytes(IMAGE)
    return path


def test_what_is_kept_is_fetched_as_it_was(kept: KeptImages, image: Path, tmp_path: Path) -> None:
    assert not kept.fetch("4 MiB", tmp_path / "copy")
    kept.keep("4 MiB", image)
    assert kept.fetch("4 MiB", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == IMAGE
    assert not kept.fetch("5 MiB", tmp_path / "another")
    assert not (tmp_path / "another").exists()


def test_no_build_gets_what_another_one_has_made(kept: KeptImages, image: Path, tmp_path: Path) -> None:
    kept.keep("4 MiB", image)
    assert not replace(kept, made_by="another build").fetch("4 MiB", tmp_path / "copy")


@pytest.mark.parametrize("end", [b"", bytes(4)], ids=["cut off", "written over"])
def test_image_that_is_spoilt_is_made_and_kept_anew(kept: KeptImages, image: Path, tmp_path: Path, end: bytes) -> None:
    kept.keep("4 MiB", image)
    (place,) = kept.folder.iterdir()
    place.write_bytes(place.read_bytes()[:-4] + end)
    assert not kept.fetch("4 MiB", tmp_path / "copy")
    kept.keep("4 MiB", image)
    assert kept.fetch("4 MiB", tmp_path / "copy")


def test_folder_that_cannot_be_written_keeps_nothing_and_is_no_error(image: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = KeptImages(tmp_path / "file" / "images", "a build")
    nowhere.keep("4 MiB", image)
    assert not nowhere.fetch("4 MiB", tmp_path / "copy")


def test_those_go_that_were_not_asked_for_the_longest(kept: KeptImages, image: Path, tmp_path: Path) -> None:
    for number in range(MOST):
        kept.keep(str(number), image)
    for age, file in enumerate(kept.folder.iterdir(), 1):
        os.utime(file, (age, age))
    assert kept.fetch("0", tmp_path / "copy")
    others = KeptImages(kept.folder, "another build")
    for number in range(MOST - 1):
        others.keep(str(number), image)
    assert len(list(kept.folder.iterdir())) == MOST
    assert [number for number in range(MOST) if kept.fetch(str(number), tmp_path / "copy")] == [0]


def test_large_image_is_not_kept(
    kept: KeptImages, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "LARGEST", len(IMAGE) - 1)
    kept.keep("4 MiB", image)
    assert not kept.fetch("4 MiB", tmp_path / "copy")


# Which build has made an image.


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Return a program that could be a qemu-img."""
    path = tmp_path / "build" / "qemu-img"
    path.parent.mkdir()
    path.write_bytes(b"\x7fELF")
    return Tool(path, (7, 2), "qemu-img version 7.2")


def made_by(tool: Tool) -> str | None:
    """Return what tells one build from others, None where nobody can tell."""
    kept = KeptImages.of_user({"XDG_CACHE_HOME": "/cache"}, tool)
    return kept.made_by if kept else None


def others(tool: Tool) -> Iterator[Tool]:
    """Yield builds that differ from one in a single thing each."""
    yield replace(tool, banner="qemu-img version 7.2 (with a patch)")
    before = tool.path.stat()
    tool.path.write_bytes(b"\x7fELF rebuilt")
    os.utime(tool.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    yield tool
    tool.path.write_bytes(b"\x7fELF")
    os.utime(tool.path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    yield tool
    os.utime(tool.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elsewhere = tool.path.with_name("elsewhere")
    tool.path.rename(elsewhere)
    yield replace(tool, path=elsewhere)


@pytest.mark.parametrize("by_script", [False, True])
def test_builds_differ_in_whatever_may_differ(tool: Tool, tmp_path: Path, by_script: bool) -> None:  # noqa: FBT001
    first = made_by(tool)
    assert first
    if not by_script:
        assert [made_by(other) == first for other in others(tool)] == [False] * 4
        assert KeptImages.of_user({"XDG_CACHE_HOME": "/cache"}, tool) is None, "it has been moved away"
        return
    script = replace(tool, path=shell_program(tmp_path / "qemu-img", f'exec {tool.path} "$@"'))
    started = made_by(script)
    assert started not in (None, first)
    tool.path.write_bytes(b"\x7fELF rebuilt")
    assert made_by(script) != started


@pytest.mark.parametrize("line", ['exec "$BUILD/qemu-img" "$@"', "exec /missing/qemu-img", "exec /bin/sh 'no end"])
def test_script_that_does_not_say_what_it_starts_keeps_nothing(tool: Tool, tmp_path: Path, line: str) -> None:
    assert made_by(replace(tool, path=shell_program(tmp_path / "qemu-img", line))) is None


def test_images_are_beside_the_releases_that_were_fetched(tool: Tool, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    kept = KeptImages.of_user(environ, tool)
    assert kept
    assert kept.folder.parent == cache_of_user(environ)
    assert kept.folder.is_relative_to(tmp_path)


# Images with a key.


def test_only_empty_images_that_take_a_key_are_kept(images: Images, kept: KeptImages) -> None:
    """What qemu-img would be asked for is played by a program that makes an image at once, and says how often."""
    program = shell_program(
        images.home.parent / "qemu-img", 'for word; do image=$last; last=$word; done; echo made >>"$image"'
    )
    keeping = replace(images, qemu_img=program, kept=kept)
    options = KINDS["a LUKS image"].options
    for run in ("first", "second"):
        templates = images.home.parent / run
        templates.mkdir()
        replace(keeping, templates=templates).create(f"{run}.luks", "luks", Content(4096), options=options)
        assert (images.home / f"{run}.luks").read_text() == "made\n"
    program.unlink()
    (images.home.parent / "third").mkdir()
    third = replace(keeping, templates=images.home.parent / "third")
    third.create("third.luks", "luks", Content(4096), options=options)
    with pytest.raises(AssertionError):
        third.create("other.luks", "luks", Content(8192), options=options)
    assert len(list(kept.folder.iterdir())) == 1
    replace(images, kept=kept).create("plain.qcow2", "qcow2", Content(4096))
    assert len(list(kept.folder.iterdir())) == 1
