"""All that belongs to one scenario, held together: its machines, its drives, the dialogue with QEMU, and the judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from testbed.base.problems import AuthorError
from testbed.domain.access import Accesses
from testbed.domain.catalogue import Catalogue
from testbed.domain.digests import Digests
from testbed.domain.export import Exports
from testbed.domain.layers import Commit, Move
from testbed.domain.migration import Copying, Migration
from testbed.domain.mirror import Mirror
from testbed.domain.node import UnknownName
from testbed.domain.other_machine import OtherMachine
from testbed.domain.smalldisk import SmallDisk
from testbed.domain.target import Targets
from testbed.domain.view import Views
from testbed.qemu.images import Images
from testbed.qemu.machine import Machine
from testbed.scenario.backup_tool import BackupTool
from testbed.scenario.bench import Bench
from testbed.scenario.clients import Clients
from testbed.scenario.damages import Damages
from testbed.scenario.dialogue import Dialogue
from testbed.scenario.drives import Drives
from testbed.scenario.hearing import Hearing
from testbed.scenario.judge import Judge
from testbed.scenario.machines import Machines
from testbed.scenario.pulls import Pulls

OTHER = "other"
"""The name of the machine to which backups go."""


@dataclass
class World:
    """One scenario. What can be done in it is done by its parts; `close` gives back what they hold.

    `mirrors`, `commits` and `moves` are the newest of the drives by whose names they stand; `human_words` is what
    the human monitor said last, of what no other monitor can be asked. `migration` is the newest one, and `copies` are
    the mirrors into images that a guest shall find at the other machine.
    """

    machines: Machines
    images: Images
    drives: Drives
    dialogue: Dialogue
    hearing: Hearing
    backups: BackupTool
    judge: Judge
    damages: Damages
    bench: Bench
    exports: Exports = field(default_factory=Exports)
    clients: Clients = field(init=False)
    pulls: Pulls = field(init=False)
    views: Views = field(default_factory=Views)
    mirrors: dict[str, Mirror] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    moves: dict[str, Move] = field(default_factory=dict)
    human_words: str = ""
    migration: Migration | None = None
    copies: list[Copying] = field(default_factory=list)
    _other_machine: OtherMachine | None = None
    _small_disk: SmallDisk | None = None
    _held: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        """Let clients come to the exports, and pull."""
        self.clients = Clients(self.exports)
        self.pulls = Pulls(self.backups, self.exports, self.clients, self.images)

    @classmethod
    def of(
        cls,
        machines: Machines,
        images: Images,
        catalogue: Catalogue,
        accesses: Callable[[Machine], Accesses],
        image_format: str,
        *,
        digests: Digests | None,
    ) -> World:
        """Make a world around machines, tools and what backups go into; see Drives and Judge for the rest."""
        drives = Drives(machines, images, image_format, accesses)
        dialogue = Dialogue(machines, drives, images, catalogue)
        hearing = Hearing(machines)
        backups = BackupTool(catalogue, drives, dialogue, hearing)
        views = Views()
        judge = Judge(machines, drives, backups, dialogue, hearing, images, digests, views)
        damages = Damages(machines, images, digests)
        return cls(machines, images, drives, dialogue, hearing, backups, judge, damages, Bench(images), views=views)

    @property
    def catalogue(self) -> Catalogue:
        """Return all backups of the scenario."""
        return self.backups.catalogue

    @property
    def targets(self) -> Targets:
        """Return what makes the images for backups."""
        return self.catalogue.targets

    @property
    def machine(self) -> Machine:
        """Return the machine that a sentence means which names none."""
        return self.machines.current

    # Other places for backups.

    def send_backups_away(self) -> None:
        """Let another machine keep the images of all further backups."""
        self._other_machine = OtherMachine(lambda: self.machines.boot(OTHER))
        self.targets.location = self._other_machine

    @property
    def other_machine(self) -> OtherMachine:
        """Return the machine that keeps the backups; raise AuthorError when this one does."""
        if self._other_machine is None:
            raise AuthorError("the scenario has no other machine: let each backup go to one first")
        return self._other_machine

    def keep_backups_on_small_disk(self, free: int) -> None:
        """Put the images of all further backups on a disk with `free` bytes of free space."""
        self.targets.directory = self._mount_small_disk(free)

    def keep_drives_on_small_disk(self, free: int) -> None:
        """Put the images of all further drives on a disk with `free` bytes of free space."""
        self.drives.directory = f"{self._mount_small_disk(free)}/"

    def _mount_small_disk(self, free: int) -> str:
        machine = self.machine
        self._small_disk = SmallDisk.mount(machine.home, free, machine.bound)
        self._held.callback(self._small_disk.unmount, machine.bound)
        return self._small_disk.directory.name

    @property
    def small_disk(self) -> SmallDisk:
        """Return the disk that will be full soon; raise AuthorError when the scenario has none."""
        if self._small_disk is None:
            raise AuthorError("the scenario has no disk that gets full: let each backup go to one first")
        return self._small_disk

    # Mirrors.

    def start_mirror(self, drive: str, options: Mapping[str, object]) -> None:
        """Ask for a mirror of a drive, given by name, into a new image; `options` are those of the QMP command."""
        source = self.drives.drive(drive)
        mirror = Mirror(source, self.catalogue.new_target(source, None))
        self.dialogue.ask(mirror.start(options))
        self.mirrors[drive] = mirror

    def mirror(self, drive: str) -> Mirror:
        """Return the newest mirror of a drive, given by name; raise UnknownName when there is none."""
        try:
            return self.mirrors[drive]
        except KeyError:
            raise UnknownName(f'there is no mirror of "{drive}", only of {sorted(self.mirrors)}') from None

    def close(self) -> None:
        """End all clients and machines, and give back what the scenario holds; each whatever becomes of the others."""
        with self._held:
            self.clients.close()
            self.machines.kill_all()
