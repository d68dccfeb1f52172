"""What all scenarios of a run share: the options, the build under test and what it can do, the scratch directory."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from zlib import crc32

from testbed.base.problems import AuthorError, EnvironmentUnusable, NotOffered, Problem
from testbed.base.process import MORE_ROOM
from testbed.base.scratch import Scratch
from testbed.base.settings import OPTIONS, Settings
from testbed.base.units import format_size
from testbed.build.boards import Board
from testbed.build.capabilities import Capabilities
from testbed.build.defects import Comparison, compare
from testbed.build.needs import unmet
from testbed.build.toolchain import Toolchain
from testbed.domain.catalogue import Catalogue
from testbed.domain.digests import Digests
from testbed.domain.target import Targets
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.kept import KeptImages
from testbed.scenario.ahead import Launcher
from testbed.scenario.machines import Machines
from testbed.scenario.programs import PATIENCE, TARGET_FORMAT, Programs, accesses_of, kind_of, needs_of_any
from testbed.scenario.world import World

PATIENCE_WHERE_SLOW = 1800.0
"""What PATIENCE is for scenarios that are tagged as slow, in seconds."""

SECOND_LOOKS = 16
"""One image in so many is read by qemu-img, too, after it was read without QEMU.

Whether QEMU reads images as they are, each backup shows of the drive that it copies.
"""

LEAST_ROOM = 1 << 20
"""Bytes of free space in the scratch directory below which a scenario cannot be trusted to fail for another reason."""


def gets_second_look(scenario: str, image: str) -> bool:
    """Tell whether qemu-img, too, reads an image of a scenario, both given by name.

    They are the same in each run, so that what is found is found again; and no place among the images of a scenario is
    passed over in all of them.
    """
    return crc32(f"{scenario} {image}".encode()) % SECOND_LOOKS == 0


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
class Testbed:
    """A place where scenarios can run. Its scratch directory must be given back with `close`.

    What is known of the build is as in Programs.
    """

    settings: Settings
    toolchain: Toolchain
    next_build: Toolchain | None
    capabilities: Capabilities
    scratch: Scratch
    launcher: Launcher
    target: str
    package: str
    digests: Digests | None
    kept: KeptImages | None

    @property
    def subject(self) -> str:
        """One line on the build that is judged: version, package, target, place, and tools of other builds, if any."""
        qemu = self.toolchain.qemu
        kind = "the storage daemon of QEMU" if qemu.is_storage_daemon else "QEMU"
        target = f", target {self.target}" if self.target else ""
        others = "; ".join(self.toolchain.of_other_builds)
        mixed = f"; with tools of another build: {others}" if others else ""
        return f"{kind} {qemu.release} ({self.package}){target}: {qemu.path}{mixed}"

    def describe(self) -> dict[str, object]:
        """Return what a report must say of the build, its tools, the options and the place, for JSON."""
        chosen = {option.name: getattr(self.settings, option.name) for option in OPTIONS}
        options = {name: str(value) for name, value in chosen.items() if value is not None}
        next_build = {"next_qemu": self.next_build.describe()["qemu"]} if self.next_build else {}
        build = {"package": self.package, "target": self.target}
        tools = {**self.toolchain.describe(), **next_build, "clients": dict(self.capabilities.clients())}
        return {"subject": self.subject, "build": build, **tools, "options": options}

    @classmethod
    def open(cls, userdata: Mapping[str, object], environ: Mapping[str, str]) -> Testbed:
        """Find all that a run needs, and boot the build under test once to see what it can do.

        `userdata` is what -D gave. Raises EnvironmentUnusable with every problem and its remedy; nothing is left
        behind then.
        """
        return cls.of(Programs.find(userdata, environ))

    @classmethod
    def of(cls, programs: Programs, scenarios: float = math.inf) -> Testbed:
        """Make a place of this process's own, with programs that have been found and asked already.

        At most so many scenarios are to be run there. Raises EnvironmentUnusable when there is no place.
        """
        toolchain, scratch = programs.toolchain, Scratch.make(programs.settings.scratch)
        return cls(
            programs.settings,
            toolchain,
            programs.next_build,
            programs.capabilities,
            scratch,
            Launcher(kind_of(toolchain), toolchain.qemu.path, scratch, scenarios),
            programs.target,
            programs.package,
            programs.digests,
            programs.kept,
        )

    def world(self, name: str, tags: Collection[str]) -> World:
        """Give the scenario of that name and tags a machine in a fresh directory; raises what Machine.start does."""
        bound = (PATIENCE_WHERE_SLOW if "slow" in tags else PATIENCE) * self.settings.patience
        machine = self.launcher.machine_for(name, bound)
        tools = self.toolchain.qemu_img.path, self.toolchain.qemu_io.path
        images = Images(*tools, machine.home, self.scratch.templates, bound, partial(gets_second_look, name), self.kept)
        return World.of(
            Machines(machine, self.next_build.qemu.path if self.next_build else None),
            images,
            Catalogue(Targets(images, ImageKind(TARGET_FORMAT))),
            partial(accesses_of, self.capabilities),
            self.settings.format,
            digests=self.digests,
        )

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
                world.bench.insist_on_words()
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
        return unmet(needs_of_any(names, self.settings), self.capabilities)

    def places(self) -> dict[str, str]:
        """Return the options of -D by which another run, wherever it is started, finds the same build and directories.

        A build tree that was named is named again; of other builds, each program that was found.
        """
        found = {tool.name: getattr(self.toolchain, tool.name).path for tool in fields(self.toolchain)}
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
