"""All state of one scenario: its machine, its drives, its backups, and what QEMU last said to a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.backup import Backup, Target
from testbed.backups import QCOW2_CLUSTER, Backups
from testbed.content import Content, Run
from testbed.drive import Drive, UnknownName
from testbed.export import Exports
from testbed.fault import Storage, sound
from testbed.image import Images
from testbed.job import JobEnd
from testbed.machine import STDERR_NAME, STDOUT_NAME, Machine
from testbed.matchers import (
    Promise,
    all_complaints,
    has_bitmaps_in_step,
    holds_only_what_had_changed,
    holds_what_the_guest_wrote,
    restores_its_moment,
)
from testbed.monitor import Event, Refused
from testbed.request import Request, transaction


class BrokenPromise(AssertionError):
    """Something that every scenario promises does not hold; the message names each such thing."""


@dataclass
class World:
    """One scenario's machine and everything on it.

    `has_digests` tells whether the build can say what each bit of a bitmap is; `with_references`, whether a full
    backup follows each incremental one; `spoken_of` are the backups that "each of them" means.
    """

    machine: Machine
    images: Images
    backups: Backups
    image_format: str
    has_digests: bool
    with_references: bool = False
    drives: dict[str, Drive] = field(default_factory=dict)
    group: list[Backup] = field(default_factory=list)
    spoken_of: list[Backup] = field(default_factory=list)
    exports: Exports = field(init=False)
    _refusal: Refused | None = None
    _before: list[str] = field(default_factory=list)
    _traces: list[str] = field(default_factory=list)
    _heard: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare what hangs on the machine."""
        self.exports = Exports(self.machine)

    # Drives.

    def add_drive(self, name: str, size: int, runs: Sequence[Run] = (), storage: Storage = sound) -> Drive:
        """Make an image of `size` bytes that holds the runs, and give it to the machine as a drive on such storage."""
        image = f"{name}.{self.image_format}"
        content = Content(size)
        for run in runs:
            content = content.written(run.pattern, run.start, run.end - run.start)
        self.images.create(image, self.image_format, content)
        unit = QCOW2_CLUSTER if self.image_format == "qcow2" else 1
        drive = Drive(name, image, self.image_format, content, self.machine, unit)
        drive.attach(storage(image))
        self.drives[name] = drive
        return drive

    def drive(self, name: str) -> Drive:
        """Return a drive by its name; raise UnknownName when the scenario has none such."""
        try:
            return self.drives[name]
        except KeyError:
            raise UnknownName(f'the machine has no drive "{name}", only {sorted(self.drives)}') from None

    # Requests.

    def ask(self, request: Request) -> None:
        """Make a request; when QEMU refuses it, some sentence must speak of that before the next request.

        Raises BrokenPromise for an earlier refusal that nobody spoke of.
        """
        self.insist_on_grant()
        self._before = self._things()
        self.images.date_back()
        try:
            self.machine.execute(request.command, request.arguments)
        except Refused as refusal:
            self._refusal = refusal
            self._traces = [*self._difference(self._things()), *self._written_images()]
            request.refused()
        else:
            request.granted()

    def ask_for(self, backups: Sequence[Backup], *, before: Sequence[Request] = (), grouped: bool = False) -> None:
        """Ask for backups, after other requests if any: one command, or one transaction. Their jobs are left to run."""
        requests = [*before, *(self.backups.request(backup) for backup in backups)]
        self.ask(transaction(requests, grouped=grouped) if len(requests) > 1 else requests[0])

    def refusal(self) -> Refused | None:
        """Return QEMU's refusal of the last request, if it did refuse it; it has been spoken of then."""
        refusal, self._refusal = self._refusal, None
        return refusal

    def insist_on_grant(self) -> None:
        """Raise BrokenPromise if QEMU refused the last request and nobody has spoken of that."""
        if refusal := self.refusal():
            raise BrokenPromise(str(refusal))

    def traces_of_refusal(self) -> list[str]:
        """Say what the last refused request has changed all the same: nodes, jobs, exports, images, bitmaps."""
        return [*self._traces, *self.complaints_about_bitmaps()]

    # Backups.

    def take(self, drive: Drive, sync: str, *, before: Sequence[Request] = (), **options: object) -> Backup:
        """Take a backup, after other requests in the same transaction if any, and wait for its end, whichever it is."""
        return self.take_into(None, drive, sync, before=before, **options)

    def take_into(
        self,
        target: Target | None,
        drive: Drive,
        sync: str,
        *,
        before: Sequence[Request] = (),
        **options: object,
    ) -> Backup:
        """Do as `take` does, into an image that is there already; a new one where none is given."""
        backup = self.backups.prepare(drive, {"sync": sync, **options}, target)
        self.ask_for([backup], before=before)
        self.insist_on_grant()
        self.finish([backup])
        return backup

    def take_successfully(
        self, drive: Drive, sync: str, *, before: Sequence[Request] = (), **options: object
    ) -> Backup:
        """Take a backup that belongs to the history of the scenario; raises BrokenPromise unless it completes.

        Nobody needs to speak of its end then, but for errors on the way to it.
        """
        backup = self.take(drive, sync, before=before, **options)
        self.insist_on_success([backup])
        return backup

    def insist_on_success(self, backups: Sequence[Backup]) -> None:
        """Raise BrokenPromise unless the backups have completed; nobody needs to speak of that then."""
        for backup in backups:
            if not backup.succeeded:
                raise BrokenPromise(f"{backup} should have completed; it {backup.job.end}")
            self._heard += [event for event in backup.job.events if not event.name.endswith("_ERROR")]

    def take_group(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take incremental backups of drives with bitmaps, given as pairs of names, with grouped completion."""
        self.group = [
            self.backups.prepare(self.drive(drive), {"sync": "incremental", "bitmap": bitmap})
            for drive, bitmap in pairs
        ]
        self.ask_for(self.group, grouped=True)
        self.insist_on_grant()
        self.finish(self.group)

    def take_group_again(self) -> None:
        """Take the last group once more, into new targets on the backups before it."""
        self.take_group([(backup.drive.name, str(backup.bitmap)) for backup in self.group])

    def finish(self, backups: Sequence[Backup]) -> None:
        """Wait for backups that have been started; each success is followed by a reference where that is wanted."""
        for backup in backups:
            backup.finish()
        for backup in backups:
            if self.with_references and backup.succeeded and backup.bitmap:
                reference = self.take_successfully(backup.drive, "full")
                reference.judged = True  # it is what others are compared with
                backup.reference = reference.target

    def end_of_newest(self, drive: str) -> JobEnd:
        """Return how the newest backup of a drive ended, waiting for that if need be."""
        backup = self.backups.newest_of(drive)
        if backup.job.running:
            self.finish([backup])
        assert backup.job.end is not None, f"{backup} was never started"
        return backup.job.end

    # What QEMU tells, and the end of the scenario.

    def new_events(self) -> list[Event]:
        """Return what QEMU has reported and nobody has heard of yet, other than changes of jobs' states."""
        new = [event for event in self.machine.all_events() if not any(event is heard for heard in self._heard)]
        self._heard += new
        return [event for event in new if event.name != "JOB_STATUS_CHANGE"]

    def jobs(self) -> list[str]:
        """Return the names of the jobs that QEMU lists."""
        return [str(job["id"]) for job in self.machine.execute("query-jobs")]

    def shut_down(self) -> None:
        """Check what can only be seen while QEMU runs, then end it cleanly; do nothing when it has ended.

        Raises BrokenPromise, or MachineDied when QEMU does not end as it should.
        """
        if self.machine.running:
            self.insist_on_grant()
            self._insist([*self._leftovers(), *self.complaints_about_bitmaps()])
            for drive in self.drives.values():
                drive.flush()  # a drive that some request has left drained would not answer its guest any more
            self.machine.quit()

    def settle(self) -> None:
        """End the scenario: shut down, and judge all that no sentence has judged; raises BrokenPromise.

        Every scenario so promises that no refusal, no error and no job is left unexplained, that each bitmap holds what
        was written, each drive what the guest wrote, and each backup its moment.
        """
        self.shut_down()
        self._insist(all_complaints(self._lasting_promises()))

    def complaints_about_bitmaps(self) -> list[str]:
        """Say where bitmaps are not, granule for granule, as the requests made so far must have left them."""
        in_step = has_bitmaps_in_step(with_digests=self.has_digests)
        return [complaint for drive in self.drives.values() if (complaint := in_step.complaint(drive))]

    def _leftovers(self) -> list[str]:
        expected = [backup.job.name for backup in self.backups.running()]
        errors = (event for event in self.new_events() if event.name.endswith("_ERROR"))
        return [
            *(f'the job "{name}" is left' for name in self.jobs() if name not in expected),
            *(f"QEMU reported what no sentence speaks of: {event}" for event in errors),
        ]

    def _lasting_promises(self) -> Iterator[tuple[Any, Promise[Any]]]:
        for drive in self.drives.values():
            yield drive, holds_what_the_guest_wrote(self.images)
        for backup in self.backups.taken:
            if backup.succeeded and not backup.judged:
                yield backup, restores_its_moment(self.images)
                if backup.changed is not None:
                    yield backup, holds_only_what_had_changed(self.images)

    def _things(self) -> list[str]:
        """Name what QEMU has, and what a request could leave behind."""
        nodes: list[Mapping[str, Any]] = self.machine.execute("query-named-block-nodes", {"flat": True})
        jobs: list[Mapping[str, Any]] = self.machine.execute("query-block-jobs")
        return [
            *(f"a node {node['node-name']}" for node in nodes),
            *(f"a job {name}" for name in self.jobs()),
            *(f"a job {job['device']} at the speed {job['speed']}" for job in jobs),
            *(f"an export {name}" for name in self.exports.reported()),
        ]

    def _written_images(self) -> list[str]:
        """Say which images were written since they were dated back, but for those that running jobs may write."""
        busy = {STDOUT_NAME, STDERR_NAME, *(backup.target.name for backup in self.backups.running())}
        return [f"the image {name} was written" for name in self.images.written() if name not in busy]

    def _difference(self, now: Sequence[str]) -> list[str]:
        return [
            *(f"there is {thing} that was not there before" for thing in now if thing not in self._before),
            *(f"{thing} is gone" for thing in self._before if thing not in now),
        ]

    @staticmethod
    def _insist(complaints: Sequence[str]) -> None:
        if complaints:
            raise BrokenPromise("; ".join(complaints))
