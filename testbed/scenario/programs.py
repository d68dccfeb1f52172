"""The programs that a run judges, and what they answer: asked once, before a feature is loaded and a process forked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.base.problems import AuthorError, EnvironmentUnusable, Problem
from testbed.base.process import ToolFailed
from testbed.base.scratch import Scratch
from testbed.base.settings import Settings
from testbed.build.answers import YES, Answer, Unclear
from testbed.build.boards import Board
from testbed.build.capabilities import Capabilities
from testbed.build.defects import insist_on_listed
from testbed.build.needs import has, need
from testbed.build.origin import ask, package_of
from testbed.build.promised import Withdrawn
from testbed.build.toolchain import Toolchain
from testbed.domain.access import Accesses, ExportAccesses, MonitorAccesses
from testbed.domain.digests import Digests, find_out
from testbed.qemu.daemon import Daemon
from testbed.qemu.images import Images
from testbed.qemu.kept import KeptImages
from testbed.qemu.machine import BARE, Machine, MachineDied, MachineHung
from testbed.qemu.monitor import Refused
from testbed.scenario.trials import CONVERSATIONS, try_board, try_need

TARGET_FORMAT = "qcow2"
"""Format of the images that backups go into: the one that can stand on a backing file."""

PATIENCE = 10.0
"""Seconds that anything may take which QEMU or a tool should do at once; -D patience multiplies them."""

ACCELERATORS = ("tcg", "qtest")
"""What is tried where QEMU does not start with its default accelerator: tcg runs guests, qtest does without."""

OPENS_FILES = (
    "name a QEMU with -D qemu=PATH that opens files in the directory that it is started in: one that has the driver "
    "file in its list of block drivers to read and write, if it has a list (--block-drv-rw-whitelist of configure)"
)
"""What to do about a QEMU that opens no file."""


@dataclass(frozen=True)
class Programs:
    """The options of a run, the programs that they name, and what these have answered.

    Nothing of it is open: processes that are forked know the answers, and are in nobody's way.
    """

    settings: Settings
    toolchain: Toolchain
    next_build: Toolchain | None
    capabilities: Capabilities
    target: str
    """The architecture that the emulator emulates, as QEMU names it; empty for a storage daemon."""
    package: str
    """What QEMU was installed with; see package_of."""
    digests: Digests | None
    """How the build reckons digests of bitmaps; None if it has no command for that."""
    kept: KeptImages | None
    """Images that its qemu-img has made for earlier runs, if there can be any."""
    _trials: _Trials

    @classmethod
    def find(cls, userdata: Mapping[str, object], environ: Mapping[str, str]) -> Programs:
        """Read the options, which -D gave in `userdata`, find the programs, and boot the build under test once.

        Raises EnvironmentUnusable with every problem of the options, or of the programs, and its remedy; nothing is
        left behind then.
        """
        settings = Settings.load(userdata, environ)
        insist_on_listed(settings.mended)
        toolchain = Toolchain.find(settings, environ)
        next_build = Toolchain.find(settings.for_next_build, environ) if settings.next_qemu else None
        trials = _Trials(toolchain, settings.scratch, PATIENCE * settings.patience)
        with trials.first_boot() as machine:
            schema: list[dict[str, Any]] = machine.execute("query-qmp-schema")
            capabilities = Capabilities(
                toolchain, lambda: schema, next_build=next_build, tries_board=trials.board, tries=trials.need
            )
            target = "" if toolchain.qemu.is_storage_daemon else str(machine.execute("query-target")["arch"])
            insist_on_files(machine)
            digests = digests_of(capabilities, machine)
        return cls(
            settings,
            toolchain,
            next_build,
            capabilities,
            target,
            package_of(toolchain.qemu, ask),
            digests,
            KeptImages.of_user(environ, toolchain.qemu_img),
            trials,
        )

    def ask_ahead(self, names: Iterable[str]) -> None:
        """Ask the build for all that it must have for scenarios with these needs.

        Where it gives no answer, whoever needs that will ask again and be told.
        """
        needed = list(dict.fromkeys(needs_of_any(names, self.settings)))
        known = dict(self.capabilities.answers)
        try:
            with self._trials.on_one_machine():
                self._ask(needed)
        except (MachineDied, MachineHung, EnvironmentUnusable, ToolFailed, OSError):
            # Which trial it is that the machine has not got over, each tells on a machine of its own.
            self.capabilities.answers.clear()
            self.capabilities.answers.update(known)
            self._ask(needed)

    def _ask(self, needed: Iterable[str]) -> None:
        for name in needed:
            with suppress(Unclear, AuthorError, EnvironmentUnusable, ToolFailed, OSError):
                need(name).answer(self.capabilities)


def needs_of_any(names: Iterable[str], settings: Settings) -> list[str]:
    """Return the needs of a scenario that has these, with those that every scenario of a run has."""
    return [*names, settings.format, TARGET_FORMAT]


def kind_of(toolchain: Toolchain) -> type[Machine]:
    """Return what a build's machines are: a storage daemon may stand in for an emulator."""
    return Daemon if toolchain.qemu.is_storage_daemon else Machine


def accesses_of(capabilities: Capabilities, machine: Machine) -> Accesses:
    """Choose how the guest's requests reach the drives of a machine: through a human monitor if there is one."""
    if has(capabilities, "human-monitor"):
        return MonitorAccesses(machine)
    # A guest's device lets QEMU give the drive over to another machine; an export does so only if it is told to.
    options = {"allow-inactive": True} if has(capabilities, "export-inactive") else {}
    return ExportAccesses(machine, capabilities.toolchain.qemu_io.path, options)


def digests_of(capabilities: Capabilities, machine: Machine) -> Digests | None:
    """Find out how a build reckons digests, on a machine that may not survive it; None if it has no command for it."""
    if not has(capabilities, "bitmap-hash"):
        return None
    try:
        return find_out(machine, accesses_of(capabilities, machine))
    except (MachineDied, MachineHung, ToolFailed) as failure:
        return Digests.unknown(str(failure))


def insist_on_files(machine: Machine) -> None:
    """Have QEMU open an empty file in its directory to read and write it, as nearly all scenarios do.

    Raises EnvironmentUnusable when it does not.
    """
    (machine.home / "plain").touch()
    try:
        machine.execute("blockdev-add", {"driver": "file", "node-name": "tried", "filename": "plain"})
        machine.execute("blockdev-del", {"node-name": "tried"})
    except (Refused, Withdrawn) as refusal:
        raise EnvironmentUnusable([Problem(f"{machine.qemu} does not open a file: {refusal}", OPENS_FILES)]) from None


@dataclass
class _Trials:
    """Tries out what a build can do, each time in a scratch directory of its own, below `place` as Scratch takes it.

    `bound` is as in Machine.
    """

    toolchain: Toolchain
    place: Path | None
    bound: float
    _common: _Common | None = None

    @contextmanager
    def first_boot(self) -> Iterator[Machine]:
        """Give the first machine of a run, which ends with the block, whether it survives that or not.

        Raises EnvironmentUnusable when QEMU does not boot, or not end in order, or dies of a question whose answer
        nobody can do without, and when a tool's answers cannot be read.
        """
        qemu = self.toolchain.qemu
        with Scratch.make(self.place) as scratch:
            home = scratch.directory_for("what this build can do")
            self._images(scratch, home).insist_on_plain_answers()
            try:
                with self._machine(home) as machine:
                    yield machine
                    if machine.running:
                        machine.quit()
            except (MachineDied, MachineHung, ToolFailed) as failure:
                what = f"{qemu.path} does not start: {failure}"
                remedy = "name a QEMU that runs on this machine with -D qemu=, or give it more time with -D patience="
                if isinstance(failure, MachineDied) and not qemu.is_storage_daemon:
                    remedy = self._other_accelerator(scratch) or remedy
                raise EnvironmentUnusable([Problem(what, remedy)]) from failure

    def board(self, board: Board) -> Answer:
        """Tell whether a board takes a disk; raises Unclear."""
        with Scratch.make(self.place) as scratch:
            home = scratch.directory_for("whether this build has the hardware")
            return try_board(Machine(self.toolchain.qemu.path, home, self.bound), board)

    @contextmanager
    def on_one_machine(self) -> Iterator[None]:
        """Try on one machine what is tried within the block, as long as all of it works there.

        Raises MachineDied and MachineHung when it does not end in order after that: no answer can be relied on then.
        Raises EnvironmentUnusable, ToolFailed and OSError, too.
        """
        with Scratch.make(self.place) as scratch, ExitStack() as leaving:
            home = scratch.directory_for("whether this build has what it lists")
            self._common = _Common(lambda: self._machine(home), self._images(scratch, home), leaving)
            try:
                yield
                self._common.end()
            finally:
                self._common = None

    def need(self, name: str) -> Answer:
        """Tell whether what a need names works; raises Unclear."""
        if self._common is not None and self._common.can(name):
            return YES
        with Scratch.make(self.place) as scratch:
            home = scratch.directory_for("whether this build has what it lists")
            try:
                with self._machine(home) as machine:
                    answer = try_need(name, machine, self._images(scratch, home))
                    if answer:
                        machine.quit()
                    return answer
            except (MachineDied, MachineHung) as failure:
                raise Unclear(str(failure)) from None

    @contextmanager
    def _machine(self, home: Path) -> Iterator[Machine]:
        """Give a machine on bare hardware, which does not survive the block."""
        machine = kind_of(self.toolchain).boot(self.toolchain.qemu.path, home, self.bound)
        with ExitStack() as leaving:
            leaving.callback(machine.kill)
            yield machine

    def _images(self, scratch: Scratch, home: Path) -> Images:
        tools = self.toolchain.qemu_img.path, self.toolchain.qemu_io.path
        return Images(*tools, home, scratch.templates, self.bound)

    def _other_accelerator(self, scratch: Scratch) -> str:
        """Return the remedy for a QEMU that does not start by itself and does with another accelerator, if it does."""
        qemu = self.toolchain.qemu.path
        for accelerator in ACCELERATORS:
            home = scratch.directory_for("whether this build has the accelerator")
            machine = Machine(qemu, home, self.bound)
            with suppress(MachineDied, MachineHung, ToolFailed):
                machine.start([*BARE, "-accel", accelerator])
                machine.quit()
                command = f'exec {qemu} -accel {accelerator} "$@"'
                return (
                    f"it starts with -accel {accelerator}: write a script beside the same tools, with the lines "
                    f"#!/bin/sh and {command}, and name it with -D qemu=PATH"
                )
        return ""


@dataclass
class _Common:
    """A machine that `boots` for the first of several trials, for which `images` are, and ends when it is `leaving`."""

    boots: Callable[[], AbstractContextManager[Machine]]
    images: Images
    leaving: ExitStack
    _machine: Machine | None = None
    _is_done: bool = False

    def can(self, name: str) -> bool:
        """Tell whether what a need names works here; where that is not sure, it must be tried elsewhere."""
        if self._is_done or name in CONVERSATIONS:  # after these, the machine is not what it was
            return False
        try:
            self._machine = self._machine or self.leaving.enter_context(self.boots())
            works = bool(try_need(name, self._machine, self.images))
        except (Unclear, AuthorError, MachineDied, MachineHung, EnvironmentUnusable, ToolFailed, OSError):
            works = False
        self._is_done = not works
        for left in ("plain", "image"):
            (self.images.home / left).unlink(missing_ok=True)
        return works

    def end(self) -> None:
        """End the machine in order, if it has been booted; raises what Machine.quit does."""
        if self._machine is not None:
            self._machine.quit()
