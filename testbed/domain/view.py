"""Frozen views of a drive: what the guest overwrites is saved before, so that clients read the drive as it was.

A copy-before-write filter between the drive's node and the guest saves into a scratch image; a snapshot-access node
over the filter shows what was saved, and the drive for all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from testbed.base.problems import AuthorError, near
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.job import Job
from testbed.domain.node import UnknownName
from testbed.domain.request import Refusal, Request
from testbed.domain.storage import Storage, sound
from testbed.model.content import Content, Run
from testbed.model.dirty import COPY_CLUSTER
from testbed.model.ranges import Ranges
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.machine import Machine

PARTS = ("export", "access node", "filter", "scratch image")
"""What a view is made of, in the order in which it can be taken down."""


@dataclass
class Scratch:
    """How views save: the `kind` of image, its `size` in bytes, which is the drive's if None, and what it lies on.

    `speed` limits what is written to it, in bytes a second; 0 is no limit, None is no throttle node that could be told
    one. `options` are those of its node besides.
    """

    kind: ImageKind = field(default_factory=lambda: ImageKind("qcow2"))
    size: int | None = None
    storage: Storage = sound
    speed: int | None = None
    directory: str = ""


@dataclass(eq=False)
class View:
    """One drive as it was when it was frozen: `content`, of which a client may read what is `shown`.

    `options` are those of the filter. `scratch` is the image that it saves into, as `how` tells. `parts` are those of
    PARTS that are there. `is_broken` tells that the filter could not save something and has given the view up.
    `looks` counts how often a client has read all of it while the guest wrote, `complaints` say what was wrong then.
    """

    name: str
    drive: Drive
    scratch: Image
    how: Scratch
    options: Mapping[str, object]
    content: Content = field(init=False)
    shown: Ranges = field(init=False)
    parts: list[str] = field(default_factory=list, init=False)
    is_broken: bool = field(default=False, init=False)
    complaints: list[str] = field(default_factory=list, init=False)
    looks: int = field(default=0, init=False)

    @property
    def machine(self) -> Machine:
        """Return the machine that has it."""
        return self.drive.machine

    @property
    def filter_name(self) -> str:
        """Return the name of the filter, through which the guest writes."""
        return f"{self.name}-filter"

    @property
    def scratch_name(self) -> str:
        """Return the name of the scratch image's node."""
        return f"{self.name}-scratch"

    @property
    def throttle_name(self) -> str:
        """Return the name of the node that limits the scratch image."""
        return f"{self.name}-throttle"

    @property
    def cell(self) -> int:
        """Return the length in bytes of what is saved at a time."""
        asked = self.options.get("min-cluster-size", 0)
        assert isinstance(asked, int)
        return max(COPY_CLUSTER, self.scratch.kind.cluster if self.scratch.image_format == "qcow2" else 0, asked)

    @property
    def hidden(self) -> Ranges:
        """Return what nobody can read: what is outside of its bitmap, and what a client has discarded."""
        return Ranges.of((0, self.content.size)) - self.shown

    @property
    def address(self) -> str:
        """Return the address by which the tools, in the machine's directory, find its export."""
        return f"nbd+unix:///{self.name}?socket={self.machine.exports_socket}"

    def pieces(self, ranges: Ranges) -> Iterator[Run]:
        """Return what a client must read of the ranges, each piece of one pattern, and in one cell."""
        for start, end in ranges:
            for at in range(start // self.cell * self.cell, end, self.cell):
                yield from self.content.covering(max(at, start), min(at + self.cell, end))

    def let_go_of(self, at: int, length: int) -> None:
        """Take note that a client has discarded `length` bytes at the offset `at`: whole cells of it are shown no more.

        A cell at the end of the drive is as good as whole.
        """
        given_back = Ranges.of((at, length), (self.content.size, self.cell)).rounded_in(self.cell)
        if at + length < self.content.size:
            given_back = Ranges.of((at, length)).rounded_in(self.cell)
        self.shown -= given_back

    # Making it.

    def freeze(self) -> Request:
        """Add the scratch image's node, and make the request for the filter; what else it needs comes when granted."""
        self._add_scratch()
        target = self.throttle_name if self.how.speed is not None else self.scratch_name
        asked = {"driver": "copy-before-write", "node-name": self.filter_name, "discard": "unmap"}
        arguments: dict[str, Any] = {**asked, "file": self.drive.place, "target": target, **self.options}
        if "bitmap" in self.options:
            arguments["bitmap"] = {"node": self.drive.name, "name": self.options["bitmap"]}
        return Request(
            "blockdev-add", arguments, self._frozen, partial(self._remove_scratch), machine=self.drive.machine
        )

    def _frozen(self) -> None:
        self.content, self.shown = self.drive.content, Ranges.of((0, self.drive.size))
        if "bitmap" in self.options:
            recorded = self.drive.bitmap(str(self.options["bitmap"])).dirty.granules
            self.shown = recorded.rounded_out(self.cell).below(self.drive.size)
        self.drive.go_through(self.filter_name)
        access = {"driver": "snapshot-access", "node-name": self.name, "file": self.filter_name, "discard": "unmap"}
        self.machine.execute("blockdev-add", access)
        self.machine.serve()
        export = {"type": "nbd", "id": self.name, "name": self.name, "node-name": self.name, "writable": True}
        self.machine.execute("block-export-add", export)
        self.parts = list(PARTS)

    def _add_scratch(self) -> None:
        file = self.how.storage(self.scratch.name)
        node = {"driver": self.scratch.image_format, "node-name": self.scratch_name, "discard": "unmap", "file": file}
        self.machine.execute("blockdev-add", node)
        if self.how.speed is not None:
            limits = {"bps-write": self.how.speed}
            self.machine.execute(
                "object-add", {"qom-type": "throttle-group", "id": f"{self.name}-limits", "limits": limits}
            )
            throttle = {"driver": "throttle", "node-name": self.throttle_name, "throttle-group": f"{self.name}-limits"}
            self.machine.execute("blockdev-add", {**throttle, "file": self.scratch_name})

    def _remove_scratch(self) -> None:
        if self.how.speed is not None:
            self.machine.execute("blockdev-del", {"node-name": self.throttle_name})
            self.machine.execute("object-del", {"id": f"{self.name}-limits"})
        self.machine.execute("blockdev-del", {"node-name": self.scratch_name})

    # Taking it down.

    def take_down(self) -> None:
        """Take all of its parts away in order, and give the drive back to the guest; raises Refused."""
        for part in list(self.parts):
            self.remove(part)

    def remove(self, part: str) -> None:
        """Take one part away, the guest's way through the filter with the access node; raises Refused."""
        if part not in self.parts:
            raise near(part, self.parts, f'part of the view "{self.name}"')
        if part == "export":
            self._end_export()
        elif part == "scratch image":
            self._remove_scratch()
        else:
            self.machine.execute("blockdev-del", {"node-name": self.nodes[part]})
        if part == "access node":
            self.drive.go_past(self.filter_name)
        self.parts.remove(part)

    def removal(self, part: str) -> Request:
        """Make the request that removes one part while the others are there, which QEMU must refuse."""
        words = "is in use" if part != "access node" else f"Node {self.name} is in use"
        return Request(
            "blockdev-del",
            {"node-name": self.nodes[part]},
            forecast=lambda _outlook: Refusal(words),
            machine=self.machine,
        )

    @property
    def nodes(self) -> Mapping[str, str]:
        """Return the names of the nodes that its parts are, and of the drive's."""
        return {
            "access node": self.name,
            "filter": self.filter_name,
            "scratch image": self.scratch_name,
            "drive": self.drive.name,
        }

    def _end_export(self) -> None:
        start = len(self.machine.all_events())
        self.machine.execute("block-export-del", {"id": self.name, "mode": "hard"})
        self.machine.wait_for(
            f"BLOCK_EXPORT_DELETED of {self.name}",
            lambda event: event.name == "BLOCK_EXPORT_DELETED" and event.data["id"] == self.name,
            start=start,
        )


@dataclass(eq=False)
class ViewBackup:
    """A push backup out of a view, into `image`; its job stands for no drive's."""

    view: View
    image: Image
    job: Job = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the job."""
        machine = self.view.machine
        self.job = Job(machine, f"backup-of-{self.view.name}", start=len(machine.all_events()))

    @property
    def target(self) -> str:
        """Return the name of its target's node."""
        return self.job.name

    def start(self, options: Mapping[str, object]) -> Request:
        """Open the target, and make the request; `options` are those of blockdev-backup besides."""
        file = {"driver": "file", "filename": self.image.name}
        node = {"driver": self.image.image_format, "node-name": self.target, "file": file}
        self.view.machine.execute("blockdev-add", node)
        asked = {"job-id": self.job.name, "device": self.view.name, "target": self.target, "sync": "full"}

        def granted() -> None:
            self.job.begun = True

        return Request("blockdev-backup", {**asked, **options}, granted, self._close, machine=self.view.machine)

    def finish(self) -> None:
        """Wait for the end of the job, and close the target; raises what Job.wait does."""
        self.job.wait()
        self._close()

    def _close(self) -> None:
        self.view.machine.execute("blockdev-del", {"node-name": self.target})


@dataclass
class Views:
    """The views of a scenario by their names, how the next ones save, and the newest backup out of each."""

    scratch: Scratch = field(default_factory=Scratch)
    by_name: dict[str, View] = field(default_factory=dict)
    backups: dict[str, ViewBackup] = field(default_factory=dict)

    def view(self, name: str) -> View:
        """Return a view by its name; raise UnknownName when there is none such."""
        try:
            return self.by_name[name]
        except KeyError:
            raise UnknownName(f'there is no view "{name}", only {sorted(self.by_name)}') from None

    def view_of(self, drive: str, name: str) -> View:
        """Return a view of a drive, both by their names; raise AuthorError when it is of another drive."""
        view = self.view(name)
        if view.drive.name != drive:
            raise AuthorError(f'"{name}" is a view of "{view.drive.name}", not of "{drive}"')
        return view

    def backup_out_of(self, drive: str, name: str) -> ViewBackup:
        """Return the newest backup out of a view of a drive, both by their names; raise AuthorError for none."""
        if self.view_of(drive, name).name not in self.backups:
            raise AuthorError(f'nobody has backed up the view "{name}"')
        return self.backups[name]

    def on(self, machine: Machine) -> Sequence[View]:
        """Return the views of which a machine has any part."""
        return [view for view in self.by_name.values() if view.machine is machine and view.parts]

    def open_on(self, machine: Machine) -> Sequence[View]:
        """Return the views that clients of a machine can read."""
        return [view for view in self.by_name.values() if view.machine is machine and "export" in view.parts]

    def new(self, name: str, drive: Drive, options: Mapping[str, object]) -> View:
        """Return a view of a drive, which is not frozen yet, saving as views are to save now."""
        if name in self.by_name:
            raise AuthorError(f'there is a view "{name}" already: give this one another name')
        how = self.scratch
        kind, size = how.kind, drive.size if how.size is None else how.size
        scratch = Image(f"{how.directory}{name}-scratch.{kind.image_format}", kind, Content(size))
        return View(name, drive, scratch, how, options)
