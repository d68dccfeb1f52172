"""What backups go into: images of any kind, in places that may fail, be full or be far away."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import ClassVar, Protocol

from testbed.domain.storage import Options, Storage, sound
from testbed.model.content import Content
from testbed.qemu.images import Images, Kind


class Place(Protocol):
    """Where a target is: what QEMU has to be told to reach it there.

    `shows_clusters` tells whether QEMU can see there how large the clusters of the image are.
    """

    shows_clusters: ClassVar[bool]

    def open(self, target: Target) -> Options:
        """Make a target ready, and return the options of the node by which QEMU reaches it."""

    def close(self, target: Target) -> None:
        """Undo `open` when the node is gone."""


@dataclass(frozen=True)
class Here:
    """A place among QEMU's own files, on storage that may be said to fail; `options` are more of the node's."""

    shows_clusters: ClassVar[bool] = True
    storage: Storage = sound
    options: Options = field(default_factory=dict)

    def open(self, target: Target) -> Options:
        """Name the image file with its format, and its key if it has one."""
        file = self.storage(target.name)
        return {"driver": target.image_format, "file": file, **target.kind.opening, **self.options}

    def close(self, target: Target) -> None:
        """Do nothing: the file is there for the tools."""


@dataclass(frozen=True)
class Target:
    """An image for a backup, in the file `name`; unless it exists, the command that takes the backup has to make it."""

    name: str
    kind: Kind
    backing: Target | None = None
    place: Place = field(default_factory=Here)
    exists: bool = True

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
        return self.cluster if self.place.shows_clusters else 0

    @property
    def node(self) -> str:
        """Return the name of its node while QEMU has it open."""
        return PurePath(self.name).stem

    def seen_from(self, other: Target) -> tuple[str, str]:
        """Return name and format by which another image can name it as its backing file."""
        return self.kind.address(os.path.relpath(self.name, PurePath(other.name).parent)), self.image_format


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
        below = target.backing.seen_from(target) if target.backing else None
        if below and not kind.opening:
            self.images.create_above(target.name, kind.image_format, size, below, kind.options)
            return
        # An encrypted image takes seconds to make: one that is made already is copied, and put on its base then.
        self.images.create(target.name, kind.image_format, Content(size), options=kind.options)
        if below:
            self.images.rebase(target.address, kind.image_format, below)


@dataclass
class Targets:
    """Has images made for backups, of the kind and in the place that the scenario has chosen.

    `next_place` is for the next one alone; `directory` holds them all; the `maker` makes them.
    """

    images: Images
    kind: Kind
    place: Place = field(default_factory=Here)
    next_place: Place | None = None
    directory: str = ""
    maker: Maker = field(init=False)
    _made: int = 0

    def __post_init__(self) -> None:
        """Let the tool make the images until somebody else is to."""
        self.maker = Tool(self.images)

    def new(self, drive: str, size: int, backing: Target | None = None) -> Target:
        """Have an empty image of `size` bytes made for a backup of a drive, given by name, on another one if any."""
        target = Target(self._next_name(drive, self.kind), self.kind, backing, self.next_place or self.place)
        self.next_place = None
        self.maker.make(target, size)
        return target

    def left_to_qemu(self, drive: str, image_format: str, backing: Target | None = None) -> Target:
        """Return an image of that format which is not there yet: QEMU has to make it, on top of another one if any."""
        kind = Kind(image_format)
        return Target(self._next_name(drive, kind), kind, backing, exists=False)

    def put_on(self, target: Target, backing: Target) -> Target:
        """Name an image as the backing file of a target that has none yet; return the target so changed."""
        self.images.rebase(target.address, target.image_format, backing.seen_from(target))
        return replace(target, backing=backing)

    def move_onto(self, target: Target, backing: Target) -> Target:
        """Put a target on another image, and copy into it what it would miss there; return the target so changed."""
        self.images.move(target.address, target.image_format, backing.seen_from(target))
        return replace(target, backing=backing)

    def _next_name(self, drive: str, kind: Kind) -> str:
        self._made += 1
        return str(PurePath(self.directory, f"{drive}-{self._made}.{kind.image_format}"))
