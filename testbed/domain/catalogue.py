"""The catalogue of a scenario's backups: preparing them, and finding them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from testbed.domain.backup import COMMANDS, INCREMENTAL, KEEPING, Backup, Command
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.job import Job
from testbed.domain.node import UnknownName
from testbed.domain.request import Request
from testbed.domain.target import Target, Targets

MADE_BY_QEMU = ("absolute-paths", None)
"""The modes in which drive-backup makes the image: by name, and the default, which is the same."""


@dataclass
class Catalogue:
    """The backups of a scenario, oldest first, and how the next ones are to be made.

    `command` takes them, `targets` makes the images for them; `options` go with each of them.
    """

    targets: Targets
    command: Command = COMMANDS["blockdev-backup"]
    options: Mapping[str, object] = field(default_factory=dict)
    taken: list[Backup] = field(default_factory=list)

    def new_target(self, drive: Drive, base: Backup | None, size: int | None = None) -> Target:
        """Make an empty image for a backup of the drive, on top of a base if there is one.

        It is of the drive's size unless another `size` in bytes is given.
        """
        return self.targets.new(drive.name, drive.size if size is None else size, base.target.image if base else None)

    def base_for(self, drive: Drive, bitmap: str) -> Backup | None:
        """Return what the next one with the bitmap builds on: its newest backup, or the one that it is in step with.

        Where there is neither, that is the newest full one of the drive.
        """
        held = drive.bitmaps.get(bitmap)
        known = drive.image.lineage
        done = [backup for backup in self.taken if backup.succeeded and backup.source in known]
        own = [backup for backup in self.taken if held and backup.held is held and backup.is_base]
        in_step = [backup for backup in done if held and backup.moment == held.since]
        full = [backup for backup in done if backup.sync == "full"]
        return next(reversed(own or in_step or full), None)

    def prepare(self, drive: Drive, options: Mapping[str, object], target: Target | None = None) -> Backup:
        """Make all ready for a backup: its target, new where none is given, and a name for its job; start nothing.

        `options` are the command's arguments, with sync and bitmap among them; a job whose job-id is None is called
        after its drive's device. An incremental backup's new target stands on the bitmap's newest backup.
        """
        options = {**self.options, **options}
        target = target or self._target_for(drive, options)
        name = options.get("job-id", self._free_job_name(drive))
        self.command.open(drive.machine, target)
        job = Job(
            drive.machine,
            drive.access.name if name is None else str(name),
            start=len(drive.machine.heard()),
            auto_finalize=bool(options.get("auto-finalize", True)),
            auto_dismiss=bool(options.get("auto-dismiss", True)),
            speed=cast("int", options.get("speed", 0)),
        )
        backup = Backup(drive, target, self.command, job, options)
        self.taken.append(backup)
        return backup

    def request(self, backup: Backup) -> Request:
        """Make the request that starts a backup which is prepared; if it is refused, the backup is forgotten."""

        def forget() -> None:
            self.taken.remove(backup)
            backup.command.close(backup.drive.machine, backup.target)

        return replace(backup.request(), refused=forget)

    def put_on_full(self, backup: Backup) -> None:
        """Put a backup that was taken without a backing file on the newest full backup of its drive before it."""
        earlier = self.taken[: self.taken.index(backup)]
        full = [other for other in earlier if other.sync == "full" and other.source is backup.source]
        self.targets.put_on(backup.target, full[-1].target.image)

    def newest_of(self, drive: str) -> Backup:
        """Return the newest backup of a drive, references left out; its job may still run."""
        references = [backup.reference for backup in self.taken]
        own = [backup for backup in self.taken if backup.drive.name == drive and backup.target not in references]
        if not own:
            raise UnknownName(f'the scenario has no backup of "{drive}"')
        return own[-1]

    def of_job(self, name: str) -> Backup:
        """Return the newest backup whose job has that name."""
        named = [backup for backup in self.taken if backup.job.name == name]
        if not named:
            raise UnknownName(f'the scenario has no backup whose job is "{name}"')
        return named[-1]

    def successful_with(self, drive: Drive, bitmap: str) -> list[Backup]:
        """Return the successful backups of a drive with a bitmap, oldest first; the machine may have ended meanwhile.

        Raises UnknownName when the drive has no such bitmap, and has had none that a backup went by.
        """
        used = [backup.held for backup in self.taken if backup.drive.name == drive.name and backup.bitmap == bitmap]
        held = drive.bitmap(bitmap) if drive.is_open or not used else used[-1]
        return [backup for backup in self.taken if backup.held is held and backup.succeeded]

    def follow(self) -> None:
        """Let the models follow all backups that have ended, as far as QEMU was heard."""
        for backup in self.running():
            backup.follow()

    def at_work(self) -> list[Backup]:
        """Return those that still use what they have in use: a job that has ended does not, be it forgotten or not."""
        return [backup for backup in self.running() if backup.job.lifecycle.end is None]

    def running(self) -> Sequence[Backup]:
        """Return those whose jobs have begun and are not known to be over."""
        return [backup for backup in self.taken if backup.job.running]

    def _target_for(self, drive: Drive, options: Mapping[str, object]) -> Target:
        """Make the image that these options ask for, or leave that to QEMU."""
        if options.get("mode", "existing") in MADE_BY_QEMU:
            base = self._base_by_qemu(drive.image, str(options["sync"]))
            image_format = str(options.get("format", drive.image.image_format))
            return self.targets.left_to_qemu(drive.name, image_format, drive.size, base)
        if options["sync"] == "top":
            return self.new_target(drive, self._base_for_layer(drive) if self.targets.kind.can_have_base else None)
        is_increment = options["sync"] in INCREMENTAL and "bitmap" in options
        has_base = is_increment and self.targets.kind.can_have_base
        return self.new_target(drive, self.base_for(drive, str(options["bitmap"])) if has_base else None)

    @staticmethod
    def _base_by_qemu(source: Image, sync: str) -> Image | None:
        """Return the image on which QEMU puts one that it makes itself: that which holds what is not copied."""
        return {"top": source.base, KEEPING: source}.get(sync)

    def _base_for_layer(self, drive: Drive) -> Backup | None:
        """Return what a backup of a drive's top layer alone builds on: the newest that restores all that lies below."""
        below = drive.image.base
        whole = (backup for backup in reversed(self.taken) if backup.fulfilled and backup.restored == backup.content)
        return next((one for one in whole if below and one.source is below and one.content == below.content), None)

    def _free_job_name(self, drive: Drive) -> str:
        used = {backup.job.name for backup in self.taken if backup.job.end is None}
        names = (drive.name, *(f"{drive.name}-{number}" for number in range(2, len(used) + 2)))
        return next(name for name in names if name not in used)
