"""What a guest does with its drives."""

from __future__ import annotations

from testbed.domain.drive import Drive
from testbed.scenario.acts.act import Actor, Byte, Size, act


@act("read", on="guest's drive", by=Actor.GUEST)
def read(drive: Drive, at: Size, length: Size) -> None:
    """Read `length` bytes at the offset `at`; what is read, nobody looks at."""
    drive.read(at, length)


@act("write", on="guest's drive", by=Actor.GUEST)
def write(drive: Drive, pattern: Byte, at: Size, length: Size) -> None:
    """Write `length` bytes of `pattern` at the offset `at`."""
    drive.write(pattern, at, length)


@act("write compressed", on="guest's drive", by=Actor.GUEST, needs=("human-monitor",))
def write_compressed(drive: Drive, pattern: Byte, at: Size, length: Size) -> None:
    """Write whole clusters that the image then holds compressed."""
    drive.write_compressed(pattern, at, length)


@act("write zeroes", on="guest's drive", by=Actor.GUEST)
def write_zeroes(drive: Drive, at: Size, length: Size) -> None:
    """Write zeros without sending them."""
    drive.write_zeroes(at, length)


@act("discard", on="guest's drive", by=Actor.GUEST)
def discard(drive: Drive, at: Size, length: Size) -> None:
    """Discard `length` bytes at the offset `at`."""
    drive.discard(at, length)
