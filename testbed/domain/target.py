"""What backups go into: images of any kind, in places that may fail, be full or be far away."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import ClassVar, Protocol

from testbed.domain.image import Image
from testbed.domain.storage import Options, Storage, sound
from testbed.model.content import Content
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images


class Location(Protocol):
    """Where a target is: what QEMU has to be told to reach it there.

    `shows_clusters` tells whether QEMU can see there how large the clusters of the image are.
    """

    shows_clusters: ClassVar[bool]

    @property
    def is_active(self) -> bool:
        """Tell whether this machine may use a target there."""

    def open(self, target: Target) -> Options:
        """Make a target ready, and return the options of the node by which QEMU reaches it."""

    def close(self, target: Target) -> None:
        """Undo `open` when the node is gone."""


@dataclass(frozen=True)
class Local:
    """Among QEMU's own files, on storage that may be said to fail; `options` are more of the node's."""

    shows_clusters: ClassVar[bool] = True
    storage: Storage = sound
    options: Options = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Tell whether a target is open for use here, as it is unless its options say otherwise."""
        return self.options.get("active", True) is True

    def open(self, target: Target) -> Options:
        """Name the image file with its format, and its key if it has one."""
        file = self.storage(target.name)
        return {"driver": target.image_format, "file": file, **target.kind.opening, **self.options}

    def close(self, target: Target) -> None:
        """Do nothing: the file is there for the tools."""


@dataclass(eq=False)
class Target:
    """An image for a backup, and where it is; unless it exists, the command that takes the backup has to make it."""

    image: Image
    location: Location = field(default_factory=Local)
    exists: bool = True

    @property
    def name(self) -> str:
        """Return the name of the image's file."""
        return self.image.name

    @property
    def kind(self) -> ImageKind:
        """Return the image's kind."""
        return self.image.kind

    @property
    def image_format(self) -> str:
        """Return the image's format."""
        return self.kind.image_format

    @property
    def address(self) -> str:
        """Return the name by which the tools can open the image."""
        return self.kind.address(self.name)

    @property
    def cluster(self) -> int:
        """Return the length in bytes of what the image allocates at a time."""
        return self.kind.cluster

    @property
    def shown_cluster(self) -> int:
        """Return that length as far as QEMU can know of it, else 0."""
        return self.cluster if self.location.shows_clusters else 0

    @property
    def node(self) -> str:
        """Return the name of its node while QEMU has it open."""
        return PurePath(self.name).stem


def seen_from(base: Image, other: Image) -> tuple[str, str]:
    """Return name and format by which an image names another one, `base`, as its backing file."""
    return base.kind.address(os.path.relpath(base.name, PurePath(other.name).parent)), base.image_format


class Maker(Protocol):
    """Whoever makes the images for backups."""

    def make(self, target: Target, size: int) -> None:
        """Make the image of a target, empty, of `size` bytes, and on the target's base if it has one."""


@dataclass(frozen=True)
class Tool:
    """The tool for images as their maker."""

    images: Images

    def make(self, target: Target, size: int) -> None:
        """Make the image by qemu-img; see Maker."""
        kind = target.kind
        below = seen_from(target.image.base, target.image) if target.image.base else None
        if below and not kind.opening:
            self.images.create_above(target.name, kind.image_format, size, below, kind.options)
            return
        # An encrypted image takes seconds to make: one that is made already is copied, and put on its base then.
        self.images.create(target.name, kind.image_format, Content(size), options=kind.options)
        if below:
            self.images.rebase(target.address, kind.image_format, below)


@dataclass
class Targets:
    """Has images made for backups, of the kind and in the location that the scenario has chosen.

    `next_location` is for the next one alone; `directory` holds them all; the `maker` makes them.
    """

    images: Images
    kind: ImageKind
    location: Location = field(default_factory=Local)
    next_location: Location | None = None
    directory: str = ""
    maker: Maker = field(init=False)
    _made: int = 0

    def __post_init__(self) -> None:
        """Let the tool make the images until somebody else is to."""
        self.maker = Tool(self.images)

    def new(self, drive: str, size: int, base: Image | None = None) -> Target:
        """Have an empty image of `size` bytes made for a backup of a drive, given by name, on another one if any."""
        image = Image(self._next_name(drive, self.kind), self.kind, Content(size), base)
        target = Target(image, self.next_location or self.location)
        self.next_location = None
        self.maker.make(target, size)
        return target

    def left_to_qemu(self, drive: str, image_format: str, size: int, base: Image | None = None) -> Target:
        """Return an image of that format which is not there yet: QEMU has to make it, on top of another one if any."""
        kind = ImageKind(image_format)
        return Target(Image(self._next_name(drive, kind), kind, Content(size), base), exists=False)

    def put_on(self, target: Target, base: Image) -> None:
        """Name an image as the backing file of a target, without changing any of its data."""
        self.images.rebase(target.address, target.image_format, seen_from(base, target.image))
        target.image.base = base

    def move_onto(self, target: Target, base: Image) -> None:
        """Put a target on another image, and copy into it what it would miss there."""
        self.images.move(target.address, target.image_format, seen_from(base, target.image))
        target.image.base = base

    def _next_name(self, drive: str, kind: ImageKind) -> str:
        self._made += 1
        return str(PurePath(self.directory, f"{drive}-{self._made}.{kind.image_format}"))
