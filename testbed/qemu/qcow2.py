"""A reader of qcow2 and raw images that shares nothing with QEMU: a witness of what is in them that is not judged.

It follows QEMU's specification of qcow2 (docs/interop/qcow2.txt), and knows what QEMU writes unless it is asked for
something special. It only reads. An image that is open for writing holds no more than QEMU has written so far.
"""

from __future__ import annotations

import os
import struct
import zlib
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Self

from testbed.base.holes import next_data
from testbed.base.units import SECTOR, format_size, whole_sectors
from testbed.model.content import ZERO, Content

MAGIC = b"QFI\xfb"

PIECE = 128 * 1024
"""Bytes that are read at a time."""

# Magic, version, backing file (offset, length of its name), cluster bits, size, encryption, L1 table (entries, offset).
_HEADER = struct.Struct(">4sIQIIQIIQ")
_INCOMPATIBLE = struct.Struct(">Q")
_EXTENSION = struct.Struct(">II")
_BITMAPS_EXTENSION = struct.Struct(">IIQQ")
_SHORT_HEADER, _HEADER_LENGTH = 72, 104
"""Bytes of the header in version 2, and at least in version 3."""

_DIRTY, _CORRUPT, _EXTENDED = 1 << 0, 1 << 1, 1 << 4
"""Incompatible features that this reader knows: stale counts of references, found to be corrupt, and subclusters."""

_CLUSTER_BITS, _CLUSTER_BITS_OF_EXTENDED = range(9, 22), range(14, 22)
"""How large clusters may be, with subclusters and without, as powers of two; the largest are QEMU's own bound."""

_LONGEST_NAME = 1023
"""Bytes of the name of a backing file."""

_WIDEST_COUNT = 6
"""Bits of a count of references, as a power of two."""

_LARGEST_TABLE = 1 << 27
"""Bytes; of all its tables, QEMU allows so many for none."""

_BACKING_FORMAT = 0xE2792ACA
_BITMAPS = 0x23852875
_BITMAP = struct.Struct(">QIIBBHI")
_IN_USE, _AUTO = 1 << 0, 1 << 1
_OFFSET = 0x00FF_FFFF_FFFF_FE00
_OFFSET_OF_COUNTS = 0xFFFF_FFFF_FFFF_FE00
_COMPRESSED = 1 << 62
_COUNTED_ONCE = 1 << 63
_READS_AS_ZEROS = 1
_SUBCLUSTERS = 32
_IDLE = bytes(4096), bytes(512), bytes(64)
_PAGE = 4096
"""Bytes of counts that are read at a time: an image counts most of its clusters in one place."""

_DEEPEST = 100


class Unreadable(Exception):
    """An image of a kind that this reader does not know; that says nothing about the image."""


class Unsound(Exception):
    """An image that breaks the rules of its format."""


class Kind(Enum):
    """What an image says of a piece of itself."""

    DATA = "data"
    COMPRESSED = "compressed"
    ZEROS = "zeros"
    HOLE = "hole"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Piece:
    """The bytes of a drive from `start` to `end`, as one image has them; `host` is the place of data in its file.

    A piece of NOTHING is what lies below the image, and reads as zeros where there is nothing below; a HOLE is one in a
    raw file.
    """

    start: int
    end: int
    kind: Kind
    host: int = 0

    def cut(self, start: int, end: int) -> Piece:
        """Return the part of it from `start` to `end`."""
        host = self.host + start - self.start if self.kind is Kind.DATA else self.host
        return Piece(start, end, self.kind, host)


@dataclass(frozen=True)
class Layer:
    """One image of a chain: the descriptor of its file, its size in bytes, and its pieces from first byte to last."""

    file: int
    size: int
    pieces: tuple[Piece, ...]
    cluster: int = 0
    has_subclusters: bool = False

    def read(self, piece: Piece) -> Iterator[bytes]:
        """Yield what a piece of data holds; raises Unsound when it is not there."""
        if piece.kind is Kind.COMPRESSED:
            yield self._inflated(piece)
            return
        for start in range(piece.start, piece.end, PIECE):
            length = min(PIECE, piece.end - start)
            found = os.pread(self.file, length, piece.host + start - piece.start)
            yield found + bytes(length - len(found))  # past the end of its file an image reads as zeros

    def _inflated(self, piece: Piece) -> bytes:
        place, length = _packed(piece.host, self.cluster)
        packed = os.pread(self.file, length, place)
        try:
            whole = zlib.decompressobj(-12).decompress(packed, self.cluster)
        except zlib.error as error:
            raise Unsound(f"the compressed cluster for offset {piece.start} cannot be unpacked: {error}") from None
        if len(whole) < self.cluster:
            raise Unsound(f"the compressed cluster for offset {piece.start} holds {len(whole)} bytes only")
        first = piece.start % self.cluster
        return whole[first : first + piece.end - piece.start]


@dataclass(frozen=True)
class Chain:
    """An image and all that it stands on, the uppermost first; a context in which the files are open."""

    layers: tuple[Layer, ...]
    _opened: ExitStack

    @classmethod
    def open(cls, path: Path, image_format: str) -> Self:
        """Open an image, given by its file, for reading; see Unreadable, Unsound; OSError when a file is not there."""
        with ExitStack() as opened:
            layers = tuple(_layers(path, image_format, opened))
            return cls(layers, opened.pop_all())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._opened.close()

    @property
    def size(self) -> int:
        """Return the size in bytes of what a guest would see of it, in whole sectors."""
        return whole_sectors(self.layers[0].size)

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing of it is compressed, or has subclusters: things that QEMU reads in ways of their own."""
        return not any(
            layer.has_subclusters or any(piece.kind is Kind.COMPRESSED for piece in layer.pieces)
            for layer in self.layers
        )

    def pieces(self) -> Iterator[tuple[int, Piece]]:
        """Yield depth and piece for all that a guest would see, from the first byte to the last."""
        return self._seen(0, 0, self.layers[0].size)

    def first_difference(self, expected: Content) -> tuple[int, int] | None:
        """Return the place in bytes of the first byte that is not as expected, and what stands there; None if none.

        What is expected must be of as many whole sectors; past its end, and past that of the image, zeros are read.
        """
        runs = expected.resized(self.size).covering(0, self.size)
        run = next(runs, None)
        rest = (0, Piece(self.layers[0].size, self.size, Kind.NOTHING))
        for depth, piece in (*self.pieces(), rest):
            at = piece.start
            while run is not None and at < piece.end:
                end = min(piece.end, run.end)
                wrong = self._first_other_than(run.pattern, depth, piece.cut(at, end))
                if wrong is not None:
                    return wrong
                at = end
                if at == run.end:
                    run = next(runs, None)
        return None

    def _first_other_than(self, pattern: int, depth: int, piece: Piece) -> tuple[int, int] | None:
        if piece.kind not in (Kind.DATA, Kind.COMPRESSED):
            return None if pattern == ZERO else (piece.start, ZERO)
        at = piece.start
        for found in self.layers[depth].read(piece):
            if found != bytes([pattern]) * len(found):
                rest = found.lstrip(bytes([pattern]))
                return at + len(found) - len(rest), rest[0]
            at += len(found)
        return None

    def _seen(self, depth: int, start: int, end: int) -> Iterator[tuple[int, Piece]]:
        """Yield what stands from `start` to `end` in the layer so many below the top, and in those below it."""
        layer = self.layers[depth]
        for piece in layer.pieces:
            first, last = max(piece.start, start), min(piece.end, end)
            if first >= last:
                continue
            if piece.kind is Kind.NOTHING and depth + 1 < len(self.layers):
                yield from self._seen(depth + 1, first, last)
            else:
                yield depth, piece.cut(first, last)
        if layer.size < end:  # past a shorter image the one above it reads as zeros
            yield depth - 1, Piece(max(start, layer.size), end, Kind.NOTHING)


@dataclass(frozen=True)
class StoredBitmap:
    """A bitmap in the list of an image: its granularity in bytes, and where its table is, with how many entries.

    `flags` and `kind` are numbers of the format's.
    """

    name: str
    granularity: int
    flags: int
    kind: int
    table_at: int
    entries: int

    @property
    def is_in_use(self) -> bool:
        """Tell whether it was not stored again by whoever had the image open last."""
        return bool(self.flags & _IN_USE)

    @property
    def is_recording(self) -> bool:
        """Tell whether it records for whoever opens the image next."""
        return bool(self.flags & _AUTO)


@dataclass(frozen=True)
class BitmapList:
    """The list of the bitmaps that an image stores, with its place and length in bytes."""

    place: int
    length: int
    bitmaps: tuple[StoredBitmap, ...]


def bitmaps_of(path: Path) -> tuple[StoredBitmap, ...]:
    """Return the bitmaps that are stored in a qcow2 image. Raises what Chain.open does."""
    file = os.open(path, os.O_RDONLY)
    try:
        listed = Metadata(file).bitmaps()
    finally:
        os.close(file)
    return listed.bitmaps if listed else ()


def flaws_of(path: Path) -> list[str]:
    """Say where a qcow2 image contradicts itself: a cluster used twice, or free although it is used, a mark by QEMU.

    A cluster that is counted and not used is lost space, and no flaw. Raises what Chain.open does.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        return Metadata(file).flaws()
    finally:
        os.close(file)


def space_of_bitmaps(path: Path) -> int:
    """Return how many bytes of a qcow2 image are taken up by its stored bitmaps, with their tables and their list.

    Raises what Chain.open does.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        return References(Metadata(file)).of_bitmaps()
    finally:
        os.close(file)


def _packed(entry: int, cluster: int) -> tuple[int, int]:
    """Return place and length in bytes of what an entry for a compressed cluster points at."""
    bits = 62 - (cluster.bit_length() - 1 - 8)
    place = entry & (1 << bits) - 1
    sectors = (entry >> bits & (1 << 62 - bits) - 1) + 1
    return place, sectors * SECTOR - place % SECTOR


def _listed(found: bytes, count: int) -> Iterator[StoredBitmap]:
    """Yield so many bitmaps from the list of an image."""
    at = 0
    for _ in range(count):
        end = at + _BITMAP.size
        if end > len(found):
            raise Unsound(f"its list of {count} bitmaps ends after {at} bytes")
        table_at, entries, flags, kind, bits, length, extra = _BITMAP.unpack_from(found, at)
        name = found[end + extra : end + extra + length]
        if len(name) < length:
            raise Unsound(f"the name of a bitmap in its list reaches out of that, which is of {len(found)} bytes")
        yield StoredBitmap(name.decode(errors="replace"), 1 << bits, flags, kind, table_at, entries)
        at += -(-(_BITMAP.size + extra + length) // 8) * 8
    if at != len(found):
        raise Unsound(f"its list of {count} bitmaps is of {len(found)} bytes and ends after {at}")


def _layers(path: Path, image_format: str, opened: ExitStack) -> Iterator[Layer]:
    for _ in range(_DEEPEST):
        file = os.open(path, os.O_RDONLY)
        opened.callback(os.close, file)
        if image_format == "raw":
            yield _raw(file)
            return
        if image_format != "qcow2":
            raise Unreadable(f"the format {image_format}")
        reader = Metadata(file)
        yield reader.layer()
        backing = reader.backing()
        if backing is None:
            return
        name, image_format = backing
        path = path.parent / name
    raise Unreadable(f"a chain of more than {_DEEPEST} images")


def _raw(file: int) -> Layer:
    size = os.fstat(file).st_size
    pieces, at = [], 0
    while at < size and (start := next_data(file, at)) is not None:
        if start > at:
            pieces.append(Piece(at, start, Kind.HOLE))
        at = os.lseek(file, start, os.SEEK_HOLE)
        pieces.append(Piece(start, at, Kind.DATA, start))
    if at < size:
        pieces.append(Piece(at, size, Kind.HOLE))
    return Layer(file, size, tuple(pieces))


class Metadata:
    """The metadata of one qcow2 image, read from the descriptor of its file."""

    def __init__(self, file: int) -> None:
        self.file = file
        self.start = os.pread(file, SECTOR, 0)
        if len(self.start) < SECTOR or self.start[:4] != MAGIC:
            raise Unsound("it does not begin as a qcow2 image does")
        found = _HEADER.unpack_from(self.start)
        self.version, self.name_at, self.name_length, self.bits, self.size, crypt, self.entries, self.l1_at = found[1:]
        features = _INCOMPATIBLE.unpack_from(self.start, 72)[0] if self.version > 2 else 0
        if crypt or self.version not in (2, 3) or features & ~(_DIRTY | _CORRUPT | _EXTENDED):
            raise Unreadable(f"version {self.version}, encryption {crypt}, incompatible features {features:#x}")
        self.extended = bool(features & _EXTENDED)
        self.unclean = bool(features & _DIRTY)
        self.corrupt = bool(features & _CORRUPT)
        if self.bits not in (_CLUSTER_BITS_OF_EXTENDED if self.extended else _CLUSTER_BITS):
            raise Unsound(f"its clusters are of 2^{self.bits} bytes")
        self.cluster: int = 1 << self.bits

    def backing(self) -> tuple[str, str] | None:
        """Return name and format of the image that this one stands on, None if it stands alone."""
        if not self.name_at:
            return None
        if not 0 < self.name_length <= _LONGEST_NAME or self.name_at + self.name_length > self.cluster:
            raise Unsound(f"the name of its backing file is of {self.name_length} bytes at {self.name_at}")
        name = os.fsdecode(self.read(self.name_at, self.name_length, "the name of its backing file"))
        if "\0" in name:
            raise Unsound("the name of its backing file holds a byte of zeros")
        if ":" in name.split("/", 1)[0]:
            raise Unreadable(f"the name {name}")
        for kind, body in self.extensions():
            if kind == _BACKING_FORMAT:
                return name, body.decode(errors="replace")
        raise Unreadable("a backing file without a format")

    def extensions(self) -> Iterator[tuple[int, bytes]]:
        """Yield type and body of each extension of the header; raises Unsound for one that reaches out of its room."""
        at = _SHORT_HEADER if self.version == 2 else int.from_bytes(self.start[100:104], "big")
        if self.version > 2 and (at < _HEADER_LENGTH or at % 8 or at > self.cluster):
            raise Unsound(f"its header is of {at} bytes")
        first = os.pread(self.file, min(self.cluster, self.name_at or self.cluster), 0)
        while at + _EXTENSION.size <= len(first):
            kind, length = _EXTENSION.unpack_from(first, at)
            if not kind:
                return
            at += _EXTENSION.size
            if at + length > len(first):
                raise Unsound(f"an extension of its header is of {length} bytes at {at}")
            yield kind, first[at : at + length]
            at += -(-length // 8) * 8

    def bitmaps(self) -> BitmapList | None:
        """Return the list of the bitmaps that are stored in the image, None if it has no such list that is valid."""
        has_bitmaps = self.version > 2 and self.start[95] & 1
        body = next((body for kind, body in self.extensions() if kind == _BITMAPS), None) if has_bitmaps else None
        if body is None:
            return None
        if len(body) != _BITMAPS_EXTENSION.size:
            raise Unsound(f"what it says of its bitmaps is of {len(body)} bytes")
        count, _reserved, length, place = _BITMAPS_EXTENSION.unpack(body)
        listed = self.read(self.aligned(place, "the list of bitmaps"), length, "the list of bitmaps")
        return BitmapList(place, length, tuple(_listed(listed, count)))

    def flaws(self) -> list[str]:
        """Say where the image contradicts its own counts of references; those of an unclean one mean nothing yet.

        That it is marked as corrupt, by a QEMU that has found it so, is said first.
        """
        marked = ["it is marked as corrupt"] if self.corrupt else []
        return marked if self.unclean else [*marked, *References(self).flaws()]

    def layer(self) -> Layer:
        """Return the image with all its pieces."""
        return Layer(self.file, self.size, tuple(_joined(self._pieces())), self.cluster, self.extended)

    def _pieces(self) -> Iterator[Piece]:
        words = 2 if self.extended else 1
        in_table = self.cluster // 8 // words
        reach = in_table * self.cluster
        needed = -(-self.size // reach)
        if needed > self.entries:
            raise Unsound(f"its table has {self.entries} entries and needs {needed}")
        seen: set[int] = set()
        for number, entry in enumerate(self.table_of_tables(needed)):
            start, place = number * reach, entry & _OFFSET
            if not place:
                yield Piece(start, min(start + reach, self.size), Kind.NOTHING)
                continue
            if place in seen:
                raise Unsound(f"its table at {format_size(place)} is used twice")
            seen.add(place)
            count = min(in_table, -(-(self.size - start) // self.cluster))
            table = self.table(place, count * words, "a table")
            yield from self._extended_pieces(start, table) if self.extended else self._plain_pieces(start, table)

    def _plain_pieces(self, start: int, table: array[int]) -> Iterator[Piece]:
        raw, at = table.tobytes(), 0
        while at < len(table):
            first = at
            for idle in _IDLE:  # most of a large drive
                while raw.startswith(idle, at * 8):
                    at += len(idle) // 8
            if at > first:
                yield self._cluster_piece(start, first, at, 0)
            else:
                yield self._cluster_piece(start, at, at + 1, table[at])
                at += 1

    def _cluster_piece(self, base: int, first: int, last: int, entry: int) -> Piece:
        start, end = base + first * self.cluster, min(base + last * self.cluster, self.size)
        if entry & _COMPRESSED:
            return Piece(start, end, Kind.COMPRESSED, entry)
        if entry & _READS_AS_ZEROS and self.version > 2:
            return Piece(start, end, Kind.ZEROS)
        if not entry & _OFFSET:
            return Piece(start, end, Kind.NOTHING)
        return Piece(start, end, Kind.DATA, self.aligned(entry & _OFFSET, "a cluster"))

    def _extended_pieces(self, base: int, table: array[int]) -> Iterator[Piece]:
        length = self.cluster // _SUBCLUSTERS
        for number in range(len(table) // 2):
            entry, states = table[2 * number], table[2 * number + 1]
            start = base + number * self.cluster
            if entry & _COMPRESSED:
                yield Piece(start, min(start + self.cluster, self.size), Kind.COMPRESSED, entry)
                continue
            for place in range(_SUBCLUSTERS):
                first, last = start + place * length, min(start + (place + 1) * length, self.size)
                if first >= self.size:
                    return
                if states >> place & 1 and states >> 32 + place & 1:
                    raise Unsound(f"what it holds for offset {first} is data and zeros at once")
                if states >> place & 1:
                    host = self.aligned(entry & _OFFSET, "a cluster") + place * length
                    yield Piece(first, last, Kind.DATA, host)
                else:
                    yield Piece(first, last, Kind.ZEROS if states >> 32 + place & 1 else Kind.NOTHING)

    def aligned(self, place: int, what: str) -> int:
        """Return a place in the file, in bytes, where something begins; raises Unsound unless a cluster begins there.

        `what` names it for the message, as in "a table".
        """
        if place % self.cluster or not place:
            raise Unsound(f"{what} of it is at {place}, which is no whole number of clusters")
        return place

    def read(self, place: int, length: int, what: str) -> bytes:
        """Return so many bytes of metadata at a place in the file; raises Unsound when they cannot all be there.

        `what` names them for the message.
        """
        if length > _LARGEST_TABLE or place + length > os.fstat(self.file).st_size:
            raise Unsound(f"{what} of it, of {format_size(length)} at {format_size(place)}, is not in its file")
        return os.pread(self.file, length, place)

    def table(self, place: int, entries: int, what: str) -> array[int]:
        """Return a table of so many numbers of eight bytes, which begins with a cluster; see `aligned` and `read`."""
        if not entries:
            return array("Q")
        table = array("Q", self.read(self.aligned(place, what), entries * 8, what))
        table.byteswap()
        return table

    def table_of_tables(self, entries: int) -> array[int]:
        """Return the first so many entries of the table that all others hang on; see `table`."""
        return self.table(self.l1_at, entries, "the table of tables")


LIST_OF_BITMAPS, TABLE_OF_BITMAP, BITMAP_DATA = "the list of bitmaps", "the table of a bitmap", "a bitmap"
BITMAP_PARTS = {LIST_OF_BITMAPS, TABLE_OF_BITMAP, BITMAP_DATA}
"""What clusters are used as that bitmaps take up."""


class References:
    """The references to clusters that an image holds, and its own counts of them.

    `uses` is what each cluster, by its number, is used as; it is complete when all flaws have been asked for.
    """

    def __init__(self, image: Metadata) -> None:
        self.image = image
        self.uses: dict[int, list[str]] = {}
        self.flagged: list[tuple[int, bool]] = []
        self.pages: dict[int, bytes] = {}
        self.table_at, self.table_clusters, snapshots = struct.unpack_from(">QII", image.start, 48)
        order = int.from_bytes(image.start[96:100], "big") if image.version > 2 else 4
        if snapshots or order < 3:
            raise Unreadable("snapshots, or counts of less than a byte")
        if order > _WIDEST_COUNT:
            raise Unsound(f"its counts are of 2^{order} bits")
        self.width = (1 << order) // 8
        self.blocks = image.table(self.table_at, self.table_clusters * image.cluster // 8, "the table of counts")

    def flaws(self) -> Iterator[str]:
        """Yield what contradicts itself."""
        self._collect()
        for number, users in sorted(self.uses.items()):
            place, counted = format_size(number * self.image.cluster), self._count(number)
            if len(users) > 1 and set(users) != {"compressed data"}:
                yield f"the cluster at {place} is used twice: as {' and as '.join(users)}"
            elif counted < len(users):
                yield f"the cluster at {place}, used as {users[0]}, is counted {counted} times instead of {len(users)}"
        for number, says_once in self.flagged:
            if says_once != (self._count(number) == 1):
                place = format_size(number * self.image.cluster)
                yield f"an entry for the cluster at {place} says wrongly whether that is used once"

    def of_bitmaps(self) -> int:
        """Return how many bytes bitmaps take up."""
        self._collect()
        return sum(self.image.cluster for users in self.uses.values() if not BITMAP_PARTS.isdisjoint(users))

    def _count(self, number: int) -> int:
        """Return how many references to a cluster the image counts."""
        in_block = self.image.cluster // self.width
        block = self.blocks[number // in_block] & _OFFSET_OF_COUNTS if number // in_block < len(self.blocks) else 0
        place = block + number % in_block * self.width
        return int.from_bytes(self._counted_at(place), "big") if block else 0

    def _counted_at(self, place: int) -> bytes:
        """Return the bytes of the count at a place in the file, which are read with those around them."""
        page, first = divmod(place, _PAGE)
        if page not in self.pages:
            self.pages[page] = os.pread(self.image.file, _PAGE, page * _PAGE)
        found = self.pages[page][first : first + self.width]
        return found if len(found) == self.width else self.image.read(place, self.width, "a count")

    def _collect(self) -> None:
        self._use(0, 1, "the header")
        self._use(self.table_at, self.table_clusters * self.image.cluster, "the table of counts")
        for block in filter(None, self.blocks):
            self._use_cluster(block & _OFFSET_OF_COUNTS, "counts")
        tables = self.image.table_of_tables(self.image.entries)
        self._use(self.image.l1_at, len(tables) * 8, "the table of tables")
        for entry in tables:
            if place := entry & _OFFSET:
                is_known = self._is_used(place)
                self._use_cluster(place, "a table", once=bool(entry & _COUNTED_ONCE))
                if not is_known:
                    self._collect_table(self.image.table(place, self.image.cluster // 8, "a table"))
        if listed := self.image.bitmaps():
            self._use(listed.place, listed.length, LIST_OF_BITMAPS)
            for bitmap in listed.bitmaps:
                self._collect_bitmap(bitmap.table_at, bitmap.entries)

    def _collect_table(self, table: array[int]) -> None:
        # Most entries of most tables are empty.
        for entry in filter(None, table[:: 2 if self.image.extended else 1]):
            if entry & _COMPRESSED:
                self._use(*_packed(entry, self.image.cluster), "compressed data")
            elif entry & _OFFSET:
                self._use_cluster(entry & _OFFSET, "data", once=bool(entry & _COUNTED_ONCE))

    def _collect_bitmap(self, table_at: int, entries: int) -> None:
        table, is_known = self.image.table(table_at, entries, TABLE_OF_BITMAP), self._is_used(table_at)
        self._use(table_at, len(table) * 8, TABLE_OF_BITMAP)
        for entry in () if is_known else table:
            if entry & _OFFSET:
                self._use_cluster(entry & _OFFSET, BITMAP_DATA)

    def _is_used(self, place: int) -> bool:
        """Tell whether a cluster was found in use before: whatever it holds is not to be followed twice."""
        return place // self.image.cluster in self.uses

    def _use_cluster(self, place: int, what: str, *, once: bool | None = None) -> None:
        self._use(self.image.aligned(place, what), self.image.cluster, what, once=once)

    def _use(self, place: int, length: int, what: str, *, once: bool | None = None) -> None:
        first, last = place // self.image.cluster, (place + length - 1) // self.image.cluster
        for number in range(first, last + 1):
            self.uses.setdefault(number, []).append(what)
        if once is not None:
            self.flagged.append((first, once))


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Join pieces that follow each other in the drive, and in the file if they have data."""
    last: Piece | None = None
    for piece in pieces:
        if last and last.kind is piece.kind and _continues(last, piece):
            last = Piece(last.start, piece.end, last.kind, last.host)
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last


def _continues(last: Piece, piece: Piece) -> bool:
    if piece.kind is Kind.COMPRESSED:
        return False
    return piece.kind is not Kind.DATA or piece.host == last.host + last.end - last.start
