"""The backup tool of a scenario: it takes backups, in groups too, holds their jobs, and waits for their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from testbed.base.problems import AuthorError
from testbed.domain.backup import Backup
from testbed.domain.catalogue import Catalogue
from testbed.domain.drive import Drive
from testbed.domain.job_holds import HOLDS
from testbed.domain.lifecycle import JobEnd
from testbed.domain.request import Outlook, Refusal, Request, transaction
from testbed.domain.target import Target
from testbed.scenario import backup_rules
from testbed.scenario.backup_rules import Surroundings
from testbed.scenario.dialogue import BrokenPromise, Dialogue
from testbed.scenario.drives import Drives
from testbed.scenario.hearing import Hearing


@dataclass
class BackupTool:
    """Takes the backups of a scenario, and knows them by the `catalogue`.

    `with_references` tells whether a full backup follows each incremental one; `group` are the backups that were last
    taken together; `spoken_of` are those that "it" or "each of them" means.
    """

    catalogue: Catalogue
    drives: Drives
    dialogue: Dialogue
    hearing: Hearing
    with_references: bool = False
    group: list[Backup] = field(default_factory=list)
    spoken_of: list[Backup] = field(default_factory=list)

    # Asking for backups.

    def prepare(self, drive: Drive, options: Mapping[str, object], target: Target | None = None) -> Backup:
        """Make all ready for a backup; see Catalogue.prepare."""
        return self.catalogue.prepare(drive, options, target)

    def request(self, backup: Backup) -> Request:
        """Make the request that starts a backup which is prepared; see Catalogue.request."""

        def forecast(outlook: Outlook) -> Refusal | None:
            return backup_rules.foresee(backup, self._surroundings(backup), outlook)

        return replace(self.catalogue.request(backup), forecast=forecast)

    def request_for(
        self, backups: Sequence[Backup], *, before: Sequence[Request] = (), grouped: bool = False
    ) -> Request:
        """Make the request that starts backups, after other requests if any: one command, or one transaction."""
        requests = [*before, *(self.request(backup) for backup in backups)]
        return transaction(requests, "grouped" if grouped else "") if len(requests) > 1 else requests[0]

    def start(self, drive: Drive, options: Mapping[str, object]) -> None:
        """Ask for a backup, and go on while its job runs; `options` are the command's arguments."""
        self.dialogue.ask(self.request_for([self.prepare(drive, options)]))

    def of(self, drive: Drive) -> list[Backup]:
        """Return the backups of a drive that use it: their jobs have begun, and are not known to have ended."""
        return [backup for backup in self.catalogue.at_work() if backup.drive is drive]

    # Taking them.

    def take(self, drive: Drive, sync: str, *, before: Sequence[Request] = (), **options: object) -> Backup:
        """Take a backup, after other requests in the same transaction if any, and wait for its end, whichever it is."""
        return self.take_into(None, drive, sync, before=before, **options)

    def take_into(
        self, target: Target | None, drive: Drive, sync: str, *, before: Sequence[Request] = (), **options: object
    ) -> Backup:
        """Do as `take` does, into an image that is there already; a new one where none is given."""
        backup = self.prepare(drive, {"sync": sync, **options}, target)
        self.dialogue.demand(self.request_for([backup], before=before))
        self.finish([backup])
        return backup

    def take_and_base(self, drive: Drive, bitmap: str) -> None:
        """Take an incremental backup into an image that stands alone, and put that on its base when the job is over."""
        alone = self.catalogue.new_target(drive, None)
        self.catalogue.put_on_full(self.take_into(alone, drive, "incremental", bitmap=bitmap))

    def take_successfully(
        self, drive: Drive, sync: str, *, before: Sequence[Request] = (), **options: object
    ) -> Backup:
        """Take a backup that belongs to the history of the scenario; raises BrokenPromise unless it completes.

        Nobody needs to speak of its end then, but for errors on the way to it.
        """
        backup = self.take(drive, sync, before=before, **options)
        if not backup.succeeded:
            raise BrokenPromise(f"{backup} should have completed; it {backup.job.end}")
        self.hearing.heard(event for event in backup.job.events if not event.is_error)
        return backup

    def start_group(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Ask for incremental backups of drives with bitmaps, given as pairs of names, with grouped completion."""
        self.group = [
            self.prepare(self.drives.drive(drive), {"sync": "incremental", "bitmap": bitmap}) for drive, bitmap in pairs
        ]
        self.dialogue.demand(self.request_for(self.group, grouped=True))

    def take_group(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Do as `start_group` does, and wait for the end of all."""
        self.start_group(pairs)
        self.finish(self.group)

    def take_group_again(self) -> None:
        """Take the last group once more, into new targets on the backups before it."""
        self.take_group([(backup.drive.name, str(backup.bitmap)) for backup in self.group])

    def take_again(self, drive: str) -> Backup:
        """Take a drive's newest backup once more, into a new image; how it was to deal with errors is forgotten."""
        earlier = self.catalogue.newest_of(drive)
        kept = {key: value for key, value in earlier.options.items() if key in ("sync", "bitmap", "bitmap-mode")}
        backup = self.prepare(self.drives.drive(drive), kept)
        self.dialogue.demand(self.request_for([backup]))
        self.finish([backup])
        return backup

    # Waiting for them, and holding their jobs.

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
        """Return how a backup ended, waiting for that if need be; it is spoken of then.

        Raises BrokenPromise for a refusal that nobody spoke of, which may be why it does not end, and AuthorError for
        a backup that was never started.
        """
        self.dialogue.insist_on_grant()
        if backup.job.running:
            self.finish([backup])
        if backup.job.end is None:
            raise AuthorError(f"{backup} was never started")
        return backup.job.end

    def hold(self, drive: Drive, state: str, options: Mapping[str, object]) -> None:
        """Start a backup whose job comes into a state of its life and stays there until it is let go.

        `options` are the command's arguments. A job that waits is in a group with a backup of another drive.
        """
        waits = state not in HOLDS
        way = HOLDS["running" if waits else state]
        backup = self.prepare(drive, options if waits else {**options, **way.options})
        held = self.prepare(self.drives.another(drive), {"sync": "full", **way.options}) if waits else backup
        self.dialogue.demand(self.request_for([backup, held] if waits else [backup], grouped=waits))
        if held.job.speed:
            held.job.wait_until_copied(1)
        for ask in way.acts:
            self.dialogue.demand(ask(held.job))
        backup.job.wait_until(state)
        backup.job.holder = lambda: way.release(held.job)

    def _surroundings(self, backup: Backup) -> Surroundings:
        running, machine = self.catalogue.at_work(), backup.drive.machine
        listed = [other for other in self.catalogue.running() if not other.job.is_gone]
        prepared = [other.target.node for other in self.catalogue.taken if other.job.end is None]
        return Surroundings(
            nodes={*(node.name for node in self.drives.nodes()), *prepared},
            without_medium=self.drives.without_medium,
            jobs={other.job.name for other in listed if other.drive.machine is machine},
            targets={other.target.node for other in running},
            sources={other.drive.name for other in running},
        )
