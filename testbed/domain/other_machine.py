"""Another machine, to which backups go over NBD: it can be away for a while, or for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from testbed.domain.storage import Options
from testbed.domain.target import Target
from testbed.qemu.machine import Machine

PATIENCE = 60
"""Seconds for which the first machine's requests wait for the other one while it is away."""


@dataclass
class OtherMachine:
    """A machine that exports the images of targets, as the location of these; `boot` starts it, again and again."""

    shows_clusters: ClassVar[bool] = False

    boot: Callable[[], Machine]
    machine: Machine = field(init=False)
    served: list[Target] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Boot the machine."""
        self._start()

    # A target's location.

    @property
    def is_active(self) -> bool:
        """Tell that the other machine uses its targets."""
        return True

    def open(self, target: Target) -> Options:
        """Export a target, and return the options of a node that is connected to the export."""
        self._export(target)
        self.served.append(target)
        address = {"type": "unix", "path": self.machine.exports_socket}
        return {"driver": "nbd", "server": address, "export": target.node, "reconnect-delay": PATIENCE}

    def close(self, target: Target) -> None:
        """End the export, so that the image is whole and nobody's any more."""
        self.served.remove(target)
        if self.machine.running:
            self.machine.execute("block-export-del", {"id": target.node})
            self.machine.wait_for(
                f"BLOCK_EXPORT_DELETED of {target.node}",
                lambda event: event.name == "BLOCK_EXPORT_DELETED" and event.data["id"] == target.node,
            )
            self.machine.execute("blockdev-del", {"node-name": target.node})

    # What becomes of it.

    def go_away(self) -> None:
        """Shut the machine down, which ends all connections; do nothing when it is away."""
        if self.machine.running:
            self.machine.quit()

    def come_back(self) -> None:
        """Boot the machine again, with the same exports as before."""
        self._start()
        for target in self.served:
            self._export(target)

    def _start(self) -> None:
        self.machine = self.boot()
        self.machine.serve()

    def _export(self, target: Target) -> None:
        file = {"driver": "file", "filename": target.name}
        node = {"driver": target.image_format, "node-name": target.node, "file": file}
        self.machine.execute("blockdev-add", node)
        export = {"type": "nbd", "id": target.node, "node-name": target.node, "writable": True}
        self.machine.execute("block-export-add", export)
