"""QEMU as Debian's releases have it: fetched into a cache of the user's, next to which the system stays as it is.

mmdebstrap unpacks the packages without installing them, as an ordinary user too, and apt checks their signatures. What
was unpacked runs in place: each program gets a wrapper that starts it with the loader and the libraries of its release.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from testbed.base.files import cache_of_user, write_json
from testbed.base.gherkin import override
from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.base.process import Finished, ToolFailed, run_tool
from testbed.reports.progress import Share

FETCH_BOUND = 1800.0
"""Seconds that fetching a release may take."""

TOOLS = ("qemu-img", "qemu-io", "qemu-nbd", "qemu-storage-daemon")
"""The programs of a release that are wanted besides its emulator."""

FIRMWARE = ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu")
"""Where Debian's emulators look for firmware, from the root on."""

_TARGETS = {"amd64": "x86_64", "arm64": "aarch64", "i686": "i386"}
"""What platform.machine() says where it does not say what QEMU does."""

_RELEASE = re.compile(r"[a-z][a-z0-9.-]*")

_GET_MMDEBSTRAP = (
    "apt install mmdebstrap debian-archive-keyring gpg (Debian, Ubuntu) or dnf install mmdebstrap debian-keyring "
    "(Fedora); elsewhere name builds by their paths"
)

_DIAGNOSES = (
    (
        r"Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|Connection failed"
        r"|Connection (?:refused|timed out)|Network is unreachable",
        "Debian's mirror cannot be reached",
        "see to the network or the proxy (http_proxy), or name a mirror that can be reached with MIRROR=ADDRESS",
    ),
    (
        r"does not have a Release file|has no Release file",
        "the mirror has no release of that name",
        "use the code name of a release, such as debian:trixie; one that has left the mirrors is in Debian's archive, "
        "which MIRROR=ADDRESS can name",
    ),
    (
        r"NO_PUBKEY|EXPKEYSIG|REVKEYSIG|BADSIG|is not signed|signatures? (?:were|was|couldn't)",
        "the signatures cannot be checked",
        "install the keys of Debian's archive: package debian-archive-keyring, and gpg (debian-keyring in Fedora)",
    ),
    (
        r"Unable to locate package|has no installation candidate|what was fetched has no",
        "the release has no QEMU for that target",
        "name another target, as in debian:trixie/s390x",
    ),
    (
        r"No space left on device|Disk quota exceeded|don't have enough free space",
        "there is no room for it",
        "free some 400 MB, or choose another place for caches with XDG_CACHE_HOME=DIRECTORY",
    ),
)
"""Why a release cannot be fetched: by what mmdebstrap and apt say, what it means, and what to do."""


@dataclass(frozen=True)
class Debian:
    """QEMU of a Debian release: `release` is its code name, `target` the architecture that is emulated."""

    release: str
    target: str

    @classmethod
    def named(cls, text: str) -> Debian:
        """Read RELEASE or RELEASE/TARGET; by default the target is this machine's. Raises EnvironmentUnusable."""
        release, _, target = text.partition("/")
        machine = platform.machine().lower()
        if not _RELEASE.fullmatch(release):
            what = f'"{release}" cannot be the code name of a Debian release'
            raise EnvironmentUnusable([Problem(what, "name one as in debian:trixie")])
        return cls(release, target or _TARGETS.get(machine, machine))

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages that have its programs; an emulator goes by a name of its own, whatever package it is in."""
        return f"qemu-system-{self.target.replace('_', '-')}", "qemu-utils"

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of its programs, the emulator first."""
        return f"qemu-system-{self.target}", *TOOLS

    @override
    def __str__(self) -> str:
        return f"Debian {self.release} ({self.target})"


class ToolRunner(Protocol):
    """Runs a short tool as testbed.base.process.run_tool does."""

    def __call__(self, argv: Sequence[str], *, cwd: Path, bound: float) -> Finished:
        """Run it, and return what it said."""


@dataclass(frozen=True)
class Cache:
    """The releases that were fetched, each in a directory of its own below `folder`.

    A directory is used only if its record says that it is complete, and where it is, and if what is in it still has the
    digest of that day. `tell` is told in a line what is fetched and why; `mirror` is the address to fetch from, or None
    for mmdebstrap's own choice; `run_tool` runs mmdebstrap.
    """

    folder: Path
    tell: Callable[[str], object]
    mirror: str | None = None
    run_tool: ToolRunner = run_tool

    @classmethod
    def of_user(
        cls,
        environ: Mapping[str, str],
        tell: Callable[[str], object],
        mirror: str | None = None,
        run_tool: ToolRunner = run_tool,
    ) -> Cache:
        """Return the cache in the user's directory for caches, which `environ` may name."""
        return cls(cache_of_user(environ), tell, mirror, run_tool)

    def fault(self, build: Debian) -> str | None:
        """Say why a release cannot be used as it lies here, or None if it can."""
        home = self._home(build)
        if not home.exists():
            return "it has not been fetched yet"
        try:
            record = json.loads((home / _RECORD).read_text(encoding="utf-8"))
            if record["place"] != str(home):
                return f"it was fetched into {record['place']} and has been moved since"
            if record["digest"] != _digest(home):
                return "what is there has changed since it was fetched"
        except (OSError, ValueError, KeyError, TypeError):
            return "it was not fetched to the end"
        return None

    def fetched(self, build: Debian) -> Path:
        """Return the directory with the programs of a release, which is fetched unless it is here and sound.

        Raises EnvironmentUnusable.
        """
        with self._holding(build):
            if fault := self.fault(build):
                self._fetch(build, fault)
        return self._home(build) / "bin"

    def forget(self, build: Debian) -> None:
        """Remove a release, so that it is fetched anew."""
        with self._holding(build):
            shutil.rmtree(self._home(build), ignore_errors=True)

    def how_far(self, build: Debian) -> Share | None:
        """Tell how much of a release is there while it is being fetched, else return None; nobody knows the whole."""
        home = self._home(build)
        if not home.exists() or (home / _RECORD).exists():
            return None
        size = 0
        for file in home.rglob("*"):
            with suppress(FileNotFoundError):  # it has been moved to its place meanwhile
                size += file.lstat().st_size if file.is_file() and not file.is_symlink() else 0
        return Share(f"is being fetched, {size / 1e6:.0f} MB so far")

    def _home(self, build: Debian) -> Path:
        return self.folder / f"{build.release}-{build.target}"

    @contextmanager
    def _holding(self, build: Debian) -> Iterator[None]:
        """Keep other runs from fetching the same release meanwhile."""
        home = self._home(build)
        if ":" in str(home):
            what = f"a build of Debian cannot run from {home}: the loader takes the colon for the end of a path"
            raise EnvironmentUnusable([Problem(what, _ELSEWHERE)])
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with home.with_name(f".{home.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            what = f"the cache {self.folder} cannot be written to: {error.strerror or error}"
            raise EnvironmentUnusable([Problem(what, _ELSEWHERE)]) from error

    def _fetch(self, build: Debian, fault: str) -> None:
        home = self._home(build)
        tree = home / "tree"
        command = self._command(build, fault, tree)
        self.tell(f"fetching {build}: {fault}")
        shutil.rmtree(home, ignore_errors=True)
        tree.mkdir(parents=True)
        try:
            self.run_tool(command, cwd=self.folder, bound=FETCH_BOUND)
            _wrap(build, tree, home / "bin")
        except ToolFailed as failure:
            shutil.rmtree(home, ignore_errors=True)
            raise _diagnosed(build, fault, str(failure)) from None
        record = {
            "build": str(build),
            "place": str(home),
            "fetched": datetime.now(UTC),
            "mirror": self.mirror or "mmdebstrap's own",
            "digest": _digest(home),
        }
        write_json(home / _RECORD, record)

    def _command(self, build: Debian, fault: str, tree: Path) -> list[str]:
        if shutil.which("mmdebstrap") is None:
            what = f"{build}: {fault}, and there is no mmdebstrap, which fetches and unpacks packages"
            raise EnvironmentUnusable([Problem(what, _GET_MMDEBSTRAP)])
        return [
            # The diagnosis knows apt's messages in English.
            *("env", "LC_ALL=C", "mmdebstrap"),
            # Packages are only unpacked: for that, chrootless needs no rights and no namespaces.
            *("--variant=extract", f"--mode={'root' if os.geteuid() == 0 else 'chrootless'}"),
            # Old releases' metadata is past its date; its signatures are checked all the same.
            *("--aptopt=Acquire::Check-Valid-Until false", "--aptopt=APT::Sandbox::User root"),
            f"--include={','.join(build.packages)}",
            *(build.release, str(tree), *([self.mirror] if self.mirror else [])),
        ]


_RECORD = "build.json"

_ELSEWHERE = "choose another place for caches with XDG_CACHE_HOME=DIRECTORY"


def _diagnosed(build: Debian, fault: str, said: str) -> EnvironmentUnusable:
    """Return the error for a release that could not be fetched, from what mmdebstrap said."""
    for pattern, meaning, remedy in _DIAGNOSES:
        if found := re.search(pattern, said):
            line = next(line.strip() for line in said.splitlines() if found[0] in line)
            return EnvironmentUnusable([Problem(f"{build}: {fault}, and {meaning}: {line}", remedy)])
    return EnvironmentUnusable([Problem(f"{build}: {fault}, and it cannot be fetched: {said}", "mend what it says")])


def _wrap(build: Debian, tree: Path, folder: Path) -> None:
    """Write a wrapper for each program of the release into `folder`; raise ToolFailed if there is no such emulator."""
    folder.mkdir()
    loader = next((path for root in ("lib", "usr/lib") for path in sorted((tree / root).glob(_LOADER))), None)
    emulator = tree / "usr/bin" / build.programs[0]
    if loader is None or not emulator.exists():
        raise ToolFailed(f"what was fetched has no {emulator.name}, or no loader for it")
    libraries = sorted({path.parent for root in ("lib", "usr/lib") for path in (tree / root).rglob("lib*.so*")})
    firmware = [argument for path in FIRMWARE for argument in ("-L", str(tree / path))]
    for program in build.programs:
        if not (path := tree / "usr/bin" / program).exists():
            continue
        words = [
            *(str(loader), "--library-path", ":".join(map(str, libraries)), str(path)),
            *(firmware if path == emulator else ()),
        ]
        modules = shlex.quote(str(tree / "usr/lib" / loader.parent.name / "qemu"))
        wrapper = folder / program
        wrapper.write_text(f'#!/bin/sh\nQEMU_MODULE_DIR={modules} exec {shlex.join(words)} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)


_LOADER = "*-linux-gnu*/ld*.so.[0-9]"


def _digest(home: Path) -> str:
    """Return a digest of all files of a release but its record: their names, links and contents."""
    digest = hashlib.sha256()
    for path in _files(home):
        digest.update(f"{path.relative_to(home)}\0".encode("utf-8", "surrogateescape"))
        if path.is_symlink():
            digest.update(os.fsencode(path.readlink()))
        else:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _files(home: Path) -> Sequence[Path]:
    found = (path for path in home.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(path for path in found if path != home / _RECORD)
