"""The clients of a scenario's exports: what they are told and read, and those that stay connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from testbed.base.problems import AuthorError
from testbed.base.process import ToolFailed
from testbed.clients.libnbd import Libnbd
from testbed.clients.scripted import Scripted, Visitor
from testbed.domain.drive import Drive
from testbed.domain.export import Export, Exports
from testbed.model.content import ZERO
from testbed.model.ranges import Ranges

AT_ONCE = 16
"""Reads that a client has outstanding which takes no answers, and the bytes of each: more than a socket holds."""

LARGE_READ = 4 << 20

WITH_STALLED_CLIENT = 3.0
"""Seconds that QEMU may take for anything while a client takes no answers; what waits for that, waits for ever."""


@dataclass
class Clients:
    """Foreign clients of `exports`; `visitors` are those that stay, each with the export that it uses."""

    exports: Exports
    visitors: list[tuple[Export, Visitor]] = field(default_factory=list)

    def tools(self, drive: Drive) -> Libnbd:
        """Return libnbd's tools at the newest export of a drive; raises UnknownName when it has none."""
        return Libnbd(self.exports.newest_of(drive).address)

    def scripted(self, drive: Drive) -> Scripted:
        """Return a client of the same that is told each word."""
        return Scripted(self.exports.newest_of(drive).address)

    def use(self, export: Export) -> bool:
        """Tell whether a client that stays uses an export."""
        return any(used is export for used, _ in self.visitors)

    # Those that stay.

    def connect(self, drive: Drive) -> None:
        """Let a client come, and do nothing."""
        self._visit(drive, "stay")

    def read_on(self, drive: Drive) -> None:
        """Let a client come, and read over and over."""
        self._visit(drive, "read_on")

    def stall(self, drive: Drive) -> None:
        """Let a client come, ask for more than its connection holds, and take none of it.

        From then on QEMU has little time for an answer: what waits for such a client would wait for ever, and may use
        all of a processor meanwhile.
        """
        drive.machine.wait_at_most(WITH_STALLED_CLIENT)
        self._visit(drive, "stall", AT_ONCE, min(LARGE_READ, drive.size))

    def _visit(self, drive: Drive, *deed: object) -> None:
        self.visitors.append((self.exports.newest_of(drive), self.scripted(drive).visit(*deed)))

    def leave(self) -> None:
        """Let the client leave in order that came last."""
        self._last().leave()

    def die(self) -> None:
        """Kill the client that came last, in the midst of what it does, as kill -9 does."""
        self._last().close()

    def _last(self) -> Visitor:
        if not self.visitors:
            raise AuthorError("no client is connected")
        return self.visitors.pop()[1]

    def gone_with(self, exports: Sequence[Export]) -> None:
        """Take note that exports are gone, which their clients will notice by themselves."""
        for used, visitor in [*self.visitors]:
            if used in exports:
                self.visitors.remove((used, visitor))
                visitor.close()

    def close(self) -> None:
        """End all that stay."""
        while self.visitors:
            self._last().close()

    # What they change.

    def write(self, drive: Drive, pattern: int, at: int, length: int) -> None:
        """Let a client write to the newest export of a drive; raises ToolFailed when it cannot."""
        self.scripted(drive).do([["write", pattern, at, length], ["flush"]])
        drive.image.write(pattern, at, length)
        drive.changed(Ranges.of((at, length)))

    def write_zeroes(self, drive: Drive, at: int, length: int) -> None:
        """Let a client write zeros without sending them, however much that is."""
        self.scripted(drive).do([["zero", at, length], ["flush"]])
        drive.image.write(ZERO, at, length)
        drive.changed(Ranges.of((at, length)))

    def discard(self, drive: Drive, at: int, length: int) -> None:
        """Let a client discard a range."""
        self.scripted(drive).do([["trim", at, length], ["flush"]])
        drive.image.discard(at, length)
        drive.changed(Ranges.of((at, length)))

    def words_of_failure(self, drive: Drive, pattern: int, at: int, length: int) -> str:
        """Let a client try to write; return its words when it cannot, and else that it could."""
        try:
            self.scripted(drive).do([["write", pattern, at, length]])
        except ToolFailed as failure:
            return str(failure)
        return f"a client wrote {length} bytes at {at}"
