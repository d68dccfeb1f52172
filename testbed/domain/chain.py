"""A chain of increments as an operator keeps it: images that are put together, and images that go astray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from testbed.base.problems import AuthorError
from testbed.domain.backup import Backup
from testbed.domain.catalogue import Catalogue
from testbed.domain.image import Image
from testbed.domain.target import Target
from testbed.model.ranges import NOTHING
from testbed.qemu.images import Images


@dataclass(frozen=True)
class Chain:
    """The increments `links`, oldest first, each on the image of the one before it; nobody has the images open.

    An increment is meant by its place, from 0 on.
    """

    catalogue: Catalogue
    links: Sequence[Backup]

    @property
    def images(self) -> Images:
        """Return the images."""
        return self.catalogue.targets.images

    def merge_down(self, place: int) -> None:
        """Merge an increment into the image of the one below, whose moment cannot be restored any more."""
        below, link = self.links[place - 1], self.links[place]
        self.images.commit(link.target.name, link.target.image_format)
        self._forget(below, link.target, absorbed_by=link)
        link.target = below.target
        for above in self.links[place + 1 : place + 2]:
            self.catalogue.targets.put_on(above.target, link.target.image)

    def merge_up(self, place: int) -> None:
        """Merge an increment into the image of the one above; its own moment cannot be restored any more."""
        link, above = self.links[place], self.links[place + 1]
        self.catalogue.targets.move_onto(above.target, _base(link))
        self._forget(link, link.target, absorbed_by=above)

    def lose(self, place: int) -> None:
        """Delete the image of an increment, as if by mistake."""
        self.images.delete(self.links[place].target.name)

    def skip(self, place: int) -> None:
        """Name the base of an increment as that of the next one, as if it had never been taken."""
        above = self.links[place + 1]
        self.catalogue.targets.put_on(above.target, _base(self.links[place]))

    def replace(self, place: int) -> None:
        """Copy the image of the increment below over that of an increment, as if it were a newer copy."""
        self.images.copy(self.links[place - 1].target.name, self.links[place].target.name)

    def _forget(self, gone: Backup, unused: Target, *, absorbed_by: Backup) -> None:
        """Take note that a backup is part of another one now, and that nobody needs an image any more."""
        absorbed_by.changed = (gone.changed or NOTHING) | (absorbed_by.changed or NOTHING)
        self.catalogue.taken.remove(gone)
        self.images.delete(unused.name)


def _base(link: Backup) -> Image:
    if link.target.image.base is None:
        raise AuthorError(f"{link} stands on nothing: only an increment of a chain does")
    return link.target.image.base
