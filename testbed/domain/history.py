"""What has happened to a drive, moment by moment: what two bitmaps, backups or images of one drive are compared by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from testbed.model.ranges import Ranges


@dataclass
class History:
    """The changes of a drive in their order.

    `moment` counts them: nothing has changed between two things that happened at the same moment.
    """

    moment: int = 0
    changes: list[tuple[int, Ranges]] = field(default_factory=list, repr=False)

    def add(self, ranges: Ranges) -> None:
        """Take note that something was written, zeroed or discarded."""
        self.moment += 1
        self.changes.append((self.moment, ranges))

    def pass_on(self) -> None:
        """Take note of a change of another kind, such as of the drive's size."""
        self.moment += 1

    def since(self, moment: int) -> Ranges:
        """Return all that has changed since a moment: what was written, zeroed and discarded, byte for byte."""
        return Ranges.joined(span for when, ranges in self.changes if when > moment for span in ranges)

    def join(self, others: Iterable[History]) -> None:
        """Take over the changes of histories that have continued this one, in their order."""
        for other in others:
            self.changes += [change for change in other.changes if change[0] > self.moment]
            self.moment = max(self.moment, other.moment)

    def continued(self) -> History:
        """Return a history that begins at this moment, for an image that takes the place of another one."""
        return History(self.moment)
