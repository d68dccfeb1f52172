"""Bitmaps of an image that no machine has open, as qemu-nbd shows them to a client over NBD."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.base.process import Child, Finished, ToolFailed, run_tool
from testbed.model.ranges import Ranges
from testbed.qemu.images import Images

SOCKET = "qemu-nbd.socket"
"""Where the server is reached: a name in the directory of the images, since a longer one may not fit an address."""

_HANDED_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.execve(sys.argv[2], sys.argv[2:], {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
"""
"""A program that gives another one a socket as systemd does, so that nobody has to wait until that listens."""

_REFUSALS = (0, 1)


@dataclass(frozen=True)
class OfflineExport:
    """Shows images by qemu-nbd, which lies beside the qemu-img of `images`."""

    images: Images

    @property
    def server(self) -> Path:
        """Return the program."""
        return self.images.qemu_img.with_name("qemu-nbd")

    def dirty(self, name: str, image_format: str, bitmap: str) -> Ranges:
        """Return what a client is told to be dirty in a bitmap of an image, in bytes of the drive.

        Raises ToolFailed when the server or its client fails.
        """
        with self._serving(name, image_format, bitmap) as address:
            asked = f"driver=nbd,server.type=unix,server.path={address},x-dirty-bitmap=qemu:dirty-bitmap:{bitmap}"
            told = self.images.tool("map", "--output=json", "--image-opts", asked)
        if told.returncode:
            raise ToolFailed(f"a client of {name} failed: {told.stderr.strip()}")
        entries = json.loads(told.stdout)
        # That is how it is told by this option, which stands for "allocated" and turns it round.
        return Ranges.joined((one["start"], one["start"] + one["length"]) for one in entries if not one["data"])

    def copy_dirty(self, name: str, image_format: str, bitmap: str, base: tuple[str, str], copy: str) -> None:
        """Copy what is dirty in a bitmap of an image into a new one on top of a base (name, format), as a client does.

        Raises ToolFailed when the server or its client fails.
        """
        ranges = self.dirty(name, image_format, bitmap)
        size = self.images.info(name)["virtual-size"]
        self.images.create_above(copy, "qcow2", size, base)
        with self._serving(name, image_format, bitmap) as address:
            self.images.rebase(copy, "qcow2", (f"nbd+unix:///?socket={address}", "raw"))
            self.images.copy_up(copy, "qcow2", ranges)
        self.images.rebase(copy, "qcow2", base)

    def refusal(self, name: str, image_format: str, bitmap: str) -> Finished:
        """Return what the server says when it does not show a bitmap; raises ToolFailed when it goes on to do so."""
        argv = [*self._arguments(name, image_format, bitmap)[:-1], "-k", f"/proc/self/cwd/{SOCKET}", name]
        return run_tool(argv, cwd=self.images.home, bound=self.images.bound, allowed=_REFUSALS)

    def _arguments(self, name: str, image_format: str, bitmap: str) -> list[str]:
        return [str(self.server), "-r", "-f", image_format, "-B", bitmap, name]

    @contextmanager
    def _serving(self, name: str, image_format: str, bitmap: str) -> Iterator[str]:
        """Let the server wait for one client, at the address that is yielded, and end in order when that has gone."""
        home, out = self.images.home, self.images.home / "qemu-nbd.output"
        with _listening(home) as listener:
            number = listener.fileno()
            start = [sys.executable, "-I", "-S", "-c", _HANDED_OVER, str(number)]
            argv = [*start, *self._arguments(name, image_format, bitmap)]
            child = Child.start(argv, cwd=home, stdout=out, stderr=out, pass_fds=[number])
        try:
            yield SOCKET
            code = child.wait(self.images.bound)
        finally:
            child.kill_and_reap(self.images.bound)
        if code != 0:
            raise ToolFailed(f"qemu-nbd did not end in order when its client had gone: {out.read_text()}")


@contextmanager
def _listening(home: Path) -> Iterator[socket.socket]:
    """Yield a socket that listens in a directory, however long its name is."""
    (home / SOCKET).unlink(missing_ok=True)
    folder = os.open(home, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{folder}/{SOCKET}")
            listener.listen(1)
            yield listener
    finally:
        os.close(folder)
