"""Images that take seconds to make, kept from run to run: each for the one build of qemu-img that has made it."""

from __future__ import annotations

import hashlib
import os
import shlex
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from testbed.base.files import cache_of_user, write_bytes_atomically
from testbed.build.toolchain import Tool

MOST = 64
"""How many images are kept; of more, those go that were not asked for the longest, as those of builds of the past."""

LARGEST = 64 << 20
"""Bytes of the largest image that is kept."""

_FAST = 1
"""How hard to compress: nearly all of it is zeros or keys."""


@dataclass(frozen=True)
class KeptImages:
    """The images that were kept, in `folder`; `made_by` tells one build of qemu-img from all others.

    A folder that cannot be read or written, and an image that is spoilt, are as good as none: the image is made anew.
    """

    folder: Path
    made_by: str

    @classmethod
    def of_user(cls, environ: Mapping[str, str], tool: Tool) -> Self | None:
        """Return those in the user's directory for caches, which `environ` may name.

        None if there is no such directory, or if nobody can tell when the tool will be another one, as with a script
        that finds its program by a variable.
        """
        try:
            programs = list(_programs_of(tool.path))
            return cls(cache_of_user(environ) / "images", repr((tool.banner, programs))) if programs else None
        except (OSError, RuntimeError):  # the latter says that the user has no home
            return None

    def fetch(self, asked: str, image: Path) -> bool:
        """Write the image to a file that was kept as `asked` for, in whatever words, and tell whether there was one."""
        kept = self._place(asked)
        try:
            content = zlib.decompress(kept.read_bytes())
        except (OSError, zlib.error):
            return False
        with suppress(OSError):  # where the folder cannot be written, nothing is removed from it either
            os.utime(kept)
        image.write_bytes(content)
        return True

    def keep(self, asked: str, image: Path) -> None:
        """Keep an image that was made as `asked` for."""
        with suppress(OSError):
            if image.stat().st_size > LARGEST:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            write_bytes_atomically(self._place(asked), zlib.compress(image.read_bytes(), _FAST))
            for old in sorted(self.folder.iterdir(), key=_used)[:-MOST]:
                old.unlink(missing_ok=True)

    def _place(self, asked: str) -> Path:
        return self.folder / hashlib.sha256(repr((self.made_by, asked)).encode()).hexdigest()


def _used(kept: Path) -> int:
    """Tell when an image was last asked for, in nanoseconds; one that somebody has removed meanwhile was not lately."""
    try:
        return kept.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _programs_of(tool: Path) -> Iterator[tuple[str, int, int]]:
    """Yield name, size and time of the program that a tool is, and of the script that starts it, if one does.

    Nothing is yielded for a script that does not say in so many words which program it starts. Raises OSError.
    """
    if not _is_script(tool):
        yield _identity(tool)
        return
    started = [path for path in _named_in(tool.read_text(errors="replace")) if path.name == tool.name]
    if started and all(path.is_file() and not _is_script(path) for path in started):
        yield from map(_identity, (tool, *started))


def _is_script(program: Path) -> bool:
    with program.open("rb") as file:
        return file.read(2) == b"#!"


def _named_in(script: str) -> Iterator[Path]:
    """Yield what a script names by its whole path."""
    with suppress(ValueError):  # quotes that do not match
        yield from (Path(word) for word in shlex.split(script, comments=True) if word.startswith("/"))


def _identity(program: Path) -> tuple[str, int, int]:
    facts = program.stat()
    return str(program.resolve()), facts.st_size, facts.st_mtime_ns
