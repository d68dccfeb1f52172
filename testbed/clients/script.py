"""A client of NBD that does what it is told, and says what came of it: run by the system's Python, which knows libnbd.

The one argument is a JSON object: the address ("uri"), the contexts to ask for, whether to ask for structured replies,
the number of a descriptor ("told") if somebody waits for it, and deeds, each a list of its name and what it takes. On
stdout comes a JSON list of answers, one for each deed. Nothing of the testbed is imported here.
"""

import json
import os
import select
import signal
import sys
from typing import Any

import nbd

LARGE = 32 << 20
"""Bytes that are read at a time."""


class Client:
    """One connection; `told` is a descriptor to which it says that it is ready, and whose end tells it to leave."""

    def __init__(self, asked: dict[str, Any]) -> None:
        """Connect."""
        self.told = asked.get("told", -1)
        self.nbd = nbd.NBD()
        self.nbd.set_strict_mode(0)
        self.nbd.set_request_structured_replies(asked["structured"])
        for context in asked["contexts"]:
            self.nbd.add_meta_context(context)
        self.nbd.connect_uri(asked["uri"])
        self.contexts = [name for name in asked["contexts"] if self.nbd.can_meta_context(name)]

    def offered(self) -> list[str]:
        """Say which of the contexts it was given."""
        return self.contexts

    def status(self, at: int, length: int, flags: int = 0) -> dict[str, list[list[int]]]:
        """Ask once for the status of a range; return offset, length and value of what is told, by context."""
        told: dict[str, list[list[int]]] = {}

        def extent(context: str, offset: int, entries: list[int], _error: object) -> int:
            spans = told.setdefault(context, [])
            for span, value in zip(entries[::2], entries[1::2], strict=True):
                spans.append([offset, span, value])
                offset += span
            return 0

        self.nbd.block_status(length, at, extent, flags)
        return told

    def map(self, most: int) -> dict[str, list[list[int]]]:
        """Ask for the status of all, at most so many bytes at a time, and go on where the shortest answer ended."""
        told: dict[str, list[list[int]]] = {}
        at, size = 0, self.nbd.get_size()
        while at < size:
            answer = self.status(at, min(most, size - at))
            end = min(sum(span[1] for span in spans) + at for spans in answer.values())
            for context, spans in answer.items():
                told.setdefault(context, []).extend(
                    [start, min(start + length, end) - start, value] for start, length, value in spans if start < end
                )
            if end <= at:
                raise SystemExit(f"at {at}, nothing was told of what follows: {answer}")
            at = min(end, size)
        return told

    def read(self, at: int, length: int, flags: int = 0) -> list[list[int]]:
        """Read a range; return start, end and value of each run of one byte."""
        rest, runs = bytes(self.nbd.pread(length, at, flags)), []
        while rest:
            left = rest.lstrip(rest[:1])
            end = at + len(rest) - len(left)
            runs.append([at, end, rest[0]])
            rest, at = left, end
        return runs

    def chunks(self, at: int, length: int, flags: int = 0) -> list[list[int]]:
        """Read a range in structured replies; return offset, length and kind of each piece in which it comes."""
        pieces: list[list[int]] = []

        def piece(data: bytes, offset: int, kind: int, _error: object) -> int:
            pieces.append([offset, len(data), kind])
            return 0

        self.nbd.pread_structured(length, at, piece, flags)
        return sorted(pieces)

    def write(self, pattern: int, at: int, length: int) -> None:
        """Write a byte over and over."""
        self.nbd.pwrite(bytes([pattern]) * length, at)

    def zero(self, at: int, length: int, flags: int = 0) -> None:
        """Write zeros without sending them."""
        self.nbd.zero(length, at, flags)

    def trim(self, at: int, length: int) -> None:
        """Discard a range."""
        self.nbd.trim(length, at)

    def flush(self) -> None:
        """Flush what was written."""
        self.nbd.flush()

    def copy(self, file: str, ranges: list[list[int]]) -> None:
        """Read ranges (start, end), and write them to the same places of a file, which may be there or not."""
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(descriptor, self.nbd.get_size())
        for start, end in ranges:
            for at in range(start, end, LARGE):
                os.pwrite(descriptor, self.nbd.pread(min(LARGE, end - at), at), at)
        os.close(descriptor)

    def stay(self) -> None:
        """Say that it is connected, and stay so until it is told to leave."""
        os.write(self.told, b"!")
        os.read(self.told, 1)

    def read_on(self) -> None:
        """Read all over and over, until it is told to leave."""
        size = min(self.nbd.get_size(), LARGE)
        while not select.select([self.told], [], [], 0)[0]:
            self.nbd.pread(size, 0)
            os.write(self.told, b"!")

    def stall(self, count: int, length: int) -> None:
        """Ask for so many reads at once, and take none of the answers; stay until it is killed."""
        buffers = [nbd.Buffer(length) for _ in range(count)]
        for buffer in buffers:
            self.nbd.aio_pread(buffer, 0)
        os.write(self.told, b"!")
        signal.pause()


def main() -> None:
    """Do all that is asked for."""
    asked = json.loads(sys.argv[1])
    client = Client(asked)
    try:
        print(json.dumps([getattr(client, deed)(*taken) for deed, *taken in asked["deeds"]]))  # noqa: T201 (its answer)
    except nbd.Error as error:
        sys.exit(f"{error}")
    client.nbd.shutdown()


if __name__ == "__main__":
    main()
