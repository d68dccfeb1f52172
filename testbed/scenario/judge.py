"""The questions at the end of every scenario, whatever it is about: asked of each machine, drive, bitmap and backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.domain.digests import Digests
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.domain.view import Views
from testbed.promises.backups import holds_only_what_had_changed, restores_its_moment
from testbed.promises.bitmaps import has_bitmaps_in_step, stores_its_bitmaps
from testbed.promises.drives import holds_what_the_guest_wrote, is_left_alone, is_sound
from testbed.promises.promise import Promise, all_complaints
from testbed.promises.views import shows_its_moment
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import Refused
from testbed.scenario.backup_tool import BackupTool
from testbed.scenario.dialogue import BrokenPromise, Dialogue, jobs_on
from testbed.scenario.drives import Drives
from testbed.scenario.hearing import Hearing
from testbed.scenario.machines import AFTER, Machines


@dataclass
class Judge:
    """Ends machines in order, and says what is not as it must be; `digests` is how it compares bits, if it can."""

    machines: Machines
    drives: Drives
    backups: BackupTool
    dialogue: Dialogue
    hearing: Hearing
    images: Images
    digests: Digests | None
    views: Views = field(default_factory=Views)

    def shut_down(self) -> None:
        """End the machine that the scenario speaks of; see `end`."""
        self.end(self.machines.current)

    def end(self, machine: Machine, ending: Callable[[Machine], None] = Machine.quit) -> None:
        """Check what can only be seen while QEMU runs, then end it cleanly, in a way; do nothing when it has ended.

        What a machine was only to read, must be as it was.
        Raises BrokenPromise, or MachineDied when QEMU does not end as it should.
        """
        if not machine.running:
            return
        self.dialogue.insist_on_grant()
        machine.all_events()
        running = [backup for backup in self.backups.catalogue.running() if backup.drive.machine is machine]
        self.backups.finish([backup for backup in running if backup.job.is_gone])
        with machine.at_one_moment():
            self._insist([*self._leftovers(machine), *self._complaints_about(self._nodes_of(machine))])
        shown = shows_its_moment(self.images)
        self._insist(all_complaints((view, shown) for view in self.views.open_on(machine)))
        for drive in self.drives.all():
            if drive.machine is machine:
                drive.flush()  # a drive that some request has left drained would not answer its guest any more
        ending(machine)
        for backup in self.backups.catalogue.running():
            if backup.drive.machine is machine:
                backup.finish()  # a job that runs when QEMU is told to quit must still end in order
        self._insist(
            all_complaints((drive, is_left_alone()) for drive in self.drives.all() if drive.machine is machine)
        )
        self.drives.closed(machine)

    def kill(self, machine: Machine) -> None:
        """End a machine as kill -9 does, in the midst of what it is doing; what it had told is heard before that."""
        self.dialogue.insist_on_grant()
        machine.all_events()
        self.backups.catalogue.follow()
        machine.kill()
        self.drives.crashed(machine)

    def settle(self) -> None:
        """End the scenario: shut down, and judge all that no sentence has judged; raises BrokenPromise.

        Every scenario so promises that no refusal, no error and no job is left unexplained, that each bitmap holds what
        was written, also for the next machine if it is persistent, each drive what the guest wrote, each backup its
        moment, and that no image contradicts itself.
        """
        self.shut_down()
        for machine in self.machines.running:
            self.end(machine)
        self._insist(all_complaints(self._lasting_promises()))
        self._insist(self.complaints_of_next_machine())

    def complaints_about_bitmaps(self) -> list[str]:
        """Say where bitmaps are not, granule for granule, as the requests made so far must have left them."""
        for machine in self.machines.running:
            machine.all_events()
        return self._complaints_about(self.drives.nodes())

    def traces_of_refusal(self) -> list[str]:
        """Say what the last refused request has changed all the same: nodes, jobs, exports, images, bitmaps."""
        return [*self.dialogue.traces, *self.complaints_about_bitmaps()]

    def complaints_of_next_machine(self) -> list[str]:
        """Boot another machine, and say which bitmaps it does not find in the images as they were left.

        The drives are opened for reading only, so that all that is stored stays as it was. Raises MachineDied and
        MachineHung when it does not live through that.
        """
        drives = [drive for drive in self.drives.that_ever_were() if drive.image.has_stored]
        if not drives:
            return []
        machine = self.machines.boot(AFTER)
        found = [
            complaint
            for number, drive in enumerate(drives)
            for complaint in self._complaints_of_next_machine(machine, drive, _unlike(drive, drives[:number]))
        ]
        machine.quit()
        return found

    def _complaints_of_next_machine(self, machine: Machine, drive: Drive, name: str) -> Iterator[str]:
        file = {"driver": "file", "filename": drive.image.name}
        opened = {"driver": drive.image.image_format, "node-name": name, "read-only": True, "file": file}
        try:
            machine.execute("blockdev-add", opened)
        except Refused as refusal:
            yield f"the next machine does not take {drive.name}: {refusal}"
            return
        node = Node(name, machine, drive.size, bitmaps=drive.image.stored_bitmaps())
        if complaint := self.in_step.complaint(node):
            yield f"the next machine does not find the bitmaps of {drive.name} as they were left: {complaint}"

    @property
    def in_step(self) -> Promise[Node]:
        """Return the promise that the bitmaps of a node hold just what they must."""
        return has_bitmaps_in_step(self.digests)

    def _complaints_about(self, nodes: Sequence[Node]) -> list[str]:
        self.backups.catalogue.follow()
        in_step = self.in_step
        return [complaint for node in nodes if (complaint := in_step.complaint(node))]

    def _nodes_of(self, machine: Machine) -> list[Node]:
        return [node for node in self.drives.nodes() if node.machine is machine]

    def _leftovers(self, machine: Machine) -> list[str]:
        running = [backup for backup in self.backups.catalogue.running() if backup.drive.machine is machine]
        expected = [backup.job.name for backup in running]
        unnamed = [node.name for node in self._nodes_of(machine) for _ in node.unnamed_bitmaps()]
        keep_some = expected or self.views.on(machine)
        errors = (event for event in self.hearing.unheard() if event.is_error)
        return [
            *(f'the job "{name}" is left' for name in jobs_on(machine) if name not in expected),
            *(f"an unnamed bitmap is left on {place}" for place in unnamed if not keep_some),
            *(f"QEMU reported what no sentence speaks of: {event}" for event in errors),
            *(f"QEMU reported the end of a job that never ran: {event}" for event in self.hearing.odd_ends()),
        ]

    def _lasting_promises(self) -> Iterator[tuple[Any, Promise[Any]]]:
        for drive in self.drives.that_ever_were():
            if not drive.image.is_spent:
                yield drive, holds_what_the_guest_wrote(self.images)
            yield drive.image, is_sound(self.images)
            if drive.image.has_stored:
                yield drive, stores_its_bitmaps(self.images)
        for backup in self.backups.catalogue.taken:
            yield backup.target.image, is_sound(self.images)
            if backup.fulfilled and not backup.judged:
                yield backup, restores_its_moment(self.images)
                if backup.changed is not None:
                    yield backup, holds_only_what_had_changed(self.images)

    @staticmethod
    def _insist(complaints: Sequence[str]) -> None:
        if complaints:
            raise BrokenPromise("\n".join(complaints))


def _unlike(drive: Drive, others: Sequence[Drive]) -> str:
    """Return a name for a drive that none of the others has: its own, or that of its image."""
    return drive.image.name if any(drive.name == other.name for other in others) else drive.name
