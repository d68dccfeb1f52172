"""Damaging copies of images, and letting everybody open them who may: a machine, and the tools."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from testbed.base.problems import AuthorError
from testbed.base.process import Finished, run_tool
from testbed.base.units import format_size
from testbed.domain.bitmap import BitmapState
from testbed.domain.damaged import DamagedImage, Flip, Opening
from testbed.domain.digests import Digests
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.qemu.damage import Bit, bits_of, damage
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused
from testbed.qemu.qcow2 import Unsound, bitmaps_of
from testbed.scenario.machines import Machines

OPENER = "opener"
"""What the machine is called that opens damaged images."""

BY_TOOLS: Sequence[Sequence[str]] = (
    ("info", "--output=json"),
    ("check",),
    ("measure", "-O", "qcow2"),
    ("convert", "-O", "raw"),
)
"""What qemu-img is asked to do with a damaged image; the last one writes all data to another."""

ORDERLY = range(128)
"""The exit statuses by which a tool ends in order, whatever it says: a crash is none of them."""


@dataclass
class Damages:
    """The damaged copy of a scenario; `digests` is how QEMU reckons digests, if it can be asked for them."""

    machines: Machines
    images: Images
    digests: Digests | None
    flips: list[Flip] = field(default_factory=list, init=False)
    _current: DamagedImage | None = field(default=None, init=False)

    @property
    def current(self) -> DamagedImage:
        """Return the damaged copy; raise AuthorError when there is none."""
        if self._current is None:
            raise AuthorError("no image is damaged: say first in which way a copy is")
        return self._current

    def damage_copy(self, drive: Drive, words: str) -> None:
        """Copy the image of a drive that no machine has, and do a damage to the copy, which `words` name.

        Raises AuthorError when a machine has it, or it stores no bitmaps.
        """
        self._insist_on_closed(drive)
        name = f"damaged-{drive.image.name}"
        self.images.copy(drive.image.name, name)
        hit = damage(self.images.home / name, words)
        whole = {name: bitmap for name, bitmap in drive.image.stored_bitmaps().items() if name not in hit}
        self._current = DamagedImage(name, words, drive.content, whole, hit)

    def damage_inconsistent(self, drive: Drive, words: str) -> None:
        """Do a damage, which `words` name, to an inconsistent bitmap in the image of a drive that no machine has.

        Nobody may believe what the image says of such a one, so that the models learn nothing. Raises AuthorError as
        `damage_copy` does, and when a bitmap would be damaged that is not inconsistent.
        """
        self._insist_on_closed(drive)
        whole = damage(self.images.home / drive.image.name, words) - drive.image.in_use
        if whole:
            raise AuthorError(
                f"{', '.join(sorted(whole))} of {drive.name} can be trusted: damage a copy, or crash first"
            )

    def mistrust(self, drive: Drive, words: str) -> None:
        """Damage the image of a drive that no machine has so that its bitmaps are no longer to be trusted.

        Raises AuthorError as `damage_copy` does.
        """
        self._insist_on_closed(drive)
        damage(self.images.home / drive.image.name, words)
        drive.image.bitmaps, drive.image.in_use = {}, set()

    def open_everywhere(self) -> None:
        """Let a machine open the damaged copy, and each tool; each a fresh one.

        The machine opens it for reading only; then for writing, and what it leaves of that once more for reading.
        Raises MachineDied, MachineHung or ToolFailed when one of them does not live through that.
        """
        image = self.current
        machine = self.machines.boot(OPENER)
        for name in ("read", "written"):
            self.images.copy(image.name, f"{name}-{image.name}")
        image.openings += [
            self._opened_by(machine, image, "for reading", f"read-{image.name}", read_only=True),
            self._opened_by(machine, image, "for writing", f"written-{image.name}", read_only=False),
        ]
        if not image.openings[-1].refusal:
            after = self._opened_by(machine, image, "after writing", f"written-{image.name}", read_only=True)
            image.openings.append(replace(after, is_reader=False))
        machine.quit()
        for name in ("read", "written"):
            self.images.delete(f"{name}-{image.name}")
        for command in BY_TOOLS:
            image.openings.append(self._read_by_tool(image, command))

    def flip_each_bit(self, drive: Drive) -> None:
        """Let a machine open copies of a drive's image for reading, in each of which a bit is flipped.

        It is each bit in turn of what describes bitmaps there. Raises as `damage_copy` and `open_everywhere` do.
        """
        self._insist_on_closed(drive)
        name = f"flipped-{drive.image.name}"
        self.images.copy(drive.image.name, name)
        machine = self.machines.boot(OPENER)
        path = self.images.home / name
        for bit in bits_of(path):
            bit.flip(path)
            self.flips.append(self._opened_with(machine, path, bit, drive.size))
            bit.flip(path)
        machine.quit()

    def _opened_with(self, machine: Machine, path: Path, bit: Bit, size: int) -> Flip:
        file = {"driver": "file", "filename": path.name}
        node = Node("flipped", machine, size)
        try:
            machine.execute(
                "blockdev-add", {"driver": "qcow2", "node-name": node.name, "read-only": True, "file": file}
            )
        except Refused:
            return Flip(str(bit), bit.is_vital, is_refused=True)
        found = {
            _readable(state.name): _said(state.granularity, recording=state.recording, inconsistent=state.inconsistent)
            for state in [*node.reported_bitmaps(), *node.unnamed_bitmaps()]
        }
        machine.execute("blockdev-del", {"node-name": node.name})
        return Flip(str(bit), bit.is_vital, is_refused=False, found=found, written=_written_in(path))

    def _opened_by(self, machine: Machine, image: DamagedImage, way: str, name: str, *, read_only: bool) -> Opening:
        file = {"driver": "file", "filename": name}
        node = Node(way.replace(" ", "-"), machine, image.content.size)
        options = {"driver": "qcow2", "node-name": node.name, "read-only": read_only, "file": file}
        try:
            machine.execute("blockdev-add", options)
        except Refused as refusal:
            return Opening(f"QEMU, {way}", refusal.text, self._is_changed(name, image.name))
        found = [*node.reported_bitmaps(), *node.unnamed_bitmaps()]
        bitmaps = tuple((state, self._digest(node, state)) for state in found)
        machine.execute("blockdev-del", {"node-name": node.name})  # which stores what it believes in
        return Opening(f"QEMU, {way}", "", self._is_changed(name, image.name), read_only, bitmaps)

    def _digest(self, node: Node, state: BitmapState) -> str:
        is_asked = state.name and self.digests and self.digests.word
        return node.reported_digest(state.name) if is_asked else ""

    def _read_by_tool(self, image: DamagedImage, command: Sequence[str]) -> Opening:
        name = f"opened-by-{command[0]}-{image.name}"
        self.images.copy(image.name, name)
        target = f"data-of-{image.name}.raw" if command[0] == "convert" else ""
        said = self._tool((*command, "-f", "qcow2") if command[0] != "info" else command, name, target)
        words = said.stderr.strip() or said.stdout.strip()
        has_opened = "Could not open" not in said.stderr
        if command[0] == "check" and has_opened:
            image.finding = said.returncode, words
        if target and said.returncode == 0:
            image.given = target
        refusal = "" if has_opened and (said.returncode == 0 or command[0] == "check") else words
        is_changed = self._is_changed(name, image.name)
        self.images.delete(name)
        return Opening(f"qemu-img {command[0]}", refusal, is_changed)

    def _tool(self, command: Sequence[str], name: str, target: str) -> Finished:
        argv = (str(self.images.qemu_img), *command, name, *([target] if target else []))
        return run_tool(argv, cwd=self.images.home, bound=self.images.bound, allowed=ORDERLY)

    def _is_changed(self, name: str, other: str) -> bool:
        """Tell whether an image is not as the other one, of which it was copied before somebody opened it."""
        copy, original = self.images.home / name, self.images.home / other
        # Whoever believes what is damaged may make a file of terabytes of it.
        return copy.stat().st_size != original.stat().st_size or copy.read_bytes() != original.read_bytes()

    @staticmethod
    def _insist_on_closed(drive: Drive) -> None:
        if drive.machine.running:
            raise AuthorError(f"a machine has the image of {drive.name}: it must be shut down first")


def _written_in(path: Path) -> dict[str, str]:
    """Return what our own reader finds of the bitmaps in an image; nothing where it finds that they cannot be."""
    try:
        listed = bitmaps_of(path)
    except Unsound:
        return {}
    return {
        _readable(bitmap.name): _said(
            bitmap.granularity,
            recording=bitmap.is_recording and not bitmap.is_in_use,
            inconsistent=bitmap.is_in_use,
        )
        for bitmap in listed
    }


def _readable(name: str) -> str:
    """Return a name with one mark for any number of bytes that are no text."""
    return re.sub("\ufffd+", "\ufffd", name)


def _said(granularity: int, *, recording: bool, inconsistent: bool) -> str:
    how = "inconsistent" if inconsistent else "recording" if recording else "not recording"
    return f"{how}, granularity {format_size(granularity)}"
