"""All backups of a scenario: preparing them, taking them, and finding them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testbed.backup import COMMANDS, Backup, Command, Target, put_on
from testbed.content import Content
from testbed.drive import Drive, UnknownName
from testbed.image import Images
from testbed.job import Job
from testbed.machine import Machine

QCOW2_CLUSTER = 64 * 1024
"""Bytes of a qcow2 cluster unless an image is made with another."""


@dataclass
class Backups:
    """The backups of a scenario, oldest first, and how the next ones are to be made.

    `command` takes them, `cluster` is the length in bytes of their images' clusters, `image_format` their format.
    """

    machine: Machine
    images: Images
    image_format: str
    command: Command = COMMANDS["blockdev-backup"]
    cluster: int = QCOW2_CLUSTER
    taken: list[Backup] = field(default_factory=list)
    _images_made: int = 0

    def new_target(self, drive: Drive, base: Backup | None) -> Target:
        """Make an empty image for a backup of the drive, on top of a base if there is one."""
        self._images_made += 1
        name = f"{drive.name}-{self._images_made}.{self.image_format}"
        target = Target(name, self.image_format, self.cluster, base.target if base else None)
        options = {} if target.cluster == QCOW2_CLUSTER else {"cluster_size": str(target.cluster)}
        if base:
            self.images.create_above(name, self.image_format, drive.size, base.target.layer, options)
        else:
            self.images.create(name, self.image_format, Content(drive.size), options=options)
        return target

    def base_for(self, drive: Drive, bitmap: str) -> Backup | None:
        """Return what the next one with the bitmap builds on: its newest backup, else the newest full one of the drive."""
        done = [backup for backup in self.taken if backup.drive is drive and backup.succeeded]
        own = [backup for backup in done if backup.held is drive.bitmaps.get(bitmap) and backup.held]
        full = [backup for backup in done if backup.sync == "full"]
        return next(reversed(own or full), None)

    def prepare(self, drive: Drive, options: Mapping[str, object], target: Target | None = None) -> Backup:
        """Make all ready for a backup: its target, new where none is given, and a name for its job; start nothing.

        `options` are the command's arguments, with sync and bitmap among them. An incremental backup's new target
        stands on the bitmap's newest backup.
        """
        if target is None:
            is_increment = options["sync"] == "incremental" and "bitmap" in options
            target = self.new_target(drive, self.base_for(drive, str(options["bitmap"])) if is_increment else None)
        job = Job(self.machine, self._free_job_name(drive), start=len(self.machine.monitor.events))
        self.command.open(self.machine, target)
        backup = Backup(drive, target, self.command, job, options)
        self.taken.append(backup)
        return backup

    def forget(self, backup: Backup) -> None:
        """Drop a backup that was refused."""
        self.taken.remove(backup)
        backup.command.close(self.machine, backup.target)

    def put_on_full(self, backup: Backup) -> None:
        """Put a backup that was taken without a backing file on the newest full backup of its drive before it."""
        earlier = self.taken[: self.taken.index(backup)]
        full = [other for other in earlier if other.sync == "full" and other.drive is backup.drive]
        backup.target = put_on(self.images, backup.target, full[-1].target)

    def newest_of(self, drive: str) -> Backup:
        """Return the newest backup of a drive, references left out; its job may still run."""
        references = [backup.reference for backup in self.taken]
        own = [backup for backup in self.taken if backup.drive.name == drive and backup.target not in references]
        if not own:
            raise UnknownName(f'the scenario has no backup of "{drive}"')
        return own[-1]

    def successful_with(self, drive: Drive, bitmap: str) -> list[Backup]:
        """Return the successful backups of a drive with a bitmap, oldest first."""
        held = drive.bitmap(bitmap)
        return [backup for backup in self.taken if backup.held is held and backup.succeeded]

    def running(self) -> Sequence[Backup]:
        """Return those whose jobs have begun and are not known to be over."""
        return [backup for backup in self.taken if backup.job.running]

    def _free_job_name(self, drive: Drive) -> str:
        used = {backup.job.name for backup in self.taken if backup.job.end is None}
        names = (drive.name, *(f"{drive.name}-{number}" for number in range(2, len(used) + 2)))
        return next(name for name in names if name not in used)
