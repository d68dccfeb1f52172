"""How a guest gets at a drive: before its node, so that its requests pass through whatever a job puts over that.

A machine with a human monitor has devices for that. Where there is none, clients of exports stand for the guest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from testbed.base.problems import AuthorError
from testbed.base.process import ToolFailed, run_tool
from testbed.base.units import format_size
from testbed.qemu.machine import GuestRequestFailed, Machine

Options = Mapping[str, object]


class Access(Protocol):
    """One way into a drive."""

    @property
    def name(self) -> str:
        """What QEMU calls it."""

    @property
    def has_node(self) -> bool:
        """Tell whether the drive's node goes away with it."""

    def leave(self) -> None:
        """Be the way in no more, so that QEMU can delete the node."""

    def request(self, request: str, success: str) -> None:
        """Let the guest make a request in qemu-io's words; see Machine.guest_request."""

    def step_aside(self) -> None:
        """Let QEMU change the drive's size, if this may be in the way, until `step_back`."""

    def step_back(self) -> None:
        """Be the way in again."""

    def limit(self, speed: int) -> None:
        """Limit what the guest reads and writes to `speed` bytes a second, or not at all when that is 0."""

    def tell(self, request: str) -> None:
        """Let qemu-io do what does not end with a verdict: begin a request, or tell the storage to hold one up."""


class Accesses(Protocol):
    """Makes the ways into a machine's drives.

    `keeps_nodes` tells whether the operator holds the nodes, so that they stay when nothing uses them any more.
    """

    @property
    def keeps_nodes(self) -> bool:
        """Tell it."""

    def attach(self, node: Options) -> Access:
        """Give the machine a drive with a node of such options, `node-name` among them, and return the way into it.

        Raises DriveNotTaken or Refused, with QEMU's words, when it does not take it.
        """

    def over(self, place: str) -> Access:
        """Return the way in over something that is there already: a node, by its name."""


@dataclass(frozen=True)
class NoAccess:
    """No way in: the node `name` is below or beside those that a guest reaches. Whoever lets a guest use it, slips."""

    name: str
    has_node: ClassVar[bool] = False

    def leave(self) -> None:
        """Do nothing: nobody is there."""

    def request(self, _request: str, _success: str) -> None:
        """Raise AuthorError."""
        raise self._lack

    def step_aside(self) -> None:
        """Do nothing: nobody is in the way."""

    def step_back(self) -> None:
        """Do nothing."""

    def limit(self, _speed: int) -> None:
        """Raise AuthorError."""
        raise self._lack

    def tell(self, _request: str) -> None:
        """Raise AuthorError."""
        raise self._lack

    @property
    def _lack(self) -> AuthorError:
        return AuthorError(f'no guest reaches "{self.name}": it goes on with another image of the drive')


# By the human monitor.


@dataclass(frozen=True)
class MonitorAccess:
    """A device, a disk of the guest or a node, as HMP qemu-io calls it."""

    machine: Machine
    name: str
    has_node: bool = False

    def leave(self) -> None:
        """Remove the device, if it is one that has the node for itself; raises GuestRequestFailed in QEMU's words."""
        if self.has_node and (words := self.machine.human(f"drive_del {self.name}").strip()):
            raise GuestRequestFailed(f"{self.name} could not be removed; QEMU said: {words}")

    def request(self, request: str, success: str) -> None:
        """Let the guest make a request; see Machine.guest_request."""
        self.machine.guest_request(self.name, request, success)

    def step_aside(self) -> None:
        """Do nothing: a device does not mind."""

    def step_back(self) -> None:
        """Do nothing: it has never been away."""

    def limit(self, speed: int) -> None:
        """Limit the device's throughput, in bytes a second; 0 is no limit."""
        others = dict.fromkeys(("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
        self.machine.execute("block_set_io_throttle", {"device": self.name, "bps": speed, **others})

    def tell(self, request: str) -> None:
        """Let qemu-io do it; raises GuestRequestFailed when QEMU speaks of a failure, of whichever request."""
        verdict = self.machine.human(f'qemu-io {self.name} "{request}"').strip()
        if re.search("(?i)fail|could not|error", verdict):
            raise GuestRequestFailed(f'"{request}" on {self.name} failed; QEMU said: {verdict}')


@dataclass(frozen=True)
class MonitorAccesses:
    """Makes devices by the human monitor, with `options` of theirs besides what makes them the guest's."""

    machine: Machine
    options: Options = field(default_factory=dict)
    keeps_nodes: ClassVar[bool] = False

    def attach(self, node: Options) -> MonitorAccess:
        """Add a drive with a device, called "guest-" and the node's name."""
        access = MonitorAccess(self.machine, f"guest-{node['node-name']}", has_node=True)
        options = {"if": "none", "id": access.name, **self.options, **dict(_flat(node))}
        line = ",".join(f"{key}={str(value).replace(',', ',,')}" for key, value in options.items())
        self.machine.add_drive(line)
        return access

    def over(self, place: str) -> MonitorAccess:
        """Return the way in over a node, or over a disk of the guest, which is called "-d" and its name."""
        return MonitorAccess(self.machine, place)


# By exports.


@dataclass
class ExportAccess:
    """An export over NBD, called "guest-" and the name of the node that it began with; its client is a qemu-io.

    `place` is the node over which it is to come back, `options` are what its command takes besides.
    """

    machine: Machine
    qemu_io: Path
    place: str
    options: Options
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Export the node."""
        self.name = f"guest-{self.place}"
        self.step_back()

    def request(self, request: str, success: str) -> None:
        """Let a client make a request; raises GuestRequestFailed in its own words, or MachineDied."""
        export = f"driver=nbd,server.type=unix,server.path={self.machine.exports_socket},export={self.name}"
        argv = (str(self.qemu_io), "-t", "writeback", "-d", "unmap", "-c", request, "--image-opts", export)
        try:
            verdict = run_tool(argv, cwd=self.machine.home, bound=self.machine.bound, allowed=(0, 1)).stdout.strip()
        except ToolFailed as failure:
            verdict = str(failure)
        self.machine.check_alive()
        GuestRequestFailed.unless_done(verdict, f'"{request}" on {self.name}', success)

    @property
    def has_node(self) -> bool:
        """Return no: a node stays when it is not exported any more."""
        return False

    def leave(self) -> None:
        """End the export."""
        self.step_aside()

    def step_aside(self) -> None:
        """End the export, which would keep the size that it began with, and let nobody change it."""
        exports = self.machine.execute("query-block-exports")
        # A job may have put its filter there, or a snapshot an overlay.
        self.place = next(export["node-name"] for export in exports if export["id"] == self.name)
        start = len(self.machine.all_events())
        self.machine.execute("block-export-del", {"id": self.name})
        self.machine.wait_for(
            f"BLOCK_EXPORT_DELETED of {self.name}",
            lambda event: event.name == "BLOCK_EXPORT_DELETED" and event.data["id"] == self.name,
            start=start,
        )

    def step_back(self) -> None:
        """Export the node that was exported last."""
        self.machine.serve()
        asked = {"type": "nbd", "id": self.name, "name": self.name, "node-name": self.place, "writable": True}
        self.machine.execute("block-export-add", {**asked, **self.options})

    def limit(self, speed: int) -> None:
        """Raise AuthorError: what goes by an export cannot be limited."""
        raise self._lack(f"cannot be limited to {format_size(speed)} a second")

    def tell(self, request: str) -> None:
        """Raise AuthorError: a client ends with its request."""
        raise self._lack(f'cannot be told "{request}"')

    def _lack(self, what: str) -> AuthorError:
        return AuthorError(f"{self.name} {what} without a human monitor: the sentence must say that it needs one")


@dataclass(frozen=True)
class ExportAccesses:
    """Makes exports with the `options` of block-export-add; `qemu_io` is the client that is the guest."""

    machine: Machine
    qemu_io: Path
    options: Options = field(default_factory=dict)
    keeps_nodes: ClassVar[bool] = True

    def attach(self, node: Options) -> ExportAccess:
        """Add a drive's node, and export it."""
        self.machine.execute("blockdev-add", node)
        return self.over(str(node["node-name"]))

    def over(self, place: str) -> ExportAccess:
        """Export a node."""
        return ExportAccess(self.machine, self.qemu_io, place, self.options)


def _flat(options: Options, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Return nested options as the dotted keys of QEMU's command line."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield from _flat({str(place): item for place, item in enumerate(value)}, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", {True: "on", False: "off"}[value] if isinstance(value, bool) else value
