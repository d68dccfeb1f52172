"""Images that a run keeps, within a bound: each content once, holes as holes, whichever of its processes keeps them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from testbed.base.files import write_atomically
from testbed.base.holes import next_data
from testbed.base.units import MIB, format_size

INDEX = ".images.jsonl"
"""The file in the folder that has a line for each image that was to be kept: several processes share it."""

LEFT_OUT = "left-out.txt"
"""The file in the folder that says what was left out, if anything was."""

FILES = (INDEX, LEFT_OUT)
"""What stands in the folder besides what is kept."""

_BLOCK = 1 << 12
"""Bytes that are read at a time, and left out of a copy if all are zeros."""

_READ_ONLY = 0o444


@dataclass(frozen=True)
class Image:
    """An image that was to be kept: `name` is relative to the folder, `cost` counts the bytes that its copy takes.

    `content` is the same for equal images only; `is_kept` tells whether it was kept.
    """

    name: str
    content: str
    cost: int
    is_kept: bool


@dataclass(frozen=True)
class Keeping:
    """Keeps images in folders below `folder`, as long as all of the run take no more than `bound` bytes."""

    folder: Path
    bound: int

    def keep(self, image: Path, copy: Path) -> str:
        """Copy an image to `copy`, below the folder; return why it was not, or nothing if it was.

        One that is equal to one that is kept already becomes another name of that and costs nothing; so nobody may
        write to them. Raises OSError.
        """
        name = str(copy.relative_to(self.folder))
        with image.open("rb") as file, self._index() as index:
            content, cost = _content_of(_size(file), _blocks(file))
            known = _read(index)
            if _link(copy, [self.folder / one.name for one in known if one.is_kept and one.content == content]):
                return ""
            if sum(one.cost for one in known if one.is_kept) + cost > self.bound:
                left_out = Image(name, content, cost, is_kept=False)
                _append(index, left_out)
                self._tell([*known, left_out])
                return f"it takes {format_size(cost)}: {_raising(self.bound)}"
            # A machine may still be writing to the image: what counts is what the copy holds.
            _append(index, Image(name, *_copy(file, copy), is_kept=True))
        return ""

    @contextmanager
    def _index(self) -> Iterator[IO[str]]:
        """Open the index for this process alone."""
        with (self.folder / INDEX).open("a+", encoding="utf-8") as index:
            fcntl.flock(index, fcntl.LOCK_EX)
            yield index

    def _tell(self, known: Sequence[Image]) -> None:
        """Say in the folder what was left out."""
        lines = [f"  {one.name}: {format_size(one.cost)}" for one in known if not one.is_kept]
        write_atomically(self.folder / LEFT_OUT, "\n".join([_summed_up(known, self.bound), *lines, ""]))


def left_out_of(folder: Path) -> str:
    """Say in a line which images were left out of a folder, and the option that raises the bound; nothing if none was.

    Raises OSError.
    """
    file = folder / LEFT_OUT
    return file.read_text(encoding="utf-8").partition("\n")[0] if file.exists() else ""


def _summed_up(known: Sequence[Image], bound: int) -> str:
    costs = [one.cost for one in known if not one.is_kept]
    images = "1 image" if len(costs) == 1 else f"{len(costs)} images"
    return f"{images} of {_rounded(sum(costs))} left out of the evidence: {_raising(bound)}"


def _raising(bound: int) -> str:
    return f"a run keeps {bound // MIB} MiB of images; -D keep_mb=NUMBER raises that"


def _rounded(size: int) -> str:
    """Write a size to a tenth of a MiB, or exactly if it is less than one."""
    return f"{size / MIB:.1f} MiB" if size >= MIB else format_size(size)


def _read(index: IO[str]) -> list[Image]:
    index.seek(0)
    return [Image(**json.loads(line)) for line in index]


def _append(index: IO[str], image: Image) -> None:
    index.write(json.dumps(asdict(image)) + "\n")
    index.flush()


def _content_of(size: int, blocks: Iterable[tuple[int, bytes]]) -> tuple[str, int]:
    """Return what is the same for equal contents only, and how many bytes a copy without holes takes."""
    digest, cost = hashlib.sha256(), 0
    for at, block in blocks:
        digest.update(at.to_bytes(8, "big"))
        digest.update(block)
        cost += len(block)
    return f"{size}-{digest.hexdigest()}", cost


def _link(copy: Path, equals: Sequence[Path]) -> bool:
    """Make a further name of one of these files, if one is still there and its file system allows that."""
    for equal in equals:
        with suppress(OSError):
            copy.hardlink_to(equal)
            return True
    return False


def _copy(file: IO[bytes], copy: Path) -> tuple[str, int]:
    """Copy a file but for its holes; return of the copy what `_content_of` does."""
    size = _size(file)

    def copied() -> Iterator[tuple[int, bytes]]:
        for at, block in _blocks(file):
            new.seek(at)
            new.write(block)
            yield at, block

    with copy.open("wb") as new:
        found = _content_of(size, copied())
        new.truncate(size)
    copy.chmod(_READ_ONLY)
    return found


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _blocks(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give the blocks of a file that are not all zeros, each with its offset; what is a hole is not read."""
    descriptor, at = file.fileno(), 0
    while (start := next_data(descriptor, at)) is not None:
        at = start - start % _BLOCK
        block = os.pread(descriptor, _BLOCK, at)
        if block.strip(b"\0"):
            yield at, block
        at += _BLOCK
