"""Over which words QEMU reckons the digest of a bitmap: its host's, which a bitmap tells whose bits are known."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.domain.access import Accesses
from testbed.domain.node import Node
from testbed.model.dirty import DEFAULT_GRANULARITY, WORDS, Dirty, Word
from testbed.model.ranges import Ranges
from testbed.qemu.machine import GuestRequestFailed, Machine
from testbed.qemu.monitor import Refused

WRITTEN = Ranges.of((DEFAULT_GRANULARITY, DEFAULT_GRANULARITY))
"""What is written to find it out: the second of three granules, whose bit stands elsewhere in each word."""

SAMPLE = Dirty(3 * DEFAULT_GRANULARITY).marked(WRITTEN)
"""The bitmap that is asked about."""


@dataclass(frozen=True)
class Digests:
    """How QEMU reckons digests: over these words, or, where there is no word, in a way that `unexplained` tells."""

    word: Word | None
    unexplained: str = ""

    @classmethod
    def told_by(cls, digest: str) -> Digests:
        """Find out which word explains what QEMU says of SAMPLE."""
        words = (word for word in WORDS if SAMPLE.digest(word) == digest)
        word = next(words, None)
        if word is not None:
            return cls(word)
        return cls.unknown(
            f"of three granules the second is dirty, and QEMU says {digest}, which is the digest of none of the words "
            "that a host may have, of 4 or 8 bytes, the lowest or the highest first"
        )

    @classmethod
    def unknown(cls, why: str) -> Digests:
        """Take note that nobody can tell which bits a bitmap has, and why."""
        return cls(None, f"nobody can tell whether bitmaps hold the right bits: {why}")


def find_out(machine: Machine, accesses: Accesses) -> Digests:
    """Write to a file with a bitmap, and ask a machine that has nothing else to do for the digest of that.

    Raises MachineDied or MachineHung when QEMU does not survive it.
    """
    name = "sample"
    with (machine.home / name).open("xb") as file:
        file.truncate(SAMPLE.size)
    try:
        machine.execute("blockdev-add", {"driver": "file", "node-name": name, "filename": name})
        added = {"node": name, "name": "bitmap0", "granularity": SAMPLE.granularity}
        machine.execute("block-dirty-bitmap-add", added)
        for start, end in WRITTEN:
            accesses.over(name).request(f"write {start} {end - start}", "wrote")
        return Digests.told_by(Node(name, machine, SAMPLE.size).reported_digest("bitmap0"))
    except (Refused, GuestRequestFailed) as failure:
        return Digests.unknown(str(failure))
