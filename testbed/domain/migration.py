"""A guest that moves to another machine: what its drives and their bitmaps must be there, and here if it stays."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.base.problems import AuthorError
from testbed.domain.bitmap import Bitmap
from testbed.domain.drive import Drive
from testbed.domain.job import Job
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused

SHORTEST = 0
"""The downtime limit, in milliseconds, for which no migration ends that has a bitmap to send."""

LONGEST = 2_000_000
"""The largest downtime limit that there is: whatever is left to send, is sent."""

LAST_STEP = "pre-switchover"
"""How query-migrate calls the moment before the images become the other machine's."""

ENDED = ("completed", "failed", "cancelled")
"""How query-migrate calls a migration that is over."""


@dataclass(frozen=True)
class Alias:
    """What a bitmap is called on its way: an entry of block-bitmap-mapping, which one of the two machines is given.

    A node is mapped without any bitmap where `bitmap` is empty. `persistent` is what the bitmap shall be when it has
    arrived, or None where it stays what it is.
    """

    node: str
    node_alias: str
    bitmap: str = ""
    alias: str = ""
    persistent: bool | None = None


def as_mapping(aliases: Iterable[Alias]) -> list[dict[str, Any]]:
    """Return aliases as the value of block-bitmap-mapping."""
    nodes: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for alias in aliases:
        bitmaps = nodes.setdefault((alias.node, alias.node_alias), [])
        if alias.bitmap:
            become = {} if alias.persistent is None else {"transform": {"persistent": alias.persistent}}
            bitmaps.append({"name": alias.bitmap, "alias": alias.alias, **become})
    return [{"node-name": node, "alias": alias, "bitmaps": bitmaps} for (node, alias), bitmaps in nodes.items()]


class MigrationFailed(AssertionError):
    """A guest has not moved although it should, or is said to have moved and should not."""


@dataclass(eq=False)
class Side:
    """One of the two machines: whether it was told that bitmaps travel, and what it calls them (None: by their names).

    It must stay a side of one migration only.
    """

    machine: Machine
    aliases: Sequence[Alias] | None = None

    def let_bitmaps_travel(self) -> None:
        """Set the capability; raises Refused."""
        self.set_capability("dirty-bitmaps")

    def wait_for(self, *states: str) -> str:
        """Wait until a migration has come to one of the states, and return it; raises MachineHung, MachineDied.

        Events would tell of it, too, but also of each pass, of which one that is held makes thousands a second.
        """
        self.machine.ask_until(
            f'the state "{states[0]}" of the migration', "query-migrate", lambda said: said.get("status") in states
        )
        return str(self.machine.execute("query-migrate")["status"])

    def set_capability(self, name: str, *, state: bool = True) -> None:
        """Set a capability by its name, or unset it; raises Refused."""
        told = [{"capability": name, "state": state}]
        self.machine.execute("migrate-set-capabilities", {"capabilities": told})

    def on_the_way(self, drive: Drive, bitmap: str) -> list[Alias]:
        """Return what a bitmap of a drive is called on its way, if it is sent at all."""
        if self.aliases is None:
            return [Alias(drive.name, drive.access.name, bitmap, bitmap)]
        return [alias for alias in self.aliases if (alias.node, alias.bitmap) == (drive.name, bitmap)]

    def meant_by(self, sent: Alias, drives: Mapping[str, Drive]) -> Alias | None:
        """Return which bitmap, of which of its drives, is meant by one on its way; None if it does not know."""
        if self.aliases is None:
            named = (drive for drive in drives.values() if sent.node_alias in (drive.name, drive.access.name))
            return next((Alias(drive.name, "", sent.alias) for drive in named), None)
        own = ((alias.node_alias, alias.alias) for alias in self.aliases)
        place = next((place for place, key in enumerate(own) if key == (sent.node_alias, sent.alias)), None)
        return None if place is None else self.aliases[place]


@dataclass(eq=False)
class Migration:
    """A guest's move from the machine of `source` to that of `destination`.

    `drives` are what the guest has, by name, and `arriving` the same as the other machine has it: in the same images,
    or in others that hold copies by the time it moves. `carries` tells whether bitmaps travel with the guest, beside
    those that images store; `channel` is how the two reach each other, in QEMU's words.
    """

    source: Side
    destination: Side
    drives: Mapping[str, Drive]
    arriving: Mapping[str, Drive]
    channel: str
    carries: bool = False
    _sent: list[tuple[Drive, Bitmap, Alias]] = field(default_factory=list, init=False)

    @property
    def status(self) -> Mapping[str, Any]:
        """Return what the source says of the migration."""
        answer: Mapping[str, Any] = self.source.machine.execute("query-migrate")
        return answer

    # On its way.

    def listen(self) -> None:
        """Let the destination wait for the guest at the channel; raises Refused."""
        self.destination.machine.execute("migrate-incoming", {"uri": self.channel})

    def begun(self) -> None:
        """Take note that the source has begun: what is sent of the bitmaps stays in use until the end."""
        if self.carries:
            named = ((drive, bitmap) for drive in self.drives.values() for bitmap in drive.bitmaps.values())
            self._sent = [
                (drive, bitmap, alias)
                for drive, bitmap in named
                for alias in self.source.on_the_way(drive, bitmap.name)
            ]
        for _, bitmap, _ in self._sent:
            bitmap.travelling = True

    def wait(self) -> str:
        """Wait until the source says that it is over, and does not use bitmaps for it any more; return how it ended.

        Raises MachineHung or MachineDied.
        """
        how = self.source.wait_for(*ENDED)
        self.abandoned()
        free = {(drive.name, bitmap.name) for drive, bitmap, _ in self._sent if not bitmap.busy}
        self.source.machine.ask_until(
            "the end of the use of bitmaps", "query-named-block-nodes", lambda nodes: not free & _busy(nodes)
        )
        return how

    def insist_on(self, *wanted: str) -> None:
        """Wait for the end; raises MigrationFailed if it is not one of those that are wanted."""
        if (how := self.wait()) not in wanted:
            words = [self.status.get("error-desc", ""), self.source.machine.last_words]
            told = "; ".join(filter(None, words)) or "nothing"
            raise MigrationFailed(f"the migration should have {wanted[0]}; it {how}, and the source says: {told}")

    def hold(self) -> None:
        """Keep the source from ending a migration that has bitmaps to send."""
        self._limit_downtime(SHORTEST)

    def wait_until_held(self) -> None:
        """Wait until the source is at work, and the bitmaps are on their way."""
        if not self._sent:
            raise AuthorError("only a migration with bitmaps can be held: let some travel")
        self.source.wait_for("active")

    def wait_for_switch_over(self) -> None:
        """Wait until all is ready for the last step, or the migration is over; see `pause-before-switchover`."""
        self.source.wait_for(LAST_STEP, *ENDED)

    def switch_over(self) -> None:
        """Let the source go the last step, if it has come to that."""
        if self.status["status"] == LAST_STEP:
            self.source.machine.execute("migrate-continue", {"state": LAST_STEP})

    def let_go(self) -> None:
        """Let the source end, whatever is left to send."""
        self._limit_downtime(LONGEST)

    def _limit_downtime(self, limit: int) -> None:
        self.source.machine.execute("migrate-set-parameters", {"downtime-limit": limit})

    def insist_on_end_within(self, seconds: float) -> None:
        """Raise MigrationFailed if it is not over after so many seconds, and let it go on then."""
        deadline = time.monotonic() + seconds
        while (status := self.status["status"]) not in ENDED and time.monotonic() < deadline:
            continue
        if status not in ENDED:
            raise MigrationFailed(f"the migration should have completed; it was still {status} after {seconds} s")

    # Its end.

    def abandoned(self) -> None:
        """Take note that the source ends in the midst of it."""
        for _, bitmap, _ in self._sent:
            bitmap.travelling = False

    def arrived(self) -> None:
        """Take note that the guest has left, and has arrived: images and bitmaps have become the other machine's.

        An image that both share stores what does not travel. Once the other machine does not know one of the names by
        which bitmaps travel, it takes none.
        """
        self.departed()
        meant = [(bitmap, alias, self.destination.meant_by(alias, self.arriving)) for _, bitmap, alias in self._sent]
        known = all(place for _, _, place in meant)
        for name, drive in self.arriving.items():
            found, source = drive.image.open(), self.drives[name]
            if drive.image is not source.image:
                drive.image.continue_from(source.image)
                drive.image.allocate(source.image.allocated)
            drive.bitmaps |= found
            for bitmap, alias, place in meant if known else ():
                if place and place.node == name:
                    drive.take_in(bitmap, place.bitmap, persistent=_becomes(alias, place))
            drive.is_open = drive.is_active = True

    def departed(self) -> None:
        """Take note that the source does not use the images any more, which store the bitmaps that do not travel."""
        sent = {bitmap for _, bitmap, _ in self._sent}
        for drive in self._written:
            left = {name: bitmap for name, bitmap in drive.bitmaps.items() if bitmap not in sent}
            drive.image.hand_over(left, in_use={bitmap.name for bitmap in sent})
        for drive in self.drives.values():
            drive.is_open = drive.is_active = False

    def stayed(self) -> None:
        """Take note that the guest goes on where it was, after its images were as good as another machine's."""
        for drive in self._written:
            drive.image.open()
        for drive in self.drives.values():
            drive.is_open = drive.is_active = True

    @property
    def _written(self) -> list[Drive]:
        return [drive for drive in self.drives.values() if not drive.read_only]

    def lost(self) -> str:
        """Wait until the destination has given up by itself; return its last words. Raises MachineHung, MachineDied."""
        return self.destination.machine.wait_for_failure()


def _busy(nodes: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Return which bitmaps are in use by what query-named-block-nodes says: the names of their nodes, and their own."""
    bitmaps = ((node["node-name"], bitmap) for node in nodes for bitmap in node.get("dirty-bitmaps", []))
    return {(node, bitmap.get("name", "")) for node, bitmap in bitmaps if bitmap["busy"]}


def _becomes(sent: Alias, place: Alias) -> bool | None:
    """Return whether a bitmap shall persist, of which the destination has the last word; None if nobody says."""
    return sent.persistent if place.persistent is None else place.persistent


@dataclass(eq=False)
class Copying:
    """A mirror of a drive into the image that the other machine has for it, until the guest moves there."""

    drive: Drive
    job: Job = field(init=False)

    @property
    def name(self) -> str:
        """Return the name of the export, and of the node that is its client."""
        return f"copy-of-{self.drive.name}"

    def begin(self, destination: Machine) -> None:
        """Export the other machine's node, mirror the drive into it, and wait until that has caught up."""
        machine = self.drive.machine
        destination.serve()
        export = {"type": "nbd", "id": self.name, "name": self.name, "node-name": self.drive.name, "writable": True}
        destination.execute("block-export-add", export)
        server = {"type": "unix", "path": destination.exports_socket}
        machine.execute(
            "blockdev-add", {"driver": "nbd", "node-name": self.name, "server": server, "export": self.name}
        )
        self.job = Job(machine, self.name, kind="mirror", start=len(machine.all_events()), may_grow=True)
        copied = {"job-id": self.name, "device": self.drive.name, "target": self.name, "sync": "full"}
        machine.execute("blockdev-mirror", copied)
        self.job.begun = True
        self.job.wait_until("ready")

    def end(self) -> None:
        """End the mirror, whose copy is complete then, and let go of the export."""
        machine = self.drive.machine
        machine.execute("block-job-cancel", {"device": self.name})
        self.job.wait()
        machine.execute("blockdev-del", {"node-name": self.name})

    def give_up(self) -> None:
        """End the mirror at once, whose copy nobody needs any more."""
        machine = self.drive.machine
        with contextlib.suppress(Refused):  # it is gone already where the other machine is
            machine.execute("block-job-cancel", {"device": self.name, "force": True})
        self.job.wait()
        machine.execute("blockdev-del", {"node-name": self.name})
