"""Machines whose guest sees its drives as disks: which ones a build may have, and how QEMU is told of them.

Whether a board takes a disk only a trial can tell. The boards that are known are tried first; where none of them
will do, all other machines of the build are, so that a target needs no entry here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from testbed.build.answers import Answer, Unclear


@dataclass(frozen=True)
class Board:
    """A type of machine, the controller of its disks, and the device by which its guest sees one.

    The controller may have options, as -device takes them; it is empty where the machine has one of its own. `stays`
    are further arguments of QEMU's command line. The disks are SCSI ones, which go as soon as they are unplugged: of
    others, a guest would have to let go. `reads_disks` tells whether its firmware is known to read from each disk in
    search of something to boot.
    """

    machine: str
    controller: str = ""
    disk: str = "scsi-hd"
    reads_disks: bool = False
    stays: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.machine} with {self.controller or 'the controllers that it has'}"

    @property
    def hardware(self) -> tuple[str, ...]:
        """Return the arguments of QEMU's command line for it."""
        controller = ("-device", self.controller) if self.controller else ()
        return ("-machine", self.machine, *controller, *self.stays)


BOARDS = (
    Board("pc", "virtio-scsi-pci", reads_disks=True),
    Board("q35", "virtio-scsi-pci", reads_disks=True),
    Board("virt", "virtio-scsi-pci"),
    Board("pseries", "virtio-scsi-pci"),
    Board("s390-ccw-virtio", "virtio-scsi-ccw"),
    Board("sun4u", "virtio-scsi-pci,bus=pciB"),
    # Its firmware shuts down when it finds nothing to boot, unless it is to ask.
    Board("hppa", "virtio-scsi-pci", stays=("-boot", "menu=on")),
)
"""The boards that are tried first, the preferred first."""

RESTLESS = ("r2d",)
"""Machines that reset themselves thousands of times a second when there is nothing to boot: no monitor keeps up."""

DISK = Board.disk
"""The device that every board must take."""

CONTROLLERS = ("virtio-scsi-pci", "virtio-scsi-device", "")
"""What is tried on all other machines, the preferred first: on PCI, on a bus of virtio's own, and what is built in."""

_VERSIONED = re.compile(r"-(?:rhel)?\d+(?:\.\d+)+$")

PACKAGES = (
    (re.compile("opensbi-riscv64"), "opensbi"),
    (re.compile("PC BIOS|bios-256k"), "seabios"),
    (re.compile("stage1 bootloader|openbios|slof|skiboot|no palcode|no firmware provided"), "qemu-system-data"),
)
"""Words by which QEMU says that a file is missing, and the package of Debian's that has such files."""


def candidates(help_text: str) -> list[Board]:
    """Return the boards that a build may have, in the order in which to try them; `help_text` lists its machines."""
    machines = _machines(help_text)
    known = [board for board in BOARDS if board.machine in machines]
    others = [Board(machine, controller) for controller in CONTROLLERS for machine in machines]
    return [*known, *(board for board in others if board not in known)]


def _machines(help_text: str) -> list[str]:
    """Return the names in the answer to -machine help, the default first, without older versions of one machine."""
    listed = [re.split(r"\s+", line, maxsplit=1) for line in help_text.splitlines()[1:] if line.strip()]
    kept = [(name, *rest) for name, *rest in listed if name != "none" and not _VERSIONED.search(name)]
    return [name for name, *_rest in sorted(kept, key=lambda one: "(default)" not in "".join(one[1:]))]


def choose(boards: Iterable[Board], tries: Callable[[Board], Answer], stays: Sequence[str]) -> tuple[Board | None, str]:
    """Return the first board on which a trial, `tries`, succeeds, with the arguments `stays`; or None, and why.

    Raises Unclear where a trial does so on a board that is known, or on another one and none will do.
    """
    refused: list[str] = []
    unclear: list[Unclear] = []
    for board in boards:
        if board.machine in RESTLESS:
            refused.append(f"{board} will not do: its guest resets itself without end when there is nothing to boot")
            continue
        try:
            answer = tries(replace(board, stays=(*board.stays, *stays)))
        except Unclear as death:
            if board in BOARDS:
                raise
            unclear.append(death)
            continue
        if answer:
            return replace(board, stays=(*board.stays, *stays)), ""
        refused.append(f"{board}: {answer.words}{_remedy(answer.words)}")
    if unclear:
        raise unclear[0]
    return None, _reason(refused)


def _remedy(words: str) -> str:
    """Name the package that has the file which QEMU misses, if its words tell."""
    package = next((package for pattern, package in PACKAGES if pattern.search(words)), "")
    return f" (such files are in a package that Debian calls {package})" if package else ""


def _reason(refused: Sequence[str]) -> str:
    """Say of the first board that was tried why it would not do, and of one that never will; count the others."""
    if not refused:
        return ""
    told = [refused[0], *(reason for reason in refused[1:] if "will not do" in reason)][:2]
    more = len(refused) - len(told)
    return "; ".join([*told, *([f"{more} others were tried in vain, too"] if more else [])])
