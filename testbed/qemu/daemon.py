"""A qemu-storage-daemon in the place of a machine: QEMU's block layer and its monitor, without hardware and guest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from testbed.build.promised import COMMANDS
from testbed.qemu.machine import Machine


@dataclass
class Daemon(Machine):
    """A storage daemon, which is started, spoken to and shut down as a machine is."""

    bare: ClassVar[Sequence[str]] = ()
    promised: ClassVar[Collection[str]] = COMMANDS

    def arguments(self, hardware: Sequence[str], monitors: Mapping[str, int]) -> Sequence[str]:
        """Return the command line without the program; see Machine.arguments. The hardware must be none."""
        words = [*hardware]
        for name, descriptor in monitors.items():
            words += ["--chardev", f"socket,id={name},fd={descriptor}", "--monitor", f"chardev={name}"]
        return words
