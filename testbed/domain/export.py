"""Exports over NBD: how a client outside QEMU reads a drive, and asks for what its bitmaps have recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from testbed.domain.bitmap import Bitmap
from testbed.domain.drive import Drive
from testbed.domain.node import UnknownName
from testbed.domain.request import Outlook, Refusal, Request, always_granted
from testbed.qemu.machine import Machine


@dataclass(frozen=True)
class Export:
    """An export that QEMU has granted: its name, and the bitmaps that it shows."""

    name: str
    drive: Drive
    bitmaps: Sequence[Bitmap]


@dataclass
class Exports:
    """The exports of a scenario's machines, oldest first."""

    granted: list[Export] = field(default_factory=list)
    _made: int = field(default=0, init=False)

    def of(self, drive: Drive) -> list[Export]:
        """Return the exports of a drive."""
        return [export for export in self.granted if export.drive is drive]

    def add(self, drive: Drive, bitmaps: Sequence[str], *, writable: bool) -> Request:
        """Make the request that exports a drive with bitmaps of its own; let QEMU serve, if it does not yet.

        A client may write to a `writable` export.
        """
        drive.machine.serve()
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

        def forecast(outlook: Outlook) -> Refusal | None:
            reasons = (_cannot_show(drive, name, outlook, writable=writable) for name in bitmaps)
            return next(filter(None, reasons), None)

        return Request("block-export-add", arguments, granted, forecast=forecast, machine=drive.machine)

    def hold_in_iothread(self, drive: Drive) -> None:
        """Export a drive, for reading alone, from an iothread of its own, from which nothing else can take it away."""
        thread = f"{drive.name}-iothread"
        drive.machine.execute("object-add", {"qom-type": "iothread", "id": thread})
        asked = self.add(drive, [], writable=False)
        drive.machine.execute(asked.command, {**asked.arguments, "iothread": thread, "fixed-iothread": True})
        asked.granted()

    def delete_from(self, drive: Drive) -> Request:
        """Make the request that deletes the newest export of a drive; when it is granted, wait until that is done.

        Raises UnknownName when the drive has none.
        """
        if not self.of(drive):
            raise UnknownName(f'"{drive.name}" is not exported')
        export = self.of(drive)[-1]

        def granted() -> None:
            drive.machine.wait_for(
                f"BLOCK_EXPORT_DELETED of {export.name}",
                lambda event: event.name == "BLOCK_EXPORT_DELETED" and event.data["id"] == export.name,
            )
            self.granted.remove(export)
            for bitmap in export.bitmaps:
                bitmap.exported = False

        return Request("block-export-del", {"id": export.name}, granted, forecast=always_granted, machine=drive.machine)


def reported_by(machine: Machine) -> list[str]:
    """Return the names of the exports that a machine lists, if it serves any."""
    if not machine.is_serving:
        return []
    return [str(export["id"]) for export in machine.execute("query-block-exports")]


def _cannot_show(drive: Drive, name: str, outlook: Outlook, *, writable: bool) -> Refusal | None:
    """Foresee why an export cannot show a bitmap: a client must be able to rely on what it reads."""
    bitmap = drive.bitmaps.get(name)
    if bitmap is None:
        return Refusal(f"Bitmap '{name}' is not found")
    if bitmap.busy or (drive.name, name) in outlook.held:
        return Refusal(f"Bitmap '{name}' is currently in use")
    if bitmap.inconsistent:
        return Refusal(f"Bitmap '{name}' is inconsistent and cannot be used")
    changes = bitmap.recording and not writable
    return Refusal(f"Enabled bitmap '{name}' incompatible with readonly export") if changes else None
