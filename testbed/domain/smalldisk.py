"""A disk for images that is really full, as the kernel says it: a file system of its own, with little space."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from testbed.base.process import Child, ToolFailed

NAME = "small-disk"
"""What the disk is called in QEMU's working directory, where it can be used like any directory."""

BALLAST = 8 * 1024 * 1024
"""Bytes of a file on the disk, which goes when space is to be freed."""

_MOUNT = 'mount -t tmpfs -o "size=$0" "$1" "$1" && echo ready && exec sleep infinity'
"""A shell's script: mounts a file system of $0 bytes at $1 and stays, so that its name space stays, too."""


@dataclass(frozen=True)
class SmallDisk:
    """A file system that is mounted where only the process `child` sees it; `directory` leads there from outside.

    A user name space makes that possible without any privilege, where the machine allows such.
    """

    directory: Path
    child: Child

    @classmethod
    def mount(cls, home: Path, free: int, bound: float) -> SmallDisk:
        """Mount a file system on which `free` bytes are free, for use in the directory `home`.

        Raises ToolFailed when that is not done within `bound` seconds.
        """
        point = home / f"{NAME}.mounted"
        point.mkdir()
        argv = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, str(free + BALLAST), point.name)
        ours, theirs = os.pipe()
        with os.fdopen(ours, "rb") as answer, (home / f"{NAME}.stderr").open("wb") as stderr:
            with os.fdopen(theirs, "wb") as stdout:
                child = Child.attached(argv, cwd=home, stdout=stdout, stderr=stderr)
            is_ready = select.select([answer], [], [], bound)[0] and answer.readline()
        if not is_ready:
            child.kill_and_reap(bound)
            raise ToolFailed(f"no small disk could be mounted: {(home / stderr.name).read_text(encoding='utf-8')}")
        # A short, plain name for QEMU and the tools, of which none is in that name space.
        (home / NAME).symlink_to(f"/proc/{child.pid}/root{point.resolve()}")
        with (home / NAME / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, BALLAST)
        return cls(home / NAME, child)

    def fill(self) -> None:
        """Take all space that is left; what has its space already can still be written."""
        with suppress(OSError), (self.directory / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    def free_space(self) -> None:
        """Make room for all that a scenario may want to write."""
        (self.directory / "ballast").unlink()

    def unmount(self, bound: float) -> None:
        """Give the disk up, with all that is on it; raise TimeoutError when that takes more than `bound` seconds."""
        self.child.kill_and_reap(bound)
