"""A drive of a machine: the guest's requests, and what they do to its image and to the bitmaps that see them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from testbed.base.problems import AuthorError
from testbed.domain.access import Access, Accesses, NoAccess
from testbed.domain.bitmap import Bitmap
from testbed.domain.image import Image
from testbed.domain.imagefile import ImageFile
from testbed.domain.node import Node
from testbed.domain.storage import recorded
from testbed.model.content import ZERO, Content, Run
from testbed.model.ranges import Ranges
from testbed.qemu.machine import Machine

HELD = "held"
"""What a request that the storage holds up is called."""

HOLDABLE: Mapping[str, str] = {"read": "read_aio", "write": "write_aio"}
"""What storage can be told to hold up, and what QEMU's blkdebug driver calls it: requests for data, in qcow2 images."""


@dataclass(eq=False)
class Drive(Node):
    """One machine's view of an `image` while it has it open: the node `name`, and the guest's access to it.

    `access` is that of the guest, over the node or a filter above it; `accesses` makes such. The requests pass through
    whatever a job puts over the node, as a guest's would, and through the `filters`, which have bitmaps of their own.
    `file` is the node below that has bitmaps of its own. `on_their_way` are writes that the guest has made and QEMU
    holds up, `held` is which request the storage is to hold up, if any; `copies_up` tells whether the image takes space
    for what the guest reads, too, and `is_active` whether this machine may use the image and no other one does;
    `has_strangers` tells whether others use it past all that is above. What a backup copies up is not among what the
    image has taken space for. `read_only` tells whether the machine may only read the image, `found` is a digest of
    what it must stay then; `is_kept` tells whether the node stays when nothing uses it any more, since the operator
    holds it. `storage` are the options of the node below the format's, and `below` the drives on which it stands, the
    uppermost first, that have nodes of their own names.
    """

    image: Image
    accesses: Accesses = field(kw_only=True)
    access: Access | NoAccess = field(init=False)
    filters: list[Node] = field(default_factory=list, kw_only=True)
    file: ImageFile | None = field(default=None, kw_only=True)
    on_their_way: list[Run] = field(default_factory=list, init=False)
    copies_up: bool = field(default=False, kw_only=True)
    is_open: bool = field(default=False, init=False)
    held: str = field(default="", init=False)
    is_active: bool = field(default=True, init=False)
    has_strangers: bool = field(default=False, init=False)
    read_only: bool = field(default=False, kw_only=True)
    is_kept: bool = field(default=False, kw_only=True)
    found: str = field(default="", init=False)
    storage: Mapping[str, object] = field(init=False)
    below: Sequence[Drive] = field(init=False)

    @classmethod
    def of(cls, name: str, machine: Machine, image: Image, accesses: Accesses, **more: Any) -> Drive:
        """Make a drive of an image, not open yet; `more` are fields of a kind of drive."""
        own: dict[str, Any] = {"granularity": image.granularity, "history": image.history, **more}
        return cls(name, machine, image.size, image, accesses=accesses, **own)

    def __post_init__(self) -> None:
        """Begin as one that no guest reaches."""
        self.access = NoAccess(self.name)
        self.stand_on({"driver": "file", "filename": self.image.name}, ())

    @property
    def serves_guest(self) -> bool:
        """Tell whether a guest reaches it, and not another image of the same drive."""
        return not isinstance(self.access, NoAccess)

    @property
    def content(self) -> Content:
        """Return what the drive must read as."""
        return self.image.content

    @property
    def file_name(self) -> str:
        """Return the name of the node below the format's."""
        return f"{self.name}-file"

    def look_at_file(self) -> ImageFile:
        """Return the node below the format's, with bitmaps of its own; from now on the drive knows of it."""
        if self.file is None:
            path = self.machine.home / self.image.name
            self.file = ImageFile(self.file_name, self.machine, path.stat().st_size, path)
        return self.file

    @property
    def nodes(self) -> Iterator[Node]:
        """Return the nodes that are known and may have bitmaps: none when nobody has the image open."""
        if self.is_open:
            yield from (self, *self.filters)
            if self.file:
                yield self.file

    # How the machine comes to have it, and what becomes of the image when it has it no more.

    def attach(self, file: Mapping[str, object], below: Sequence[Drive] = ()) -> None:
        """Give the drive to the machine; `file` are the options of the node below the format's.

        `below` are drives on which it stands, the uppermost first, that shall have nodes of their own names.
        Raises DriveNotTaken or Refused, with QEMU's words, when it does not take it.
        """
        self.stand_on(file, below)
        self.access = self.accesses.attach(self.node_options)
        self.is_kept = self.accesses.keeps_nodes
        self._chain_opened()

    def attach_inactive(self, file: Mapping[str, object]) -> None:
        """Give the drive to a machine that waits for its guest: another one may use the image until it comes.

        Raises DriveNotTaken or Refused, with QEMU's words.
        """
        self.stand_on(file, ())
        self.access = self.accesses.attach(self.node_options)
        self.is_kept, self.is_active = self.accesses.keeps_nodes, False

    def take_in(self, bitmap: Bitmap, name: str, *, persistent: bool | None) -> None:
        """Take note that a bitmap has come from another machine; what it is called here, and whether it persists."""
        bitmap.name = name
        bitmap.persistent = bitmap.persistent if persistent is None else persistent
        self.bitmaps[name] = bitmap
        self.image.has_stored |= bitmap.persistent

    def stand_on(self, file: Mapping[str, object], below: Sequence[Drive]) -> None:
        """Say what is below its node; see `attach`."""
        self.storage, self.below = {"node-name": self.file_name, **file}, below
        if below:
            below[0].stand_on({"driver": "file", "filename": below[0].image.name}, below[1:])

    def _chain_opened(self) -> None:
        for drive in (self, *self.below):
            drive.opened()

    @property
    def node_options(self) -> dict[str, object]:
        """Return the options of its node, with those of the nodes below it."""
        # Else QEMU would open a raw image anew at the guest's first write, and fail what a job reads just then.
        options = {**self.options_in_chain, "auto-read-only": False}
        return {**options, "read-only": True} if self.read_only else options

    @property
    def options_in_chain(self) -> dict[str, object]:
        """Return the same options without what is said of the uppermost node alone."""
        options: dict[str, object] = {
            "node-name": self.name,
            "driver": self.image.image_format,
            "discard": "unmap",
            "file": self.storage,
        }
        if self.below:
            options["backing"] = self.below[0].options_in_chain
        return options

    def unplug(self) -> None:
        """Take the drive away from the running machine; raises Refused, or GuestRequestFailed with QEMU's words."""
        self.access.leave()
        if not self.access.has_node:
            self.machine.execute("blockdev-del", {"node-name": self.name})
        self.closed()

    def plug_in(self) -> None:
        """Give the drive to the machine again, as a node that no device uses; raises Refused."""
        self.machine.execute("blockdev-add", self.node_options)
        self.access = self.accesses.over(self.name)
        self._chain_opened()
        self.seal()

    def opened(self) -> None:
        """Take note that the machine has the image open: the bitmaps that were stored in it are on the node."""
        if self.read_only:
            self.bitmaps = {name: copy(bitmap) for name, bitmap in self.image.stored_bitmaps().items()}
        else:
            self.bitmaps = self.image.open()
        self.is_open = True
        self.note_moment()

    def reopened(self, *, read_only: bool) -> None:
        """Take note that the image was opened anew, for reading only or for writing; the bitmaps stay on the node."""
        if read_only and not self.read_only:
            self.image.store({name: bitmap.at_rest() for name, bitmap in self.bitmaps.items()})
        elif self.read_only and not read_only:
            self.image.open()
        self.read_only = read_only

    def seal(self) -> None:
        """Take note of what all files of its image are, and that they must stay so, if it may only be read."""
        self.found = self.fingerprint if self.read_only else ""

    @property
    def fingerprint(self) -> str:
        """Return a digest of all files that the image is made of, as they are now."""
        path = self.machine.home / self.image.name
        files = sorted(path.parent.glob(f"{path.name}*"))
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()

    def took_in(self, ranges: Ranges) -> None:
        """Take note of a job's writes, which are new for the node's bitmaps alone: the drive reads as it did before."""
        for bitmap in self.bitmaps.values():
            bitmap.saw(ranges)

    def give_guest_to(self, other: Drive) -> None:
        """Take note that the guest goes on with another drive in its place."""
        other.access, self.access = self.access, NoAccess(self.name)

    def begin_recording(self) -> Mapping[str, object]:
        """Let what the storage is told be recorded from the next opening on, as the image is to be recorded.

        Return the options of the node below the format's.
        """
        assert self.image.recorder, f"{self.image.name} is not to be recorded"
        log = self.image.recorder.begin()
        self.note_moment()
        return recorded(log)(self.image.name)

    def note_moment(self) -> None:
        """Let a recorder know what must be true of the image from now on; what the guest has written, it has flushed.

        It does nothing where there is none.
        """
        if self.image.recorder:
            bitmaps = self.bitmaps if self.is_open else self.image.stored_bitmaps()
            self.image.recorder.note(self.image.content, bitmaps)

    def closed(self) -> None:
        """Take note that the machine has closed the image in order, and has stored the persistent bitmaps in it."""
        if not self.read_only:
            self.image.store(self.bitmaps)
        self.crashed()
        self.note_moment()

    def crashed(self) -> None:
        """Take note that the machine is no more: what it had not stored is lost, in the image and here."""
        self.bitmaps, self.is_open, self.found = {}, False, ""

    def gained_bitmap(self, name: str, properties: Mapping[str, Any]) -> None:
        """Take note that the drive has got an empty bitmap; see Node."""
        super().gained_bitmap(name, properties)
        self.image.has_stored |= self.bitmaps[name].persistent

    def lost_bitmap(self, name: str) -> None:
        """Take note that a bitmap was removed, which an image must forget at once; see Node."""
        super().lost_bitmap(name)
        self.image.forget(name)

    def add_throttle(self, name: str) -> None:
        """Put a throttle node of that name, with no limits set, between the drive's node and the guest."""
        group = f"{name}-limits"
        self.machine.execute("object-add", {"qom-type": "throttle-group", "id": group})
        self._add_filter(name, {"driver": "throttle", "throttle-group": group})

    def add_copy_on_read(self, name: str) -> None:
        """Put a node of that name between the drive's node and the guest that copies up what the guest reads.

        It copies whole clusters into the drive's own image, so that what the guest has read is in that from then on.
        """
        self._add_filter(name, {"driver": "copy-on-read"})
        self.copies_up = True

    def _add_filter(self, name: str, options: Mapping[str, object]) -> None:
        self.machine.execute("blockdev-add", {**options, "node-name": name, "file": self.name})
        self.go_through(name)

    def go_through(self, name: str) -> None:
        """Let the guest reach the drive through the node of that name over the drive's; raises Refused."""
        self.filters.append(Node(name, self.machine, self.size, granularity=self.granularity))
        self.access.step_aside()
        self.access = self.accesses.over(name)

    def go_past(self, name: str) -> None:
        """Let the guest reach the drive past the node of that name again, which is the uppermost; raises Refused."""
        self.filters = [node for node in self.filters if node.name != name]
        self.access.step_aside()
        self.access = self.accesses.over(self.place)

    @property
    def place(self) -> str:
        """Return the name of the node by which the guest reaches the drive: the uppermost filter, or its own."""
        return self.filters[-1].name if self.filters else self.name

    # What the guest does.

    def read(self, at: int, length: int) -> None:
        """Let the guest read `length` bytes at the offset `at`, all in bytes; what it reads, nobody looks at."""
        self._ask(f"read {at} {length}", "read")
        if self.copies_up:
            self.image.allocate(Ranges.of((at, length)))

    def write(self, pattern: int, at: int, length: int) -> None:
        """Let the guest write `length` bytes of `pattern` at the offset `at`, all in bytes."""
        self._ask(f"write -P {pattern:#x} {at} {length}", "wrote")
        self._written(pattern, at, length)

    def write_through(self, pattern: int, at: int, length: int) -> None:
        """Do as `write` does, and flush: unlike `flush`, by which QEMU says nothing, it fails when the flush does."""
        self._ask(f"write -f -P {pattern:#x} {at} {length}", "wrote")
        self._written(pattern, at, length)

    def write_compressed(self, pattern: int, at: int, length: int) -> None:
        """Do as `write` does, for whole clusters that the image then holds compressed."""
        self._ask(f"write -c -P {pattern:#x} {at} {length}", "wrote")
        self._written(pattern, at, length)

    def write_zeroes(self, at: int, length: int) -> None:
        """Let the guest write zeros without sending them; offset and length in bytes."""
        self._ask(f"write -z {at} {length}", "wrote")
        self._written(ZERO, at, length)

    def discard(self, at: int, length: int) -> None:
        """Let the guest discard `length` bytes at the offset `at`; the whole units among them then read as zeros."""
        self._ask(f"discard {at} {length}", "discard")
        self.image.discard(at, length)
        self._note(at, length)

    def flush(self) -> None:
        """Let the guest flush its writes, if one reaches the drive."""
        if self.serves_guest:
            self._ask("flush", "")
        self.note_moment()
        if self.file:
            self.file.catch_up()

    def send(self, writes: Sequence[Run]) -> None:
        """Let the guest make writes that stay on their way until QEMU drains the drive, and then say that they arrived.

        What holds them is a limit of one byte a second.
        """
        self.access.limit(1)
        self.read(0, 512)  # takes what the limit lets through at once
        self.begin(writes)

    def begin(self, writes: Sequence[Run]) -> None:
        """Let the guest make writes without waiting for them; zeros are not sent, and need not keep their space.

        Raises GuestRequestFailed when QEMU speaks of a failure at once.
        """
        for write in writes:
            what = "-z -u" if write.pattern == ZERO else f"-P {write.pattern:#x}"
            self.access.tell(f"aio_write {what} {write.start} {write.end - write.start}")
        self.on_their_way += writes

    def hold_next(self, request: str) -> None:
        """Let the storage hold up the next "read" or "write" of the drive, whoever makes it, until `let_go_on`.

        Raises GuestRequestFailed when the storage cannot.
        """
        self.access.tell(f"break {HOLDABLE[request]} {HELD}")
        self.held = request

    def wait_for_held(self, request: str) -> None:
        """Wait until a "read" or "write" is held up; raises MachineHung when there is none.

        Raises AuthorError when none of that kind was to be held up.
        """
        self._insist_on_held(request)
        self.access.tell(f"wait_break {HELD}")

    def let_go_on(self, request: str) -> None:
        """Let the "read" or "write" go on that is held up, and wait until all that waited for it has been written.

        Raises AuthorError when none of that kind was to be held up.
        """
        self._insist_on_held(request)
        self.held = ""
        self.access.tell(f"resume {HELD}")
        self.access.tell("aio_flush")
        self._arrived()

    def _insist_on_held(self, request: str) -> None:
        if request != self.held:
            held = f"the next {self.held}" if self.held else "nothing"
            raise AuthorError(f"no {request} of {self.name} was to be held up; {held} is")

    def arrive(self) -> None:
        """Take note that QEMU has drained the drive: what was on its way has been written."""
        if self.on_their_way:
            self.access.limit(0)
        self._arrived()

    def _arrived(self) -> None:
        for write in self.on_their_way:
            self._written(write.pattern, write.start, write.end - write.start)
        self.on_their_way = []

    def resized(self, size: int) -> None:
        """Take note of the drive's new size in bytes."""
        self.image.resize(size)
        super().resized(size)
        for node in self.filters:
            node.resized(size)

    def _ask(self, request: str, success: str) -> None:
        self.access.request(request, success)

    def _written(self, pattern: int, at: int, length: int) -> None:
        self.image.write(pattern, at, length)
        self._note(at, length)

    def _note(self, at: int, length: int) -> None:
        for node in (self, *self.filters):
            node.changed(Ranges.of((at, length)))
