"""What is recorded of the storage below an image while machines have it open, and what its guests were told meanwhile.

Each machine that opens the image, and each time, has a log of its own; a log says in which order the storage was told
what. Beside it stand moments: what had to be true when so much of the log was written.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.domain.bitmap import Bitmap
from testbed.model.content import Content
from testbed.model.ranges import Ranges
from testbed.qemu.writelog import WriteLog


@dataclass(frozen=True)
class Kept:
    """What a persistent bitmap must hold at least, if an image says that it may be believed; granularity in bytes."""

    granularity: int
    recording: bool
    dirty: Ranges

    @classmethod
    def of(cls, bitmap: Bitmap) -> Kept:
        """Return it for a bitmap; what a job has taken over to copy may stay in it or go."""
        held = bitmap.dirty if bitmap.successor is None else bitmap.successor
        return cls(bitmap.dirty.granularity, bitmap.recording, held.granules)


def kept_of(bitmaps: Mapping[str, Bitmap]) -> Mapping[str, Kept]:
    """Return what must be kept of bitmaps, by name: of those that are persistent and good."""
    return {name: Kept.of(bitmap) for name, bitmap in bitmaps.items() if bitmap.persistent and not bitmap.inconsistent}


@dataclass(frozen=True)
class Moment:
    """When so many `entries` of the log were written, the guest had flushed a content, and there were these bitmaps."""

    entries: int
    content: Content
    bitmaps: Mapping[str, Kept]


@dataclass
class Session:
    """The time for which a machine had the image open: the file as it was `before`, the log, the moments in order."""

    before: Path
    log: WriteLog
    moments: list[Moment] = field(default_factory=list)


@dataclass
class Recorder:
    """Records the storage of the image in a file."""

    image: Path
    sessions: list[Session] = field(default_factory=list)

    def begin(self) -> str:
        """Begin a session with the image as it lies there; return the name of the file for its log."""
        number = len(self.sessions) + 1
        before = self.image.with_suffix(f".before-{number}")
        shutil.copyfile(self.image, before)
        log = WriteLog.begin(self.image.with_suffix(f".log-{number}"))
        self.sessions.append(Session(before, log))
        return log.path.name

    def note(self, content: Content, bitmaps: Mapping[str, Bitmap]) -> None:
        """Take note of what must be true now: a content that the guest has flushed, and bitmaps, by name."""
        session = self.sessions[-1]
        session.moments.append(Moment(session.log.catch_up(), content, kept_of(bitmaps)))
