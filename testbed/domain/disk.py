"""A drive that the guest of a machine sees as a disk, and that can be plugged in and out while the machine runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testbed.domain.drive import Drive
from testbed.domain.node import Node


@dataclass(eq=False)
class Disk(Drive):
    """A drive behind a disk device of the type `device`, as QEMU names it, which has more `options` of its own.

    Unplugged, it has no node: its image keeps the persistent bitmaps, and the others are gone.
    """

    device: str = field(kw_only=True)
    options: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def attach(self, file: Mapping[str, object], below: Sequence[Drive] = ()) -> None:
        """Plug the disk in for the first time; see Drive."""
        self.stand_on(file, below)
        self.is_kept = True
        self.access = self.accesses.over(f"-d disk-{self.name}")
        self.plug_in()

    def plug_in(self) -> None:
        """Add the node and the device; raises Refused when QEMU does not take one of them."""
        self.machine.execute("blockdev-add", self.node_options)
        device = {"driver": self.device, "id": f"disk-{self.name}", "drive": self.name}
        self.machine.execute("device_add", {**device, **self.options})
        self._chain_opened()
        self.seal()

    @property
    def qom_path(self) -> str:
        """Return the path by which QEMU's object model leads to the device."""
        return f"/machine/peripheral/disk-{self.name}"

    def go_through(self, name: str) -> None:
        """Put a node that stands over the drive's in its place below the device; raises Refused."""
        self._use(name)
        self.filters.append(Node(name, self.machine, self.size, granularity=self.granularity))

    def go_past(self, name: str) -> None:
        """Let the device use the node below the one of that name again; raises Refused."""
        self.filters = [node for node in self.filters if node.name != name]
        self._use(self.place)

    def _use(self, node: str) -> None:
        self.machine.execute("qom-set", {"path": self.qom_path, "property": "drive", "value": node})

    def unplug(self) -> None:
        """Delete the device and, when the guest is rid of it, the node; raises Refused or MachineHung."""
        start = len(self.machine.all_events())
        self.machine.execute("device_del", {"id": f"disk-{self.name}"})
        self.machine.wait_for(
            f"DEVICE_DELETED of disk-{self.name}",
            lambda event: event.name == "DEVICE_DELETED" and event.data.get("device") == f"disk-{self.name}",
            start=start,
        )
        self.machine.execute("blockdev-del", {"node-name": self.name})
        self.closed()
        if self.image.recorder:
            self.storage = {"node-name": self.file_name, **self.begin_recording()}

    def flush(self) -> None:
        """Let the guest flush its writes, if it has the disk."""
        if self.is_open:
            super().flush()
