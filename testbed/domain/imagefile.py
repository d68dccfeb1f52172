"""The file in which a drive's image is, as a node below the format's, with bitmaps of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from testbed.base.units import SECTOR, whole_sectors
from testbed.domain.node import Node
from testbed.model.ranges import Ranges


@dataclass(eq=False)
class ImageFile(Node):
    """The file `path`. What a format writes into it, and where, is the format's own business.

    So the file itself tells what its bitmaps must have recorded: all that has changed in it since it was last read.
    """

    path: Path
    seen: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Read the file for the first time."""
        self.seen = self.path.read_bytes()

    def catch_up(self) -> None:
        """Read the file again; let the bitmaps know by how much it has grown, and where it has changed."""
        before, self.seen = self.seen, self.path.read_bytes()
        self.resized(whole_sectors(len(self.seen)))
        changed = (at for at in range(0, self.size, SECTOR) if before[at : at + SECTOR] != self.seen[at : at + SECTOR])
        self.changed(Ranges.of(*((at, SECTOR) for at in changed)))
