"""The builds of QEMU that are to be compared, and the pairs of them: how they are named, and where they are."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.base.problems import EnvironmentUnusable, Problem, hint
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

    `source` is what the option qemu takes, a program, a build tree or an installation, or a Debian release. A pair of
    builds counts as one: that with which machines begin, and `next_build`, with which they go on.
    """

    name: str
    source: str | Debian
    next_build: Build | None = None

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

    @classmethod
    def pair(cls, first: Build, second: Build) -> Build:
        """Return the pair of two builds, named as in "bullseye to bookworm"."""
        return cls(f"{first.name} to {second.name}", first.source, second)

    @property
    def all(self) -> Sequence[Build]:
        """The builds that have to be there: this one, and that with which its machines go on."""
        return [self, *([self.next_build] if self.next_build else [])]

    @property
    def folder(self) -> str:
        """The name of the folder for its reports."""
        return self.name.replace(" ", "-")

    def options(self, cache: Cache) -> Mapping[str, str]:
        """Return the options of a run that judges this build; fetch what need be. Raises EnvironmentUnusable."""
        return dict(zip(("qemu", "next_qemu"), (build.locate(cache) for build in self.all), strict=False))

    def how_far_fetched(self, cache: Cache) -> Share | None:
        """Tell how much of this build has been fetched so far, or return None when it is not being fetched."""
        return cache.how_far(self.source) if isinstance(self.source, Debian) else None


def of_words(words: Iterable[str]) -> list[Build]:
    """Read builds as they are named on a command line, each SOURCE or NAME=SOURCE.

    Raises EnvironmentUnusable with all that is wrong with them.
    """
    named = (re.fullmatch(rf"(?:({_NAME})=)?(.+)", word, re.DOTALL) for word in words)
    return _all((found[1], found[2]) for found in named if found)


def of_pairs(words: Iterable[str], builds: Iterable[Build]) -> list[Build]:
    """Read pairs of builds as they are named on a command line, each FIRST:SECOND, by the names of `builds`.

    Raises EnvironmentUnusable with all that is wrong with them.
    """
    named = {build.name: build for build in builds}
    pairs: list[Build] = []
    problems: list[Problem] = []
    for word in dict.fromkeys(words):
        first, _, second = word.partition(":")
        unknown = [name for name in dict.fromkeys((first, second)) if name not in named]
        problems += [Problem(f'"{word}" is no pair: there is no build "{name}"', hint(name, named)) for name in unknown]
        if not unknown:
            pairs.append(Build.pair(named[first], named[second]))
    if problems:
        raise EnvironmentUnusable(problems)
    return pairs


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
