"""Files that a run leaves: written whole or not at all, and listed, so that the next run removes them and no others."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path

CONTENTS = ".contents"
"""A file in each of these, which lists what a run has put there: all else is somebody else's."""

PROJECT = "qemu-backup-acceptance"
"""The directory below the user's caches."""

ELSEWHERE = "give a directory that you may write to, on a local disk with free space, with -D reports=DIRECTORY"
"""What to do when reports cannot be written."""


def shown(path: Path) -> str:
    """Return a path as a user would type it: relative to where behave was called, if it is below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def cache_of_user(environ: Mapping[str, str]) -> Path:
    """Return the project's directory among the user's caches, which `environ` may name, for machines like this one.

    Raises RuntimeError when the user has no home, either.
    """
    home = environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home).absolute() / PROJECT / platform.machine()


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old text or the new one, never a part. Raises OSError."""
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old bytes or the new ones, never a part. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def list_contents(folder: Path, names: Iterable[str]) -> None:
    """Write down which files a run is about to put into a folder. Raises OSError."""
    (folder / CONTENTS).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def remove_folder(folder: Path) -> None:
    """Remove what a run has listed of a folder's contents, and the folder if nothing else is in it. Raises OSError."""
    contents = folder / CONTENTS
    if not contents.exists():
        return
    for name in (*contents.read_text(encoding="utf-8").splitlines(), CONTENTS):
        (folder / Path(name).name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # somebody has put something into it
        folder.rmdir()


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a mapping as JSON, atomically; paths, times and words of an Enum as text. Raises OSError."""
    write_atomically(path, json.dumps(value, indent=2, default=_as_text) + "\n")


def _as_text(value: object) -> str:
    match value:
        case Enum():
            return str(value.value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case _:
            return str(value)
