"""What all scenarios of a run share: the options, the build under test and what it can do, the scratch directory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any
from zlib import crc32

from testbed.base.problems import AuthorError, EnvironmentUnusable, NotOffered, Problem
from testbed.base.process import MORE_ROOM, ToolFailed
from testbed.base.scratch import Scratch
from testbed.base.settings import OPTIONS, Settings
from testbed.base.units import format_size
from testbed.build.answers import Answer, Unclear
from testbed.build.boards import Board
from testbed.build.capabilities import Capabilities
from testbed.build.defects import Comparison, compare, insist_on_listed
from testbed.build.needs import has, unmet
from testbed.build.origin import ask, package_of
from testbed.build.promised import Withdrawn
from testbed.build.toolchain import Toolchain
from testbed.domain.access import Accesses, ExportAccesses, MonitorAccesses
from testbed.domain.catalogue import Catalogue
from testbed.domain.digests import Digests, find_out
from testbed.domain.target import Targets
from testbed.qemu.daemon import Daemon
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.machine import BARE, Machine, MachineDied, MachineHung
from testbed.qemu.monitor import Refused
from testbed.scenario.ahead import Launcher
from testbed.scenario.machines import Machines
from testbed.scenario.trials import try_board, try_need
from testbed.scenario.world import World

TARGET_FORMAT = "qcow2"
"""Format of the images that backups go into: the one that can stand on a backing file."""

PATIENCE = 10.0
"""Seconds that anything may take which QEMU or a tool should do at once; -D patience multiplies them."""

PATIENCE_WHERE_SLOW = 1800.0
"""The same for scenarios that are tagged as slow."""

SECOND_LOOKS = 8
"""One scenario in so many has qemu-img read its images, too, after they were read without QEMU."""

LEAST_ROOM = 1 << 20
"""Bytes of free space in the scratch directory below which a scenario cannot be trusted to fail for another reason."""

ACCELERATORS = ("tcg", "qtest")
"""What is tried where QEMU does not start with its default accelerator: tcg runs guests, qtest does without."""

OPENS_FILES = (
    "name a QEMU with -D qemu=PATH that opens files in the directory that it is started in: one that has the driver "
    "file in its list of block drivers to read and write, if it has a list (--block-drv-rw-whitelist of configure)"
)
"""What to do about a QEMU that opens no file."""


@dataclass(frozen=True)
class Ending:
    """How a scenario has ended: `failure` says what went wrong, in whichever part, and is empty if nothing did.

    `error` is what was found only in the end; `record` compares it all with the known defects; `excuse` says what is
    wrong with the place, if that may be why; `lacking` is what the build turned out not to have.
    """

    failure: str
    error: Exception | None
    record: Comparison
    excuse: str
    lacking: str

    def insist(self) -> None:
        """Raise what was found in the end, if anything was."""
        if self.error:
            raise self.error


@dataclass(frozen=True)
class Programs:
    """The options of a run, and the programs that they name: all that can be wrong with these is known so early."""

    settings: Settings
    toolchain: Toolchain
    next_build: Toolchain | None

    @classmethod
    def find(cls, userdata: Mapping[str, object], environ: Mapping[str, str]) -> Programs:
        """Read the options, which -D gave in `userdata`, and find the programs.

        Raises EnvironmentUnusable with every problem of the options, or of the programs, and its remedy.
        """
        settings = Settings.load(userdata, environ)
        insist_on_listed(settings.mended)
        toolchain = Toolchain.find(settings, environ)
        return cls(
            settings, toolchain, Toolchain.find(settings.for_next_build, environ) if settings.next_qemu else None
        )


@dataclass(frozen=True)
class Testbed:
    """A place where scenarios can run. Its scratch directory must be given back with `close`."""

    settings: Settings
    toolchain: Toolchain
    next_build: Toolchain | None
    capabilities: Capabilities
    scratch: Scratch
    launcher: Launcher
    target: str
    """The architecture that the emulator emulates, as QEMU names it; empty for a storage daemon."""

    @property
    def subject(self) -> str:
        """One line on the build that is judged: version, package, target, place, and tools of other builds, if any."""
        qemu = self.toolchain.qemu
        kind = "the storage daemon of QEMU" if qemu.is_storage_daemon else "QEMU"
        target = f", target {self.target}" if self.target else ""
        others = "; ".join(self.toolchain.of_other_builds)
        mixed = f"; with tools of another build: {others}" if others else ""
        return f"{kind} {qemu.release} ({package_of(qemu, ask)}){target}: {qemu.path}{mixed}"

    def describe(self) -> dict[str, object]:
        """Return what a report must say of the build, its tools, the options and the place, for JSON."""
        chosen = {option.name: getattr(self.settings, option.name) for option in OPTIONS}
        options = {name: str(value) for name, value in chosen.items() if value is not None}
        next_build = {"next_qemu": self.next_build.describe()["qemu"]} if self.next_build else {}
        build = {"package": package_of(self.toolchain.qemu, ask), "target": self.target}
        return {"subject": self.subject, "build": build, **self.toolchain.describe(), **next_build, "options": options}

    @classmethod
    def open(cls, userdata: Mapping[str, object], environ: Mapping[str, str]) -> Testbed:
        """Find all that a run needs, and boot the build under test once to see what it can do.

        `userdata` is what -D gave. Raises EnvironmentUnusable with every problem and its remedy; nothing is left
        behind then.
        """
        return cls.of(Programs.find(userdata, environ))

    @classmethod
    def of(cls, programs: Programs) -> Testbed:
        """Do as `open` does, with programs that are found already."""
        settings, toolchain, next_build = programs.settings, programs.toolchain, programs.next_build
        scratch = Scratch.make(settings.scratch)
        try:
            schema, target = _asked_once(toolchain, scratch, PATIENCE * settings.patience)
        except BaseException:
            scratch.close()
            raise
        bound = PATIENCE * settings.patience
        capabilities = Capabilities(
            toolchain,
            lambda: schema,
            next_build=next_build,
            tries_board=lambda board: _tries_board(toolchain, scratch, bound, board),
            tries=lambda need: _tries(toolchain, scratch, bound, need),
        )
        launcher = Launcher(_kind(toolchain), toolchain.qemu.path, scratch)
        return cls(settings, toolchain, next_build, capabilities, scratch, launcher, target)

    def world(self, name: str, tags: Collection[str]) -> World:
        """Give the scenario of that name and tags a machine in a fresh directory; raises what Machine.start does."""
        bound = (PATIENCE_WHERE_SLOW if "slow" in tags else PATIENCE) * self.settings.patience
        machine = self.launcher.machine_for(name, bound)
        tools = self.toolchain.qemu_img.path, self.toolchain.qemu_io.path
        # The same scenarios in each run, so that what they find they find again.
        asks_both = crc32(name.encode()) % SECOND_LOOKS == 0
        images = Images(*tools, machine.home, self.scratch.templates, bound, asks_both)
        return World.of(
            Machines(machine, self.next_build.qemu.path if self.next_build else None),
            images,
            Catalogue(Targets(images, ImageKind(TARGET_FORMAT))),
            self._accesses,
            self.settings.format,
            digests=self.digests,
        )

    @cached_property
    def digests(self) -> Digests | None:
        """How the build reckons digests of bitmaps, found out once; None if it has no command for that."""
        if not has(self.capabilities, "bitmap-hash"):
            return None
        home = self.scratch.directory_for("how this build reckons digests")
        try:
            machine = _kind(self.toolchain).boot(self.toolchain.qemu.path, home, PATIENCE * self.settings.patience)
            with ExitStack() as leaving:
                leaving.callback(machine.kill)
                return find_out(machine, self._accesses(machine))
        except (MachineDied, MachineHung, ToolFailed) as failure:
            return Digests.unknown(str(failure))
        finally:
            self.scratch.discard(home)

    def _accesses(self, machine: Machine) -> Accesses:
        """Choose how the guest's requests reach the drives of a machine: through a human monitor if there is one."""
        if has(self.capabilities, "human-monitor"):
            return MonitorAccesses(machine)
        # A guest's device lets QEMU give the drive over to another machine; an export does so only if it is told to.
        options = {"allow-inactive": True} if has(self.capabilities, "export-inactive") else {}
        return ExportAccesses(machine, self.toolchain.qemu_io.path, options)

    def discard(self, world: World) -> None:
        """End a scenario's machines if they still run, and remove its files; each whatever becomes of the others."""
        with ExitStack() as leaving:
            leaving.callback(self.scratch.discard, world.machines.home)
            leaving.callback(world.close)

    def end(self, world: World, failure: str, tags: Iterable[str]) -> Ending:
        """Ask a scenario with such tags the questions at its end, unless it has failed already, as `failure` says."""
        error: Exception | None = None
        try:
            if not failure:
                world.judge.settle()
        except (AssertionError, AuthorError, EnvironmentUnusable) as broken:
            error = broken
        is_known = bool(failure) or not error
        qemu, mended = self.toolchain.qemu, self.settings.mended
        record = compare(failure, tags, qemu, mended) if is_known else Comparison()
        wrong = failure or (str(error) if error else "") or record.unexpected or ""
        excuse = self.lack_of_room() if wrong else ""
        return Ending(wrong, error, record, excuse, self.lack_told_by(error))

    def lack_told_by(self, error: BaseException | None) -> str:
        """Return what the build turned out not to have, unless that is to be a failure."""
        return str(error) if isinstance(error, NotOffered) and self.settings.require != "all" else ""

    def keeps_evidence_of(self, ending: Ending) -> bool:
        """Tell whether the evidence of a scenario is to be kept that has ended so."""
        if ending.failure and ending.lacking:
            return False
        return self.settings.keep == "always" or (self.settings.keep == "failed" and bool(ending.failure))

    def lack_of_room(self) -> str:
        """Say that the scratch directory is full, and the remedy, if it is: no failure means anything then."""
        free = self.scratch.free
        full = Problem(f"only {format_size(free)} are free in {self.scratch.path}", MORE_ROOM)
        return str(full) if free < LEAST_ROOM else ""

    @property
    def board(self) -> Board:
        """Return the board of a machine whose guest sees disks; raise AuthorError where the build has none."""
        if self.capabilities.board is None:
            raise AuthorError("this build has no such machine: the sentence must say that it needs one")
        return self.capabilities.board

    def unmet(self, names: Iterable[str]) -> list[str]:
        """Return why a scenario that has these needs cannot be run on this build, in plain words; all reasons."""
        return unmet([*names, self.settings.format, TARGET_FORMAT], self.capabilities)

    def places(self) -> dict[str, str]:
        """Return the options of -D by which another run, wherever it is started, finds the same build and directories.

        A build tree that was named is named again; of other builds, each program that was found.
        """
        tools = {tool.name: getattr(self.toolchain, tool.name) for tool in fields(self.toolchain)}
        found = {name: tool.path for name, tool in tools.items() if tool is not None}
        if tree := _tree(self.settings.qemu):
            named = {name: path for name, path in found.items() if getattr(self.settings, name) is not None}
            found = {**named, "qemu": tree}
        if self.next_build is not None:
            found["next_qemu"] = _tree(self.settings.next_qemu) or self.next_build.qemu.path
        if self.settings.scratch is not None:
            found["scratch"] = self.settings.scratch.absolute()
        return {name: str(path) for name, path in found.items()}

    def close(self) -> None:
        """End the machine that has started for no scenario, and remove the scratch directory."""
        with ExitStack() as leaving:
            leaving.callback(self.scratch.close)
            self.launcher.close()


def _tree(named: str | None) -> Path | None:
    """Return the directory that an option names as a build, or None where it names a program, or nothing."""
    path = Path(named or "").expanduser().absolute()
    return path if named and path.is_dir() else None


def _kind(toolchain: Toolchain) -> type[Machine]:
    return Daemon if toolchain.qemu.is_storage_daemon else Machine


def _asked_once(toolchain: Toolchain, scratch: Scratch, bound: float) -> tuple[list[dict[str, Any]], str]:
    """Boot QEMU and return its description of its QMP commands, and its target, empty for a storage daemon.

    Raises EnvironmentUnusable when it does not boot, or does not open a file, which nearly all scenarios need,
    and when a tool's answers cannot be read.
    """
    qemu = toolchain.qemu
    home = scratch.directory_for("what this build can do")
    Images(toolchain.qemu_img.path, toolchain.qemu_io.path, home, scratch.templates, bound).insist_on_plain_answers()
    try:
        with ExitStack() as leaving:
            machine = _kind(toolchain).boot(qemu.path, home, bound)
            leaving.callback(machine.kill)
            schema: list[dict[str, Any]] = machine.execute("query-qmp-schema")
            target = "" if qemu.is_storage_daemon else str(machine.execute("query-target")["arch"])
            refusal = _refusal_of_file(machine)
            machine.quit()
    except (MachineDied, MachineHung, ToolFailed) as failure:
        what = f"{qemu.path} does not start: {failure}"
        remedy = "name a QEMU that runs on this machine with -D qemu=, or give it more time with -D patience="
        if isinstance(failure, MachineDied) and not qemu.is_storage_daemon:
            remedy = _other_accelerator(toolchain, scratch, bound) or remedy
        raise EnvironmentUnusable([Problem(what, remedy)]) from failure
    if refusal:
        raise EnvironmentUnusable([Problem(f"{qemu.path} does not open a file: {refusal}", OPENS_FILES)])
    scratch.discard(home)
    return schema, target


def _refusal_of_file(machine: Machine) -> str:
    """Return why QEMU does not open an empty file in its directory to read and write it, or nothing if it does."""
    (machine.home / "plain").touch()
    try:
        machine.execute("blockdev-add", {"driver": "file", "node-name": "tried", "filename": "plain"})
        machine.execute("blockdev-del", {"node-name": "tried"})
    except (Refused, Withdrawn) as refusal:
        return str(refusal)
    return ""


def _other_accelerator(toolchain: Toolchain, scratch: Scratch, bound: float) -> str:
    """Return the remedy for a QEMU that does not start by itself and does with another accelerator, if it does."""
    for accelerator in ACCELERATORS:
        home = scratch.directory_for("whether this build has the accelerator")
        machine = Machine(toolchain.qemu.path, home, bound)
        try:
            with suppress(MachineDied, MachineHung, ToolFailed):
                machine.start([*BARE, "-accel", accelerator])
                machine.quit()
                command = f'exec {toolchain.qemu.path} -accel {accelerator} "$@"'
                return (
                    f"it starts with -accel {accelerator}: write a script beside the same tools, with the lines "
                    f"#!/bin/sh and {command}, and name it with -D qemu=PATH"
                )
        finally:
            scratch.discard(home)
    return ""


def _tries_board(toolchain: Toolchain, scratch: Scratch, bound: float, board: Board) -> Answer:
    """Tell whether a board takes a disk, in a directory of its own; raises Unclear."""
    home = scratch.directory_for("whether this build has the hardware")
    try:
        return try_board(Machine(toolchain.qemu.path, home, bound), board)
    finally:
        scratch.discard(home)


def _tries(toolchain: Toolchain, scratch: Scratch, bound: float, need: str) -> Answer:
    """Tell whether what a need names works, on a machine of its own; raises Unclear."""
    home = scratch.directory_for("whether this build has what it lists")
    images = Images(toolchain.qemu_img.path, toolchain.qemu_io.path, home, scratch.templates, bound)
    try:
        machine = _kind(toolchain).boot(toolchain.qemu.path, home, bound)
        with ExitStack() as leaving:
            leaving.callback(machine.kill)
            return try_need(need, machine, images)
    except (MachineDied, MachineHung) as failure:
        raise Unclear(str(failure)) from None
    finally:
        scratch.discard(home)
