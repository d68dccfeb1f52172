"""All state of one scenario: its machine, its drives, its backups, and what QEMU last said to a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from testbed.build.boards import Board
from testbed.domain.access import Fronts, MonitorFronts
from testbed.domain.backup import Backup
from testbed.domain.catalogue import Backups
from testbed.domain.disk import Disk
from testbed.domain.drive import Drive
from testbed.domain.export import Exports
from testbed.domain.job import Job
from testbed.domain.job_holds import WAYS
from testbed.domain.lifecycle import JobEnd, ends_without_a_run
from testbed.domain.mirror import Mirror
from testbed.domain.node import Node, UnknownName
from testbed.domain.request import Request, transaction
from testbed.domain.server import Server
from testbed.domain.smalldisk import SmallDisk
from testbed.domain.storage import Storage, sound
from testbed.domain.target import Target
from testbed.model.content import Content, Run
from testbed.model.dirty import DEFAULT_GRANULARITY, default_granularity
from testbed.model.ranges import NOTHING
from testbed.promises.backups import holds_only_what_had_changed, restores_its_moment
from testbed.promises.bitmaps import has_bitmaps_in_step, stores_its_bitmaps
from testbed.promises.drives import holds_what_the_guest_wrote
from testbed.promises.promise import Promise, all_complaints
from testbed.qemu.images import Images, Kind
from testbed.qemu.machine import STDERR_NAME, STDOUT_NAME, Machine
from testbed.qemu.monitor import Event, Refused
from testbed.scenario.nextmachine import complaints_of_next_machine


class BrokenPromise(AssertionError):
    """Something that every scenario promises does not hold; the message names each such thing."""


DRAINING = ("transaction", "job-finalize")
"""The commands for which QEMU waits until all that is on its way to a drive has arrived."""


@dataclass
class World:
    """One scenario's machine and everything on it.

    `fronts` makes the ways into its drives; `has_digests` tells whether the build can say what each bit of a bitmap is,
    `with_references` whether a full backup follows each incremental one; `board`, on what the machine's guest sees its
    drives, if it can see them; `spoken_of` are the backups that "each of them" means.
    """

    machine: Machine
    images: Images
    backups: Backups
    image_format: str
    has_digests: bool
    fronts: Fronts
    with_references: bool = False
    board: Board | None = None
    drives: dict[str, Drive] = field(default_factory=dict)
    drive_options: Mapping[str, str] = field(default_factory=dict)
    group: list[Backup] = field(default_factory=list)
    spoken_of: list[Backup] = field(default_factory=list)
    mirrors: dict[str, Mirror] = field(default_factory=dict)
    exports: Exports = field(init=False)
    server: Server | None = field(default=None, init=False)
    small_disk: SmallDisk = field(init=False)
    helpers: ExitStack = field(default_factory=ExitStack)
    _refusal: Refused | None = None
    _traces: list[str] = field(default_factory=list)
    _heard: list[Event] = field(default_factory=list)
    _repeated: list[Callable[[Event], bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare what hangs on the machine."""
        self.exports = Exports(self.machine)

    # Other places for backups.

    def send_backups_away(self) -> None:
        """Let another machine keep the images of all further backups."""
        self.server = Server(self.machine)
        self.helpers.callback(self.server.kill)
        self.backups.targets.place = self.server

    @property
    def other_machine(self) -> Server:
        """Return the machine that keeps the backups; raise UnknownName when this one does."""
        if self.server is None:
            raise UnknownName("the scenario has no other machine")
        return self.server

    def keep_backups_on_small_disk(self, free: int) -> None:
        """Put the images of all further backups on a disk with `free` bytes of free space."""
        self.small_disk = SmallDisk.mount(self.machine.home, free, self.machine.bound)
        self.helpers.callback(self.small_disk.unmount, self.machine.bound)
        self.backups.targets.directory = self.small_disk.directory.name

    # Drives.

    def use_board(self, board: Board) -> None:
        """Start the machine anew, before it has any drive, on a board whose guest will see the drives as disks."""
        assert not self.drives, "a board must be chosen before the drives"
        self.machine.quit()
        self.machine.start(board.hardware)
        self.board = board

    def set_up_drives(self, options: Mapping[str, str]) -> None:
        """Give options of -drive to all drives that are added from now on (see there in QEMU's manual)."""
        assert isinstance(self.fronts, MonitorFronts), "the tag needs.human-monitor says that a scenario needs one"
        self.fronts = replace(self.fronts, options=options)
        self.drive_options = options

    def add_drive(
        self, name: str, size: int, runs: Sequence[Run] = (), storage: Storage = sound, kind: Kind | None = None
    ) -> Drive:
        """Make an image of `size` bytes that holds the runs, and give it to the machine as a drive on such storage.

        The image is of the run's format unless a `kind` is given.
        """
        kind = kind or Kind(self.image_format)
        image = f"{name}.{kind.image_format}"
        content = Content(size)
        for run in runs:
            content = content.written(run.pattern, run.start, run.end - run.start)
        if kind.has_base:
            self.images.create_on_base(image, kind, content)
        else:
            self.images.create(image, kind.image_format, content, options=kind.options)
        return self._attach(name, image, kind, content, storage)

    def add_drive_with_stored(self, name: str, size: int, bitmaps: Mapping[str, Mapping[str, object]]) -> Drive:
        """Give the machine an empty drive of `size` bytes in whose image bitmaps are stored, as no machine had it open.

        `bitmaps` are their properties by name; see Node.add_bitmap.
        """
        kind, image = Kind("qcow2"), f"{name}.qcow2"
        self.images.create(image, kind.image_format, Content(size))
        for bitmap, properties in bitmaps.items():
            self.images.add_bitmap(image, bitmap, properties)
        drive = self._attach(name, image, kind, Content(size), sound)
        for bitmap, properties in bitmaps.items():
            drive.gained_bitmap(bitmap, {**properties, "persistent": True})
        return drive

    def add_crashed_drive(self, name: str, size: int, bitmap: str) -> Drive:
        """Give the machine an empty drive whose last machine was killed while the persistent bitmap recorded.

        What such a machine leaves is what a copy of the image holds that is made while a machine has it open.
        """
        kind, content, open_image, image = Kind("qcow2"), Content(size), f"{name}-open.qcow2", f"{name}.qcow2"
        self.images.create(open_image, kind.image_format, content)
        self.images.add_bitmap(open_image, bitmap)
        opened = {"driver": "qcow2", "node-name": "opened", "file": {"driver": "file", "filename": open_image}}
        self.machine.execute("blockdev-add", opened)
        self.images.copy(open_image, image)
        self.machine.execute("blockdev-del", {"node-name": "opened"})
        drive = self._attach(name, image, kind, content, sound)
        drive.gained_bitmap(bitmap, {"persistent": True, "disabled": True})
        drive.bitmap(bitmap).inconsistent = True
        return drive

    def snapshot(self, drive: Drive, name: str) -> Request:
        """Make the request for an external snapshot: from then on the guest writes to a new image, above the drive's.

        The overlay is there at once, so that requests in the same transaction may speak of it.
        """
        kind = Kind("qcow2")
        image = f"{name}.qcow2"
        self.images.create_above(image, kind.image_format, drive.size, (drive.image, drive.image_format))
        file = {"driver": "file", "filename": image}
        node = {"driver": kind.image_format, "node-name": name, "discard": "unmap", "file": file, "backing": None}
        self.machine.execute("blockdev-add", node)
        overlay = self._drive(name, image, kind, drive.content)

        def granted() -> None:
            overlay.front, overlay.below, overlay.moment = drive.front, drive, drive.moment

        def refused() -> None:
            del self.drives[name]
            self.machine.execute("blockdev-del", {"node-name": name})

        return Request("blockdev-snapshot", {"node": drive.name, "overlay": name}, granted, refused)

    def stream(self, drive: Drive) -> Request:
        """Make the request that copies into a drive all that it has from below; it is granted when that is done.

        Then nobody has what was below any more.
        """
        machine = self.machine
        job = Job(machine, f"stream-of-{drive.name}", kind="stream", start=len(machine.all_events()))

        def granted() -> None:
            job.wait()
            for layer in list(drive.layers)[1:]:
                del self.drives[layer.name]
            drive.below = None

        return Request("block-stream", {"job-id": job.name, "device": drive.name}, granted)

    def _attach(self, name: str, image: str, kind: Kind, content: Content, storage: Storage) -> Drive:
        drive = self._drive(name, image, kind, content)
        drive.has_base, drive.copies_up = kind.has_base, "copy-on-read" in self.drive_options
        drive.allocated = NOTHING if kind.has_base else content.data.rounded_out(drive.discard_unit)
        drive.attach(storage(image))
        return drive

    def _drive(self, name: str, image: str, kind: Kind, content: Content) -> Drive:
        has_clusters = kind.image_format == "qcow2"
        cluster = kind.cluster
        make = partial(Disk, device=self.board.disk) if self.board else Drive
        drive = make(
            name,
            self.machine,
            content.size,
            image,
            kind.image_format,
            content,
            fronts=self.fronts,
            discard_unit=cluster if has_clusters else 1,
            granularity=default_granularity(cluster) if has_clusters else DEFAULT_GRANULARITY,
        )
        self.drives[name] = drive
        return drive

    def drive(self, name: str) -> Drive:
        """Return a drive by its name; raise UnknownName when the scenario has none such."""
        try:
            return self.drives[name]
        except KeyError:
            raise UnknownName(f'the machine has no drive "{name}", only {sorted(self.drives)}') from None

    def node(self, name: str) -> Node:
        """Return a node that may have bitmaps: a drive's, a filter over it, the file below it, such as "drive0-file".

        Raises UnknownName when there is none of that name.
        """
        for drive in self.drives.values():
            if name == drive.file_name:
                return drive.look_at_file()
        try:
            return next(node for node in self.nodes() if node.name == name)
        except StopIteration:
            raise UnknownName(f'the machine has no node "{name}", only {[n.name for n in self.nodes()]}') from None

    def nodes(self) -> list[Node]:
        """Return all nodes that may have bitmaps."""
        return [node for drive in self.drives.values() for node in drive.nodes]

    # Requests.

    def demand(self, request: Request) -> None:
        """Make a request that QEMU must grant; raises BrokenPromise when it does not, or has refused the one before.

        Raises it, too, when QEMU grants a request that speaks of something which is not there.
        """
        try:
            self._send(request)
        except Refused as refusal:
            raise BrokenPromise(str(refusal)) from None
        self._take_note(request)

    def ask(self, request: Request) -> None:
        """Make a request; when QEMU refuses it, some sentence must speak of that before the next request.

        Raises what `demand` does but for the refusal itself, and BrokenPromise when QEMU holds on to what was got
        ready for a request that it refuses.
        """
        before = self._things()
        self.images.date_back()
        try:
            self._send(request)
        except Refused as refusal:
            self._refusal = refusal
            self._traces = [*_difference(before, self._things()), *self._written_images()]
            try:
                request.refused()
            except Refused as held:
                raise BrokenPromise(f"after {refusal}, what was got ready for it is still in use: {held}") from held
        else:
            self._take_note(request)

    def _send(self, request: Request) -> None:
        self.insist_on_grant()
        self.machine.heard()
        self._follow_backups()
        self.machine.execute(request.command, request.arguments)

    def _take_note(self, request: Request) -> None:
        if request.command in DRAINING:
            self._let_writes_arrive()
        try:
            request.granted()
        except UnknownName as unknown:
            raise BrokenPromise(f"QEMU granted what it should have refused: {unknown}") from unknown

    def _let_writes_arrive(self) -> None:
        """Take note that QEMU has drained the drives: a transaction, before its first request took effect."""
        for drive in self.drives.values():
            drive.arrive()

    def request_for(
        self, backups: Sequence[Backup], *, before: Sequence[Request] = (), grouped: bool = False
    ) -> Request:
        """Make the request that starts backups, after other requests if any: one command, or one transaction."""
        requests = [*before, *(self.backups.request(backup) for backup in backups)]
        return transaction(requests, "grouped" if grouped else "") if len(requests) > 1 else requests[0]

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
        self.demand(self.request_for([backup], before=before))
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
            self._heard += [event for event in backup.job.events if not event.is_error]

    def start_group(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Ask for incremental backups of drives with bitmaps, given as pairs of names, with grouped completion."""
        self.group = [
            self.backups.prepare(self.drive(drive), {"sync": "incremental", "bitmap": bitmap})
            for drive, bitmap in pairs
        ]
        self.demand(self.request_for(self.group, grouped=True))

    def take_group(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Do as `start_group` does, and wait for the end of all."""
        self.start_group(pairs)
        self.finish(self.group)

    def take_group_again(self) -> None:
        """Take the last group once more, into new targets on the backups before it."""
        self.take_group([(backup.drive.name, str(backup.bitmap)) for backup in self.group])

    def take_again(self, drive: str) -> Backup:
        """Take a drive's newest backup once more, into a new image; how it was to deal with errors is forgotten."""
        earlier = self.backups.newest_of(drive)
        kept = {key: value for key, value in earlier.options.items() if key in ("sync", "bitmap", "bitmap-mode")}
        backup = self.backups.prepare(earlier.drive, kept)
        self.demand(self.request_for([backup]))
        self.finish([backup])
        return backup

    def finish(self, backups: Sequence[Backup]) -> None:
        """Wait for backups that have been started; each success is followed by a reference where that is wanted."""
        for backup in backups:
            backup.finish()
        for backup in backups:
            if self.with_references and backup.succeeded and backup.bitmap:
                reference = self.take_successfully(backup.drive, "full")
                reference.judged = True  # it is what others are compared with
                backup.reference = reference.target

    def end_of(self, backup: Backup) -> JobEnd:
        """Return how a backup ended, waiting for that if need be.

        Raises BrokenPromise for a refusal that nobody spoke of, which may be why it does not end.
        """
        self.insist_on_grant()
        if backup.job.running:
            self.finish([backup])
        assert backup.job.end is not None, f"{backup} was never started"
        return backup.job.end

    def keep(self, drive: Drive, state: str, options: Mapping[str, object]) -> None:
        """Start a backup whose job comes into a state of its life and stays there until it is let go.

        `options` are the command's arguments. A job that waits is in a group with a backup of another drive.
        """
        waits = state not in WAYS
        way = WAYS["running" if waits else state]
        backup = self.backups.prepare(drive, options if waits else {**options, **way.options})
        kept = self.backups.prepare(self._another(drive), {"sync": "full", **way.options}) if waits else backup
        self.demand(self.request_for([backup, kept] if waits else [backup], grouped=waits))
        if kept.job.speed:
            kept.job.wait_until_copied(1)
        for act in way.acts:
            self.demand(act(kept.job))
        backup.job.wait_until(state)
        backup.job.keeper = lambda: way.release(kept.job)

    def _another(self, drive: Drive) -> Drive:
        for other in self.drives.values():
            if other is not drive:
                return other
        raise UnknownName(f'a job of "{drive.name}" can wait only for one of another drive, and there is none')

    # Mirrors.

    def start_mirror(self, drive: str, options: Mapping[str, object]) -> None:
        """Ask for a mirror of a drive, given by name, into a new image; `options` are those of the QMP command."""
        source = self.drive(drive)
        mirror = Mirror(source, self.backups.new_target(source, None))
        self.ask(mirror.start(options))
        self.mirrors[drive] = mirror

    def mirror(self, drive: str) -> Mirror:
        """Return the newest mirror of a drive, given by name; raise UnknownName when there is none."""
        try:
            return self.mirrors[drive]
        except KeyError:
            raise UnknownName(f'there is no mirror of "{drive}", only of {sorted(self.mirrors)}') from None

    # What QEMU tells, and the end of the scenario.

    def new_events(self) -> list[Event]:
        """Return what QEMU has reported and nobody has heard of yet, other than changes of jobs' states.

        What a guest has caused is not among it: its firmware may reset the machine whenever it likes.
        """
        self.machine.all_events()
        return self._unheard()

    def _unheard(self) -> list[Event]:
        told = (event for event in self.machine.heard() if not any(repeated(event) for repeated in self._repeated))
        new = [event for event in told if not any(event is heard for heard in self._heard)]
        self._heard += new
        return [event for event in new if event.name != "JOB_STATUS_CHANGE" and not event.data.get("guest")]

    def hear_again_and_again(self, name: str, data: Mapping[str, str]) -> None:
        """Wait until QEMU has reported an event with these members twice; all more of them count as heard.

        Raises MachineHung or MachineDied.
        """

        def repeated(event: Event) -> bool:
            return event.name == name and data.items() <= event.data.items()

        self._repeated.append(repeated)
        first = self.machine.wait_for(f"{name} {dict(data)}", repeated)
        after_first = self.machine.monitor.events.index(first) + 1
        self.machine.wait_for(f"{name} {dict(data)} again", repeated, start=after_first)

    def jobs(self) -> list[str]:
        """Return the names of the jobs that QEMU lists."""
        return [str(job["id"]) for job in self.machine.execute("query-jobs")]

    def shut_down(self) -> None:
        """Check what can only be seen while QEMU runs, then end it cleanly; do nothing when it has ended.

        Raises BrokenPromise, or MachineDied when QEMU does not end as it should.
        """
        if self.machine.running:
            self.insist_on_grant()
            self.machine.all_events()
            self.finish([backup for backup in self.backups.running() if backup.job.is_gone])
            self._insist([*self._leftovers(), *self._complaints_about_bitmaps()])
            for drive in self.drives.values():
                drive.flush()  # a drive that some request has left drained would not answer its guest any more
            self.machine.quit()
            for backup in self.backups.running():
                backup.finish()  # a job that runs when QEMU is told to quit must still end in order
            if self.server:
                self.server.go_away()

    def settle(self) -> None:
        """End the scenario: shut down, and judge all that no sentence has judged; raises BrokenPromise.

        Every scenario so promises that no refusal, no error and no job is left unexplained, that each bitmap holds what
        was written, also for the next machine if it is persistent, each drive what the guest wrote, and each backup its
        moment.
        """
        self.shut_down()
        self._insist(all_complaints(self._lasting_promises()))
        self._insist(self._complaints_of_next_machine())

    def complaints_about_bitmaps(self) -> list[str]:
        """Say where bitmaps are not, granule for granule, as the requests made so far must have left them."""
        self.machine.all_events()
        return self._complaints_about_bitmaps()

    def _complaints_about_bitmaps(self) -> list[str]:
        self._follow_backups()
        in_step = self._in_step
        return [complaint for node in self.nodes() if (complaint := in_step.complaint(node))]

    def _complaints_of_next_machine(self) -> list[str]:
        drives = [drive for drive in self.drives.values() if drive.has_stored]
        return list(complaints_of_next_machine(self.machine, drives, self._in_step)) if drives else []

    @property
    def _in_step(self) -> Promise[Node]:
        return has_bitmaps_in_step(with_digests=self.has_digests)

    def _follow_backups(self) -> None:
        """Let the models follow all backups that have ended, as far as QEMU was heard."""
        for backup in self.backups.running():
            backup.follow()

    def _leftovers(self) -> list[str]:
        expected = [backup.job.name for backup in self.backups.running()]
        errors = (event for event in self._unheard() if event.is_error)
        return [
            *(f'the job "{name}" is left' for name in self.jobs() if name not in expected),
            *(f"an unnamed bitmap is left on {place}" for place in self._unnamed_bitmaps() if not expected),
            *(f"QEMU reported what no sentence speaks of: {event}" for event in errors),
            *(f"QEMU reported the end of a job that never ran: {event}" for event in self._odd_ends()),
        ]

    def _odd_ends(self) -> list[Event]:
        return ends_without_a_run(self.machine.monitor.events)

    def _unnamed_bitmaps(self) -> list[str]:
        return [node.name for node in self.nodes() for _ in node.unnamed_bitmaps()]

    def _lasting_promises(self) -> Iterator[tuple[Any, Promise[Any]]]:
        for drive in self.drives.values():
            yield drive, holds_what_the_guest_wrote(self.images)
            if drive.has_stored:
                yield drive, stores_its_bitmaps(self.images)
        for backup in self.backups.taken:
            if backup.fulfilled and not backup.judged:
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

    @staticmethod
    def _insist(complaints: Sequence[str]) -> None:
        if complaints:
            raise BrokenPromise("; ".join(complaints))


def _difference(before: Sequence[str], now: Sequence[str]) -> list[str]:
    return [
        *(f"there is {thing} that was not there before" for thing in now if thing not in before),
        *(f"{thing} is gone" for thing in before if thing not in now),
    ]
