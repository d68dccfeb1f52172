"""A story that is played again and again, each time with another write or flush of the storage that fails, once.

All plays have one machine: each has an image and a drive of its own, whose storage fails at another place. When the
machine has ended, each image is judged, without QEMU, by what the guest and the operator had been told.
"""

from __future__ import annotations

import copy
import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from testbed.base.problems import AuthorError
from testbed.base.units import SECTOR
from testbed.domain.catalogue import Catalogue
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.recorder import Moment, Recorder, kept_of
from testbed.domain.request import Request
from testbed.domain.storage import Storage, failing_once
from testbed.domain.target import Targets
from testbed.model.ranges import NOTHING, Ranges
from testbed.promises.bitmaps import has_bitmaps_in_step
from testbed.promises.crashes import Owed, wrongs
from testbed.qemu.machine import GuestRequestFailed
from testbed.qemu.monitor import Refused
from testbed.qemu.replay import read
from testbed.scenario.machines import Machines
from testbed.scenario.world import World


@dataclass
class Play:
    """One time that the story is played, by `world`, with a `drive` on storage that fails at a `turn`.

    `refusals` are what QEMU has refused, in its words. `unsure` is where the guest was told that its writes have
    failed, `pending` where they were granted, and no flush after them was. `complaints` is what was wrong on the way,
    `lasting` are the names of the bitmaps that were stored and that nobody wanted to remove.
    """

    world: World
    drive: Drive
    turn: int
    refusals: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    unsure: Ranges = NOTHING
    pending: Ranges = NOTHING
    lasting: frozenset[str] = frozenset()

    def open(self, storage: Storage) -> None:
        """Give the drive to the machine, as one that can be taken away again; it may be refused."""
        below = {"node-name": self.drive.file_name, **storage(self.drive.image.name)}
        options = {"driver": "qcow2", "node-name": self.drive.name, "discard": "unmap", "file": below}
        self.lasting = frozenset(self.drive.image.bitmaps)
        if self._execute("blockdev-add", options):
            self.drive.access = self.drive.accesses.over(self.drive.name)
            self.drive.opened()

    def ask(self, make: Callable[[], Request], removes: str = "") -> None:
        """Make a request of QEMU, which may refuse it; the bitmap that it `removes`, if any, may go."""
        if not self.drive.is_open:
            return
        request = make()
        self.lasting -= {removes}
        if self._execute(request.command, request.arguments):
            request.granted()
            return
        request.refused()
        if self.unsure or self.pending:
            return  # whether a write that has failed is recorded, nobody promises
        if wrong := has_bitmaps_in_step(self.world.judge.digests).complaint(self.drive):
            self.complaints.append(f"the refused {request.command} has changed something: {wrong}")

    def let_guest(self, do: Callable[[Drive], None], at: int, length: int) -> None:
        """Let the guest make a request for so many bytes at an offset, and flush; either may fail."""
        if not self.drive.is_open:
            return
        place = Ranges.of((at, length))
        try:
            do(self.drive)
        except GuestRequestFailed:
            self.unsure |= place
            return
        self.pending |= place
        self.unsure -= place
        try:
            self.drive.write_through(self.drive.content.pattern_at(0), 0, SECTOR)
        except GuestRequestFailed:
            return
        self.drive.note_moment()
        self.pending = NOTHING

    def unplug(self) -> None:
        """Take the drive from the machine; it may be refused."""
        if self.drive.is_open and self._execute("blockdev-del", {"node-name": self.drive.name}):
            self.drive.closed()

    def wrongs(self) -> Iterator[str]:
        """Say what is wrong with the image, once nobody has it open, and with what was seen on the way."""
        yield from self.complaints
        bitmaps = self.drive.bitmaps if self.drive.is_open else self.drive.image.bitmaps
        owed = Owed.between([Moment(0, self.drive.content, kept_of(bitmaps))], self.unsure | self.pending)
        file = os.open(self.world.machines.home / self.drive.image.name, os.O_RDONLY)
        try:
            reading = read(file)
            yield from wrongs(reading, owed)
            if reading.layer is not None:
                yield from (f'the bitmap "{name}" is gone' for name in sorted(self.lasting - reading.bitmaps.keys()))
        finally:
            os.close(file)

    def _execute(self, command: str, arguments: Mapping[str, object]) -> bool:
        """Ask something of QEMU; tell whether it is granted."""
        try:
            self.drive.machine.execute(command, arguments)
        except Refused as refusal:
            self.refusals.append(str(refusal))
            return False
        return True


Deed = Callable[[Play], None]
"""What is done in a play."""


@dataclass
class Story:
    """What is done with the image of a drive, and how the machine ends then: in order, or killed.

    `begins_open` tells whether the storage fails only after the machine has opened the image. `plays` are those of the
    last kind of request that failed, `kind`.
    """

    image: Image
    deeds: Sequence[Deed]
    is_killed: bool
    begins_open: bool
    kind: str = ""
    plays: list[Play] = field(default_factory=list)

    def play(self, world: World, kind: str) -> None:
        """Play the story for each "write", or each "flush", which fails then, and end the machine."""
        turns = self._turns(world, kind)
        with _stage(world, "failing") as stage:
            self.kind = kind
            self.plays = [self._play(stage, turn, failing_once(kind, turn, errno.ENOSPC)) for turn in turns]
            self._end(stage)

    def wrongs(self) -> list[str]:
        """Say what was wrong, and when; raise AuthorError when the story was not played."""
        if not self.kind:
            raise AuthorError("the story was not played: let something fail first")
        if not self.plays:
            return [f"the storage was told of no {self.kind} at all"]
        return [
            f"{self.kind} {play.turn} of {self.plays[-1].turn} has failed{_told(play)}: {wrong}"
            for play in self.plays
            if (wrong := next(play.wrongs(), None))
        ]

    def _turns(self, world: World, kind: str) -> range:
        """Play the story once on sound storage, and count the writes or flushes; return which of them are to fail."""
        with _stage(world, "sound") as stage:
            recorder = Recorder(stage.machines.home / "drive0-1.qcow2")
            self._play(stage, 0, None, recorder)
            self._end(stage)
        session = recorder.sessions[-1]
        session.log.catch_up()
        # The first moment is before the opening, the second one after it.
        begin = session.moments[1].entries if self.begins_open else 0
        counted = [entry.flushes if kind == "flush" else entry.is_write for entry in session.log.entries]
        return range(sum(counted[:begin]) + 1, sum(counted) + 1)

    def _play(self, stage: World, turn: int, storage: Storage | None, recorder: Recorder | None = None) -> Play:
        name = f"drive0-{len(stage.drives.by_name) + 1}"
        image = replace(self.image, name=f"{name}.qcow2", bitmaps=copy.deepcopy(self.image.bitmaps), recorder=recorder)
        shutil.copyfile(stage.machines.home.parent / self.image.name, stage.machines.home / image.name)
        machine = stage.machine
        drive = stage.drives.by_name[name] = Drive.of(name, machine, image, stage.drives.accesses(machine))
        play = Play(stage, drive, turn)
        play.open(storage or Storage(lambda _image: drive.begin_recording()))
        for deed in self.deeds:
            deed(play)
        return play

    def _end(self, stage: World) -> None:
        stage.machine.kill() if self.is_killed else stage.machine.quit()


def _told(play: Play) -> str:
    return "".join(f", and {refusal}" for refusal in play.refusals)


@contextmanager
def _stage(world: World, name: str) -> Iterator[World]:
    """Give a world with a machine and a directory of its own, which nobody asks anything at the end."""
    home = world.machines.home / name
    home.mkdir()
    current = world.machines.current
    machine = type(current).boot(world.machines.started[0].qemu, home, current.bound)
    images = replace(world.images, home=home)
    catalogue = Catalogue(Targets(images, world.targets.kind))
    drives = world.drives
    try:
        yield World.of(
            Machines(machine), images, catalogue, drives.accesses, drives.image_format, digests=world.judge.digests
        )
    finally:
        if machine.running:
            machine.kill()
