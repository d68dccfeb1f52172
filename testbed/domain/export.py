"""Exports over NBD: how a client outside QEMU reads a drive, and asks for what its bitmaps have recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testbed.clients.export_address import ExportAddress
from testbed.domain.bitmap import Bitmap
from testbed.domain.drive import Drive
from testbed.domain.node import Node, UnknownName
from testbed.domain.request import Outlook, Refusal, Request, open_question
from testbed.qemu.machine import Machine

LONGEST_NAME = 4096
"""Bytes that the name of an export may have."""


@dataclass(frozen=True)
class Export:
    """An export that QEMU has granted: its id, what clients call it, and the bitmaps that it shows."""

    name: str
    drive: Drive
    bitmaps: Sequence[Bitmap]
    called: str = ""
    writable: bool = False
    node: str = ""

    @property
    def address(self) -> ExportAddress:
        """Return where clients find it."""
        machine = self.drive.machine
        return ExportAddress(machine.home, machine.exports_socket, self.called, machine.bound)


@dataclass
class Exports:
    """The exports of a scenario's machines, oldest first.

    `is_by_hand` tells whether the operator has taken it on himself to start and stop the server.
    """

    granted: list[Export] = field(default_factory=list)
    is_by_hand: bool = False
    _made: int = field(default=0, init=False)
    _past: list[Export] = field(default_factory=list, init=False)

    def of(self, drive: Drive) -> list[Export]:
        """Return the exports of a drive."""
        return [export for export in self.granted if export.drive is drive]

    def newest_of(self, drive: Drive) -> Export:
        """Return the newest export of a drive; raise UnknownName when it has none."""
        if not self.of(drive):
            raise UnknownName(f'"{drive.name}" is not exported')
        return self.of(drive)[-1]

    def last_of(self, drive: Drive) -> Export:
        """Return the newest export that a drive had and has not any more; raise UnknownName when there was none."""
        found = [export for export in self._past if export.drive is drive]
        if not found:
            raise UnknownName(f'no export of "{drive.name}" has ended')
        return found[-1]

    def add(
        self,
        drive: Drive,
        bitmaps: Sequence[str],
        *,
        writable: bool,
        called: str = "",
        others: Sequence[tuple[Node, str]] = (),
        below: Sequence[Drive] = (),
        more: Mapping[str, object] | None = None,
    ) -> Request:
        """Make the request that exports a drive with bitmaps; let QEMU serve, if it does not yet and nobody else cares.

        A bitmap is one of the drive or, if that has none of the name, of the uppermost of those `below` it that has;
        `others` are named with the nodes that they are on. A client may write to a `writable` export; it is `called`
        after its id if not otherwise. `more` are other arguments.
        """
        if not self.is_by_hand:
            drive.machine.serve()
        self._made += 1
        name = f"{drive.name}-{self._made}"
        node = str((more or {}).get("node-name", drive.name))
        shown = [*((_place_of(drive, below, bitmap), bitmap) for bitmap in bitmaps), *others]

        def granted() -> None:
            held = [node.bitmap(bitmap) for node, bitmap in shown]
            self.granted.append(Export(name, drive, held, called or name, writable, node))
            for bitmap in held:
                bitmap.exported = True

        arguments = {
            "type": "nbd",
            "id": name,
            "name": called or name,
            "node-name": drive.name,
            "writable": writable,
            "bitmaps": [*bitmaps, *({"node": node.name, "name": bitmap} for node, bitmap in others)],
            **(more or {}),
        }

        def forecast(outlook: Outlook) -> Refusal | None:
            if writable and drive.read_only:
                return open_question(outlook)
            reasons = (_cannot_show(node, bitmap, outlook, writable=writable) for node, bitmap in shown)
            return self._cannot_serve(drive, called) or next(filter(None, reasons), None)

        return Request("block-export-add", arguments, granted, forecast=forecast, machine=drive.machine)

    def _cannot_serve(self, drive: Drive, called: str) -> Refusal | None:
        """Foresee why there can be no export of that name, whatever it shows."""
        if not drive.machine.is_serving:
            return Refusal("NBD server not running")
        if any(export.called == called for export in self.granted):
            return Refusal(f"NBD server already has export named '{called}'")
        return Refusal(f"export name '{called}' too long") if len(called) > LONGEST_NAME else None

    def hold_in_iothread(self, drive: Drive) -> None:
        """Export a drive, for reading alone, from an iothread of its own, from which nothing else can take it away."""
        thread = f"{drive.name}-iothread"
        drive.machine.execute("object-add", {"qom-type": "iothread", "id": thread})
        asked = self.add(drive, [], writable=False)
        drive.machine.execute(asked.command, {**asked.arguments, "iothread": thread, "fixed-iothread": True})
        asked.granted()

    def delete_from(self, drive: Drive, mode: str = "", *, has_clients: bool = False) -> Request:
        """Make the request that deletes the newest export of a drive; when it is granted, wait until that is done.

        Where it `has_clients`, only the mode hard does. Raises UnknownName when the drive has none.
        """
        export = self.newest_of(drive)

        def forecast(_outlook: Outlook) -> Refusal | None:
            return Refusal(f"export '{export.name}' still in use") if has_clients and mode != "hard" else None

        arguments = {"id": export.name, **({"mode": mode} if mode else {})}
        return Request(
            "block-export-del", arguments, lambda: self.gone(export), forecast=forecast, machine=drive.machine
        )

    def gone(self, export: Export) -> None:
        """Wait until QEMU has told that an export is gone; what it held is free then. Raises MachineHung."""
        export.drive.machine.wait_for(
            f"BLOCK_EXPORT_DELETED of {export.name}",
            lambda event: event.name == "BLOCK_EXPORT_DELETED" and event.data["id"] == export.name,
        )
        self.granted.remove(export)
        self._past.append(export)
        for bitmap in export.bitmaps:
            bitmap.exported = False

    def start_server(self, machine: Machine, connections: int | None) -> Request:
        """Make the request that lets a machine serve exports, to at most so many clients if a number is given.

        From then on the operator alone starts and stops the server.
        """
        self.is_by_hand = True
        if not machine.is_serving:
            (machine.home / machine.exports_socket).unlink(missing_ok=True)
        address = {"type": "unix", "data": {"path": machine.exports_socket}}
        limit = {} if connections is None else {"max-connections": connections}

        def forecast(_outlook: Outlook) -> Refusal | None:
            return Refusal("NBD server already running") if machine.is_serving else None

        def granted() -> None:
            machine.is_serving = True

        return Request("nbd-server-start", {"addr": address, **limit}, granted, forecast=forecast, machine=machine)

    def stop_server(self, machine: Machine) -> Request:
        """Make the request that ends all exports of a machine, whoever uses them, and their server."""
        self.is_by_hand = True

        def forecast(_outlook: Outlook) -> Refusal | None:
            return None if machine.is_serving else Refusal("NBD server not running")

        def granted() -> None:
            for export in [export for export in self.granted if export.drive.machine is machine]:
                self.gone(export)
            machine.is_serving = False

        return Request("nbd-server-stop", {}, granted, forecast=forecast, machine=machine)


def reported_by(machine: Machine) -> list[str]:
    """Return the names of the exports that a machine lists, if it serves any."""
    if not machine.is_serving:
        return []
    return [str(export["id"]) for export in machine.execute("query-block-exports")]


def _place_of(drive: Drive, below: Sequence[Drive], bitmap: str) -> Node:
    """Return the drive, or the one below it, on which a bitmap of that name is; the drive itself if it is on none."""
    return next((node for node in (drive, *below) if bitmap in node.bitmaps), drive)


def _cannot_show(node: Node, name: str, outlook: Outlook, *, writable: bool) -> Refusal | None:
    """Foresee why an export cannot show a bitmap: a client must be able to rely on what it reads."""
    bitmap = node.bitmaps.get(name)
    if bitmap is None:
        return Refusal(f"Bitmap '{name}' is not found")
    if bitmap.busy or (node.name, name) in outlook.held:
        return Refusal(f"Bitmap '{name}' is currently in use")
    if bitmap.inconsistent:
        return Refusal(f"Bitmap '{name}' is inconsistent and cannot be used")
    changes = bitmap.recording and not writable
    return Refusal(f"Enabled bitmap '{name}' incompatible with readonly export") if changes else None
