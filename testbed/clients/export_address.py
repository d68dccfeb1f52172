"""Where a client finds an export: the socket of its server, and its name there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class ExportAddress:
    """An export called `export`, on the unix socket of that name in the directory `home`.

    Clients run in that directory, since the whole path of a socket may be longer than an address can be. None of them
    may take longer than `bound` seconds.
    """

    home: Path
    socket: str
    export: str
    bound: float

    @property
    def uri(self) -> str:
        """Return the address as all clients of NBD take it."""
        return f"nbd+unix:///{quote(self.export, safe='')}?socket={quote(self.socket, safe='')}"
