"""The programs under test: where they are, whether they can be used, and what they call themselves."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from testbed.base.problems import EnvironmentUnusable, Problem, chatter
from testbed.base.process import RunningTool, ToolFailed, start_tool
from testbed.base.settings import Settings

FLOOR = (5, 2)
"""The oldest version of QEMU that this suite knows how to speak to."""

FLOOR_OF_STAND_IN = (6, 0)
"""The oldest storage daemon that may stand in for an emulator: older ones do not store bitmaps when they end."""

BOUND = 10.0
"""Seconds that a program may take to tell its version."""

STORAGE_DAEMON = "qemu-storage-daemon"
"""How the banner of one begins, which may stand in for an emulator."""

PACKAGES = ("behave", "qemu.qmp", "PyHamcrest")
"""The packages on which a run's verdict depends."""

_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "i686": "i386", "armv7l": "arm", "ppc64le": "ppc64"}

_PREFIXES = ("", "build", "bin", "usr/bin", "usr/local/bin", "libexec", "usr/libexec")

_LIBEXEC = Path("/usr/libexec")
"""Where Red Hat's distributions keep qemu-kvm, the only emulator that they have."""

_EMULATOR_PACKAGES = (
    "apt install qemu-system (Debian, Ubuntu), dnf install qemu-kvm (Fedora, RHEL), "
    "zypper install qemu (openSUSE) or pacman -S qemu-base (Arch)"
)

_TOOL_PACKAGES = (
    "apt install qemu-utils (Debian, Ubuntu), dnf install qemu-img (Fedora, RHEL), "
    "zypper install qemu-tools (openSUSE) or pacman -S qemu-img (Arch)"
)


@dataclass(frozen=True)
class Tool:
    """A program that has been seen to run: its absolute path, its version, and the line that gave it."""

    path: Path
    version: tuple[int, ...]
    banner: str

    @property
    def release(self) -> str:
        """The version as text, such as 7.2.22."""
        return ".".join(map(str, self.version))

    @property
    def packager(self) -> str:
        """What its banner says of its package, such as Debian 1:7.2+dfsg-7; empty where it says nothing."""
        said = re.search(r"\((.+)\)", self.banner)
        return said[1] if said else ""

    @property
    def is_storage_daemon(self) -> bool:
        """Tell whether it is a qemu-storage-daemon, which has no machine to emulate."""
        return STORAGE_DAEMON in self.banner


@dataclass(frozen=True)
class _Kind:
    """What there is to know of one kind of program before any is found.

    `names` are its file names, the preferred first, maybe with wildcards; `banner` begins its --version, or that of a
    `stand_in`; one that `is_quoted` is asked for answers on its standard output.
    """

    option: str
    names: tuple[str, ...]
    banner: str
    packages: str
    is_quoted: bool = False
    stand_in: str | None = None

    @property
    def banners(self) -> str:
        """Return a regular expression for the beginnings of what it may say of itself."""
        return "|".join(filter(None, (self.banner, self.stand_in)))


def _host_first() -> tuple[str, ...]:
    machine = platform.machine().lower()
    return (f"qemu-system-{_ARCHITECTURES.get(machine, machine)}", "qemu-kvm", "qemu-system-*")


_KINDS = (
    _Kind("qemu", _host_first(), "QEMU emulator", _EMULATOR_PACKAGES, stand_in=STORAGE_DAEMON),
    _Kind("qemu_img", ("qemu-img",), "qemu-img", _TOOL_PACKAGES, is_quoted=True),
    _Kind("qemu_io", ("qemu-io",), "qemu-io", _TOOL_PACKAGES, is_quoted=True),
)


@dataclass(frozen=True)
class Toolchain:
    """The programs of the build under test."""

    qemu: Tool
    qemu_img: Tool
    qemu_io: Tool

    @classmethod
    def find(cls, settings: Settings, environ: Mapping[str, str]) -> Toolchain:
        """Find the programs that the settings name or imply, else on the PATH of `environ`; ask for versions.

        Raises EnvironmentUnusable with all that is missing, no program, no QEMU, too old or silent, at once.
        """
        search = _Search(settings, environ)
        problems: list[Problem] = []
        started: dict[str, RunningTool] = {}
        tools: dict[str, Tool] = {}
        # All are asked before the first is listened to: each takes as long as all of them do.
        for kind in _KINDS:
            with _noting(problems):
                started[kind.option] = search.start(kind)
        for kind in _KINDS:
            if running := started.get(kind.option):
                with _noting(problems):
                    tools[kind.option] = search.identify(kind, running)
        if problems:
            raise EnvironmentUnusable(problems)
        return cls(**tools)

    @property
    def of_other_builds(self) -> list[str]:
        """The tools that call themselves by another version or package than QEMU does, each in a few words."""
        build = (self.qemu.version, self.qemu.packager)
        tools = {field.name.replace("_", "-"): getattr(self, field.name) for field in fields(self)}
        return [
            f"{name} {tool.release} ({tool.packager or 'no package'}): {tool.path}"
            for name, tool in tools.items()
            if (tool.version, tool.packager) != build
        ]

    def describe(self) -> dict[str, object]:
        """Return what a report must say about the programs, the host and the packages used, for JSON."""
        tools = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            **{name: _facts(tool) for name, tool in tools.items()},
            "host": {
                "system": platform.system(),
                "kernel": platform.release(),
                "machine": platform.machine(),
                "python": platform.python_version(),
            },
            "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        }


class _Search:
    """One search for all programs; what is wrong with one is raised as EnvironmentUnusable."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        entries = environ.get("PATH", os.defpath).split(os.pathsep)
        named = Path(settings.qemu or "").expanduser().absolute()
        self.settings = settings
        self.bound = BOUND * settings.patience
        self.path = [Path(entry).absolute() for entry in entries if entry]
        self.tree = named if settings.qemu and named.is_dir() else None
        self.beside: Path | None = None

    def start(self, kind: _Kind) -> RunningTool:
        """Find a program and start to ask it for its version."""
        path = self._locate(kind)
        if kind.option == "qemu":
            self.beside = _around(path)
        try:
            return start_tool([str(path), "--version"], cwd=Path("/"))
        except ToolFailed as failure:
            raise _unusable(str(failure), _better(kind)) from None

    def identify(self, kind: _Kind, running: RunningTool) -> Tool:
        """Take a program's answer and return what it is."""
        path = running.child.argv[0]
        try:
            answer = running.result(self.bound).stdout
        except ToolFailed as failure:
            raise _unusable(str(failure), _better(kind)) from None
        # A wrapper may have said something before the banner.
        banner = re.search(rf"^.*\b(?:{kind.banners}).*? v?(\d+(?:\.\d+)+).*$", answer, re.MULTILINE)
        if banner is None:
            said = answer.strip().partition("\n")[0] or "nothing"
            raise _unusable(f"{path} does not say that it is a {kind.banner}; it says: {said}", _better(kind))
        if kind.is_quoted and (before := answer[: banner.start()].strip()):
            raise chatter(path, kind.option, before)
        tool = Tool(Path(path), tuple(int(part) for part in banner[1].split(".")), banner[0])
        lowest = FLOOR_OF_STAND_IN if kind.stand_in and tool.is_storage_daemon else FLOOR
        if tool.version < lowest:
            floor = ".".join(map(str, lowest))
            raise _unusable(f"{path} is version {banner[1]}, too old", f"use version {floor} or newer")
        return tool

    def _locate(self, kind: _Kind) -> Path:
        named: str | None = getattr(self.settings, kind.option)
        if named is not None and not (kind.option == "qemu" and self.tree):
            return self._as_named(kind, named)
        places, where = self._places(kind)
        found = _first_program(places, kind.names)
        if found is None and kind.option == "qemu" and not self.tree:
            found = _first_program([_LIBEXEC], ["qemu-kvm"])
        if found is None:
            get = "build or install it there" if self.tree else f"install it: {kind.packages}"
            raise _unusable(f"there is no {kind.names[-1]} {where}", f"{get}; or {_name_one(kind)}")
        return found

    def _places(self, kind: _Kind) -> tuple[list[Path], str]:
        """Return where to look for a program that is not named itself, and how to say so."""
        if self.tree:
            return list(_within(self.tree)), f"in {self.tree}"
        if kind.option == "qemu":
            return self.path, "on the PATH"
        return [*([self.beside] if self.beside else []), *self.path], "beside qemu or on the PATH"

    def _as_named(self, kind: _Kind, named: str) -> Path:
        """Return the program that a setting names, by its path or by a name on the PATH."""
        if "/" not in named:
            found = _first_program(self.path, [named])
            if found is None:
                raise _unusable(f"there is no {named} on the PATH", _name_one(kind))
            return found
        path = Path(named).expanduser().absolute()
        if not _is_program(path):
            fault = "is a directory" if path.is_dir() else "may not be executed"
            raise _unusable(f"{path} {fault if path.exists() else 'does not exist'}", _name_one(kind))
        return path


@contextmanager
def _noting(problems: list[Problem]) -> Iterator[None]:
    """Add to `problems` what is found unusable, and go on."""
    try:
        yield
    except EnvironmentUnusable as error:
        problems += error.problems


def _unusable(what: str, remedy: str) -> EnvironmentUnusable:
    return EnvironmentUnusable([Problem(what, remedy)])


def _name_one(kind: _Kind) -> str:
    return f"name one with -D {kind.option}=PATH"


def _better(kind: _Kind) -> str:
    return f"name a {kind.banner} that runs on this machine with -D {kind.option}=PATH"


def _is_program(path: Path) -> bool:
    # In this order: the PATH may lead to places that this user may not even look into.
    return os.access(path, os.X_OK) and path.is_file()


def _first_program(places: Iterable[Path], names: Sequence[str]) -> Path | None:
    """Return the first program of the first name that there is in any of the places."""
    places = list(places)
    return next(
        (
            path
            for name in names
            for place in places
            for path in (sorted(place.glob(name)) if "*" in name else [place / name])
            if _is_program(path)
        ),
        None,
    )


def _within(tree: Path) -> Iterator[Path]:
    """Return the directories in which a build tree or an installation has programs."""
    yield from (tree / prefix for prefix in _PREFIXES)
    for build in (tree, tree / "build"):
        yield from sorted(build.glob("*-softmmu"))


def _around(qemu: Path) -> Path:
    """Return the directory in which the tools of the same build as an emulator or a storage daemon may be."""
    folder = qemu.parent
    return folder.parent if folder.name.endswith(("-softmmu", "storage-daemon")) else folder


def _facts(tool: Tool) -> dict[str, str]:
    return {"path": str(tool.path), "version": tool.release, "banner": tool.banner}
