"""Pull backups, as products take them: a moment is frozen and exported, and a client copies what it needs of it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field

from testbed.base.problems import AuthorError
from testbed.clients.libnbd import bitmap_context
from testbed.clients.scripted import Scripted
from testbed.domain.backup import KEEPING, Backup
from testbed.domain.drive import Drive
from testbed.domain.export import Exports
from testbed.domain.image import Image
from testbed.domain.node import UnknownName
from testbed.domain.pull import Pull
from testbed.domain.request import Request, always_granted, transaction
from testbed.domain.target import Local, Target
from testbed.model.ranges import Ranges
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.scenario.backup_tool import BackupTool
from testbed.scenario.clients import Clients

RESTORED = "restored.raw"
"""What a drive is called that a chain of copies restores."""


@dataclass
class Pulls:
    """The pulls of a scenario, oldest first."""

    backups: BackupTool
    exports: Exports
    clients: Clients
    images: Images
    begun: list[Pull] = field(default_factory=list)

    def newest_of(self, drive: Drive) -> Pull:
        """Return the newest pull of a drive; raise UnknownName when there is none."""
        found = [pull for pull in self.begun if pull.drive.image is drive.image]
        if not found:
            raise UnknownName(f'there is no pull of "{drive.name}"')
        return found[-1]

    def begin(self, asked: Sequence[tuple[Drive, str, Sequence[Request], str]]) -> None:
        """Freeze drives at one moment, and export what they were: (drive, bitmap, requests before it, shown bitmap).

        The requests of all stand before the backups that keep the moment, in one transaction. Raises BrokenPromise.
        """
        keepers = [self._keeper(drive) for drive, *_ in asked]
        changed = [
            drive.bitmap(bitmap).dirty.granules.below(drive.size) if bitmap else Ranges.of((0, drive.size))
            for drive, bitmap, *_ in asked
        ]
        before = [request for _, _, requests, _ in asked for request in requests]
        starts = [self.backups.request(keeper) for keeper in keepers]
        self.backups.dialogue.demand(transaction([*before, *starts]))
        for (drive, _, _, shown), keeper, ranges in zip(asked, keepers, changed, strict=True):
            copy = f"{drive.name}-pulled-{len(self.begun) + 1}.raw"
            pull = Pull(drive, keeper, shown, drive.content, copy, ranges)
            self.begun.append(pull)
            self.backups.dialogue.demand(self._show(pull))

    def _keeper(self, drive: Drive) -> Backup:
        """Make a backup ready that keeps a moment, in an image that stands on the drive's own node."""
        kind = ImageKind("qcow2")
        name = f"{drive.name}-view-{len(self.begun) + 1}.qcow2"
        self.images.create_above(name, "qcow2", drive.size, (drive.image.name, drive.image.image_format))
        image = Image(name, kind, drive.content, drive.image)
        target = Target(image, Local(options={"backing": drive.name}))
        return self.backups.prepare(drive, {"sync": KEEPING}, target)

    def _show(self, pull: Pull) -> Request:
        """Make the request that exports what was frozen, with the bitmap that says what to copy."""
        shown = [pull.bitmap] if pull.bitmap else []
        more = {"node-name": pull.keeper.target.node}
        return self.exports.add(pull.drive, shown, writable=False, more=more)

    def copy(self, drive: Drive) -> None:
        """Let a client copy what it needs: all, or what the bitmap says that the export shows."""
        pull = self.newest_of(drive)
        tools = self.clients.tools(drive)
        if not pull.bitmap:
            (self.images.home / pull.copy).unlink(missing_ok=True)
            tools.copy(pull.copy)
            pull.copied = Ranges.of((0, drive.size))
            return
        pull.copied = tools.status(bitmap_context(pull.bitmap)).where(1)
        Scripted(tools.address).copy(pull.copied, pull.copy)

    def die_while_copying(self, drive: Drive) -> None:
        """Let a client come that copies, and kill it in the midst of that."""
        self.clients.read_on(drive)
        self.clients.die()

    def restore(self, drive: Drive) -> str:
        """Put the copies of a drive on each other, from the newest full one on; return the name of what that gives."""
        chain = [pull for pull in self.begun if pull.drive.image is drive.image and pull.copied is not None]
        full = max((place for place, pull in enumerate(chain) if not pull.bitmap), default=None)
        if full is None:
            raise AuthorError(f'nothing was copied of all of "{drive.name}"')
        home = self.images.home
        shutil.copyfile(home / chain[full].copy, home / RESTORED)
        for pull in chain[full + 1 :]:
            assert pull.copied is not None
            with (home / pull.copy).open("rb") as copy, (home / RESTORED).open("r+b") as restored:
                for start, end in pull.copied:
                    copy.seek(start)
                    restored.seek(start)
                    restored.write(copy.read(end - start))
        return RESTORED

    # Its end.

    def hide(self, drive: Drive) -> None:
        """Delete the export."""
        self.backups.dialogue.demand(self.exports.delete_from(drive))

    def let_go(self, drive: Drive) -> None:
        """Cancel the backup that keeps the moment, and delete its image's node."""
        keeper = self.newest_of(drive).keeper
        self.backups.dialogue.demand(keeper.job.cancel("block-job"))
        self.backups.finish([keeper])
        self.backups.hearing.heard(event for event in keeper.job.events if not event.is_error)

    def forget_bitmap(self, drive: Drive) -> None:
        """Remove the bitmap that said what to copy, if there was one."""
        pull = self.newest_of(drive)
        if pull.bitmap:
            arguments = {"node": drive.name, "name": pull.bitmap}
            self.backups.dialogue.demand(
                Request(
                    "block-dirty-bitmap-remove",
                    arguments,
                    lambda: drive.lost_bitmap(pull.bitmap),
                    forecast=always_granted,
                    machine=drive.machine,
                )
            )
