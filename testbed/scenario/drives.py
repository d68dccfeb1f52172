"""The drives of a scenario by their names: making their images, giving them to machines, and finding them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from testbed.base.problems import AuthorError
from testbed.build.boards import Board
from testbed.domain.access import Accesses, MonitorAccesses
from testbed.domain.bitmap import Bitmap
from testbed.domain.disk import Disk
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.node import Node, UnknownName
from testbed.domain.recorder import Recorder
from testbed.domain.storage import Storage, sound
from testbed.model.content import Content, Run
from testbed.model.dirty import Dirty
from testbed.model.ranges import NOTHING
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.scenario.machines import EARLIER, Machines

AT_ERRORS = ("rerror", "werror")
"""The options that say what a drive does when a request of the guest fails."""


@dataclass
class Drives:
    """All drives, and how the next ones are to be made.

    `images` are the tools that make their images, of the format `image_format` unless a scenario says otherwise.
    `accesses` makes, for a machine, the ways by which its guest gets at drives; `board` is the one on which the guest
    sees them as disks, if it does; `options` are those of -drive that each gets. `without_medium` are the names of
    drives that have no image, `recorded` of those whose storage is recorded from their first opening on; `directory` is
    where their images are, seen from the machine's. `left` are those that the guest does not use any more and QEMU has
    let go of.
    """

    machines: Machines
    images: Images
    image_format: str
    accesses: Callable[[Machine], Accesses]
    board: Board | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    by_name: dict[str, Drive] = field(default_factory=dict)
    without_medium: set[str] = field(default_factory=set)
    directory: str = ""
    left: list[Drive] = field(default_factory=list)
    recorded: set[str] = field(default_factory=set)

    # Finding them.

    def drive(self, name: str) -> Drive:
        """Return a drive by its name; raise UnknownName when the scenario has none such."""
        try:
            return self.by_name[name]
        except KeyError:
            raise UnknownName(f'there is no drive "{name}", only {sorted(self.by_name)}') from None

    def disk(self, name: str) -> Disk:
        """Return a drive that a guest sees as a disk; raise AuthorError when it is none."""
        disk = self.drive(name)
        if not isinstance(disk, Disk):
            raise AuthorError(f'"{name}" is no disk of a guest: let the scenario have a machine whose guest sees disks')
        return disk

    def all(self) -> list[Drive]:
        """Return all drives, in the order in which the scenario got them."""
        return list(self.by_name.values())

    def that_ever_were(self) -> list[Drive]:
        """Return all drives, and those that QEMU has let go of, of whose images each is to be judged."""
        return [*self.by_name.values(), *self.left]

    def chain_of(self, drive: Drive, base: Drive | None) -> list[Drive]:
        """Return a drive and those that it stands on above another one, or above nothing; the uppermost first.

        Raises AuthorError when it does not stand on that other one.
        """
        layers = drive.image.down_to(base.image if base else None)
        return [next(other for other in self.all() if other.image is layer) for layer in layers if self._known(layer)]

    def above(self, drive: Drive) -> Drive | None:
        """Return the drive that stands on another one right away, or None."""
        return next((other for other in self.all() if other.image.base is drive.image), None)

    def _known(self, image: Image) -> bool:
        return any(drive.image is image for drive in self.all())

    def another(self, drive: Drive) -> Drive:
        """Return some other drive; raise AuthorError when there is none."""
        for other in self.by_name.values():
            if other is not drive:
                return other
        raise AuthorError(f'the scenario needs another drive than "{drive.name}" for this')

    def node(self, name: str) -> Node:
        """Return a node that may have bitmaps: a drive's, a filter over it, the file below it, such as "drive0-file".

        Raises UnknownName when there is none of that name.
        """
        for drive in self.by_name.values():
            if name == drive.file_name:
                return drive.look_at_file()
        try:
            return next(node for node in self.nodes() if node.name == name)
        except StopIteration:
            raise UnknownName(f'there is no node "{name}", only {[n.name for n in self.nodes()]}') from None

    def nodes(self) -> list[Node]:
        """Return all nodes that may have bitmaps."""
        return [node for drive in self.by_name.values() for node in drive.nodes]

    # Making them.

    def set_up(self, options: Mapping[str, str]) -> None:
        """Give options of -drive to all drives that are added from now on (see there in QEMU's manual)."""
        self.options = options

    def use_board(self, board: Board) -> None:
        """Start the machine anew, before it has any drive, on a board whose guest will see the drives as disks."""
        if self.by_name:
            raise AuthorError("a machine whose guest sees disks must be chosen before the drives")
        self.machines.current.quit()
        self.machines.current.start(board.hardware)
        self.board = board

    def add(
        self, name: str, size: int, runs: Sequence[Run] = (), storage: Storage = sound, kind: ImageKind | None = None
    ) -> Drive:
        """Make an image of `size` bytes that holds the runs, and give it to the machine as a drive on such storage.

        The image is of the run's format unless a `kind` is given.
        """
        content = Content(size)
        for run in runs:
            content = content.written(run.pattern, run.start, run.end - run.start)
        return self._attach(name, self._make(name, kind or ImageKind(self.image_format), content), storage)

    def add_with_stored(self, name: str, size: int, bitmaps: Mapping[str, Mapping[str, object]]) -> Drive:
        """Give the machine an empty drive of `size` bytes in whose image bitmaps are stored, as no machine had it open.

        `bitmaps` are their properties by name; see block-dirty-bitmap-add in the QMP reference.
        """
        image = self._make(name, ImageKind("qcow2"), Content(size))
        for bitmap, properties in bitmaps.items():
            self._store(image, bitmap, properties)
        return self._attach(name, image)

    def add_left_by_crash(self, name: str, size: int, bitmap: str) -> Drive:
        """Give the machine an empty drive whose last machine was killed while the persistent bitmap recorded."""
        image = self._make(name, ImageKind("qcow2"), Content(size))
        self._store(image, bitmap, {})
        earlier = self.machines.boot(EARLIER)
        crashed = Drive.of(name, earlier, image, self.accesses(earlier))
        crashed.attach(sound(image.name))
        earlier.kill()
        crashed.crashed()
        return self._attach(name, image)

    def record(self, name: str) -> None:
        """Let what the storage of a drive is told be recorded; raise AuthorError when it has begun already."""
        self._insist_on_new(name)
        self.recorded.add(name)

    def recorder(self, name: str) -> Recorder:
        """Return what records the storage of a drive; raise AuthorError when nothing does."""
        recorder = self.drive(name).image.recorder
        if recorder is None:
            raise AuthorError(f'the storage of "{name}" is not recorded: let the scenario begin with that')
        return recorder

    def note_moments(self) -> None:
        """Let the recorders of drives know what must be true from now on."""
        for drive in self.by_name.values():
            if drive.is_open:
                drive.note_moment()

    def add_without_medium(self, name: str) -> None:
        """Give the machine a drive that is like an optical one when nobody has put a disc in."""
        self._insist_on_new(name)
        self.machines.current.add_drive(f"if=none,id={name}")
        self.without_medium.add(name)

    def add_overlay(self, name: str, below: Drive) -> Drive:
        """Give the machine a drive in a new image on top of another drive's, not in its place yet."""
        overlay = self.overlay_by_qemu(name, below)
        image, kind = overlay.image, overlay.image.kind
        self.images.create_above(
            image.name, kind.image_format, below.size, (below.image.name, below.image.image_format)
        )
        file = self._below(overlay, sound)
        node = {"driver": kind.image_format, "node-name": name, "discard": "unmap", "file": file, "backing": None}
        below.machine.execute("blockdev-add", node)
        overlay.is_kept = True
        self.adopt(overlay)
        return overlay

    def overlay_by_qemu(self, name: str, below: Drive) -> Drive:
        """Return a drive in an image on top of another one's, which QEMU has yet to make in that one's place."""
        self._insist_on_new(name)
        kind = ImageKind("qcow2")
        image = Image(f"{name}.{kind.image_format}", kind, below.content, below.image)
        image.history = below.image.history.continued()
        return self._drive(name, image, below.machine)

    def overlay_when_off(self, name: str, below: Drive) -> Drive:
        """Make an image on top of another drive's, which no machine has: the next one's guest uses it as `name`."""
        overlay = self.overlay_by_qemu(name, below)
        image, base = overlay.image, below.image
        self.images.create_above(image.name, image.image_format, below.size, (base.name, base.image_format))
        self.by_name[name] = overlay
        below.give_guest_to(overlay)
        return overlay

    def adopt(self, drive: Drive) -> None:
        """Take note that QEMU has made a drive's image, and has it open."""
        self.by_name[drive.name] = drive
        drive.opened()

    def add_copy(self, name: str, source: Drive, base: Drive | None = None) -> Drive:
        """Give the machine a drive in a new image of the size of another one's, which no guest reaches yet.

        It stands on the drive `base`, if there is one.
        """
        self._insist_on_new(name)
        kind = ImageKind("qcow2")
        content = base.content if base else Content(source.size)
        image = Image(f"{name}.{kind.image_format}", kind, content, base.image if base else None)
        if base:
            below = (base.image.name, base.image.image_format)
            self.images.create_above(image.name, kind.image_format, source.size, below)
        else:
            self.images.create(image.name, kind.image_format, content)
        image.history = source.image.history.continued()
        copy = self.by_name[name] = self._drive(name, image, source.machine)
        file = {"driver": "file", "filename": image.name}
        node = {"driver": kind.image_format, "node-name": name, "discard": "unmap", "file": file}
        source.machine.execute("blockdev-add", {**node, **({"backing": base.name} if base else {})})
        copy.is_kept = True
        copy.opened()
        return copy

    def drop_overlay(self, overlay: Drive) -> None:
        """Take a drive away from the machine that has not come into the place of another one."""
        del self.by_name[overlay.name]
        overlay.machine.execute("blockdev-del", {"node-name": overlay.name})

    def let_go_of_unused(self) -> None:
        """Take note that QEMU closes what nobody uses any more: no guest, no drive above it, and not the operator."""
        open_ones = [drive for drive in self.all() if drive.is_open]
        used = {layer for drive in open_ones if drive.serves_guest or drive.is_kept for layer in drive.image.layers}
        for drive in open_ones:
            if drive.image not in used:
                drive.closed()
                self._leave(drive)

    def delete(self, drive: Drive) -> None:
        """Take note that the operator has deleted the node of a drive that no guest uses."""
        drive.closed()
        self._leave(drive)
        self.let_go_of_unused()

    def _leave(self, drive: Drive) -> None:
        del self.by_name[drive.name]
        self.left.append(drive)

    # What becomes of them.

    def closed(self, machine: Machine) -> None:
        """Take note that a machine has ended in order: its images hold what they must."""
        for drive in self._of(machine):
            drive.closed()

    def crashed(self, machine: Machine) -> None:
        """Take note that a machine has ended as a crash ends it."""
        for drive in self._of(machine):
            drive.crashed()

    def hand_over(self, machine: Machine, *, read_only: bool = False) -> None:
        """Give all drives to another machine, with what stands below each; the one that had them must have ended.

        It may only read them if they are `read_only`.

        Raises AuthorError when it has not.
        """
        if self.machines.current.running:
            raise AuthorError(f'the machine "{self.machines.current.name}" has the drives: it must be shut down first')
        chains = [self.chain_of(drive, None) for drive in self.all() if drive.serves_guest]
        handed_over = {drive for chain in chains for drive in chain}
        self.left += [drive for drive in self.all() if drive not in handed_over]
        self.machines.current, self.by_name = machine, {}
        for top, *lower in chains:
            below = [self._drive(drive.name, drive.image, machine) for drive in lower]
            for drive in below:
                drive.read_only = True
            self._attach(top.name, top.image, read_only=read_only, below=below)
            self.by_name.update({drive.name: drive for drive in below})

    def prepare_arrival(self, machine: Machine, sizes: Mapping[str, int] | None, stored: str) -> dict[str, Drive]:
        """Give all drives to a machine that waits for their guest, in the same images, and return them.

        With `sizes`, in bytes by the drives' names, they are in empty images of these sizes, each of which stores a
        bitmap of the name `stored`, if there is one.
        """
        arriving = {}
        for name, drive in self.by_name.items():
            image = drive.image
            if sizes is not None:
                image = Image(
                    f"{self.directory}{name}-of-{machine.name}.qcow2", ImageKind("qcow2"), Content(sizes[name])
                )
                self.images.create(image.name, "qcow2", image.content)
                image.history = drive.image.history.continued()
                if stored:
                    self._store(image, stored, {})
            arriving[name] = self._drive(name, image, machine)
            arriving[name].attach_inactive(sound(image.name))
        return arriving

    def move_to(self, arrived: Mapping[str, Drive]) -> None:
        """Take note that the guest goes on with drives of another machine; those it had are judged by their images."""
        self.left += [drive for name, drive in self.by_name.items() if drive.image is not arrived[name].image]
        self.by_name = dict(arrived)
        self.machines.current = next(iter(arrived.values())).machine

    def switched_off(self, name: str) -> Drive:
        """Return a drive whose image nobody has open; raises UnknownName, and AuthorError when a machine has it."""
        drive = self.drive(name)
        if drive.is_open:
            raise AuthorError(f'the machine has "{name}": it must be shut down before tools work on the image')
        return drive

    def forget(self, drive: Drive) -> None:
        """Take note that a drive, which nobody has open, is of no use any more."""
        del self.by_name[drive.name]

    def let_writes_arrive(self) -> None:
        """Take note that QEMU has drained all drives."""
        for drive in self.by_name.values():
            drive.arrive()

    def _of(self, machine: Machine) -> list[Drive]:
        return [drive for drive in self.by_name.values() if drive.machine is machine and drive.is_open]

    def _insist_on_new(self, name: str) -> None:
        if name in {*self.by_name, *self.without_medium, *(node.name for node in self.nodes())}:
            raise AuthorError(f'there is a "{name}" already: give this drive another name')

    def _make(self, name: str, kind: ImageKind, content: Content) -> Image:
        self._insist_on_new(name)
        image = Image(f"{self.directory}{name}.{kind.image_format}", kind, content)
        if kind.has_base:
            image.base = Image(self.images.create_on_base(image.name, kind, content), kind, content)
        else:
            self.images.create(image.name, kind.image_format, content, options=kind.options)
        image.allocated = NOTHING if kind.has_base else content.data.rounded_out(image.unit)
        return image

    def _store(self, image: Image, name: str, properties: Mapping[str, object]) -> None:
        self.images.add_bitmap(image.name, name, properties)
        granularity = properties.get("granularity", image.granularity)
        assert isinstance(granularity, int)
        recording = not properties.get("disabled", False)
        image.bitmaps[name] = Bitmap(name, Dirty(image.size, granularity), recording=recording, persistent=True)
        image.has_stored = True

    def _attach(
        self, name: str, image: Image, storage: Storage = sound, *, read_only: bool = False, below: Sequence[Drive] = ()
    ) -> Drive:
        drive = self.by_name[name] = self._drive(name, image, self.machines.current)
        drive.read_only = read_only
        drive.attach(self._below(drive, storage), below)
        drive.seal()
        return drive

    def _below(self, drive: Drive, storage: Storage) -> Mapping[str, object]:
        """Return the options of the node below a drive's, on such storage unless that is recorded."""
        if drive.name not in self.recorded:
            return storage(drive.image.name)
        drive.image.recorder = drive.image.recorder or Recorder(self.machines.home / drive.image.name)
        return drive.begin_recording()

    def _drive(self, name: str, image: Image, machine: Machine) -> Drive:
        accesses = self.accesses(machine)
        if self.options:
            if not isinstance(accesses, MonitorAccesses):
                raise AuthorError("only a human monitor can set drives up so: the sentence must say that it needs one")
            accesses = replace(accesses, options=self.options)
        copies_up = "copy-on-read" in self.options
        if self.board:
            # What a device does at an error is an option of its own, by the same name.
            own = {option: self.options[option] for option in AT_ERRORS if option in self.options}
            more = {"device": self.board.disk, "options": own}
            return Disk.of(name, machine, image, accesses, copies_up=copies_up, **more)
        return Drive.of(name, machine, image, accesses, copies_up=copies_up)
