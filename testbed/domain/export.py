"""Exports over NBD: how a client outside QEMU reads a drive, and asks for what its bitmaps have recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from testbed.domain.bitmap import Bitmap
from testbed.domain.drive import Drive
from testbed.domain.node import UnknownName
from testbed.domain.request import Request
from testbed.qemu.machine import Machine


@dataclass(frozen=True)
class Export:
    """An export that QEMU has granted: its name, and the bitmaps that it shows."""

    name: str
    drive: Drive
    bitmaps: Sequence[Bitmap]


@dataclass
class Exports:
    """The exports of a machine, oldest first."""

    machine: Machine
    granted: list[Export] = field(default_factory=list)
    _made: int = field(default=0, init=False)

    def add(self, drive: Drive, bitmaps: Sequence[str], *, writable: bool) -> Request:
        """Make the request that exports a drive with bitmaps of its own; let QEMU serve, if it does not yet.

        A client may write to a `writable` export.
        """
        self.machine.serve()
        self._made += 1
        name = f"{drive.name}-{self._made}"

        def granted() -> None:
            export = Export(name, drive, [drive.bitmap(bitmap) for bitmap in bitmaps])
            self.granted.append(export)
            for bitmap in export.bitmaps:
                bitmap.exported = True

        arguments = {
            "type": "nbd",
            "id": name,
            "name": name,
            "node-name": drive.name,
            "writable": writable,
            "bitmaps": list(bitmaps),
        }
        return Request("block-export-add", arguments, granted)

    def hold_in_iothread(self, drive: Drive) -> None:
        """Export a drive, for reading alone, from an iothread of its own, from which nothing else can take it away."""
        thread = f"{drive.name}-iothread"
        self.machine.execute("object-add", {"qom-type": "iothread", "id": thread})
        asked = self.add(drive, [], writable=False)
        self.machine.execute(asked.command, {**asked.arguments, "iothread": thread, "fixed-iothread": True})
        asked.granted()

    def delete_from(self, drive: Drive) -> Request:
        """Make the request that deletes the newest export of a drive; when it is granted, wait until that is done.

        Raises UnknownName when the drive has none.
        """
        export = next((export for export in reversed(self.granted) if export.drive is drive), None)
        if export is None:
            raise UnknownName(f'"{drive.name}" is not exported')

        def granted() -> None:
            self.machine.wait_for(
                f"BLOCK_EXPORT_DELETED of {export.name}",
                lambda event: event.name == "BLOCK_EXPORT_DELETED" and event.data["id"] == export.name,
            )
            self.granted.remove(export)
            for bitmap in export.bitmaps:
                bitmap.exported = False

        return Request("block-export-del", {"id": export.name}, granted)

    def reported(self) -> list[str]:
        """Return the names of the exports that QEMU lists, if it serves any."""
        if not self.machine.is_serving:
            return []
        return [str(export["id"]) for export in self.machine.execute("query-block-exports")]
