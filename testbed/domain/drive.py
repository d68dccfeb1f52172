"""A drive of the machine: the guest's requests, and the models of its content and of the bitmaps that see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from testbed.domain.access import Front, Fronts
from testbed.domain.bitmap import Bitmap
from testbed.domain.imagefile import ImageFile
from testbed.domain.node import Node
from testbed.domain.request import Request
from testbed.model.content import ZERO, Content, Run
from testbed.model.ranges import NOTHING, Ranges

HELD = "held"
"""What a request that the storage holds up is called."""


@dataclass
class Drive(Node):
    """A drive as the machine has it: the node `name` with its image, and before it a way in for the guest's requests.

    `front` is that way in, over the node or a filter above it; `fronts` makes such. The requests pass through whatever
    a job puts over the node, as a guest's would, and through the `filters`, which have bitmaps of their own. `content`
    is what the drive must read as; `discard_unit` is the length in bytes of what a discard can turn into zeros. `below`
    is the drive on which a snapshot has put this one as an overlay, `has_base` tells whether it stands on another image
    since it was made, and `file` is the node below that has bitmaps of its own. `on_their_way` are writes that the
    guest has made and QEMU holds up; `allocated` is what its image has taken space for, in units of what it allocates
    at a time; `copies_up` tells whether that includes what the guest reads. What a backup copies up is not among it.
    """

    image: str
    image_format: str
    content: Content
    discard_unit: int
    fronts: Fronts = field(kw_only=True)
    front: Front = field(init=False)
    filters: list[Node] = field(default_factory=list, kw_only=True)
    below: Drive | None = field(default=None, kw_only=True)
    file: ImageFile | None = field(default=None, kw_only=True)
    on_their_way: list[Run] = field(default_factory=list, init=False)
    allocated: Ranges = field(default=NOTHING, init=False)
    copies_up: bool = field(default=False, init=False)
    has_base: bool = field(default=False, init=False)

    @property
    def file_name(self) -> str:
        """Return the name of the node below the format's."""
        return f"{self.name}-file"

    def look_at_file(self) -> ImageFile:
        """Return the node below the format's, with bitmaps of its own; from now on the drive knows of it."""
        if self.file is None:
            path = self.machine.home / self.image
            self.file = ImageFile(self.file_name, self.machine, path.stat().st_size, path)
        return self.file

    @property
    def nodes(self) -> Iterator[Node]:
        """Return the nodes that are known and may have bitmaps."""
        yield from (self, *self.filters)
        if self.file:
            yield self.file

    @property
    def kept_bitmaps(self) -> Mapping[str, Bitmap]:
        """Return the bitmaps that its image must hold for whoever opens it next: the persistent ones."""
        return {name: bitmap for name, bitmap in self.bitmaps.items() if bitmap.persistent}

    @property
    def layers(self) -> Iterator[Drive]:
        """Return the drive and those that it was, before snapshots put it on top of them; the newest first."""
        yield self
        if self.below:
            yield from self.below.layers

    @property
    def own_layer(self) -> Ranges:
        """Return what its image holds by itself, hiding what lies below: a raw one holds all of the drive."""
        return self.allocated if self.image_format == "qcow2" else Ranges.of((0, self.size))

    def attach(self, file: Mapping[str, object]) -> None:
        """Give the drive to the machine; `file` are the options of the node below the format's.

        Raises AssertionError or Refused, with QEMU's words, when it does not take it.
        """
        options = {
            "node-name": self.name,
            "driver": self.image_format,
            "discard": "unmap",
            # Else QEMU would open a raw image anew at the guest's first write, and fail what a job reads just then.
            "auto-read-only": False,
            "file": {"node-name": self.file_name, **file},
        }
        self.front = self.fronts.attach(options)

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
        self.filters.append(Node(name, self.machine, self.size, granularity=self.granularity))
        self.front.step_aside()
        self.front = self.fronts.over(name)

    def set_active(self, *, active: bool) -> Request:
        """Make the request that gives the drive's image over to another machine, or takes it back if `active`."""
        return Request("blockdev-set-active", {"node-name": self.name, "active": active})

    def add_user(self, permission: str, node: str = "") -> Request:
        """Make the request that lets something "write" or "resize" a node past all that is above: a node "user-of-" it.

        Unless another node is named, it is the file below the drive; that is granted only if the image is raw: others
        want their file for themselves.
        """
        options = {"driver": "blkdebug", "node-name": f"user-of-{node or self.name}", "image": node or self.file_name}
        return Request("blockdev-add", {**options, "take-child-perms": [permission]})

    # What the guest does.

    def read(self, at: int, length: int) -> None:
        """Let the guest read `length` bytes at the offset `at`, all in bytes; what it reads, nobody looks at."""
        self._ask(f"read {at} {length}", "read")
        if self.copies_up:
            self._allocate(Ranges.of((at, length)))

    def write(self, pattern: int, at: int, length: int) -> None:
        """Let the guest write `length` bytes of `pattern` at the offset `at`, all in bytes."""
        self._ask(f"write -P {pattern:#x} {at} {length}", "wrote")
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
        # The part of a unit at the end of the drive is as good as whole.
        discarded = Ranges.of((at, length), (self.size, self.discard_unit)).rounded_in(self.discard_unit)
        self.content = self.content.zeroed(discarded)
        if self.below or self.has_base:
            self._allocate(discarded)  # zeros that hide what lies below
        self._note(at, length)

    def flush(self) -> None:
        """Let the guest flush its writes."""
        self._ask("flush", "")
        if self.file:
            self.file.catch_up()

    def send(self, writes: Sequence[Run]) -> None:
        """Let the guest make writes that stay on their way until QEMU drains the drive, and then say that they arrived.

        What holds them is a limit of one byte a second.
        """
        self.front.limit(1)
        self.read(0, 512)  # takes what the limit lets through at once
        self.begin(writes)

    def begin(self, writes: Sequence[Run]) -> None:
        """Let the guest make writes without waiting for them, zeros without sending them.

        Raises GuestRequestFailed when QEMU speaks of a failure at once.
        """
        for write in writes:
            what = "-z" if write.pattern == ZERO else f"-P {write.pattern:#x}"
            self.front.tell(f"aio_write {what} {write.start} {write.end - write.start}")
        self.on_their_way += writes

    def hold_next_read(self) -> None:
        """Let the storage hold up the next read of the drive, whoever makes it, until `let_read_go_on`.

        Raises GuestRequestFailed when the storage cannot.
        """
        self.front.tell(f"break read_aio {HELD}")

    def wait_for_read(self) -> None:
        """Wait until a read is held up; raises MachineHung when there is none."""
        self.front.tell(f"wait_break {HELD}")

    def let_read_go_on(self) -> None:
        """Let the read go on that is held up, and wait until all that waited for it has been written."""
        self.front.tell(f"resume {HELD}")
        self.front.tell("aio_flush")
        self._arrived()

    def arrive(self) -> None:
        """Take note that QEMU has drained the drive: what was on its way has been written."""
        if self.on_their_way:
            self.front.limit(0)
        self._arrived()

    def _arrived(self) -> None:
        for write in self.on_their_way:
            self._written(write.pattern, write.start, write.end - write.start)
        self.on_their_way = []

    # What the operator asks for.

    def resize(self, size: int) -> Request:
        """Make the request that changes the drive's size, in bytes; it must be asked then."""
        self.front.step_aside()

        def granted() -> None:
            self.content = self.content.resized(size)
            self.allocated = self.allocated.below(size)
            if self.below and size > self.size < self.below.size:
                self._allocate(Ranges.of((self.size, size - self.size)))  # zeros that hide what was cut off
            for node in (self, *self.filters):
                node.resized(size)
            self.front.step_back()

        return Request("block_resize", {"node-name": self.name, "size": size}, granted, self.front.step_back)

    def _ask(self, request: str, success: str) -> None:
        self.front.request(request, success)

    def _written(self, pattern: int, at: int, length: int) -> None:
        self.content = self.content.written(pattern, at, length)
        self._allocate(Ranges.of((at, length)))
        self._note(at, length)

    def _allocate(self, ranges: Ranges) -> None:
        self.allocated |= ranges.rounded_out(self.discard_unit)

    def _note(self, at: int, length: int) -> None:
        for node in (self, *self.filters):
            node.changed(Ranges.of((at, length)))
