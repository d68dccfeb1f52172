"""Machines whose guest sees its drives as disks: the boards that are known here, and how QEMU is told of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Board:
    """A type of machine, the controller of its disks, and the device by which its guest sees one.

    The disks are SCSI ones, which go as soon as they are unplugged: of others, a guest would have to let go.
    `reads_disks` tells whether its firmware is known to read from each disk in search of something to boot.
    """

    machine: str
    controller: str
    disk: str = "scsi-hd"
    reads_disks: bool = False

    @property
    def hardware(self) -> tuple[str, ...]:
        """Return the arguments of QEMU's command line for it."""
        return ("-machine", self.machine, "-device", self.controller)


BOARDS = (
    Board("pc", "virtio-scsi-pci", reads_disks=True),
    Board("q35", "virtio-scsi-pci", reads_disks=True),
    Board("virt", "virtio-scsi-pci"),
    Board("pseries", "virtio-scsi-pci"),
    Board("s390-ccw-virtio", "virtio-scsi-ccw"),
)
"""The boards that a machine with a disk device may have, the preferred first."""
