"""What an operator does by qemu-img to the images of machines that are off, and what becomes of their bitmaps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from errno import ENOSPC

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.imagetool import (
    ToolCall,
    add_stored,
    committed,
    resized_when_off,
    stored_bitmap,
    without_bitmaps,
    written_when_off,
)
from testbed.model.ranges import NOTHING, Ranges
from testbed.qemu.image_kinds import ImageKind
from testbed.scenario.acts.act import Actor, Size, act
from testbed.scenario.world import World

SNAPSHOT = "snapshot0"
"""What the one internal snapshot of an image is called."""


# The command for bitmaps.


@dataclass(frozen=True)
class Action:
    """One action of qemu-img bitmap: `granularity` in bytes is for a new bitmap, `source` is what is merged.

    A source is the image that stores it, and the bitmap's name.
    """

    verb: str
    granularity: int | None = None
    source: tuple[Image, str] | None = None


def _merge(image: Image, bitmap: str, action: Action) -> None:
    source, name = action.source or (image, "")
    stored_bitmap(image, bitmap).merge(stored_bitmap(source, name))


VERBS: Mapping[str, Callable[[Image, str, Action], object]] = {
    "add": lambda image, bitmap, action: add_stored(image, bitmap, action.granularity),
    "remove": lambda image, bitmap, _action: image.forget(bitmap),
    "clear": lambda image, bitmap, _action: stored_bitmap(image, bitmap).clear(image.history.moment),
    "enable": lambda image, bitmap, _action: stored_bitmap(image, bitmap).enable(),
    "disable": lambda image, bitmap, _action: stored_bitmap(image, bitmap).disable(),
    "merge": _merge,
}
"""The actions in qemu-img's words, and what an image stores when they are done."""


def on_full_storage(image: Image) -> list[str]:
    """Name an image whose storage has no space for whatever is written to it."""
    error = {"event": "none", "iotype": "write", "errno": ENOSPC}
    storage = {"driver": "blkdebug", "inject-error": [error], "image": {"driver": "file", "filename": image.name}}
    return [f"json:{json.dumps({'driver': image.image_format, 'file': storage})}"]


def by_options(image: Image, *more: str) -> list[str]:
    """Name an image by the options with which it is to be opened, and not by its file alone."""
    options = [f"driver={image.image_format}", "file.driver=file", f"file.filename={image.name}", *more]
    return ["--image-opts", ",".join(options)]


def by_options_for_reading(image: Image) -> list[str]:
    """Do the same with options that say that the image may only be read."""
    return by_options(image, "read-only=on")


def change_bitmap(image: Image, bitmap: str, actions: Sequence[Action], named: Sequence[str] = ()) -> ToolCall:
    """Do something to one bitmap that an image stores, or is to store: all actions in one call, in their order.

    `named` is how the tool is to find the image, if not by its file.
    """

    def done() -> None:
        for action in actions:
            VERBS[action.verb](image, bitmap, action)

    sources = {action.source[0].name: action.source[0] for action in actions if action.source}
    others = [source for source in sources.values() if source is not image]
    arguments = [word for action in actions for word in _words(action)]
    for other in others:
        arguments += ["-b", other.name, "-F", other.image_format]
    reads = tuple(other.name for other in others)
    return ToolCall("bitmap", [*arguments, *(named or _named(image)), bitmap], done, reads)


def _words(action: Action) -> list[str]:
    granularity = ["-g", str(action.granularity)] if action.granularity is not None else []
    return [f"--{action.verb}", *([action.source[1]] if action.source else []), *granularity]


@act("remove bitmaps", on="image", by=Actor.OPERATOR, said="rid of all its bitmaps", needs=("remove-all-bitmaps",))
def remove_bitmaps(drive: Drive) -> ToolCall:
    """Remove all bitmaps that an image stores, those that are inconsistent, too."""
    return ToolCall("bitmap", ["--remove-all", *_named(drive.image)], lambda: without_bitmaps(drive.image))


# What leaves the image as it is.


def _named(image: Image) -> list[str]:
    return ["-f", image.image_format, image.name]


@act("check", on="image", by=Actor.OPERATOR, said="checked")
def check(drive: Drive) -> ToolCall:
    """Check an image, and repair nothing."""
    return ToolCall("check", ["-q", *_named(drive.image)], reads=(drive.image.name,))


@act("repair leaks", on="image", by=Actor.OPERATOR, said="rid of leaks")
def repair_leaks(drive: Drive) -> ToolCall:
    """Check an image, and give back what it counts as used and does not use."""
    return ToolCall("check", ["-q", "-r", "leaks", *_named(drive.image)])


@act("repair", on="image", by=Actor.OPERATOR, said="repaired")
def repair(drive: Drive) -> ToolCall:
    """Check an image, and repair all that can be repaired."""
    return ToolCall("check", ["-q", "-r", "all", *_named(drive.image)])


@act("measure", on="image", by=Actor.OPERATOR, said="measured")
def measure(drive: Drive) -> ToolCall:
    """Ask how much space a copy of an image would need."""
    return ToolCall("measure", ["-O", "qcow2", *_named(drive.image)], reads=(drive.image.name,))


@act("describe", on="image", by=Actor.OPERATOR, said="described")
def describe(drive: Drive) -> ToolCall:
    """Ask what an image is."""
    return ToolCall("info", _named(drive.image), reads=(drive.image.name,))


# What changes it in its place.


def resize(drive: Drive, size: Size) -> ToolCall:
    """Change the size of an image, in bytes."""
    image = drive.image
    shrinks = ["--shrink"] if size < image.size else []
    arguments = ["-q", *shrinks, *_named(image), str(size)]
    return ToolCall("resize", arguments, lambda: resized_when_off(image, size))


@act("take snapshot", on="image", by=Actor.OPERATOR, said="given a snapshot")
def take_snapshot(drive: Drive) -> ToolCall:
    """Keep what an image holds now, in itself."""
    return ToolCall("snapshot", ["-q", "-c", SNAPSHOT, drive.image.name])


@act("go back to snapshot", on="image", by=Actor.OPERATOR, said="put back to its snapshot")
def go_back(drive: Drive) -> ToolCall:
    """Let an image hold again what it held when the snapshot was taken: QEMU does so only where there is no bitmap."""
    return ToolCall("snapshot", ["-q", "-a", SNAPSHOT, drive.image.name])


@act("delete snapshot", on="image", by=Actor.OPERATOR, said="rid of its snapshot")
def delete_snapshot(drive: Drive) -> ToolCall:
    """Forget what an image held when the snapshot was taken."""
    return ToolCall("snapshot", ["-q", "-d", SNAPSHOT, drive.image.name])


def _amend(drive: Drive, option: str) -> ToolCall:
    return ToolCall("amend", ["-q", *_named(drive.image)[:2], "-o", option, drive.image.name])


@act("amend counts", on="image", by=Actor.OPERATOR, said="amended to wider counts of references")
def amend_counts(drive: Drive) -> ToolCall:
    """Let an image count references in numbers of another width, for which it gets new tables."""
    return _amend(drive, "refcount_bits=64")


@act("amend lazy", on="image", by=Actor.OPERATOR, said="amended to lazy counts of references")
def amend_lazily(drive: Drive) -> ToolCall:
    """Let an image write its counts of references late."""
    return _amend(drive, "lazy_refcounts=on")


@act("downgrade", on="image", by=Actor.OPERATOR, said="amended to version 2 of the format")
def downgrade(drive: Drive) -> ToolCall:
    """Turn an image into one of the version of qcow2 that knows no bitmaps."""
    return _amend(drive, "compat=0.10")


# What puts it on another base, or into its base.


def _base_of(image: Image) -> Image:
    if image.base is None:
        raise AuthorError(f"{image.name} stands on nothing: give the drive an image on a base")
    return image.base


def _rebase(image: Image, new_base: Image | None, *how: str, written: Ranges = NOTHING) -> ToolCall:
    def done() -> None:
        image.base = new_base
        written_when_off(image, written)

    onto = ["-b", new_base.name, "-F", new_base.image_format] if new_base else ["-b", ""]
    return ToolCall("rebase", ["-q", *how, "-f", image.image_format, *onto, image.name], done)


def _copy_of_base(world: World, image: Image) -> Image:
    base = _base_of(image)
    copy = Image(f"copy-of-{base.name}", base.kind, base.content)
    world.images.copy(base.name, copy.name)
    return copy


@act("rebase", on="image", by=Actor.OPERATOR, said="put on a copy of its base")
def rebase(world: World, drive: Drive) -> ToolCall:
    """Put an image on a copy of its base, with a look at both."""
    return _rebase(drive.image, _copy_of_base(world, drive.image))


@act("rebase unsafely", on="image", by=Actor.OPERATOR, said="put on a copy of its base without a look")
def rebase_unsafely(world: World, drive: Drive) -> ToolCall:
    """Name a copy of its base as an image's base, and look at neither."""
    return _rebase(drive.image, _copy_of_base(world, drive.image), "-u")


@act("rebase away", on="image", by=Actor.OPERATOR, said="made to stand alone")
def rebase_away(drive: Drive) -> ToolCall:
    """Copy all that an image has from its base into it; what records has recorded that, as it is written."""
    image = drive.image
    taken_up = _base_of(image).content.data.rounded_out(image.unit) - image.allocated
    return _rebase(image, None, written=taken_up.below(image.size))


def _commit(world: World, overlay: Drive, base: Image, *how: str) -> ToolCall:
    def done() -> None:
        committed(overlay.image, base)
        gone = list(overlay.image.layers)
        for drive in world.drives.all():
            if drive.image in gone[: gone.index(base)]:
                world.drives.forget(drive)
            elif drive.image is base:
                drive.access = overlay.access  # the guest's next machine goes on with it

    return ToolCall("commit", ["-q", *how, *_named(overlay.image)], done)


@act("commit", on="image", by=Actor.OPERATOR, said="committed into its base")
def commit(world: World, drive: Drive) -> ToolCall:
    """Write all that an overlay holds into its base and empty it; nobody needs it any more."""
    return _commit(world, drive, _base_of(drive.image))


@act("commit and keep", on="image", by=Actor.OPERATOR, said="committed into its base without being emptied")
def commit_and_keep(world: World, drive: Drive) -> ToolCall:
    """Write all that an overlay holds into its base; nobody needs it any more."""
    return _commit(world, drive, _base_of(drive.image), "-d")


@act("commit into named", on="image", by=Actor.OPERATOR, said="committed into its base by that one's name")
def commit_into_named(world: World, drive: Drive) -> ToolCall:
    """Do the same with the base named."""
    base = _base_of(drive.image)
    return _commit(world, drive, base, "-b", base.name)


@act("commit into lowest", on="image", by=Actor.OPERATOR, said="committed into the lowest image")
def commit_into_lowest(world: World, drive: Drive) -> ToolCall:
    """Write all that an overlay and those below it hold into the image that stands on nothing."""
    lowest = list(drive.image.layers)[-1]
    return _commit(world, drive, lowest, "-b", lowest.name)


# What makes a copy of it, which takes its place.


def _copy(drive: Drive, kind: ImageKind, *how: str, keeps: bool) -> ToolCall:
    """Copy an image, through all that it stands on, into one of this kind, which takes its place."""
    image, name = drive.image, f"copy-of-{drive.image.name}"
    options = [word for key, value in kind.options.items() for word in ("-o", f"{key}={value}")]

    def done() -> None:
        image.name, image.kind, image.base = name, kind, None
        image.allocated = image.content.data.rounded_out(image.unit)
        if not keeps:
            without_bitmaps(image)

    arguments = ["-q", *how, *_named(image)[:2], "-O", kind.image_format, *options, image.name, name]
    return ToolCall("convert", arguments, done, reads=tuple(layer.name for layer in image.layers))


@act("copy with bitmaps", on="image", by=Actor.OPERATOR, said="copied with its bitmaps")
def copy_with_bitmaps(drive: Drive) -> ToolCall:
    """Put a copy into an image's place that has its bitmaps, too."""
    return _copy(drive, ImageKind("qcow2"), "--bitmaps", keeps=True)


@act(
    "copy into small clusters",
    on="image",
    by=Actor.OPERATOR,
    said="copied into small clusters with its bitmaps",
)
def copy_into_small_clusters(drive: Drive) -> ToolCall:
    """Do the same with an image whose clusters are the smallest."""
    return _copy(drive, ImageKind("qcow2", {"cluster_size": "512"}), "--bitmaps", keeps=True)


@act("compress", on="image", by=Actor.OPERATOR, said="compressed with its bitmaps")
def compress(drive: Drive) -> ToolCall:
    """Do the same with an image that is compressed."""
    return _copy(drive, ImageKind("qcow2"), "-c", "--bitmaps", keeps=True)


@act("copy without bitmaps", on="image", by=Actor.OPERATOR, said="copied without its bitmaps")
def copy_without_bitmaps(drive: Drive) -> ToolCall:
    """Put a copy into an image's place; nobody has asked for its bitmaps."""
    return _copy(drive, ImageKind("qcow2"), keeps=False)


@act(
    "copy with sound bitmaps",
    on="image",
    by=Actor.OPERATOR,
    said="copied with its consistent bitmaps",
    needs=("skip-broken-bitmaps",),
)
def copy_with_sound_bitmaps(drive: Drive) -> ToolCall:
    """Put a copy into an image's place that has those of its bitmaps that are consistent."""
    call = _copy(drive, ImageKind("qcow2"), "--bitmaps", "--skip-broken-bitmaps", keeps=True)
    image = drive.image

    def done() -> None:
        broken = [name for name, bitmap in image.stored_bitmaps().items() if bitmap.inconsistent]
        call.done()
        for name in broken:
            image.forget(name)

    return ToolCall(call.command, call.arguments, done, call.reads)


@act("copy to raw", on="image", by=Actor.OPERATOR, said="copied to a raw image with its bitmaps")
def copy_to_raw(drive: Drive) -> ToolCall:
    """Try to copy an image and its bitmaps into one that cannot store them."""
    return _copy(drive, ImageKind("raw"), "--bitmaps", keeps=True)


@act("copy to version 2", on="image", by=Actor.OPERATOR, said="copied to version 2 of the format with its bitmaps")
def copy_to_version_2(drive: Drive) -> ToolCall:
    """Try to copy an image and its bitmaps into one of the version of qcow2 that cannot store them."""
    return _copy(drive, ImageKind("qcow2", {"compat": "0.10"}), "--bitmaps", keeps=True)
