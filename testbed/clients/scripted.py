"""A client of libnbd's that is told each word, runs beside the suite, and stays as long as it is wanted."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.base.process import Child, ToolFailed, run_tool
from testbed.clients.export_address import ExportAddress
from testbed.clients.libnbd import Status
from testbed.model.ranges import Ranges

PYTHON = "/usr/bin/python3"
"""The Python of the system, whose packages bring libnbd; this one's own cannot have it."""

SCRIPT = Path(__file__).with_name("script.py")

DONT_FRAGMENT, ONE_EXTENT, NO_HOLE, FAST_ZERO = 4, 8, 2, 16
"""Flags of requests, as the protocol counts them."""

LONGEST = (1 << 32) - 4096
"""Bytes of which a client can ask the status at a time."""

Deed = Sequence[object]


@dataclass
class Visitor:
    """A client that stays: `says` is the line on which it says that it is at work, and hears that it is to leave."""

    child: Child
    says: socket.socket
    bound: float

    def wait_until_at_work(self) -> None:
        """Wait until it says that it is; raises ToolFailed when it does not."""
        if not select.select([self.says], [], [], self.bound)[0] or not self.says.recv(1):
            raise ToolFailed("a client that was to stay did not come to its work")

    def leave(self) -> None:
        """Let it end its connection in order; raises ToolFailed when it cannot."""
        self.says.shutdown(socket.SHUT_WR)
        code = self.child.wait(self.bound)
        self.close()
        if code:
            raise ToolFailed(f"a client that was to leave ended with status {code}")

    def close(self) -> None:
        """End it at once, in the midst of whatever it does; as often as one likes."""
        self.child.kill_and_reap(self.bound)
        self.says.close()


@dataclass(frozen=True)
class Scripted:
    """Makes such clients of one export; what cannot be done is a ToolFailed with the client's words."""

    address: ExportAddress

    def do(self, deeds: Iterable[Deed], contexts: Sequence[str] = (), *, structured: bool = True) -> list[Any]:
        """Let a client do deeds, one after the other, and return what came of each; see script.py."""
        argv = self._argv(deeds, contexts, structured=structured)
        answers: list[Any] = json.loads(run_tool(argv, cwd=self.address.home, bound=self.address.bound).stdout)
        return answers

    def statuses(self, contexts: Sequence[str], most: int = LONGEST) -> Mapping[str, Status]:
        """Return what the export says in several contexts at once, asked of at most so many bytes at a time.

        Raises ToolFailed when it has not got all of them.
        """
        offered, told = self.do([["offered"], ["map", most]], contexts)
        if missing := sorted({*contexts} - {*offered}):
            raise ToolFailed(f"{self.address.export} does not offer {', '.join(missing)}")
        return {
            context: Status.told((at, length, value) for at, length, value in told[context]) for context in contexts
        }

    def copy(self, ranges: Ranges, file: str) -> None:
        """Copy ranges of the export into the same places of a raw file."""
        self.do([["copy", file, [list(span) for span in ranges]]])

    def visit(self, *deed: object) -> Visitor:
        """Start a client that stays, and return it when it is at work; its last words go into a file."""
        ours, theirs = socket.socketpair()
        words = self.address.home / "visitor.output"
        with theirs:
            argv = self._argv([deed], (), structured=True, told=theirs.fileno())
            child = Child.start(argv, cwd=self.address.home, stdout=words, stderr=words, pass_fds=[theirs.fileno()])
        visitor = Visitor(child, ours, self.address.bound)
        try:
            visitor.wait_until_at_work()
        except BaseException:
            visitor.close()
            raise
        return visitor

    def _argv(self, deeds: Iterable[Deed], contexts: Sequence[str], *, structured: bool, told: int = -1) -> list[str]:
        asked = {
            "uri": self.address.uri,
            "contexts": list(contexts),
            "structured": structured,
            "told": told,
            "deeds": [list(deed) for deed in deeds],
        }
        return [PYTHON, "-I", str(SCRIPT), json.dumps(asked)]
