"""The builds of QEMU that are to be compared: how they are named, and where they are."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.campaign.matrix.debian import Cache, Debian
from testbed.reports.progress import Share

SCHEME = "debian:"
"""How the source of a build begins that is fetched."""

_NAME = r"[A-Za-z0-9][\w.+-]*"
"""Names of builds, which are names of folders too."""

_NAMING = "write NAME=SOURCE, with a name of letters, digits, dots, dashes and underscores"


@dataclass(frozen=True)
class Build:
    """A build of QEMU: the name it goes by in the comparison, and its source.

    `source` is what the option qemu takes, a program, a build tree or an installation, or a Debian release.
    """

    name: str
    source: str | Debian

    @classmethod
    def read(cls, source: str, name: str | None = None) -> Build:
        """Read a source as a user writes it: a path, a program on the PATH, debian:RELEASE or debian:RELEASE/TARGET.

        Without a name it gets that of its release or its file. Raises EnvironmentUnusable.
        """
        if name is not None and not re.fullmatch(_NAME, name):
            raise EnvironmentUnusable([Problem(f'"{name}" cannot be the name of a build', _NAMING)])
        if source.startswith(SCHEME):
            debian = Debian.named(source.removeprefix(SCHEME))
            return cls(name or source.removeprefix(SCHEME).replace("/", "-"), debian)
        plain = re.sub(r"[^\w.+-]+", "-", Path(source).name).strip("-.")
        return cls(name or plain or "build", source)

    def locate(self, cache: Cache) -> str:
        """Return what the option qemu takes for this build; fetch it if need be. Raises EnvironmentUnusable."""
        if isinstance(self.source, Debian):
            return str(cache.fetched(self.source))
        # The run is called in another directory than this program may have been.
        return str(Path(self.source).expanduser().absolute()) if "/" in self.source else self.source

    def how_far_fetched(self, cache: Cache) -> Share | None:
        """Tell how much of this build has been fetched so far, or return None when it is not being fetched."""
        return cache.how_far(self.source) if isinstance(self.source, Debian) else None


def of_words(words: Iterable[str]) -> list[Build]:
    """Read builds as they are named on a command line, each SOURCE or NAME=SOURCE.

    Raises EnvironmentUnusable with all that is wrong with them.
    """
    named = (re.fullmatch(rf"(?:({_NAME})=)?(.+)", word, re.DOTALL) for word in words)
    return _all((found[1], found[2]) for found in named if found)


def of_file(path: Path) -> list[Build]:
    """Read builds from a TOML file whose table [builds] gives each name its source.

    Raises EnvironmentUnusable with all that is wrong with it.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("builds")
    except (OSError, ValueError) as error:
        raise EnvironmentUnusable([Problem(f"{path} cannot be read: {error}", _FORM)]) from None
    if not isinstance(table, dict) or not all(isinstance(source, str) for source in table.values()):
        raise EnvironmentUnusable([Problem(f"{path} does not list builds", _FORM)])
    return _all((name, source) for name, source in table.items())


_FORM = 'write a table [builds] with lines such as trixie = "debian:trixie" or mine = "/path/to/qemu"'


def _all(named: Iterable[tuple[str | None, str]]) -> list[Build]:
    """Read all builds; raise EnvironmentUnusable with every problem at once."""
    builds: list[Build] = []
    problems: list[Problem] = []
    for name, source in named:
        try:
            builds.append(Build.read(source, name))
        except EnvironmentUnusable as error:
            problems += error.problems
    problems += [Problem(f'several builds are called "{name}"', _NAMING) for name in _repeated(builds)]
    if not builds and not problems:
        problems = [Problem("no build is named", "name some, such as debian:trixie or /path/to/qemu")]
    if problems:
        raise EnvironmentUnusable(problems)
    return builds


def _repeated(builds: Sequence[Build]) -> list[str]:
    # Folders that differ in case only are one on some file systems.
    counts = Counter(build.name.lower() for build in builds)
    return list(dict.fromkeys(build.name for build in builds if counts[build.name.lower()] > 1))
